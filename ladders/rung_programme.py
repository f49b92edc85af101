"""The exact choice of rungs: dynamic programming over the candidates of a title."""

from collections.abc import Sequence

import numpy as np

from domain.ladder_policy import LadderPolicy
from domain.video import Resolution
from ladders.bandwidth import bandwidth_of
from ladders.errors import UnplaceableRung
from ladders.interpolation import Floats
from ladders.rung_spacing import SpacedPoints, kept_steps, loose_steps
from ladders.shot_allocation import OperatingPoint

MISSED_HEIGHT = 1e8
"""Worth of a rung at a forced height, in VMAF: before everything else."""
UNCOVERED = 1e5
"""Price of a natural logarithm of rate by which the lowest rung stands too high, in VMAF: before quality. (And of one
by which a step is too wide, where fixed rungs leave no other way.)"""


def choose_rungs(
    candidates: Sequence[OperatingPoint],
    policy: LadderPolicy,
    *,
    fixed: Sequence[OperatingPoint] = (),
    forced: Sequence[Resolution] = (),
) -> tuple[OperatingPoint, ...]:
    """Returns at most ``policy.max_rungs`` of the candidates in rising rate; the last candidate is always the top.

    Of all ladders that keep the policy's steps and hold every fixed rung, the one with most forced resolutions;
    of those, one whose lowest rung is as low as the policy asks, or can be; of those, the one with the largest
    ``expected VMAF - storage price - min_gain_vmaf * rungs``. With gains that fall from rung to rung, the last
    term is the rule "stop when one more rung adds less than ``min_gain_vmaf``"; where steps make gains uneven, it
    does not stop short of a larger one. Exact: O(rungs * candidates²).

    Args:
        candidates: points in strictly rising rate, at least one; floor and rate limits were applied already.
        policy: the rules.
        fixed: those of the candidates (the same objects) that must be rungs.
        forced: resolutions that are to hold a rung.

    Raises:
        UnplaceableRung: no ladder of ``max_rungs`` holds all fixed rungs in rising quality and size.
    """
    falling = list(reversed(candidates))
    points = SpacedPoints.of(falling, fixed)
    values = step_values(points, policy, forced)
    ends = _end_values(points, policy, forced)
    path = _best_path(np.where(kept_steps(points, policy), values, -np.inf), ends, policy.max_rungs)
    if path is None:
        too_wide = np.maximum(0.0, np.log(points.ratios / policy.max_rate_step))
        loose = np.where(loose_steps(points, policy), values - UNCOVERED * too_wide, -np.inf)
        path = _best_path(loose, ends, policy.max_rungs)
    if path is None:
        raise _unplaceable(candidates, fixed, policy)
    return tuple(falling[index] for index in path)


def step_values(points: SpacedPoints, policy: LadderPolicy, forced: Sequence[Resolution]) -> Floats:
    """Returns what the column's rung adds to a ladder in which the row's rung stands next above it, in VMAF.

    Shape (upper, lower). The viewers it serves are those whose bandwidth lies between the two.
    """
    served = 1.0 - bandwidth_of(policy).share_below(points.bitrates_bps / policy.bandwidth_safety)
    quality = (served[None, :] - served[:, None]) * points.vmafs[None, :]
    cost = policy.min_gain_vmaf + policy.storage_price_vmaf_per_mbps * points.bitrates_bps / 1e6
    missed = np.zeros_like(quality)
    for resolution in forced:
        missed += (points.pixels[:, None] > resolution.pixels) & (points.pixels[None, :] < resolution.pixels)
    values: Floats = quality - cost[None, :] - MISSED_HEIGHT * missed
    return values


def _end_values(points: SpacedPoints, policy: LadderPolicy, forced: Sequence[Resolution]) -> Floats:
    """Returns what it is worth to end the ladder at each point, downwards. Shape (points,)."""
    values = np.zeros(len(points.bitrates_bps))
    for resolution in forced:
        values -= MISSED_HEIGHT * (points.pixels > resolution.pixels)
    if policy.lowest_bitrate_bps is not None:
        cheapest = points.bitrates_bps[-1]
        is_reachable = cheapest <= policy.lowest_bitrate_bps
        wanted = policy.lowest_bitrate_bps if is_reachable else cheapest * policy.min_rate_step
        values -= UNCOVERED * np.maximum(0.0, np.log(points.bitrates_bps / wanted))
    fixed_below = points.is_fixed.sum() - np.cumsum(points.is_fixed)
    return np.where(fixed_below > 0, -np.inf, values)


def _best_path(values: Floats, end_values: Floats, max_rungs: int) -> list[int] | None:
    """Returns the indices of the best path that starts at 0, last index first; fewer rungs if they are as good."""
    count = len(end_values)
    sums = np.full(count, -np.inf)
    sums[0] = 0.0
    best_end, best_rungs, best_value = 0, 1, float(end_values[0])
    came_from = np.zeros((max_rungs + 1, count), dtype=np.intp)
    for rungs in range(2, max_rungs + 1):
        through = sums[:, None] + values
        came_from[rungs] = np.argmax(through, axis=0)
        sums = np.max(through, axis=0)
        end = int(np.argmax(sums + end_values))
        value = float(sums[end] + end_values[end])
        if value > best_value:
            best_end, best_rungs, best_value = end, rungs, value
    if not np.isfinite(best_value):
        return None
    path = [best_end]
    for rungs in range(best_rungs, 1, -1):
        path.append(int(came_from[rungs][path[-1]]))
    return path


def _unplaceable(
    candidates: Sequence[OperatingPoint], fixed: Sequence[OperatingPoint], policy: LadderPolicy
) -> UnplaceableRung:
    top = candidates[-1]
    given = [*fixed, *([] if any(top is rung for rung in fixed) else [top])]
    shown = ", ".join(
        f"{rung.resolution} at {rung.bitrate_bps / 1000:.0f} kbps (VMAF {rung.vmaf:.1f})" for rung in given
    )
    return UnplaceableRung(
        "ladder policy",
        found=f"the fixed rungs and the top do not make a ladder: {shown}",
        expected=f"quality that rises and sizes that do not fall with the rate, in at most {policy.max_rungs} rungs",
        fix="leave out a fixed rung, change its height or rate, or raise max_rungs",
    )
