"""The search against the oracle on a folder of clips: ``python -m benchmarks.search MEDIA OUT``; see ``--help``."""

import argparse
import asyncio
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.oracle.build import FailedGrid, build_oracle
from benchmarks.oracle.clips import ClipList, Cutting, MixedFolder, prepare_clips
from benchmarks.oracle.lab import Lab
from benchmarks.oracle.options import add_grid_options, settings_of
from benchmarks.oracle.table import BenchShot, Setting, TrialTable
from benchmarks.search.ceilings import CeilingTable, ShotCeilings, build_ceilings, no_ceilings
from benchmarks.search.judging import Case, judge_setting
from benchmarks.search.records import SettingRecord
from benchmarks.search.replay import ReplayLab
from benchmarks.search.rules import faster_preset
from benchmarks.search.shot_grid import ShotGrid
from benchmarks.search.summary import frozen_digest, summarize_all, summarize_setting
from benchmarks.search.tables import write_tables
from benchmarks.search.titles import SHIPPED_STEP, Design, TrialSource
from domain.errors import PertitleError
from media.tools import find_tools, read_versions

ROOT = Path(__file__).parents[2]


class NothingToJudge(Exception):
    """No shot has a complete grid: there is nothing to compare the search with."""


def main(arguments: list[str]) -> int:
    """Runs the benchmark; returns the exit code: 2 where there is nothing to measure or a tool failed."""
    options = _parser().parse_args(arguments)
    try:
        summary = asyncio.run(_run(options, _command(options, arguments)))
    except (NothingToJudge, MixedFolder, PertitleError) as error:
        print(f"bench-search: {error}", file=sys.stderr)
        return 2
    print(json.dumps(summary, indent=1) if options.json else write_tables(summary))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    add_grid_options(parser)
    parser.add_argument(
        "--subsample", type=int, default=SHIPPED_STEP, choices=(1, 3, 5, 7, 9), help="of the search, at most"
    )
    parser.add_argument("--no-ceilings", action="store_true", help="ablation: the search knows no ceilings")
    parser.add_argument("--no-warm", action="store_true", help="ablation: no shot knows of another")
    parser.add_argument(
        "--at-quality", action="store_true", help="judge decisions at given qualities, not by slope (decision 0043)"
    )
    parser.add_argument(
        "--replay",
        action="store_true",
        help="encode nothing: read OUT/shots.json and OUT/trials.jsonl; CRFs between the grid's and the CPU of "
        "subsampled metrics are estimates, so this is for trying things out",
    )
    parser.add_argument("--json", action="store_true", help="print the summary instead of tables")
    return parser


def _command(options: argparse.Namespace, arguments: Sequence[str]) -> str:
    """Returns the make command that repeats the run, with the folders' names instead of their places here."""
    places = {str(options.media): options.media.name, str(options.out): options.out.name}
    rest = [argument for argument in arguments if str(Path(argument)) not in places]
    return f"make bench-search MEDIA={options.media.name} OUT={options.out.name} ARGS='{shlex.join(rest)}'"


async def _run(options: argparse.Namespace, command: str) -> dict[str, Any]:
    tools = find_tools()
    settings = settings_of(options)
    clips, failed, source, table = await _oracle(options, settings)
    ceilings, without = await _ceilings(options, clips.shots)
    failed += without
    shots = [shot for shot in clips.shots if shot.name not in {item.shot for item in without}]
    _say_left_out(clips, failed)
    cases = _cases(table, shots, settings, options, ceilings)
    if not any(case.grids for case in cases):
        raise NothingToJudge(_why_nothing(options.media, clips, failed))
    records, broken = await _judge_all(source, [case for case in cases if case.grids])
    failed += broken
    if not records:
        raise NothingToJudge(_why_nothing(options.media, clips, failed))
    summary: dict[str, Any] = {record.setting: summarize_setting(record) for record in records}
    summary["about"] = {
        "command": command,
        "grid": {"crf_step": options.crf_step, "frames_per_shot": options.frames, "shots_per_clip": options.shots},
        "is_replay": options.replay,
        "search_digest": frozen_digest(ROOT),
        "tools": {} if options.replay else await read_versions(tools),
        "skipped": [item.model_dump() for item in clips.skipped],
        "failed": [item.model_dump() for item in failed],
        "all_settings": summarize_all(records),
    }
    _write(options.out, summary, records)
    return summary


