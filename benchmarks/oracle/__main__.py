"""Makes the exhaustive grid of a folder of clips: ``python -m benchmarks.oracle MEDIA OUT``; see ``--help``."""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from benchmarks.oracle.clips import ClipList, Cutting, prepare_clips
from benchmarks.oracle.grid import GridCell, grid_cells, grid_crfs, grid_sizes
from benchmarks.oracle.lab import Lab
from benchmarks.oracle.options import add_grid_options, settings_of
from benchmarks.oracle.table import BenchShot, Setting, TrialTable
from domain.cpu import CpuSplit
from media.tools import find_tools


async def build_oracle(lab: Lab, shots: tuple[BenchShot, ...], settings: list[Setting], *, step: int) -> None:
    """Makes every missing trial of the grid, dearest process first within a shot; says how far it is on stderr."""
    work = [
        (shot, setting, cell)
        for shot in shots
        for setting in settings
        for cell in grid_cells(grid_sizes(shot), grid_crfs(setting.codec, step))
    ]
    total = sum(len(cell.crfs) for _, _, cell in work)
    done = 0

    async def one(shot: BenchShot, setting: Setting, cell: GridCell) -> None:
        nonlocal done
        await lab.measure(shot, setting, [(cell.resolution, crf) for crf in cell.crfs], subsample=1)
        done += len(cell.crfs)
        print(f"\roracle: {done} of {total} encodes ({shot.name} {setting})", end="", file=sys.stderr, flush=True)

    async with asyncio.TaskGroup() as group:
        for item in work:
            group.create_task(one(*item))
    print(file=sys.stderr)


def oracle_cpu(table: TrialTable, shots: tuple[BenchShot, ...], setting: Setting) -> CpuSplit:
    """Returns the CPU seconds of the whole grid of one setting."""
    total = CpuSplit()
    for shot in shots:
        for trial in table.of_shot(shot.name, setting):
            total = total.plus(trial.cpu)
    return total


def main(arguments: list[str]) -> int:
    """Builds the oracle; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.oracle", description=__doc__)
    add_grid_options(parser)
    options = parser.parse_args(arguments)
    clips, table = asyncio.run(_run(options))
    records = []
    for setting in settings_of(options):
        cpu = oracle_cpu(table, clips.shots, setting)
        records.append({"setting": str(setting), "cpu_s": cpu.total_s, **cpu.model_dump()})
        print(
            f"{setting!s:16} {cpu.total_s:9.1f} CPU-s: decode {cpu.decode_s:.1f}, scale {cpu.scale_s:.1f}, "
            f"encode {cpu.encode_s:.1f}, metric {cpu.metric_s:.1f}, other {cpu.other_s:.1f}"
        )
    for skipped in clips.skipped:
        print(f"skipped {skipped.clip}: {skipped.why}")
    (options.out / "oracle.json").write_text(json.dumps(records, indent=1), encoding="utf-8")
    return 0 if clips.shots else 2


async def _run(options: argparse.Namespace) -> tuple[ClipList, TrialTable]:
    tools = find_tools()
    options.out.mkdir(parents=True, exist_ok=True)
    clips = await prepare_clips(tools, options.media, options.out, Cutting(options.shots, options.frames))
    table = TrialTable(options.out / "trials.jsonl")
    lab = Lab(tools, Path(options.out), table, jobs=options.jobs or os.cpu_count() or 1)
    await build_oracle(lab, clips.shots, settings_of(options), step=options.crf_step)
    return clips, table


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
