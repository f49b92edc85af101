"""A title as its searches left it: the curves of all shots, and how far a promise made from them may be off."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from domain.ladder import Ladder, PromiseError, RateQualityPoint, Rung, ShotChoice
from domain.search import SearchTask, SeenTrial, TitlePrior
from domain.video import Resolution
from ladders.correction import SAME_CRF
from ladders.errors import TooFewPoints
from ladders.interpolation import RateQualityCurve, stretch, unstretch
from ladders.search.shot_model import ShotCurves, fit_curves
from ladders.shot_allocation import TitleCurves

SLOPE_STEP_U = 0.02
"""Distance in stretched VMAF over which a curve's slope is taken, to each side (about 0.1 VMAF at 95, 1 at 50)."""


@dataclass(frozen=True, eq=False, slots=True)
class SearchedShot:
    """One shot after its search."""

    shot_index: int
    duration_s: float
    task: SearchTask
    seen: tuple[SeenTrial, ...]
    prior: TitlePrior
    known: ShotCurves

    @classmethod
    def fit(
        cls, shot_index: int, duration_s: float, task: SearchTask, seen: tuple[SeenTrial, ...], prior: TitlePrior
    ) -> "SearchedShot":
        """Returns the shot with its curves."""
        return cls(shot_index, duration_s, task, seen, prior, fit_curves(task, seen, prior))


@dataclass(frozen=True, eq=False, slots=True)
class SearchedTitle:
    """Every shot of a title in one codec."""

    shots: tuple[SearchedShot, ...]

    def titles(self) -> dict[Resolution, TitleCurves]:
        """Returns the curves of each resolution at which every shot has one, largest first.

        Raises:
            TooFewPoints: there is no such resolution.
        """
        durations_s = np.asarray([shot.duration_s for shot in self.shots], dtype=np.float64)
        sizes = self.shots[0].task.sizes if self.shots else ()
        usable = [size for size in sizes if all(size in shot.known.curves for shot in self.shots)]
        if not usable:
            raise TooFewPoints(
                "ladder",
                found=f"{len(self.shots)} searched shots, {sum(len(shot.seen) for shot in self.shots)} trial encodes",
                expected="one resolution at which every shot has a curve",
                fix='look at the failed trial encodes, or take "search": {"method": "grid"}',
            )
        return {
            size: TitleCurves(size, tuple(shot.known.curves[size] for shot in self.shots), durations_s)
            for size in usable
        }

    def curve_with(
        self, shot_index: int, resolution: Resolution, delivered: RateQualityPoint | None
    ) -> RateQualityCurve:
        """Returns a shot's curve as the model draws it when what was delivered counts as one more trial.

        A trial at (nearly) the same CRF is replaced: it was scored on fewer frames.

        Raises:
            TooFewPoints: the shot has no curve at this resolution.
        """
        shot = next((shot for shot in self.shots if shot.shot_index == shot_index), None)
        known = None if shot is None else shot.known
        if shot is not None and delivered is not None:
            known = fit_curves(shot.task, _with_delivered(shot.seen, delivered), shot.prior)
        if known is None or resolution not in known.curves:
            raise TooFewPoints(
                f"shot {shot_index} at {resolution}", found="no curve", expected="the one the rung was planned from"
            )
        return known.curves[resolution]

    def with_errors(self, ladder: Ladder) -> Ladder:
        """Returns the ladder with the error bar of each rung's promise."""
        rungs = tuple(rung.model_copy(update={"promise_error": self.promise_error(rung)}) for rung in ladder.rungs)
        return ladder.model_copy(update={"rungs": rungs})

    def promise_error(self, rung: Rung) -> PromiseError:
        """Returns how far a rung's promise may be off: one standard deviation.

        The model gives each shot's curve a standard deviation s of log rate at its quality. With R its rate and b =
        dV/dlogR the curve's slope there, the shot may be off by b s in VMAF at its rate, or by R s at its VMAF.
        Shots err independently of each other (each was measured by trials of its own), so squares add: in VMAF weighted
        by duration, in rate by the bits of the shot.
        """
        by_index = {shot.shot_index: shot for shot in self.shots}
        parts = [(by_index[choice.shot_index], choice) for choice in rung.shots]
        total_s = sum(shot.duration_s for shot, _ in parts)
        vmaf = rate_bps = 0.0
        for shot, choice in parts:
            error, slope = _error_at(shot.known, rung.resolution, choice)
            weight = shot.duration_s / total_s
            vmaf += (weight * slope * error) ** 2
            rate_bps += (weight * choice.predicted.bitrate_bps * error) ** 2
        return PromiseError(vmaf=vmaf**0.5, bitrate=rate_bps**0.5 / rung.promised.bitrate_bps)


def _with_delivered(seen: Sequence[SeenTrial], delivered: RateQualityPoint) -> list[SeenTrial]:
    others: Iterable[SeenTrial] = (
        trial
        for trial in seen
        if trial.resolution != delivered.resolution or abs(trial.crf - delivered.crf) >= SAME_CRF
    )
    new = SeenTrial(
        resolution=delivered.resolution,
        crf=delivered.crf,
        bitrate_bps=delivered.bitrate_bps,
        vmaf=delivered.vmaf,
    )
    return [*others, new]


def _error_at(known: ShotCurves, resolution: Resolution, choice: ShotChoice) -> tuple[float, float]:
    """Returns (standard deviation of log rate, slope dV/dlogR) of a shot's curve at a choice's quality."""
    curve, errors = known.curves[resolution], known.log_rate_errors[resolution]
    low_u, high_u = float(curve.sampled_u[0]), float(curve.sampled_u[-1])
    u = float(np.clip(stretch(np.asarray([choice.predicted.vmaf], dtype=np.float64))[0], low_u, high_u))
    error = float(np.interp(u, curve.sampled_u, errors))
    ends = np.clip(np.asarray([u - SLOPE_STEP_U, u + SLOPE_STEP_U]), low_u, high_u)
    log_rates, vmafs = np.interp(ends, curve.sampled_u, curve.sampled_log_rate), unstretch(ends)
    run = float(log_rates[1] - log_rates[0])
    return error, float(vmafs[1] - vmafs[0]) / run if run > 0 else 0.0
