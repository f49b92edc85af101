"""A lab without an encoder: trials as the oracle's table would have them, for tests and for trying ideas out."""

from collections.abc import Sequence

import numpy as np

from benchmarks.oracle.table import BenchShot, Point, Setting, Trial, TrialTable
from benchmarks.search.envelope import Choice
from benchmarks.search.shot_grid import ShotGrid
from domain.cpu import CpuSplit
from domain.video import Resolution

FIXED_METRIC_SHARE = 0.06
"""Part of the metric's CPU that subsampling does not spare. Measured: nine searches of 720p shots of 16 frames
that scored every third needed 0.40 to 0.44 of the metric's CPU per trial for 0.375 of its frames."""


class ReplayLab:
    """Answers as the lab would, from the exhaustive grid; between two CRFs of it everything is interpolated."""

    def __init__(self, table: TrialTable, *, step: int) -> None:
        self.table = table
        self._step = step
        self._grids: dict[tuple[str, Setting], ShotGrid | None] = {}

    async def measure(
        self, shot: BenchShot, setting: Setting, points: Sequence[Point], *, subsample: int, is_apart: bool = False
    ) -> tuple[Trial, ...]:
        """Returns the trials of the points, in their order; the grid's own where they are asked for apart.

        Raises:
            KeyError: the grid of the shot is not complete.
        """
        del is_apart
        key = (shot.name, setting)
        if key not in self._grids:
            self._grids[key] = ShotGrid.read(self.table, shot, setting, step=self._step)
        grid = self._grids[key]
        if grid is None:
            raise KeyError(f"{shot.name} {setting}: its grid is not complete")
        return tuple(_trial(grid, size, crf, subsample) for size, crf in points)

    def spent_cpu_s(self) -> float:
        """Returns no time: equal tables give equal bytes."""
        return 0.0


def _trial(grid: ShotGrid, size: Resolution, crf: float, subsample: int) -> Trial:
    trials = grid.of_size(size)
    above = min(max(1, int(np.searchsorted(grid.crfs, crf))), len(trials) - 1)
    low, high = trials[above - 1], trials[above]
    part = min(max((crf - low.crf) / (high.crf - low.crf), 0.0), 1.0)
    scores = (1 - part) * np.asarray(low.frame_scores) + part * np.asarray(high.frame_scores)
    # Rate and mean as the size's curve has them, so that what is interpolated lies on the exhaustive hull.
    point = grid.look(Choice(0.0, size, crf, is_reached=True))
    kept = tuple((scores + (point.vmaf - scores.mean()))[::subsample].tolist())
    return low.model_copy(
        update={
            "crf": crf,
            "subsample": subsample,
            "bitrate_bps": point.bitrate_bps,
            "frame_scores": kept,
            "cpu": _subsampled(grid.cpu_at(size, crf), len(kept) / grid.shot.frames),
        }
    )


def _subsampled(cpu: CpuSplit, scored_share: float) -> CpuSplit:
    share = FIXED_METRIC_SHARE + (1 - FIXED_METRIC_SHARE) * scored_share
    return cpu.model_copy(update={"metric_s": cpu.metric_s * share})
