"""Makes the exhaustive grid of a folder of clips: ``python -m benchmarks.oracle MEDIA OUT``; see ``--help``."""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from benchmarks.oracle.build import FailedGrid, build_oracle, oracle_cpu
from benchmarks.oracle.clips import ClipList, Cutting, MixedFolder, prepare_clips
from benchmarks.oracle.lab import Lab
from benchmarks.oracle.options import add_grid_options, settings_of
from benchmarks.oracle.table import TrialTable
from media.tools import find_tools


def main(arguments: list[str]) -> int:
    """Builds the oracle; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.oracle", description=__doc__)
    add_grid_options(parser)
    options = parser.parse_args(arguments)
    if not options.media.exists():
        print(f"{options.media}: no such folder or clip", file=sys.stderr)
        return 2
    try:
        clips, table, failed = asyncio.run(_run(options))
    except MixedFolder as error:
        print(f"bench-oracle: {error}", file=sys.stderr)
        return 2
    records = []
    for setting in settings_of(options):
        cpu = oracle_cpu(table, clips.shots, setting, step=options.crf_step)
        records.append({"setting": str(setting), "cpu_s": cpu.total_s, **cpu.model_dump()})
        print(
            f"{setting!s:16} {cpu.total_s:9.1f} CPU-s: decode {cpu.decode_s:.1f}, scale {cpu.scale_s:.1f}, "
            f"encode {cpu.encode_s:.1f}, metric {cpu.metric_s:.1f}, other {cpu.other_s:.1f}"
        )
    for skipped in clips.skipped:
        print(f"skipped {skipped.clip}: {skipped.why}")
    for item in failed:
        print(f"failed {item.shot} {item.setting}: {item.why}")
    (options.out / "oracle.json").write_text(json.dumps(records, indent=1), encoding="utf-8")
    if not clips.shots:
        print(f"{options.media}: no clip there that the pipeline would take", file=sys.stderr)
    return 0 if clips.shots else 2


async def _run(options: argparse.Namespace) -> tuple[ClipList, TrialTable, tuple[FailedGrid, ...]]:
    tools = find_tools()
    options.out.mkdir(parents=True, exist_ok=True)
    clips = await prepare_clips(tools, options.media, options.out, Cutting(options.shots, options.frames))
    table = TrialTable(options.out / "trials.jsonl")
    lab = Lab(tools, Path(options.out), table, jobs=options.jobs or os.cpu_count() or 1)
    failed = await build_oracle(lab, clips.shots, settings_of(options), step=options.crf_step)
    return clips, table, failed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
