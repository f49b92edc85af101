"""Equal-slope allocation: which quality each shot gets, so that the title gains most for its bits."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from domain.ladder import RateQualityPoint, ShotPoints
from domain.video import Resolution
from ladders.errors import OutsideMeasuredRange, TooFewPoints
from ladders.hull import hull_indices
from ladders.interpolation import Floats, RateQualityCurve, unstretch

Pooling = Literal["mean", "harmonic"]

MAX_SLOPES = 192
"""Slopes that are tried at most; quantiles of all slopes that occur, so that each step changes about as much."""
FINE_RATIO = 1.03
"""Neighboring operating points are at most about this far apart in rate."""


@dataclass(frozen=True, eq=False, slots=True)
class OperatingPoint:
    """One choice for every shot of a title at one resolution."""

    resolution: Resolution
    bitrate_bps: float
    """Mean over the title, weighted by duration."""
    vmaf: float
    """Mean over the title of the shots' mean VMAF, weighted by duration."""
    crfs: Floats
    """CRF of each shot. Shape (shots,)."""
    bitrates_bps: Floats
    """Rate of each shot. Shape (shots,)."""
    vmafs: Floats
    """VMAF of each shot. Shape (shots,)."""


@dataclass(frozen=True, eq=False, slots=True)
class TitleCurves:
    """The curves of all shots of a title at one resolution."""

    resolution: Resolution
    curves: tuple[RateQualityCurve, ...]
    durations_s: Floats
    """Shape (shots,)."""

    def total(self, crfs: Floats, bitrates_bps: Floats, vmafs: Floats) -> OperatingPoint:
        """Returns the operating point of one choice per shot. Shapes (shots,)."""
        return OperatingPoint(
            resolution=self.resolution,
            bitrate_bps=float(np.average(bitrates_bps, weights=self.durations_s)),
            vmaf=float(np.average(vmafs, weights=self.durations_s)),
            crfs=crfs,
            bitrates_bps=bitrates_bps,
            vmafs=vmafs,
        )


def usable_resolutions(shots: Sequence[ShotPoints]) -> tuple[Resolution, ...]:
    """Returns the resolutions, largest first, at which every shot has points at two CRFs or more."""
    counts: dict[Resolution, int] = {}
    for shot in shots:
        crfs: dict[Resolution, set[float]] = {}
        for point in shot.points:
            crfs.setdefault(point.resolution, set()).add(point.crf)
        for resolution, found in crfs.items():
            counts[resolution] = counts.get(resolution, 0) + (len(found) >= 2)
    usable = [resolution for resolution, count in counts.items() if count == len(shots)]
    return tuple(sorted(usable, key=lambda resolution: (-resolution.pixels, -resolution.width_px)))


def fit_title(shots: Sequence[ShotPoints], resolution: Resolution) -> TitleCurves:
    """Returns the fitted curves of all shots at one resolution.

    Raises:
        TooFewPoints: no shots, or a shot has points at fewer than two CRFs.
    """
    if not shots:
        raise TooFewPoints("title", found="no shots", expected="at least one shot with measured points")
    curves: list[RateQualityCurve] = []
    for shot in shots:
        points: list[RateQualityPoint] = [point for point in shot.points if point.resolution == resolution]
        if len({point.crf for point in points}) < 2:
            raise TooFewPoints(
                f"shot {shot.shot_index} at {resolution}",
                found=f"{len(points)} measured points",
                expected="at least two CRFs",
                fix="leave this resolution out, or repeat the failed trial encodes",
            )
        curves.append(RateQualityCurve.fit(points))
    return TitleCurves(resolution, tuple(curves), np.asarray([shot.duration_s for shot in shots], dtype=np.float64))


def allocate(shots: Sequence[ShotPoints], resolution: Resolution, pooling: Pooling) -> tuple[OperatingPoint, ...]:
    """Returns the title's operating points at one resolution, in strictly rising rate and rising quality.

    At every one of them all shots stand at the same slope of gain over rate, or at an end of their measured
    range: no bit moved from one shot to another would help. The gain of a shot is ``V`` for the mean and
    ``-1 / (V + 1)`` for the harmonic mean (durations cancel: they weigh both the gain and the bits). Where a
    slope leaves a wide gap in rate (a grain knee in a title of one shot), points between are filled in by moving
    all shots along their own curves from one side to the other, evenly in log rate.

    Raises:
        TooFewPoints: no shots, or a shot has points at fewer than two CRFs.

    Source: Shoham and Gersho, "Efficient bit allocation for an arbitrary set of quantizers", 1988; used for
    shots by Netflix's Dynamic Optimizer (2018).
    """
    return sweep(fit_title(shots, resolution), pooling)


