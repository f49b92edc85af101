"""Writes what a benchmark run found into the project: ``python -m benchmarks.page OUT``; ``make bench`` does it.

One JSON document for each setting goes to ``benchmarks/results``, pictures to ``docs/images``, and the page around them
to ``docs/benchmarks.md``.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.search.pictures import Cost, draw_costs, draw_worst
from benchmarks.search.records import SettingRecord
from benchmarks.search.tables import RULE_HEAD, SEARCH_HEAD, TITLE_HEAD, percent, rule_rows, search_rows, title_rows

ROOT = Path(__file__).parents[1]
TEXT = Path(__file__).with_name("page.md")
"""The words of the page; the numbers go where ``{{results}}`` stands."""


def main(arguments: Sequence[str]) -> int:
    """Writes the page; returns the exit code."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "summary.json").exists():
        print("usage: python -m benchmarks.page OUT, where OUT/summary.json is of bench-search", file=sys.stderr)
        return 2
    out = Path(arguments[0])
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    lines = (out / "records.jsonl").read_text(encoding="utf-8").splitlines()
    write_page(ROOT, summary, [SettingRecord.model_validate_json(line) for line in lines])
    print("docs/benchmarks.md, docs/images/bench-*.svg and benchmarks/results/*.json are written")
    return 0


def write_page(root: Path, summary: Mapping[str, Any], records: Sequence[SettingRecord]) -> None:
    """Writes results, pictures and page below a folder, and removes those of an earlier run.

    Args:
        root: the project, or a folder that stands for it.
        summary: as ``OUT/summary.json`` holds it.
        records: of the same settings.
    """
    results, images = root / "benchmarks" / "results", root / "docs" / "images"
    for folder, pattern in ((results, "*.json"), (images, "bench-*.svg")):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(pattern):
            old.unlink()
    (results / "about.json").write_text(json.dumps(summary["about"], indent=1) + "\n", encoding="utf-8")
    for record in records:
        numbers, name = summary[record.setting], record.setting.replace("/", "-")
        (results / f"{name}.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
        worst = {item["shot"] for item in numbers["worst_shots"]}
        shown = sorted(
            (shot for shot in record.shots if shot.shot in worst), key=lambda shot: (-shot.warm.loss.mean, shot.shot)
        )
        (images / f"bench-hull-{name}.svg").write_text(draw_worst(record.setting, shown) + "\n", encoding="utf-8")
        (images / f"bench-cost-{name}.svg").write_text(
            draw_costs(record.setting, _costs(numbers)) + "\n", encoding="utf-8"
        )
    page = TEXT.read_text(encoding="utf-8").replace("{{results}}", _results(summary, records))
    (root / "docs" / "benchmarks.md").write_text(page, encoding="utf-8")


def _results(summary: Mapping[str, Any], records: Sequence[SettingRecord]) -> str:
    if not records:
        return "No run is kept yet.\n"
    settings = {record.setting: summary[record.setting] for record in records}
    about = summary["about"]
    tools = ", ".join(f"{name} {version}" for name, version in about["tools"].items())
    clips = list(dict.fromkeys(shot.clip for record in records for shot in record.shots))
    parts = [
        f"    {about['command']}\n",
        f"Clips: {', '.join(clips)}. Source of the search: digest `{about['search_digest'][:16]}`. {tools}.\n",
        *(["**Replayed from a table: nothing of this was encoded.**\n"] if about["is_replay"] else []),
        *(f"Left out: {item['clip']} ({item['code']}).\n" for item in about["skipped"]),
        *(f"Failed: {item['shot']}, {item['setting']} ({item['code']}).\n" for item in about["failed"]),
        *(
            f"No ladder: {rungs.clip}, {record.setting}: {rungs.why_none}\n"
            for record in records
            for rungs in record.rungs
            if rungs.why_none
        ),
        _table(SEARCH_HEAD, search_rows(settings)),
        _table(TITLE_HEAD, title_rows(settings)),
        *(_section(name, numbers) for name, numbers in settings.items()),
    ]
    return "\n".join(parts)


def _section(setting: str, numbers: Mapping[str, Any]) -> str:
    name = setting.replace("/", "-")
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
