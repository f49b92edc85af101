"""From the measured points of all shots to the ladder of a title."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from domain.ladder import Ladder, Promise, Rung, ShotChoice, ShotPoints
from domain.ladder_policy import LadderPolicy
from domain.video import Codec, Resolution
from ladders.demanded_rungs import Demands, find_demands, permitted, placeable_above
from ladders.errors import PolicyUnsatisfiable, TooFewPoints
from ladders.rate_roof import cap_of, operating_points, shot_caps
from ladders.rung_programme import choose_rungs
from ladders.rung_reasons import ChosenLadder, give_reasons
from ladders.rung_spacing import needs_no_gap
from ladders.shot_allocation import OperatingPoint, TitleCurves, fit_title, usable_resolutions
from ladders.title_candidates import best_below, round_points

HULL_POINTS = 60
"""Points of each title curve in the report's picture."""
TOP_SLACK_VMAF = 0.1
"""How far below ``top_vmaf`` the top rung may stand: the step of a CRF."""
REACHABLE_SLACK_VMAF = 0.5
"""Where ``top_vmaf`` is not reached: what may be given up below the best reachable quality. The last tenths cost
the most, and a rung is allowed to miss its promise by as much."""
SNAP_VMAF = 0.1
"""How far a rung's quality may move for the sake of trial encodes that serve as they are."""
CAP_CAN_BIND = 0.5
"""Part of the cap's rate above which a shot's mean rate makes its peaks suspect; a shot at the rung's mean rate stands
exactly there when peaks may be twice the mean, so the comparison allows for rounding."""


class ShotIdentity(Protocol):
    """Which shot of a title."""

    @property
    def shot_index(self) -> int:
        """Number of the shot in its title, from 0."""


@dataclass(frozen=True, slots=True)
class _Top:
    point: OperatingPoint
    reason: str


def plan_ladder(codec: Codec, shots: Sequence[ShotPoints], policy: LadderPolicy, *, crf_step: float) -> Ladder:
    """Returns the ladder of a title from its measured points, as :func:`plan_ladder_from` does.

    A resolution at which a shot has fewer than two points is left out.

    Args:
        codec: the codec of all points.
        shots: every shot of the title with its measured points.
        policy: constraints on the ladder.
        crf_step: step of planned CRFs: 0.5 for h264 and hevc, 0.25 for av1.

    Raises:
        TooFewPoints: no shots, or no resolution at which every shot has two points.
        PolicyUnsatisfiable: no rung fits the policy's rates, quality floor and sizes.
        UnplaceableRung: a fixed rung cannot stand in the ladder.
    """
    return plan_ladder_from(codec, shots, _fit_all(shots), policy, crf_step=crf_step)


def plan_ladder_from(
    codec: Codec,
    shots: Sequence[ShotIdentity],
    titles: Mapping[Resolution, TitleCurves],
    policy: LadderPolicy,
    *,
    crf_step: float,
) -> Ladder:
    """Returns the ladder of a title: at least one rung, in strictly rising rate and promised quality.

    One resolution per rung, a CRF per shot at equal slope. CRFs are multiples of ``crf_step`` or trial CRFs, and
    the promise belongs to exactly these CRFs.

    Args:
        codec: the codec of all curves.
        shots: every shot of the title, in the order of the curves.
        titles: for each resolution the curves of all shots.
        policy: constraints on the ladder.
        crf_step: step of planned CRFs: 0.5 for h264 and hevc, 0.25 for av1.

    Raises:
        TooFewPoints: no resolution.
        PolicyUnsatisfiable: no rung fits the policy's rates, quality floor and sizes.
        UnplaceableRung: a fixed rung cannot stand in the ladder.
    """
    titles = permitted(_largest_first(titles), policy)
    curves = {size: round_points(title, operating_points(title, policy), crf_step) for size, title in titles.items()}
    demands = find_demands(codec, titles, policy, crf_step)
    top = _place_top(curves, demands, policy)
    hull = _fitting(best_below(tuple(curves.values()), top.point), top.point, policy)
    candidates = _with_demands(hull, curves, demands, top.point, policy)
    rungs = choose_rungs(candidates, policy, fixed=demands.fixed, forced=demands.forced)
    chosen = _snapped(titles, rungs, demands, policy, crf_step)
    reasons = give_reasons(ChosenLadder(tuple(chosen), tuple(hull), top.reason, demands, policy))
    return Ladder(
        codec=codec,
        rungs=tuple(
            _rung(codec, shots, titles[point.resolution], point, reason, policy)
            for point, reason in zip(chosen, reasons, strict=True)
        ),
    )


def title_hulls(shots: Sequence[ShotPoints], policy: LadderPolicy) -> dict[Resolution, tuple[tuple[float, float], ...]]:
    """Returns for each usable resolution, largest first, the title's (bits per second, VMAF) at equal slope, rising.

    For the report's picture: at most ``HULL_POINTS`` points each, both ends included.

    Raises:
        TooFewPoints: no shots, or no resolution at which every shot has two points.
    """
    return hulls_of(_fit_all(shots), policy)


