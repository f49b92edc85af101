"""Keeping the promise: judge a delivered rung, and say which shots to encode again, and how."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from domain.encodes import RateCap
from domain.ladder import Promise, RateQualityPoint, Rung, ShotChoice, ShotPoints
from domain.video import Resolution
from ladders.errors import MismatchedShots, TooFewPoints
from ladders.interpolation import RateQualityCurve
from ladders.leaky_bucket import bucket_overflow
from ladders.rung_moves import CrfSteps, DeliveredShot, KnownCurves, Moves, recoded

OFF_PROMISE_VMAF = 0.5
"""A rung that misses its promised mean VMAF by more is corrected."""
SAME_CRF = 1.0
"""A trial encode so near to the delivered one is replaced by it: it was scored on fewer frames."""


@dataclass(frozen=True, slots=True)
class MeasuredPoints:
    """The trial points of a grid: a curve runs through them.

    Between trial CRFs far apart the curve is a guess, in steep places a bad one (a particle shot that drops from
    VMAF 25 to 0 within 9 CRFs): the delivered point halves the gap.
    """

    shots: Sequence[ShotPoints]

    def curve_with(
        self, shot_index: int, resolution: Resolution, delivered: RateQualityPoint | None
    ) -> RateQualityCurve:
        """Returns a shot's curve through its trials and what was delivered."""
        measured = next((shot for shot in self.shots if shot.shot_index == shot_index), None)
        if measured is None:
            raise TooFewPoints(
                f"shot {shot_index} at {resolution}",
                found="no trial points",
                expected="those the rung was planned from",
            )
        trials = [point for point in measured.points if point.resolution == resolution]
        if delivered is None:
            return RateQualityCurve.fit(trials)
        others = [trial for trial in trials if abs(trial.crf - delivered.crf) >= SAME_CRF]
        return RateQualityCurve.fit([*others, delivered] if others else trials)


@dataclass(frozen=True, slots=True)
class RungVerdict:
    """What is wrong with a rung, and what to encode again."""

    delivered: Promise
    """Mean rate and mean VMAF of the title, weighted by duration."""
    off_promise: bool
    """The delivered mean VMAF misses the promise by more than 0.5."""
    bucket_violations: tuple[int, ...]
    """Frames of the stitched stream that come late from the leaky bucket."""
    corrections: tuple[ShotChoice, ...] = field(default=())
    """New choices for the guilty shots only; ``predicted`` is what each is expected to deliver now."""
    spares: tuple[ShotChoice, ...] = field(default=())
    """Further encodes of the rung's longest shots, of which one may come nearer."""

    @property
    def is_kept(self) -> bool:
        """The promise and the cap both hold."""
        return not self.off_promise and not self.bucket_violations

    @property
    def guilty_shots(self) -> tuple[int, ...]:
        """Indices of the shots to encode again."""
        return tuple(choice.shot_index for choice in self.corrections)


def judge_rung(
    rung: Rung, delivered: Sequence[DeliveredShot], *, known: KnownCurves, crf_steps: CrfSteps
) -> RungVerdict:
    """Returns whether a delivered rung keeps its promise and its cap, and corrections for the guilty shots.

    Off promise: see ``ladders.rung_moves``. Above the cap: shots with a late frame get the rung's cap, or half the
    bucket where they had that already (a shot's own encoder starts with a full bucket, the stitched stream does not).

    Args:
        rung: what was promised and chosen.
        delivered: its shots in title order.
        known: the curves of (at least) these shots.
        crf_steps: in which steps CRFs are corrected.

    Raises:
        MismatchedShots: ``delivered`` does not hold the rung's shots in order, or a shot without frames.
        TooFewPoints: nothing is known of a guilty shot at the rung's resolution.
    """
    _check(rung, delivered)
    mean = mean_of(delivered)
    violations = late_frames(rung, delivered)
    miss = mean.vmaf - rung.promised.vmaf
    off_promise = abs(miss) > OFF_PROMISE_VMAF
    corrected = _capped(rung, delivered, violations)
    moves = recoded(rung, delivered, known, crf_steps) if off_promise else Moves({})
    caps = {shot: choice.rate_cap for shot, choice in corrected.items()}
    for shot, choice in moves.choices.items():
        corrected[shot] = choice.model_copy(update={"rate_cap": caps.get(shot, choice.rate_cap)})
    spares = tuple(
        spare.model_copy(update={"rate_cap": caps.get(spare.shot_index, spare.rate_cap)}) for spare in moves.spares
    )
    return RungVerdict(mean, off_promise, violations, tuple(corrected[shot] for shot in sorted(corrected)), spares)


