"""Searches run to their end against a known truth, and what their choices lose."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.search import SearchStep, SearchTask, SeenTrial, StopReason, TitlePrior, TrialAsk
from domain.video import Resolution
from ladders.interpolation import RateQualityCurve
from ladders.search.shot_search import next_step

NO_PRIOR = TitlePrior()
Measure = Callable[[TrialAsk], SeenTrial]
Truth = Callable[[Resolution, float], tuple[float, float]]
"""(log rate, VMAF) of a size at a CRF."""


@dataclass(frozen=True)
class Search:
    """A search that came to its end."""

    task: SearchTask
    prior: TitlePrior
    seen: tuple[SeenTrial, ...]
    steps: tuple[SearchStep, ...]

    @property
    def last(self) -> SearchStep:
        """The step that ended it."""
        return self.steps[-1]

    @property
    def stop(self) -> StopReason:
        """Why it ended."""
        assert self.last.stop is not None
        return self.last.stop

    @property
    def asks(self) -> tuple[TrialAsk, ...]:
        """All trials, in order."""
        return tuple(ask for step in self.steps for ask in step.trials)

    @property
    def was_dense(self) -> bool:
        """At some time the shot was found to break the model."""
        return any(step.dense for step in self.steps)


def run_search(task: SearchTask, measure: Measure, prior: TitlePrior = NO_PRIOR) -> Search:
    """Runs a search; fails if it does not end."""
    seen: list[SeenTrial] = []
    steps: list[SearchStep] = []
    while not steps or steps[-1].stop is None:
        steps.append(next_step(task, seen, prior))
        assert bool(steps[-1].trials) != (steps[-1].stop is not None), "asks for something, or ends"
        seen += [measure(ask) for ask in steps[-1].trials]
    return Search(task, prior, tuple(seen), tuple(steps))


@dataclass(frozen=True)
class Oracle:
    """What the cheapest size really costs at each quality, from the truth at every quarter of a CRF."""

    task: SearchTask
    truth: Truth

    def points(self) -> list[tuple[float, float]]:
        """Returns (log rate, VMAF) of every size and CRF."""
        steps = round(4 * (self.task.highest_crf - self.task.lowest_crf))
        crfs = np.linspace(self.task.lowest_crf, self.task.highest_crf, steps + 1).tolist()
        return [self.truth(size, crf) for size in self.task.sizes for crf in crfs]

    def hull(self) -> Callable[[float], float]:
        """Returns the least log rate over a quality."""
        points = np.asarray(sorted(self.points()))
        reached = np.maximum.accumulate(points[:, 1])
        return lambda vmaf: float(points[min(int(np.searchsorted(reached, vmaf)), len(points) - 1), 0])

    def loss(self, curves: Mapping[Resolution, RateQualityCurve]) -> float:
        """Returns the mean excess in rate, a fraction, of what the curves choose: every 2.5 VMAF that can be reached.

        A choice is judged by the rate and the quality that it really has; where the curves are silent, their nearest
        end is chosen and pays the distance as well.
        """
        points = np.asarray(sorted(self.points()))
        cheapest = self.hull()
        targets = np.arange(self.task.floor_vmaf, self.task.top_vmaf, 2.5)
        targets = targets[(targets >= points[:, 1].min()) & (targets <= points[:, 1].max())]
        excesses = []
        for target in targets.tolist():
            size, crf, is_reached = _choose(curves, target)
            log_rate, vmaf = self.truth(size, round(crf / self.task.crf_step) * self.task.crf_step)
            excess = log_rate - cheapest(vmaf - 1e-9)
            excesses.append(excess if is_reached else max(0.0, excess) + abs(cheapest(target) - cheapest(vmaf)))
        assert excesses, "nothing of the window can be reached"
        return float(np.expm1(np.mean(excesses)))


def _choose(curves: Mapping[Resolution, RateQualityCurve], vmaf: float) -> tuple[Resolution, float, bool]:
    """Returns the cheapest size and its CRF; a size also serves what lies below its lowest quality."""
    highest = max(curve.max_vmaf for curve in curves.values())
    lowest = min(curve.min_vmaf for curve in curves.values())
    wanted = min(vmaf, highest)
    able: Sequence[tuple[Resolution, RateQualityCurve]] = [
        (size, curve) for size, curve in curves.items() if curve.max_vmaf >= wanted - 1e-6
    ]
    size, curve = min(able, key=lambda item: item[1].bitrate_at(max(wanted, item[1].min_vmaf)))
    return size, curve.crf_at(max(wanted, curve.min_vmaf)), lowest - 0.5 <= vmaf <= highest + 0.5