def hulls_of(
    titles: Mapping[Resolution, TitleCurves], policy: LadderPolicy
) -> dict[Resolution, tuple[tuple[float, float], ...]]:
    """Returns what :func:`title_hulls` does, from the curves of all shots at each resolution."""
    hulls: dict[Resolution, tuple[tuple[float, float], ...]] = {}
    for resolution, title in titles.items():
        points = operating_points(title, policy)
        count = min(HULL_POINTS, len(points))
        shown = np.unique(np.linspace(0, len(points) - 1, count).round().astype(int))
        hulls[resolution] = tuple((points[index].bitrate_bps, points[index].vmaf) for index in shown)
    return hulls


def _fit_all(shots: Sequence[ShotPoints]) -> dict[Resolution, TitleCurves]:
    resolutions = usable_resolutions(shots)
    if not resolutions:
        raise TooFewPoints(
            "ladder",
            found=f"{len(shots)} shots, {sum(len(shot.points) for shot in shots)} measured points",
            expected="one resolution at which every shot was measured at two CRFs",
            fix="look at the failed trial encodes, and run them again",
        )
    return {resolution: fit_title(shots, resolution) for resolution in resolutions}


def _largest_first(titles: Mapping[Resolution, TitleCurves]) -> dict[Resolution, TitleCurves]:
    if not titles:
        raise TooFewPoints("ladder", found="no resolution with curves", expected="at least one")
    order = sorted(titles, key=lambda resolution: (-resolution.pixels, -resolution.width_px))
    return {resolution: titles[resolution] for resolution in order}


def _place_top(curves: Mapping[Resolution, Sequence[OperatingPoint]], demands: Demands, policy: LadderPolicy) -> _Top:
    """Returns the top: as the policy's quality and cap say, but no smaller than a rung that is demanded."""
    top = _choose_top(_at_least(curves, demands.needed_pixels), policy)
    forced_pixels = placeable_above(demands.forced, curves, top.point, policy.max_bitrate_bps)
    if forced_pixels:
        top = _choose_top(_at_least(curves, forced_pixels), policy)
    dearest = demands.fixed[-1] if demands.fixed else None
    if (
        dearest is not None
        and dearest.resolution.pixels >= top.point.resolution.pixels
        and dearest.bitrate_bps * policy.min_rate_step > top.point.bitrate_bps
    ):
        return _Top(dearest, "top of the ladder: no other rung fits above it")
    return top


def _at_least(curves: Mapping[Resolution, Sequence[OperatingPoint]], pixels: int) -> list[Sequence[OperatingPoint]]:
    return [points for resolution, points in curves.items() if resolution.pixels >= pixels]


def _fitting(points: Sequence[OperatingPoint], top: OperatingPoint, policy: LadderPolicy) -> list[OperatingPoint]:
    """Returns the points that may stand below the top, and the top."""
    return [
        point
        for point in points
        if point is top
        or (
            point.vmaf >= policy.floor_vmaf
            and policy.min_bitrate_bps <= point.bitrate_bps < top.bitrate_bps
            and point.vmaf < top.vmaf
        )
    ]


def _with_demands(
    hull: Sequence[OperatingPoint],
    curves: Mapping[Resolution, Sequence[OperatingPoint]],
    demands: Demands,
    top: OperatingPoint,
    policy: LadderPolicy,
) -> list[OperatingPoint]:
    """Returns the candidates in rising rate: the hull, every point of a forced size, and the fixed rungs."""
    beside = [point for resolution in demands.forced for point in _fitting(curves[resolution], top, policy)]
    given = [point for point in demands.fixed if point is not top]
    by_rate: dict[float, OperatingPoint] = {}
    # The hull's points win over equal ones of a forced size, and given ones over both.
    for point in (*beside, *hull, *given, top):
        by_rate[point.bitrate_bps] = point
    return sorted(by_rate.values(), key=lambda point: point.bitrate_bps)


def _choose_top(curves: Sequence[Sequence[OperatingPoint]], policy: LadderPolicy) -> _Top:
    """Returns the cheapest point that reaches the policy's top quality, or nearly the best that can be reached."""
    everything = [point for curve in curves for point in curve]
    affordable = [point for point in everything if point.bitrate_bps <= policy.max_bitrate_bps]
    if not affordable:
        cheapest = min(everything, key=lambda point: point.bitrate_bps)
        raise PolicyUnsatisfiable(
            "ladder policy",
            found=f"the cheapest measured encode needs {cheapest.bitrate_bps / 1000:.0f} kbps ({cheapest.resolution})",
            expected=f"at most max_bitrate_bps, {policy.max_bitrate_bps / 1000:.0f} kbps",
            fix="raise max_bitrate_bps, or add smaller heights_px or larger trial_crfs",
        )
    best = max(point.vmaf for point in affordable)
    if best >= policy.top_vmaf:
        reason = f"top of the ladder: VMAF {policy.top_vmaf:g} is reached"
        return _Top(_cheapest_from(affordable, policy.top_vmaf - TOP_SLACK_VMAF), reason)
    if max(point.vmaf for point in everything) <= best + TOP_SLACK_VMAF:
        reason = f"top of the ladder: the trial encodes reach VMAF {best:.1f} at most"
        return _Top(_cheapest_from(affordable, best - REACHABLE_SLACK_VMAF), reason)
    if best < policy.floor_vmaf:
        raise PolicyUnsatisfiable(
            "ladder policy",
            found=f"VMAF {best:.1f} at most within max_bitrate_bps, {policy.max_bitrate_bps / 1000:.0f} kbps",
            expected=f"at least floor_vmaf, {policy.floor_vmaf:g}",
            fix="raise max_bitrate_bps or lower floor_vmaf",
        )
    reason = f"top of the ladder: the largest allowed rate is {policy.max_bitrate_bps / 1000:.0f} kbps"
    return _Top(_cheapest_from(affordable, best - TOP_SLACK_VMAF), reason)


