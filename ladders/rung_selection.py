"""From the measured points of all shots to the ladder of a title."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.encodes import RateCap
from domain.ladder import Ladder, Promise, Rung, ShotChoice, ShotPoints
from domain.recipe import LadderPolicy
from domain.video import Codec, Resolution
from ladders.errors import PolicyUnsatisfiable, TooFewPoints
from ladders.rung_spacing import space_rungs
from ladders.shot_allocation import OperatingPoint, TitleCurves, fit_title, sweep, usable_resolutions
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


@dataclass(frozen=True, slots=True)
class _Top:
    point: OperatingPoint
    reason: str


def plan_ladder(codec: Codec, shots: Sequence[ShotPoints], policy: LadderPolicy, *, crf_step: float) -> Ladder:
    """Returns the ladder of a title: at least one rung, in strictly rising rate and promised quality.

    One resolution per rung, a CRF per shot at equal slope. CRFs are multiples of ``crf_step`` or trial CRFs, and
    the promise belongs to exactly these CRFs. A resolution at which a shot has fewer than two points is left out.

    Args:
        codec: the codec of all points.
        shots: every shot of the title with its measured points.
        policy: constraints on the ladder.
        crf_step: finest CRF the encoder takes: 0.5 for h264 and hevc, 1 for av1.

    Raises:
        TooFewPoints: no shots, or no resolution at which every shot has two points.
        PolicyUnsatisfiable: no rung fits the policy's rates and quality floor.
    """
    titles = _fit_all(shots)
    curves = [round_points(title, sweep(title, policy.pooling), crf_step) for title in titles.values()]
    top = _choose_top(curves, policy)
    below = best_below(curves, top.point)
    fitting = [
        point
        for point in below
        if point is top.point
        or (
            point.vmaf >= policy.floor_vmaf
            and policy.min_bitrate_bps <= point.bitrate_bps <= top.point.bitrate_bps / policy.min_rate_step
        )
    ]
    chosen = _snapped(titles, space_rungs(fitting, policy), policy, crf_step)
    is_at_floor = chosen[0].bitrate_bps < fitting[0].bitrate_bps * policy.min_rate_step
    reasons = _reasons(chosen, top.reason, is_at_floor=is_at_floor)
    return Ladder(
        codec=codec,
        rungs=tuple(_rung(shots, point, reason, policy) for point, reason in zip(chosen, reasons, strict=True)),
    )


def title_hulls(shots: Sequence[ShotPoints], policy: LadderPolicy) -> dict[Resolution, tuple[tuple[float, float], ...]]:
    """Returns for each usable resolution, largest first, the title's (bits per second, VMAF) at equal slope, rising.

    For the report's picture: at most ``HULL_POINTS`` points each, both ends included.

    Raises:
        TooFewPoints: no shots, or no resolution at which every shot has two points.
    """
    hulls: dict[Resolution, tuple[tuple[float, float], ...]] = {}
    for resolution, title in _fit_all(shots).items():
        points = sweep(title, policy.pooling)
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
    titles: Mapping[Resolution, TitleCurves], rungs: Sequence[OperatingPoint], policy: LadderPolicy, crf_step: float
) -> list[OperatingPoint]:
    """Returns the rungs with CRFs moved to trial CRFs where that costs nothing and keeps the rate steps."""
    result = list(rungs)
    for index, rung in enumerate(rungs):
        moved = snap_to_trials(titles[rung.resolution], rung, crf_step)
        neighbors = [result[other] for other in (index - 1, index + 1) if 0 <= other < len(result)]
        if moved.bitrate_bps <= policy.max_bitrate_bps and all(
            _step_is_kept(rung, moved, neighbor, policy) for neighbor in neighbors
        ):
            result[index] = moved
    return result


def _step_is_kept(rung: OperatingPoint, moved: OperatingPoint, neighbor: OperatingPoint, policy: LadderPolicy) -> bool:
    before = max(rung.bitrate_bps / neighbor.bitrate_bps, neighbor.bitrate_bps / rung.bitrate_bps)
    after = max(moved.bitrate_bps / neighbor.bitrate_bps, neighbor.bitrate_bps / moved.bitrate_bps)
    ordered = (moved.vmaf - neighbor.vmaf) * (moved.bitrate_bps - neighbor.bitrate_bps) > 0
    return ordered and policy.min_rate_step <= after <= max(policy.max_rate_step, before)


def snap_to_trials(title: TitleCurves, point: OperatingPoint, crf_step: float) -> OperatingPoint:
    """Returns the point with CRFs within ``crf_step`` of a trial CRF moved to it, so that the trial encode serves.

    Shots that change the title least go first, as long as the title's VMAF stays within ``SNAP_VMAF``.
    """
    crfs, rates, vmafs = point.crfs.copy(), point.bitrates_bps.copy(), point.vmafs.copy()
    weights = title.durations_s / title.durations_s.sum()
    moves: list[tuple[float, int, float]] = []
    for shot, curve in enumerate(title.curves):
        trial = float(curve.trial_crfs[np.argmin(np.abs(curve.trial_crfs - crfs[shot]))])
        if 0 < abs(trial - crfs[shot]) <= crf_step:
            moves.append((float(weights[shot] * (curve.vmaf_at_crf(trial) - vmafs[shot])), shot, trial))
    change = 0.0
    for gain, shot, trial in sorted(moves, key=lambda move: (abs(move[0]), move[1])):
        if abs(change + gain) < SNAP_VMAF:
            change += gain
            found_rates, found_vmafs = title.curves[shot].at_crfs(np.asarray([trial]))
            crfs[shot], rates[shot], vmafs[shot] = trial, found_rates[0], found_vmafs[0]
    return title.total(crfs, rates, vmafs)


def _reasons(rungs: Sequence[OperatingPoint], top_reason: str, *, is_at_floor: bool) -> list[str]:
    reasons = [
        f"{above.bitrate_bps / rung.bitrate_bps:.1f} times below the next rung; "
        f"{rung.resolution} gives the most quality at this rate"
        for rung, above in itertools.pairwise(rungs)
    ]
    if len(rungs) == 1:
        top_reason += "; the only rung: none far enough below it keeps the policy's floor"
    elif is_at_floor:
        reasons[0] += "; the lowest one: a further step would leave the policy's floor or the measured points"
    return [*reasons, top_reason]


def _rung(shots: Sequence[ShotPoints], point: OperatingPoint, reason: str, policy: LadderPolicy) -> Rung:
    maxrate_bps = round(policy.peak_ratio * point.bitrate_bps)
    cap = RateCap(maxrate_bps=maxrate_bps, buffer_bits=round(policy.buffer_s * maxrate_bps))
    choices = tuple(
        ShotChoice(
            shot_index=shot.shot_index,
            crf=float(crf),
            predicted=Promise(bitrate_bps=float(rate), vmaf=float(vmaf)),
            rate_cap=cap if rate > 1.001 * CAP_CAN_BIND * maxrate_bps else None,
        )
        for shot, crf, rate, vmaf in zip(shots, point.crfs, point.bitrates_bps, point.vmafs, strict=True)
    )
    return Rung(
        resolution=point.resolution,
        promised=Promise(bitrate_bps=point.bitrate_bps, vmaf=point.vmaf),
        rate_cap=cap,
        shots=choices,
        reason=reason,
    )
