"""Hull loss: what the chosen operating points cost above the exhaustive hull, once they are encoded and measured."""

from collections.abc import Sequence

import numpy as np

from benchmarks.search.envelope import Choice, Envelope, Measured
from domain.values import Value
from ladders.bd_rate import bd_rate
from ladders.errors import NoQualityOverlap, TooFewPoints

REFERENCE_STEP_VMAF = 0.5
"""Distance of the reference curve's samples in the standard BD-rate: no number depends on its interpolation."""

COVERED_WITHIN_VMAF = 1.75
"""Choices lie within 1.25 VMAF of their targets, and rungs within 0.5 of their promise."""


class HullLoss(Value):
    """How far operating points stand above the exhaustive hull."""

    mean: float
    """Mean excess in rate over the targets, a fraction: 0.005 is 0.5 %."""
    worst: float
    """Largest excess at one target."""
    bd_rate_standard: float | None
    """The usual BD-rate of the measured points against the envelope; ``None`` where they share no quality."""
    unreached: int
    """Targets that the chosen curves do not reach although the exhaustive hull does."""
    uncovered: int = 0
    """Targets that they claim to reach, but that lie more than 1.75 VMAF beyond all measured points: at the window's
    ends a curve was wrong about quality. That is no loss: a point is held against the hull at its own quality."""


def hull_loss(envelope: Envelope, choices: Sequence[Choice], measured: Sequence[Measured]) -> HullLoss:
    """Returns the loss of measured operating points.

    At each target: log(rate) minus log(rate of the envelope at the point's own measured VMAF). A point that misses its
    target by rounding or noise is so compared with what the exhaustive hull pays for the same quality, not blamed for
    the miss. The mean over targets is a mean over quality, as a BD-rate is, with the test curve sampled exactly where
    it was measured. Two cases need a rule:

    - A point measured beyond the envelope's ends is compared with the end. Above it the point is no worse and pays the
      difference; below it, it is worse than all that the envelope knows, so what it saves does not count (0 at best).
    - A target that the choices do not reach is served by the nearest point that they know, and pays, beside its own
      excess, the whole distance in log rate along the envelope between its measured quality and the target. So a
      curve that is silent where the hull goes on can only look worse for it.

    Args:
        envelope: of the exhaustive grid, scored on every frame.
        choices: one for each target, at least one.
        measured: the same points, encoded and scored on every frame.
    """
    excesses = np.asarray([_excess(envelope, *pair) for pair in zip(choices, measured, strict=True)], dtype=np.float64)
    return HullLoss(
        mean=float(np.expm1(excesses.mean())),
        worst=float(np.expm1(excesses.max())),
        bd_rate_standard=_standard(envelope, choices, measured),
        unreached=sum(not choice.is_reached for choice in choices),
        uncovered=_uncovered(choices, measured),
    )


def _uncovered(choices: Sequence[Choice], measured: Sequence[Measured]) -> int:
    low, high = min(point.vmaf for point in measured), max(point.vmaf for point in measured)
    claimed = [choice.target_vmaf for choice in choices if choice.is_reached]
    return sum(not low - COVERED_WITHIN_VMAF <= target <= high + COVERED_WITHIN_VMAF for target in claimed)


def _excess(envelope: Envelope, choice: Choice, point: Measured) -> float:
    there = envelope.log_rate(min(max(point.vmaf, envelope.low_vmaf), envelope.high_vmaf))
    excess = float(np.log(point.bitrate_bps)) - there
    if point.vmaf < envelope.low_vmaf:
        excess = max(0.0, excess)
    if not choice.is_reached:
        excess = max(0.0, excess) + abs(envelope.log_rate(choice.target_vmaf) - there)
    return excess


def _standard(envelope: Envelope, choices: Sequence[Choice], measured: Sequence[Measured]) -> float | None:
    low = max(min(choice.target_vmaf for choice in choices), envelope.low_vmaf)
    high = min(max(choice.target_vmaf for choice in choices), envelope.high_vmaf)
    vmafs = np.linspace(low, high, 1 + max(1, round((high - low) / REFERENCE_STEP_VMAF)))
    reference = [(float(np.exp(envelope.log_rate(vmaf))), vmaf) for vmaf in vmafs.tolist()]
    try:
        return bd_rate(reference, list(measured))
    except (TooFewPoints, NoQualityOverlap):
        return None
