"""A clip as a title: our constant-slope allocation against what others would send at the same quality.

All numbers are BD-rates of ours: negative means that ours needs fewer bits. Our CRFs are chosen from the searched
curves; everything, ours and theirs, is then valued on the exhaustive full-frame curves.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.search.envelope import HIGHEST_TARGET_VMAF, LOWEST_TARGET_VMAF, Curves, Measured
from domain.values import Value
from domain.video import Resolution
from ladders.bd_rate import bd_rate
from ladders.errors import NoQualityOverlap, TooFewPoints
from ladders.hull import hull_indices
from ladders.shot_allocation import TitleCurves, sweep
from ladders.title_candidates import rising, round_points

TOP_FROM_VMAF = 85.0
Titles = Mapping[Resolution, TitleCurves]
"""The curves of all shots, for each size at which every shot has one."""


class TitleRates(Value):
    """What our allocation saves on one clip. With one shot, ``one_crf`` and ``per_title`` are about 0 by nature."""

    clip: str
    shots: int
    search_loss: float | None
    """Ours from the searched curves against ours from the exhaustive ones: what the search costs the title."""
    search_loss_top: float | None
    """The same from VMAF 85 on: the rungs that most bits go into."""
    fixed_ladder: float | None
    """Against the 2015 ladder at matched VMAF: the mean over its rungs. A rung is the nearest size of the grid, coded
    at one CRF for the whole title, so that its mean rate is the rung's (CRF-coded: the friendliest reading of a ladder
    that was sent at constant or capped rate). Rungs whose rate that size does not have, or whose VMAF ours does not
    have, are left out."""
    fixed_rungs: int
    """Rungs compared."""
    one_crf: float | None
    """Against one CRF for all shots, whole CRFs, the best size at each rate: the real competitor."""
    per_title: float | None
    """Against the title hull of whole-title encodes at the grid's (size, CRF), convex in linear rate, as in per-title
    encoding of 2015."""


class FlatPoint(NamedTuple):
    """The whole title at one size and one CRF."""

    bitrate_bps: float
    vmaf: float
    resolution: Resolution
    crf: float


def gather(shots: Sequence[Curves], durations_s: Sequence[float]) -> dict[Resolution, TitleCurves]:
    """Returns the title's curves for each size that every shot has, in the order of the first shot."""
    usable = [size for size in shots[0] if all(size in curves for curves in shots)]
    weights = np.asarray(durations_s, dtype=np.float64)
    return {size: TitleCurves(size, tuple(curves[size] for curves in shots), weights) for size in usable}


def constant_slope(chosen: Titles, truth: Titles) -> list[Measured]:
    """Returns what the equal-slope points of some curves turn out to be on the true curves.

    In whole CRFs, but for those at which a curve has a trial: these are taken as they are.
    """
    points = [point for title in chosen.values() for point in round_points(title, sweep(title, "mean"), 1.0)]
    return [_valued(truth[point.resolution], point.crfs.tolist()) for point in rising(points)]


def flat_points(truth: Titles, crfs: Sequence[float]) -> list[FlatPoint]:
    """Returns the whole title at every size and CRF."""
    return [
        FlatPoint(*_valued(title, [crf] * len(title.curves)), size, crf)
        for size, title in truth.items()
        for crf in crfs
    ]


def best_flat_points(truth: Titles, crfs: Sequence[float]) -> list[FlatPoint]:
    """Returns the undominated ones of the title's flat points, in rising rate and quality."""
    kept: list[FlatPoint] = []
    for point in sorted(flat_points(truth, crfs), key=lambda point: (point.bitrate_bps, -point.vmaf)):
        if not kept or point.vmaf > kept[-1].vmaf:
            kept.append(point)
    return kept


def compare_title(
    clip: str, searched: Titles, truth: Titles, *, crfs: Sequence[float], fixed: Sequence[tuple[Resolution, float]]
) -> TitleRates:
    """Returns what our allocation saves on a clip.

    Args:
        clip: its name.
        searched: curves as the search left them.
        truth: the exhaustive curves.
        crfs: the grid's CRFs, rising.
        fixed: (nearest size of the grid, rate in bits per second) of the fixed ladder's rungs.
    """
    ours, exhaustive = constant_slope(searched, truth), constant_slope(truth, truth)
    whole = [float(crf) for crf in range(int(crfs[0]), int(crfs[-1]) + 1)]
    saved = [found for rung in fixed if (found := _against_rung(ours, truth, *rung, crfs)) is not None]
    return TitleRates(
        clip=clip,
        shots=len(next(iter(truth.values())).curves),
        search_loss=_bd(exhaustive, ours),
        search_loss_top=_bd(exhaustive, ours, low_vmaf=TOP_FROM_VMAF),
        fixed_ladder=float(np.expm1(np.mean(saved))) if saved else None,
        fixed_rungs=len(saved),
        one_crf=_bd([Measured(point.bitrate_bps, point.vmaf) for point in best_flat_points(truth, whole)], ours),
        per_title=_bd(_title_hull(truth, crfs), ours),
    )


def _valued(title: TitleCurves, crfs: Sequence[float]) -> Measured:
    pairs = [curve.at_crfs(np.asarray([crf])) for curve, crf in zip(title.curves, crfs, strict=True)]
    rates, vmafs = (np.asarray([float(pair[part][0]) for pair in pairs]) for part in (0, 1))
    return Measured(
        float(np.average(rates, weights=title.durations_s)), float(np.average(vmafs, weights=title.durations_s))
    )


def _title_hull(truth: Titles, crfs: Sequence[float]) -> list[Measured]:
    points = flat_points(truth, crfs)
    rates, vmafs = np.asarray([point[:2] for point in points], dtype=np.float64).T
    return [Measured(float(rates[index]), float(vmafs[index])) for index in hull_indices(rates, vmafs)]


def _against_rung(
    ours: Sequence[Measured], truth: Titles, size: Resolution, bitrate_bps: float, crfs: Sequence[float]
) -> float | None:
    """Returns the natural logarithm of (our rate / the rung's) at the rung's VMAF, where both are known."""
    if size not in truth:
        return None
    fine = np.arange(crfs[0], crfs[-1] + 0.125, 0.25).tolist()
    rates, vmafs = np.asarray([point[:2] for point in flat_points({size: truth[size]}, fine)], dtype=np.float64).T
    if not rates[-1] <= bitrate_bps <= rates[0]:
        return None
    vmaf = float(np.interp(np.log(bitrate_bps), np.log(rates[::-1]), vmafs[::-1]))
    our_rates, our_vmafs = np.asarray(sorted(ours, key=lambda point: point.vmaf), dtype=np.float64).T
    if not our_vmafs[0] <= vmaf <= our_vmafs[-1]:
        return None
    return float(np.interp(vmaf, our_vmafs, np.log(our_rates)) - np.log(bitrate_bps))


def _bd(
    reference: Sequence[Measured], test: Sequence[Measured], *, low_vmaf: float = LOWEST_TARGET_VMAF
) -> float | None:
    try:
        return bd_rate(_in_window(reference, low_vmaf), _in_window(test, low_vmaf))
    except (TooFewPoints, NoQualityOverlap):
        return None


def _in_window(points: Sequence[Measured], low_vmaf: float) -> list[tuple[float, float]]:
    inside = [point for point in points if low_vmaf <= point.vmaf <= HIGHEST_TARGET_VMAF]
    return [(point.bitrate_bps, point.vmaf) for point in (inside if len(inside) > 1 else points)]
