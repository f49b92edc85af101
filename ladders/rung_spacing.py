"""Spacing: which rung may follow which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from domain.ladder_policy import LadderPolicy
from ladders.interpolation import Floats
from ladders.shot_allocation import OperatingPoint

Booleans = NDArray[np.bool_]

FREE_RATE_STEP = 2.0
"""Rates this far apart need no difference in quality: "a gap of one JND except where the ratio would exceed 2"
(science report §4)."""
FREE_PART_OF_STEP = 0.9
"""Where ``max_rate_step`` is about 2 or less, the last tenth below it needs no difference in quality either: candidates
stand up to 3 % apart in rate, and a step of exactly 2 would hardly ever be found."""


@dataclass(frozen=True, eq=False, slots=True)
class SpacedPoints:
    """Operating points as columns, in falling rate: what the rules about steps look at. Shapes (points,)."""

    bitrates_bps: Floats
    vmafs: Floats
    pixels: Floats
    is_fixed: Booleans
    """Given by the policy, so that the ladder must hold them."""

    @classmethod
    def of(cls, points: Sequence[OperatingPoint], fixed: Sequence[OperatingPoint]) -> Self:
        """Returns the columns of points in falling rate; ``fixed`` are some of them (the same objects)."""
        return cls(
            np.asarray([point.bitrate_bps for point in points], dtype=np.float64),
            np.asarray([point.vmaf for point in points], dtype=np.float64),
            np.asarray([point.resolution.pixels for point in points], dtype=np.float64),
            np.asarray([any(point is other for other in fixed) for point in points], dtype=np.bool_),
        )

    @property
    def ratios(self) -> Floats:
        """Rate of the row's point over rate of the column's. Shape (points, points)."""
        ratios: Floats = self.bitrates_bps[:, None] / self.bitrates_bps[None, :]
        return ratios


def needs_no_gap(ratio: float, policy: LadderPolicy) -> bool:
    """Tells whether rates are far enough apart for two rungs of nearly the same quality."""
    return ratio >= _free_step(policy)


def possible_steps(points: SpacedPoints) -> Booleans:
    """Returns which point may stand below which in any ladder. Shape (upper, lower).

    Rate and quality fall, pixels do not rise, and no fixed rung is skipped.
    """
    counted = np.cumsum(points.is_fixed)
    skipped: NDArray[np.intp] = counted[None, :] - points.is_fixed[None, :] - counted[:, None]
    possible: Booleans = (
        (points.ratios > 1)
        & (points.vmafs[:, None] > points.vmafs[None, :])
        & (points.pixels[:, None] >= points.pixels[None, :])
        & (skipped <= 0)
    )
    return possible


def kept_steps(points: SpacedPoints, policy: LadderPolicy) -> Booleans:
    """Returns which point may stand below which under the policy. Shape (upper, lower).

    Rates are between ``min_rate_step`` and ``max_rate_step`` apart, and VMAF by ``min_vmaf_step`` unless the rates
    are a factor of 2 apart. Where the hull goes on below but holds no such point, the difference in VMAF is given up;
    where it holds none between the two steps either (a gap), the first one beyond ``max_rate_step`` may follow.
    Fixed rungs (and the top) may stand as close to each other as they do.
    """
    possible, ratios = possible_steps(points), points.ratios
    gaps = points.vmafs[:, None] - points.vmafs[None, :]
    differs = (gaps >= policy.min_vmaf_step) | (ratios >= _free_step(policy))
    inside: Booleans = possible & (ratios >= policy.min_rate_step) & (ratios <= policy.max_rate_step)
    kept: Booleans = (inside & differs) | (possible & _are_given(points) & (ratios < policy.min_rate_step**2))
    for row in np.flatnonzero(~kept.any(axis=1)):
        wider = np.flatnonzero(possible[row] & (ratios[row] > policy.max_rate_step))
        if wider.size and inside[row].any():
            kept[row] = inside[row]
        elif wider.size:
            kept[row, wider[0]] = True
    return kept


def loose_steps(points: SpacedPoints, policy: LadderPolicy) -> Booleans:
    """Returns which point may stand below which where fixed rungs leave no way to keep the policy's steps.

    Only ``min_rate_step`` is left of the rules, and not between fixed rungs. Shape (upper, lower).
    """
    loose: Booleans = possible_steps(points) & ((points.ratios >= policy.min_rate_step) | _are_given(points))
    return loose


def _are_given(points: SpacedPoints) -> Booleans:
    """Returns which pairs consist of fixed rungs, the top (row 0) among them."""
    given = points.is_fixed.copy()
    given[0] = True
    pairs: Booleans = given[:, None] & given[None, :]
    return pairs


def _free_step(policy: LadderPolicy) -> float:
    return min(FREE_RATE_STEP, FREE_PART_OF_STEP * policy.max_rate_step)