def corrected_rung(rung: Rung, verdict: RungVerdict) -> Rung:
    """Returns the rung with the verdict's corrections; what it promises stays."""
    new = {choice.shot_index: choice for choice in verdict.corrections}
    shots = tuple(new.get(shot.shot_index, shot) for shot in rung.shots)
    return rung.model_copy(update={"shots": shots, "spares": verdict.spares})


def _check(rung: Rung, delivered: Sequence[DeliveredShot]) -> None:
    expected = [choice.shot_index for choice in rung.shots]
    found = [shot.shot_index for shot in delivered]
    empty = [shot.shot_index for shot in delivered if not shot.frame_sizes_bits or shot.duration_s <= 0]
    if found != expected or not found or empty:
        raise MismatchedShots(
            f"rung {rung.resolution}",
            found=f"{len(found)} delivered shots, without frames: {empty}",
            expected=f"the rung's {len(expected)} shots in order, each with frames",
        )


def mean_of(delivered: Sequence[DeliveredShot]) -> Promise:
    """Returns the mean rate and quality of a rung, weighted by duration."""
    durations = [shot.duration_s for shot in delivered]
    return Promise(
        bitrate_bps=float(np.average([shot.bitrate_bps for shot in delivered], weights=durations)),
        vmaf=float(np.average([shot.vmaf for shot in delivered], weights=durations)),
    )


def late_frames(rung: Rung, delivered: Sequence[DeliveredShot]) -> tuple[int, ...]:
    """Returns the frames of the stitched stream, rising, that come late from the rung's leaky bucket."""
    return bucket_overflow(_stitched(delivered), _frame_rate(delivered), rung.rate_cap)


def _stitched(delivered: Sequence[DeliveredShot]) -> list[int]:
    return list(itertools.chain.from_iterable(shot.frame_sizes_bits for shot in delivered))


def _frame_rate(delivered: Sequence[DeliveredShot]) -> Fraction:
    frames = sum(len(shot.frame_sizes_bits) for shot in delivered)
    return Fraction(frames / sum(shot.duration_s for shot in delivered)).limit_denominator(100_000)


def _capped(rung: Rung, delivered: Sequence[DeliveredShot], violations: Sequence[int]) -> dict[int, ShotChoice]:
    """Returns new choices for the shots that hold a late frame: the rung's cap, or half its bucket."""
    late = np.asarray(violations, dtype=np.int64)
    result: dict[int, ShotChoice] = {}
    start = 0
    for choice, shot in zip(rung.shots, delivered, strict=True):
        end = start + len(shot.frame_sizes_bits)
        if np.any((late >= start) & (late < end)):
            cap = _tighter(choice.rate_cap, rung.rate_cap)
            expected = Promise(bitrate_bps=min(shot.bitrate_bps, float(cap.maxrate_bps)), vmaf=shot.vmaf)
            result[choice.shot_index] = choice.model_copy(update={"rate_cap": cap, "predicted": expected})
        start = end
    return result


def _tighter(cap: RateCap | None, of_rung: RateCap) -> RateCap:
    """Returns the rung's cap where the shot had a wider one, or none; else half the bucket of the one it had."""
    if cap is None or cap.maxrate_bps > of_rung.maxrate_bps:
        return of_rung
    return RateCap(maxrate_bps=cap.maxrate_bps, buffer_bits=max(1, cap.buffer_bits // 2))
