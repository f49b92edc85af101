"""Candidates for rungs: operating points with CRFs an encoder takes, one resolution for each rate."""

from collections.abc import Sequence

import numpy as np

from ladders.interpolation import Floats, RateQualityCurve
from ladders.shot_allocation import OperatingPoint, TitleCurves

GRID_COLUMNS = 240
"""Rates, evenly spaced in log rate, at which the resolutions are compared."""
POINTS_BETWEEN = 49
"""Points that are tried around a given rate: fine enough to move one shot of many at a time."""
_UNAVAILABLE = -1000.0
"""Quality of a resolution at a rate that its measured points do not reach."""


def encodable_crfs(curve: RateQualityCurve, crf_step: float) -> Floats:
    """Returns the CRFs a shot may get, rising: multiples of ``crf_step`` in its measured range, and its trials."""
    first, last = np.ceil(curve.min_crf / crf_step - 1e-9), np.floor(curve.max_crf / crf_step + 1e-9)
    steps = np.arange(first, last + 1) * crf_step
    choices = np.unique(np.concatenate((steps, curve.trial_crfs)))
    # A model's curve without trials may end between two steps.
    return (
        choices if choices.size else np.asarray([np.round((curve.min_crf + curve.max_crf) / 2 / crf_step) * crf_step])
    )


def round_points(title: TitleCurves, points: Sequence[OperatingPoint], crf_step: float) -> tuple[OperatingPoint, ...]:
    """Returns the undominated points with encodable CRFs, and the rate and quality that belong to those."""
    return rising(_rounded(title, np.asarray([point.crfs for point in points], dtype=np.float64), crf_step))


def point_near(
    title: TitleCurves, points: Sequence[OperatingPoint], bitrate_bps: float, crf_step: float
) -> OperatingPoint:
    """Returns the operating point with encodable CRFs whose rate is nearest to a given one, in log rate.

    Between two operating points the shots move along their own curves, evenly in log rate, and are rounded one after
    the other; so a title of many shots comes very near, one of a single shot to half a step of CRF.

    Args:
        title: the curves of all shots at one resolution.
        points: its operating points in rising rate, not rounded yet, at least one.
        bitrate_bps: the wanted rate.
        crf_step: step of planned CRFs.
    """
    above = next((index for index, point in enumerate(points) if point.bitrate_bps >= bitrate_bps), len(points) - 1)
    low, high = points[max(0, above - 1)], points[min(above + 1, len(points) - 1)]
    parts = np.linspace(0.0, 1.0, POINTS_BETWEEN)[:, None]
    log_rates = (1 - parts) * np.log(low.bitrates_bps) + parts * np.log(high.bitrates_bps)
    crfs = np.column_stack([curve.at_log_rates(log_rates[:, shot])[0] for shot, curve in enumerate(title.curves)])
    found = _rounded(title, crfs, crf_step)
    return min(found, key=lambda point: abs(np.log(point.bitrate_bps / bitrate_bps)))


def _rounded(title: TitleCurves, crfs: Floats, crf_step: float) -> list[OperatingPoint]:
    """Returns an operating point with the nearest encodable CRFs for each row of CRFs. Shape (points, shots)."""
    crfs = crfs.copy()
    rates, vmafs = np.empty_like(crfs), np.empty_like(crfs)
    for shot, curve in enumerate(title.curves):
        choices = encodable_crfs(curve, crf_step)
        nearest = np.searchsorted((choices[1:] + choices[:-1]) / 2, crfs[:, shot])
        choice_rates, choice_vmafs = curve.at_crfs(choices)
        crfs[:, shot] = choices[nearest]
        rates[:, shot], vmafs[:, shot] = choice_rates[nearest], choice_vmafs[nearest]
    return [title.total(crfs[row], rates[row], vmafs[row]) for row in range(len(crfs))]