def sweep(
    title: TitleCurves, pooling: Pooling, limited: Callable[[Floats], Floats] | None = None
) -> tuple[OperatingPoint, ...]:
    """Returns the operating points of fitted curves, as :func:`allocate` does.

    Args:
        title: the curves.
        pooling: what is gained.
        limited: cuts log rates down where a shot may not have what its slope asks for. Shape (points, shots), its
            points rising, before and after.
    """
    log_rates = _filled(_equal_slope_log_rates(title, pooling), title.durations_s)
    if limited is not None:
        log_rates = _apart(limited(log_rates), title.durations_s)
    crfs, vmafs = np.empty_like(log_rates), np.empty_like(log_rates)
    for shot, curve in enumerate(title.curves):
        crfs[:, shot], vmafs[:, shot] = curve.at_log_rates(log_rates[:, shot])
    rates = np.exp(log_rates)
    return tuple(title.total(crfs[row], rates[row], vmafs[row]) for row in range(len(rates)))


def operating_point_at(
    points: Sequence[OperatingPoint], *, bitrate_bps: float | None = None, vmaf: float | None = None
) -> OperatingPoint:
    """Returns the dearest point of at most ``bitrate_bps``, or the cheapest of at least ``vmaf``.

    Args:
        points: operating points in rising rate, as :func:`allocate` returns them.
        bitrate_bps: the rate that must not be exceeded, if given.
        vmaf: the title VMAF that must be reached, if no rate is given.

    Raises:
        OutsideMeasuredRange: no point lies there.
    """
    if bitrate_bps is not None:
        fitting = [point for point in points if point.bitrate_bps <= bitrate_bps]
        found = fitting[-1] if fitting else None
    else:
        found = next((point for point in points if vmaf is not None and point.vmaf >= vmaf), None)
    if found is None:
        raise OutsideMeasuredRange(
            "operating points",
            found=f"rate {bitrate_bps}" if bitrate_bps is not None else f"VMAF {vmaf}",
            expected=f"{points[0].bitrate_bps:.0f} bps (VMAF {points[0].vmaf:.2f}) to "
            f"{points[-1].bitrate_bps:.0f} bps (VMAF {points[-1].vmaf:.2f})"
            if points
            else "at least one operating point",
        )
    return found


def _equal_slope_log_rates(title: TitleCurves, pooling: Pooling) -> Floats:
    """Returns each shot's log rate for falling slopes: all at the cheap end first, all at the dear end last.

    Shape (slopes + 2, shots); every column rises.
    """
    hulls: list[tuple[Floats, Floats]] = []
    for curve in title.curves:
        rates, vmafs = np.exp(curve.sampled_log_rate), unstretch(curve.sampled_u)
        gains = vmafs if pooling == "mean" else -1.0 / (vmafs + 1.0)
        vertices = hull_indices(rates, gains)
        slopes = np.diff(gains[vertices]) / np.diff(rates[vertices])
        hulls.append((curve.sampled_log_rate[vertices], slopes))
    wanted = _slopes_to_try(np.concatenate([slopes for _, slopes in hulls]))
    rows = np.empty((len(wanted) + 2, len(hulls)), dtype=np.float64)
    for shot, (log_rates, slopes) in enumerate(hulls):
        # A shot climbs every step of its hull that is at least as steep as the slope asked for.
        rows[1:-1, shot] = log_rates[np.searchsorted(-slopes, -wanted, side="right")]
        rows[0, shot], rows[-1, shot] = title.curves[shot].sampled_log_rate[[0, -1]]
    return rows


def _slopes_to_try(slopes: Floats) -> Floats:
    falling = np.sort(slopes)[::-1]
    if len(falling) <= MAX_SLOPES:
        return falling
    chosen = np.linspace(0, len(falling) - 1, MAX_SLOPES).round().astype(np.intp)
    return falling[chosen]


def _filled(rows: Floats, durations_s: Floats) -> Floats:
    """Returns the rows without repetitions, and with rows between those that stand far apart in total rate."""
    totals = np.average(np.exp(rows), axis=1, weights=durations_s)
    result = [rows[0]]
    last_total = float(totals[0])
    for row, total in zip(rows[1:], totals[1:].tolist(), strict=True):
        if total <= last_total * (1 + 1e-9):
            continue
        steps = math.ceil(math.log(total / last_total) / math.log(FINE_RATIO))
        before = result[-1]
        result.extend(before + (row - before) * (step / steps) for step in range(1, steps))
        result.append(row)
        last_total = total
    if len(result) > 1:
        # The dear end itself, also where its last step was too small to count.
        result[-1] = rows[-1]
    return np.asarray(result, dtype=np.float64)


def _apart(rows: Floats, durations_s: Floats) -> Floats:
    """Returns the rows without repetitions; what is cut down lies nowhere farther apart than before."""
    totals = np.average(np.exp(rows), axis=1, weights=durations_s).tolist()
    kept = [0]
    for row, total in enumerate(totals):
        if total > totals[kept[-1]] * (1 + 1e-9):
            kept.append(row)
    return rows[kept]
