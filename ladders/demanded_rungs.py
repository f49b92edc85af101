"""What a policy demands of a ladder's sizes: forbidden, forced, and fixed rungs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.ladder_policy import DemandedRung, LadderPolicy
from domain.video import Codec, Resolution
from ladders.errors import PolicyUnsatisfiable, UnplaceableRung
from ladders.picture_sizes import has_height
from ladders.rate_roof import operating_points
from ladders.shot_allocation import OperatingPoint, TitleCurves
from ladders.title_candidates import point_near

RATE_TOLERANCE = 0.10
"""How far a fixed rung's planned rate may be off: average within 10 % of what is stated (Apple, HLS Authoring
Specification, rule on AVERAGE-BANDWIDTH)."""
MAX_FORCED_LOSS_VMAF = 6.0
"""A forced size above the one that wins becomes the top only if it costs less than this: one just noticeable
difference (VMAF v0; science report §4). Else a sharper picture on paper would be a visibly worse one."""


@dataclass(frozen=True, eq=False, slots=True)
class Demands:
    """The demands of a policy, as far as the title was measured."""

    fixed: tuple[OperatingPoint, ...] = ()
    """In rising rate."""
    forced: tuple[Resolution, ...] = ()
    """Largest first."""
    unmeasured_px: tuple[int, ...] = ()
    """Forced heights without curves: larger than the source, or their trial encodes failed."""

    @property
    def needed_pixels(self) -> int:
        """Pixels that the top must have at least, because a rung must."""
        return max((point.resolution.pixels for point in self.fixed), default=0)


def permitted(titles: Mapping[Resolution, TitleCurves], policy: LadderPolicy) -> dict[Resolution, TitleCurves]:
    """Returns the curves of the resolutions that the policy does not forbid.

    Raises:
        PolicyUnsatisfiable: every measured resolution is forbidden.
    """
    left = {
        resolution: title
        for resolution, title in titles.items()
        if not any(has_height(resolution, height_px) for height_px in policy.forbidden_heights_px)
    }
    if not left:
        raise PolicyUnsatisfiable(
            "ladder policy",
            found=f"forbidden_heights_px {list(policy.forbidden_heights_px)} leaves no measured size",
            expected=f"at least one of {', '.join(str(resolution) for resolution in titles)}",
            fix="take a height out of forbidden_heights_px, or add heights_px to the recipe",
        )
    return left


def find_demands(
    codec: Codec, titles: Mapping[Resolution, TitleCurves], policy: LadderPolicy, crf_step: float
) -> Demands:
    """Returns what the policy demands of the ladder of one codec.

    Args:
        codec: the ladder's codec.
        titles: the curves of every permitted resolution, largest first.
        policy: the rules.
        crf_step: step of planned CRFs.

    Raises:
        UnplaceableRung: a fixed rung's height was not measured, or its rate cannot be had there.
    """
    fixed = [_fixed_point(rung, titles, policy, crf_step) for rung in policy.fixed_rungs_of(codec)]
    forced = {height: _resolution_of(height, titles) for height in sorted(policy.forced_heights_px, reverse=True)}
    return Demands(
        fixed=tuple(fixed),
        forced=tuple(resolution for resolution in forced.values() if resolution is not None),
        unmeasured_px=tuple(height for height, resolution in forced.items() if resolution is None),
    )


def placeable_above(
    forced: Sequence[Resolution],
    curves: Mapping[Resolution, Sequence[OperatingPoint]],
    top: OperatingPoint,
    cap_bps: int,
) -> int:
    """Returns the pixels of the largest forced resolution above ``top`` that can be the top instead, or 0.

    Args:
        forced: forced resolutions.
        curves: the operating points of every resolution, in rising rate.
        top: the top as it would be without forced resolutions.
        cap_bps: the policy's largest rate.
    """
    can_be = [0]
    for resolution in forced:
        within = [point.vmaf for point in curves[resolution] if point.bitrate_bps <= cap_bps]
        if resolution.pixels > top.resolution.pixels and within and max(within) > top.vmaf - MAX_FORCED_LOSS_VMAF:
            can_be.append(resolution.pixels)
    return max(can_be)


def _resolution_of(height_px: int, titles: Mapping[Resolution, TitleCurves]) -> Resolution | None:
    return next((resolution for resolution in titles if has_height(resolution, height_px)), None)


def _fixed_point(
    rung: DemandedRung, titles: Mapping[Resolution, TitleCurves], policy: LadderPolicy, crf_step: float
) -> OperatingPoint:
    resolution = _resolution_of(rung.height_px, titles)
    if resolution is None:
        raise UnplaceableRung(
            "ladder policy, fixed_rungs",
            found=f"no measured size for height {rung.height_px}",
            expected=f"one of {', '.join(str(size) for size in titles)}",
            fix="leave the rung out for this title (the source may be smaller), or look at failed trial encodes",
        )
    title = titles[resolution]
    points = operating_points(title, policy)
    nearest = point_near(title, points, rung.bitrate_bps, crf_step)
    if abs(np.log(nearest.bitrate_bps / rung.bitrate_bps)) > np.log(1 + RATE_TOLERANCE):
        raise UnplaceableRung(
            "ladder policy, fixed_rungs",
            found=f"{resolution} at {rung.bitrate_bps / 1000:.0f} kbps: the nearest encode has "
            f"{nearest.bitrate_bps / 1000:.0f} kbps",
            expected=f"a rate between {points[0].bitrate_bps / 1000:.0f} and {points[-1].bitrate_bps / 1000:.0f} kbps, "
            "the measured range at this size",
            fix="change the rung's rate or height, or widen trial_crfs",
        )
    return nearest
