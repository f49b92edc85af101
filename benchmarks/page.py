"""Writes what benchmark runs found into the project: ``python -m benchmarks.page OUT [MORE ...]``; ``make bench`` does.

One JSON document for each setting goes to ``benchmarks/results``, pictures to ``docs/images``, and the page around them
to ``docs/benchmarks.md``. Of further runs the page has the tables alone, and ``benchmarks/results`` the summary.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.search.pictures import Cost, draw_costs, draw_worst
from benchmarks.search.records import SettingRecord
from benchmarks.search.tables import (
    CLIP_HEAD,
    INTERVAL_HEAD,
    RULE_HEAD,
    SEARCH_HEAD,
    TITLE_HEAD,
    TOGETHER_HEAD,
    clip_rows,
    interval_rows,
    percent,
    rule_rows,
    search_rows,
    title_rows,
    together_rows,
)

ROOT = Path(__file__).parents[1]
TEXT = Path(__file__).with_name("page.md")
"""The words of the page; the numbers go where ``{{results}}`` and ``{{more}}`` stand."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left in its folder."""

    name: str
    summary: Mapping[str, Any]
    records: Sequence[SettingRecord]

    @classmethod
    def read(cls, out: Path) -> Self:
        """Reads ``summary.json`` and ``records.jsonl``."""
        summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        lines = (out / "records.jsonl").read_text(encoding="utf-8").splitlines()
        return cls(out.name, summary, [SettingRecord.model_validate_json(line) for line in lines])

    @property
    def settings(self) -> dict[str, Any]:
        """The numbers of each setting."""
        return {record.setting: self.summary[record.setting] for record in self.records}


def main(arguments: Sequence[str]) -> int:
    """Writes the page; returns the exit code."""
    outs = [Path(argument) for argument in arguments]
    if not outs or not all((out / "summary.json").exists() for out in outs):
        print("usage: python -m benchmarks.page OUT [MORE ...]: folders of bench-search", file=sys.stderr)
        return 2
    run, *more = (Run.read(out) for out in outs)
    if old := [one.name for one in (run, *more) if "all_settings" not in one.summary["about"]]:
        print(f"{', '.join(old)}: of an earlier version; run bench-search there again", file=sys.stderr)
        return 2
    taken = {"about", *map(_file_name, run.settings)}
    if len({one.name for one in more} - taken) < len(more):
        print(f"MORE: folders of different names expected, none of {', '.join(sorted(taken))}", file=sys.stderr)
        return 2
    write_page(ROOT, run, more)
    print("docs/benchmarks.md, docs/images/bench-*.svg and benchmarks/results/*.json are written")
    return 0