async def _judge_all(source: TrialSource, cases: Sequence[Case]) -> tuple[list[SettingRecord], tuple[FailedGrid, ...]]:
    """Searches and judges every setting; where a tool fails, the others count all the same."""
    records, failed = list[SettingRecord](), list[FailedGrid]()
    for case in cases:
        print(f"search: {case.setting}, {len(case.grids)} shots", file=sys.stderr, flush=True)
        try:
            records.append(await judge_setting(source, case))
        except PertitleError as error:
            print(f"failed {case.setting}: {error}", file=sys.stderr)
            failed.append(FailedGrid(shot="search", setting=str(case.setting), code=error.code, why=str(error)))
    return records, tuple(failed)


async def _oracle(
    options: argparse.Namespace, settings: Sequence[Setting]
) -> tuple[ClipList, tuple[FailedGrid, ...], TrialSource, TrialTable]:
    """Returns the clips, what could not be encoded, and where trials come from, with the exhaustive grid made."""
    if options.replay:
        if not (options.out / "shots.json").exists():
            raise NothingToJudge(f"{options.out}: no shots.json of an earlier run to be replayed")
        clips = ClipList.model_validate_json((options.out / "shots.json").read_text(encoding="utf-8"))
        table = TrialTable(options.out / "trials.jsonl")
        return clips, (), ReplayLab(table, step=options.crf_step), table
    if not options.media.exists():
        raise NothingToJudge(f"{options.media}: no such folder or clip")
    options.out.mkdir(parents=True, exist_ok=True)
    clips = await prepare_clips(find_tools(), options.media, options.out, Cutting(options.shots, options.frames))
    table = TrialTable(options.out / "trials.jsonl")
    lab = Lab(find_tools(), options.out, table, jobs=options.jobs or os.cpu_count() or 1)
    failed = await build_oracle(lab, clips.shots, settings, step=options.crf_step)
    return clips, failed, lab, table


async def _ceilings(
    options: argparse.Namespace, shots: tuple[BenchShot, ...]
) -> tuple[dict[str, ShotCeilings], tuple[FailedGrid, ...]]:
    """Returns the ceilings of all shots, and which could not be measured."""
    if options.no_ceilings:
        return {shot.name: no_ceilings(shot) for shot in shots}, ()
    table = CeilingTable(options.out / "ceilings.jsonl")
    failed: tuple[FailedGrid, ...] = ()
    if not options.replay:
        jobs = options.jobs or os.cpu_count() or 1
        failed = await build_ceilings(table, shots, find_tools(), options.out, jobs=jobs)
    return {shot.name: table.of_shot(shot) or no_ceilings(shot) for shot in shots}, failed


def _cases(
    table: TrialTable,
    shots: Sequence[BenchShot],
    settings: Sequence[Setting],
    options: argparse.Namespace,
    ceilings: Mapping[str, ShotCeilings],
) -> list[Case]:
    """Returns each setting with those shots whose grid is complete."""
    grids: dict[Setting, dict[str, ShotGrid]] = {}
    for setting in settings:
        read = {
            shot.name: ShotGrid.read(table, shot, setting, step=options.crf_step, at_quality=options.at_quality)
            for shot in shots
        }
        grids[setting] = {name: grid for name, grid in read.items() if grid is not None}
    cases = []
    for setting in settings:
        others = [other.preset for other in settings if other.codec is setting.codec]
        faster = faster_preset(setting.codec, setting.preset, others)
        cheap = grids[Setting(setting.codec, faster)] if faster else {}
        design = Design(subsample=options.subsample, is_warm=not options.no_warm)
        cases.append(Case(setting, grids[setting], cheap, ceilings, design))
    return cases


def _say_left_out(clips: ClipList, failed: Sequence[FailedGrid]) -> None:
    for clip in clips.skipped:
        print(f"left out {clip.clip}: {clip.why}", file=sys.stderr)
    for item in failed:
        print(f"failed {item.shot}, {item.setting}: {item.why}", file=sys.stderr)


def _why_nothing(media: Path, clips: ClipList, failed: Sequence[FailedGrid]) -> str:
    if clips.shots:
        reason = failed[0].why if failed else "the grid is not complete"
        return f"no shot of {media} was encoded over the whole grid: {reason}"
    refused = "".join(f"; {item.clip}: {item.why}" for item in clips.skipped)
    return f"{media}: no clip there that the pipeline would take{refused}"


def _write(out: Path, summary: Mapping[str, Any], records: Sequence[SettingRecord]) -> None:
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    lines = "".join(record.model_dump_json() + "\n" for record in records)
    (out / "records.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
