"""Spacing: which of a title's candidates become rungs."""

from collections.abc import Sequence

import numpy as np

from domain.recipe import LadderPolicy
from ladders.interpolation import Floats
from ladders.shot_allocation import OperatingPoint

JUST_NOTICEABLE_VMAF = 6.0
"""Rungs that are closer look the same to most people. Known for VMAF v0 (science report §4); taken over for v1."""
_COVERAGE_COST = 1e4
"""Per natural logarithm of rate that the ladder leaves uncovered at its low end: before evenness counts."""


def space_rungs(candidates: Sequence[OperatingPoint], policy: LadderPolicy) -> tuple[OperatingPoint, ...]:
    """Returns at most ``policy.max_rungs`` of the candidates in rising rate; the last candidate is always the top.

    Neighbors stand between ``min_rate_step`` and ``max_rate_step`` apart in rate; a wider step is taken only
    where no candidate lies inside. First the ladder reaches as low as it can, then the steps are evened out: a
    step of dV VMAF costs dV² + 6², which is least per VMAF at one just noticeable difference, so that rungs
    open up where quality saturates and close up where it falls fast, and there are no more of them than help.
    Exact dynamic programming over pairs of candidates.

    Args:
        candidates: points in strictly rising rate and quality, pixels never falling, at least one.
        policy: the constraints; quality floor and rate limits were applied to the candidates already.
    """
    falling = list(reversed(candidates))
    rates = np.asarray([point.bitrate_bps for point in falling], dtype=np.float64)
    vmafs = np.asarray([point.vmaf for point in falling], dtype=np.float64)
    step_costs = np.where(
        _allowed_steps(rates, policy), (vmafs[:, None] - vmafs[None, :]) ** 2 + JUST_NOTICEABLE_VMAF**2, np.inf
    )
    uncovered = np.log(rates / rates[-1]) - np.log(policy.min_rate_step)
    end_costs = _COVERAGE_COST * np.maximum(uncovered, 0.0)
    return tuple(falling[index] for index in _cheapest_path(step_costs, end_costs, policy.max_rungs))


def _allowed_steps(rates: Floats, policy: LadderPolicy) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Returns which candidate may follow which, downwards. Shape (candidates, candidates).

    Args:
        rates: falling. Shape (candidates,).
        policy: for its two rate steps.
    """
    ratios = rates[:, None] / rates[None, :]
    allowed = (ratios >= policy.min_rate_step) & (ratios <= policy.max_rate_step)
    for row in np.flatnonzero(~allowed.any(axis=1)):
        wider = np.flatnonzero(ratios[row] > policy.max_rate_step)
        if wider.size:
            allowed[row, wider[0]] = True
    return allowed


def _cheapest_path(step_costs: Floats, end_costs: Floats, max_rungs: int) -> list[int]:
    """Returns the indices of the cheapest path that starts at 0, last index first."""
    count = len(end_costs)
    costs = np.full(count, np.inf)
    costs[0] = 0.0
    best_end, best_rungs, best_cost = 0, 1, float(end_costs[0])
    came_from = np.zeros((max_rungs + 1, count), dtype=np.intp)
    for rungs in range(2, max_rungs + 1):
        through = costs[:, None] + step_costs
        came_from[rungs] = np.argmin(through, axis=0)
        costs = np.min(through, axis=0)
        end = int(np.argmin(costs + end_costs))
        cost = float(costs[end] + end_costs[end])
        if cost < best_cost:
            best_end, best_rungs, best_cost = end, rungs, cost
    path = [best_end]
    for rungs in range(best_rungs, 1, -1):
        path.append(int(came_from[rungs][path[-1]]))
    return path
