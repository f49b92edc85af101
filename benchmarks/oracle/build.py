"""Makes the missing trials of the exhaustive grid, and says what they cost."""

import asyncio
import sys
from collections.abc import Sequence

from benchmarks.oracle.grid import GridCell, grid_cells, grid_crfs
from benchmarks.oracle.lab import Lab
from benchmarks.oracle.table import BenchShot, Setting, TrialTable
from domain.cpu import CpuSplit
from domain.errors import PertitleError
from domain.hdr import DynamicRange
from domain.values import Value
from domain.video import Codec
from media.errors import HighDynamicRange


class FailedGrid(Value):
    """A shot that one setting could not encode at every point of the grid: it is left out there."""

    shot: str
    setting: str
    code: str
    why: str


async def build_oracle(
    lab: Lab, shots: Sequence[BenchShot], settings: Sequence[Setting], *, step: int
) -> tuple[FailedGrid, ...]:
    """Makes every missing trial of the grid; says on stderr how far it is, and returns what could not be made."""
    pairs = [(shot, setting) for shot in shots for setting in settings]
    work = [
        (shot, setting, cell)
        for shot, setting in pairs
        if not _is_hdr_in_h264(shot, setting)
        for cell in grid_cells(shot, grid_crfs(setting.codec, step))
    ]
    total = sum(len(cell.crfs) for _, _, cell in work)
    done = 0
    failed = [_hdr_in_h264(*pair) for pair in pairs if _is_hdr_in_h264(*pair)]

    async def one(shot: BenchShot, setting: Setting, cell: GridCell) -> None:
        nonlocal done
        try:
            await lab.measure(shot, setting, [(cell.resolution, crf) for crf in cell.crfs], subsample=1)
        except PertitleError as error:
            failed.append(FailedGrid(shot=shot.name, setting=str(setting), code=error.code, why=str(error)))
        done += len(cell.crfs)
        print(f"\roracle: {done} of {total} encodes ({shot.name} {setting})", end="", file=sys.stderr, flush=True)

    async with asyncio.TaskGroup() as group:
        for item in work:
            group.create_task(one(*item))
    print(file=sys.stderr)
    return tuple(sorted(failed, key=lambda item: (item.shot, item.setting, item.why)))


def _is_hdr_in_h264(shot: BenchShot, setting: Setting) -> bool:
    return setting.codec is Codec.H264 and shot.color.dynamic_range is not DynamicRange.SDR


def _hdr_in_h264(shot: BenchShot, setting: Setting) -> FailedGrid:
    """As the pipeline, which makes no H.264 of an HDR title."""
    error = HighDynamicRange(
        shot.name,
        found=f"an {shot.color.dynamic_range} clip",
        expected="hevc or av1: H.264 carries 8 bits on nearly all devices",
        fix="ask for hevc or av1 settings, or bring an SDR version of the clip",
    )
    return FailedGrid(shot=shot.name, setting=str(setting), code=error.code, why=str(error))


def oracle_cpu(table: TrialTable, shots: Sequence[BenchShot], setting: Setting, *, step: int) -> CpuSplit:
    """Returns the CPU seconds of the whole grid of one setting: full-frame trials at the grid's own CRFs alone."""
    crfs = set(grid_crfs(setting.codec, step))
    total = CpuSplit()
    for shot in shots:
        for trial in table.of_shot(shot.name, setting):
            if trial.crf in crfs:
                total = total.plus(trial.cpu)
    return total
