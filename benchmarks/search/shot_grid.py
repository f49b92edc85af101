"""One shot's exhaustive grid, read from the table: its curves, its envelope, and what every point of it cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from benchmarks.oracle.grid import grid_crfs, grid_sizes
from benchmarks.oracle.table import BenchShot, Setting, Trial, TrialTable
from benchmarks.search.envelope import Choice, Curves, Envelope, Measured, choices_of
from domain.cpu import CpuSplit
from domain.ladder import RateQualityPoint
from domain.search import CRF_STEP
from domain.video import Resolution
from ladders.interpolation import RateQualityCurve
from ladders.pooling import estimate_mean, pool_scores


class Pool(Protocol):
    """Turns the scores of the frames looked at into one score."""

    def __call__(self, frame_scores: Sequence[float], frames: int, *, step: int) -> float:
        """Returns the score of a shot of so many frames, every ``step``-th of which was looked at."""
        ...


@dataclass(frozen=True, eq=False)
class ShotGrid:
    """Every size at every CRF of the grid, scored on every frame."""

    shot: BenchShot
    setting: Setting
    sizes: tuple[Resolution, ...]
    crfs: tuple[float, ...]
    trials: tuple[Trial, ...]
    """Largest size first, CRF rising."""
    at_quality: bool = False
    """Decisions are taken at the targets themselves, not by slope."""

    @classmethod
    def read(
        cls, table: TrialTable, shot: BenchShot, setting: Setting, *, step: int, at_quality: bool = False
    ) -> "ShotGrid | None":
        """Returns the grid of a shot, or nothing where a point of it is missing."""
        sizes, crfs = grid_sizes(shot), grid_crfs(setting.codec, step)
        found = [table.find(shot.name, setting, (size, crf), subsample=1) for size in sizes for crf in crfs]
        trials = tuple(trial for trial in found if trial is not None)
        return cls(shot, setting, sizes, crfs, trials, at_quality) if len(trials) == len(found) else None

    @cached_property
    def curves(self) -> Curves:
        """The curve of each size."""
        return curves_of(self.trials, self.shot.frames)

    @cached_property
    def envelope(self) -> Envelope:
        """The exhaustive hull."""
        return Envelope(self.curves)

    @cached_property
    def targets(self) -> tuple[float, ...]:
        """The qualities at which losses are looked at."""
        return self.envelope.targets()

    @property
    def crf_range(self) -> tuple[float, float]:
        """First and last CRF of the grid."""
        return self.crfs[0], self.crfs[-1]

    @cached_property
    def cpu(self) -> CpuSplit:
        """What the whole grid cost."""
        return sum_of(trial.cpu for trial in self.trials)

    def part(self, crfs: Iterable[float]) -> tuple[Trial, ...]:
        """Returns the trials at some of the grid's CRFs."""
        wanted = set(crfs)
        return tuple(trial for trial in self.trials if trial.crf in wanted)

    def of_size(self, size: Resolution) -> tuple[Trial, ...]:
        """Returns the trials of one size, CRF rising."""
        place = self.sizes.index(size) * len(self.crfs)
        return self.trials[place : place + len(self.crfs)]

    def choose(self, curves: Curves, targets: Sequence[float] | None = None) -> tuple[Choice, ...]:
        """Returns what curves choose for each target, at CRFs that the pipeline would encode.

        Args:
            curves: one for each size that is known, at least one.
            targets: qualities; by default those at which losses are looked at.
        """
        wanted = self.targets if targets is None else targets
        step = CRF_STEP[self.setting.codec]
        return choices_of(curves, wanted, crfs=self.crf_range, crf_step=step, at_quality=self.at_quality)

    def look(self, choice: Choice) -> Measured:
        """Returns what a choice gives: its trial if the grid has its CRF, else what the size's curve says there."""
        for trial in self.of_size(choice.resolution):
            if trial.crf == choice.crf:
                return Measured(trial.bitrate_bps, pool_scores(trial.frame_scores).mean)
        rates, vmafs = self.curves[choice.resolution].at_crfs(np.asarray([choice.crf], dtype=np.float64))
        return Measured(float(rates[0]), float(vmafs[0]))

    def cpu_at(self, size: Resolution, crf: float) -> CpuSplit:
        """Returns what a trial costs, linear in CRF between two of the grid."""
        trials = self.of_size(size)
        above = min(max(1, int(np.searchsorted(self.crfs, crf))), len(trials) - 1)
        low, high = trials[above - 1], trials[above]
        part = min(max((crf - low.crf) / (high.crf - low.crf), 0.0), 1.0)
        return low.cpu.times(1 - part).plus(high.cpu.times(part))


def sum_of(splits: Iterable[CpuSplit]) -> CpuSplit:
    """Returns the sum of CPU seconds."""
    total = CpuSplit()
    for split in splits:
        total = total.plus(split)
    return total


def curves_of(
    trials: Iterable[Trial], frames: int, *, subsample: int = 1, pool: Pool = estimate_mean
) -> dict[Resolution, RateQualityCurve]:
    """Returns the curves of full-frame trials as every n-th frame of them would draw it; sizes of one CRF have none."""
    points: dict[Resolution, list[RateQualityPoint]] = {}
    for trial in trials:
        vmaf = max(0.0, pool(trial.frame_scores[::subsample], frames, step=subsample))
        point = RateQualityPoint(
            resolution=trial.resolution, crf=trial.crf, bitrate_bps=trial.bitrate_bps, vmaf=min(vmaf, 110.0)
        )
        points.setdefault(trial.resolution, []).append(point)
    return {
        size: RateQualityCurve.fit(found) for size, found in points.items() if len({point.crf for point in found}) > 1
    }


def plain_mean(frame_scores: Sequence[float], frames: int, *, step: int) -> float:
    """Returns the mean of the frames looked at, as peers pool them."""
    del frames, step
    return pool_scores(frame_scores).mean