def _cheapest_from(points: Sequence[OperatingPoint], vmaf: float) -> OperatingPoint:
    return min((point for point in points if point.vmaf >= vmaf), key=lambda point: point.bitrate_bps)


def _snapped(
    titles: Mapping[Resolution, TitleCurves],
    rungs: Sequence[OperatingPoint],
    demands: Demands,
    policy: LadderPolicy,
    crf_step: float,
) -> list[OperatingPoint]:
    """Returns the rungs with CRFs moved to trial CRFs where that costs nothing and keeps the policy's steps."""
    result = list(rungs)
    for index, rung in enumerate(rungs):
        if any(rung is fixed for fixed in demands.fixed):
            continue
        moved = snap_to_trials(titles[rung.resolution], rung, crf_step)
        below, above = result[index - 1 : index] if index else [], result[index + 1 : index + 2]
        keeps_rates = moved.bitrate_bps <= policy.max_bitrate_bps and (
            index > 0 or moved.bitrate_bps <= max(rung.bitrate_bps, policy.lowest_bitrate_bps or 0)
        )
        if (
            keeps_rates
            and all(_step_is_kept((lower, rung), (lower, moved), policy) for lower in below)
            and all(_step_is_kept((rung, upper), (moved, upper), policy) for upper in above)
        ):
            result[index] = moved
    return result


def _step_is_kept(
    before: tuple[OperatingPoint, OperatingPoint], after: tuple[OperatingPoint, OperatingPoint], policy: LadderPolicy
) -> bool:
    """Tells whether a step (lower, upper) keeps the policy's rules as far as it did before."""
    ratio_before, ratio = (upper.bitrate_bps / lower.bitrate_bps for lower, upper in (before, after))
    gap_before, gap = (upper.vmaf - lower.vmaf for lower, upper in (before, after))
    keeps_ratio = min(policy.min_rate_step, ratio_before) <= ratio <= max(policy.max_rate_step, ratio_before)
    return keeps_ratio and gap > 0 and (gap >= min(policy.min_vmaf_step, gap_before) or needs_no_gap(ratio, policy))


def snap_to_trials(title: TitleCurves, point: OperatingPoint, crf_step: float) -> OperatingPoint:
    """Returns the point with CRFs within ``crf_step`` of a trial CRF moved to it, so that the trial encode serves.

    Shots that change the title least go first, as long as the title's VMAF stays within ``SNAP_VMAF``.
    """
    crfs, rates, vmafs = point.crfs.copy(), point.bitrates_bps.copy(), point.vmafs.copy()
    weights = title.durations_s / title.durations_s.sum()
    moves: list[tuple[float, int, float]] = []
    for shot, curve in enumerate(title.curves):
        trial = curve.trial_beside(float(crfs[shot]), crf_step)
        if trial is not None and trial != crfs[shot]:
            moves.append((float(weights[shot] * (curve.vmaf_at_crf(trial) - vmafs[shot])), shot, trial))
    change = 0.0
    for gain, shot, trial in sorted(moves, key=lambda move: (abs(move[0]), move[1])):
        if abs(change + gain) < SNAP_VMAF:
            change += gain
            found_rates, found_vmafs = title.curves[shot].at_crfs(np.asarray([trial]))
            crfs[shot], rates[shot], vmafs[shot] = trial, found_rates[0], found_vmafs[0]
    return title.total(crfs, rates, vmafs)


def _rung(
    codec: Codec,
    shots: Sequence[ShotIdentity],
    title: TitleCurves,
    point: OperatingPoint,
    reason: str,
    policy: LadderPolicy,
) -> Rung:
    cap = cap_of(point.bitrate_bps, policy)
    caps = shot_caps(codec, cap, title.durations_s)
    choices = tuple(
        ShotChoice(
            shot_index=shot.shot_index,
            crf=float(crf),
            predicted=Promise(bitrate_bps=float(rate), vmaf=float(vmaf)),
            rate_cap=own if rate > 1.001 * CAP_CAN_BIND * own.maxrate_bps else None,
        )
        for shot, own, crf, rate, vmaf in zip(shots, caps, point.crfs, point.bitrates_bps, point.vmafs, strict=True)
    )
    return Rung(
        resolution=point.resolution,
        promised=Promise(bitrate_bps=point.bitrate_bps, vmaf=point.vmaf),
        rate_cap=cap,
        shots=choices,
        reason=reason,
    )