def rising(points: Sequence[OperatingPoint]) -> tuple[OperatingPoint, ...]:
    """Returns the points in strictly rising rate and quality, without those that another one beats."""
    kept: list[OperatingPoint] = []
    for point in sorted(points, key=lambda point: (point.bitrate_bps, -point.vmaf)):
        if not kept or point.vmaf > kept[-1].vmaf:
            kept.append(point)
    return tuple(kept)


def best_below(curves: Sequence[Sequence[OperatingPoint]], top: OperatingPoint) -> tuple[OperatingPoint, ...]:
    """Returns the operating points below ``top`` of the best resolution at each rate, in rising rate and quality.

    The resolution never grows as the rate falls. Where the measured curves contradict that, the sequence of
    resolutions with the largest sum of quality over log rate wins, so that a hair's breadth at one rate does
    not decide about all rates below. (969 of 969 public hulls are monotone in resolution, so this costs
    nothing on real titles; science report §2.2.)

    Args:
        curves: for each resolution, largest first, its points in rising rate and quality.
        top: the ladder's top rung; its resolution is the largest that may follow.
    """
    allowed = [curve for curve in curves if curve and curve[0].resolution.pixels <= top.resolution.pixels]
    lowest = min(curve[0].bitrate_bps for curve in allowed)
    if lowest >= top.bitrate_bps:
        return (top,)
    grid = np.linspace(np.log(lowest), np.log(top.bitrate_bps), GRID_COLUMNS)
    quality = np.asarray([_quality_on(grid, curve) for curve in allowed])
    winners = _monotone_path(quality)
    half = (grid[1] - grid[0]) / 2
    found: list[OperatingPoint] = [top]
    for index, curve in enumerate(allowed):
        columns = np.flatnonzero((winners == index) & (quality[index] > _UNAVAILABLE))
        if columns.size:
            low, high = grid[columns[0]] - half, grid[columns[-1]] + half
            found.extend(point for point in curve if low <= np.log(point.bitrate_bps) <= high)
    below = [point for point in found if point.bitrate_bps < top.bitrate_bps and point.vmaf < top.vmaf]
    return (*_monotone(rising(below)), top)


def _quality_on(grid: Floats, curve: Sequence[OperatingPoint]) -> Floats:
    log_rates = np.log(np.asarray([point.bitrate_bps for point in curve], dtype=np.float64))
    vmafs = np.asarray([point.vmaf for point in curve], dtype=np.float64)
    # Half a column of slack: the ends of the grid are points of a curve themselves.
    slack = (grid[1] - grid[0]) / 2
    inside = (grid >= log_rates[0] - slack) & (grid <= log_rates[-1] + slack)
    return np.where(inside, np.interp(grid, log_rates, vmafs), _UNAVAILABLE)


def _monotone_path(quality: Floats) -> Floats:
    """Returns for each column the row (0 = largest resolution), never falling from right to left, of largest sum.

    Args:
        quality: shape (resolutions, columns); columns in rising rate.
    """
    rows, columns = quality.shape
    best = quality[:, -1].copy()
    came_from = np.zeros((columns, rows), dtype=np.intp)
    for column in range(columns - 2, -1, -1):
        # The best way to be at a row or above it, one column to the right.
        leader = np.zeros(rows, dtype=np.intp)
        for row in range(1, rows):
            leader[row] = row if best[row] > best[leader[row - 1]] else leader[row - 1]
        came_from[column] = leader
        best = best[leader] + quality[:, column]
    path = np.zeros(columns, dtype=np.float64)
    path[0] = int(np.argmax(best))
    for column in range(columns - 1):
        path[column + 1] = came_from[column][int(path[column])]
    return path


def _monotone(points: Sequence[OperatingPoint]) -> tuple[OperatingPoint, ...]:
    """Returns the points, rising, without those of a larger resolution than a dearer one has."""
    kept: list[OperatingPoint] = []
    for point in reversed(points):
        if not kept or point.resolution.pixels <= kept[-1].resolution.pixels:
            kept.append(point)
    return tuple(reversed(kept))