def write_page(root: Path, run: Run, more: Sequence[Run] = ()) -> None:
    """Writes results, pictures and page below a folder, and removes those of an earlier run.

    Args:
        root: the project, or a folder that stands for it.
        run: the one that is shown whole.
        more: runs of which the tables are shown.
    """
    words = TEXT.read_text(encoding="utf-8")
    tables = "\n".join(map(_tables_of, more)) or "None is kept.\n"
    page = words.replace("{{results}}", _results(run)).replace("{{more}}", tables)
    results, images = root / "benchmarks" / "results", root / "docs" / "images"
    for folder, pattern in ((results, "*.json"), (images, "bench-*.svg")):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(pattern):
            old.unlink()
    (results / "about.json").write_text(json.dumps(run.summary["about"], indent=1) + "\n", encoding="utf-8")
    for other in more:
        (results / f"{other.name}.json").write_text(json.dumps(other.summary, indent=1) + "\n", encoding="utf-8")
    for record in run.records:
        numbers, name = run.summary[record.setting], _file_name(record.setting)
        (results / f"{name}.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
        worst = {item["shot"] for item in numbers["worst_shots"]}
        shown = sorted(
            (shot for shot in record.shots if shot.shot in worst), key=lambda shot: (-shot.warm.loss.mean, shot.shot)
        )
        (images / f"bench-hull-{name}.svg").write_text(draw_worst(record.setting, shown) + "\n", encoding="utf-8")
        (images / f"bench-cost-{name}.svg").write_text(
            draw_costs(record.setting, _costs(numbers)) + "\n", encoding="utf-8"
        )
    (root / "docs" / "benchmarks.md").write_text(page, encoding="utf-8")


def _results(run: Run) -> str:
    if not run.records:
        return "No run is kept yet.\n"
    return "\n".join((_tables_of(run), *(_section(name, numbers) for name, numbers in run.settings.items())))


def _tables_of(run: Run) -> str:
    about, settings = run.summary["about"], run.settings
    tools = ", ".join(f"{name} {version}" for name, version in about["tools"].items())
    clips = list(dict.fromkeys(shot.clip for record in run.records for shot in record.shots))
    parts = [
        f"    {about['command']}\n",
        f"Clips: {', '.join(clips)}. Source of the search: digest `{about['search_digest'][:16]}`. {tools}.\n",
        *(["**Replayed from a table: nothing of this was encoded.**\n"] if about["is_replay"] else []),
        *(f"Left out: {item['clip']} ({item['code']}).\n" for item in about["skipped"]),
        *(f"Failed: {item['shot']}, {item['setting']} ({item['code']}).\n" for item in about["failed"]),
        *(
            f"No ladder: {rungs.clip}, {record.setting}: {rungs.why_none}\n"
            for record in run.records
            for rungs in record.rungs
            if rungs.why_none
        ),
        _table(TOGETHER_HEAD, together_rows(about["all_settings"])),
        _table(SEARCH_HEAD, search_rows(settings)),
        _table(INTERVAL_HEAD, interval_rows(settings)),
        _table(TITLE_HEAD, title_rows(settings)),
        *([_table(CLIP_HEAD, clip_rows(settings))] if len(clips) > 1 else []),
    ]
    return "\n".join(parts)


def _file_name(setting: str) -> str:
    return setting.replace("/", "-")


def _section(setting: str, numbers: Mapping[str, Any]) -> str:
    name = _file_name(setting)
    worst = "; ".join(
        f"{item['shot']} {percent(item['hull_loss'])} ({item['trials']} trials, {item['stop']})"
        for item in numbers["worst_shots"]
    )
    stops = ", ".join(f"{reason} {count}" for reason, count in numbers["stop_reasons"].items())
    return "\n".join((
        f"### {setting}\n",
        f"![Mean hull loss against CPU, {setting}](images/bench-cost-{name}.svg)\n",
        _table(RULE_HEAD, rule_rows(numbers)),
        f"Searches ended by: {stops}. Largest losses: {worst}.\n",
        f"![The shots with the largest loss on their exhaustive hulls, {setting}](images/bench-hull-{name}.svg)\n",
        _table(("CPU seconds", *_split_parts(numbers)), _split_rows(numbers)),
    ))  # fmt: skip


def _split_parts(numbers: Mapping[str, Any]) -> list[str]:
    return [part.removesuffix("_s") for part in numbers["cpu_split"]["search"]]


def _split_rows(numbers: Mapping[str, Any]) -> list[list[str]]:
    parts = list(numbers["cpu_split"]["search"])
    return [
        [who, *(f"{split[part]:.1f}" if part in split else "-" for part in parts)]
        for who, split in numbers["cpu_split"].items()
    ]


def _costs(numbers: Mapping[str, Any]) -> list[Cost]:
    cold = numbers["cold"]
    return [
        Cost("this search, warm", numbers["hull_loss"]["mean"], numbers["cpu_ratio"], is_ours=True),
        Cost("this search, cold", cold["hull_loss"]["mean"], cold["cpu_ratio"], is_ours=True),
        *(
            Cost(rule.replace("_", " "), found["hull_loss_mean"], found["cpu_ratio"], is_ours=False)
            for rule, found in numbers["baselines"].items()
        ),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
