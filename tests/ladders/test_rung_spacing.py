import numpy as np
import pytest

from domain.ladder_policy import LadderPolicy
from ladders.rung_spacing import SpacedPoints, kept_steps, needs_no_gap, possible_steps
from ladders.title_candidates import best_below
from tests.ladders.titles import operating_point


def test_a_step_falls_in_rate_and_quality_and_never_grows_in_size() -> None:
    points = [
        operating_point(8e5, 90, 720),
        operating_point(4e5, 80, 720),
        operating_point(2e5, 81, 540),
        operating_point(1e5, 70, 1080),
    ]
    possible = possible_steps(SpacedPoints.of(points, []))
    assert [(int(upper), int(lower)) for upper, lower in np.argwhere(possible)] == [(0, 1), (0, 2)]


def test_no_step_skips_a_fixed_rung() -> None:
    points = [operating_point(8e5, 90), operating_point(4e5, 80), operating_point(2e5, 70)]
    possible = possible_steps(SpacedPoints.of(points, points[1:2]))
    assert possible.tolist() == [[False, True, False], [False, False, True], [False, False, False]]


@pytest.mark.parametrize(
    ("lower_bps", "lower_vmaf", "is_kept"),
    [(700_000, 60, False), (600_000, 85, True), (600_000, 88, False), (490_000, 88, True), (400_000, 60, False)],
)
def test_steps_keep_rates_apart_and_quality_too_unless_rates_are_far_apart(
    lower_bps: float, lower_vmaf: float, *, is_kept: bool
) -> None:
    # The point between keeps the first one from having to cross a gap.
    points = [operating_point(1e6, 90), operating_point(5.5e5, 84), operating_point(lower_bps, lower_vmaf)]
    points.sort(key=lambda point: -point.bitrate_bps)
    at = next(index for index, point in enumerate(points) if point.bitrate_bps == lower_bps)
    assert kept_steps(SpacedPoints.of(points, []), LadderPolicy())[0, at] == is_kept


def test_quality_gives_way_before_the_rate_step_does() -> None:
    points = [operating_point(1e6, 90), operating_point(6e5, 89), operating_point(2e5, 60)]
    assert kept_steps(SpacedPoints.of(points, []), LadderPolicy())[0].tolist() == [False, True, False]


def test_a_ladder_ends_where_only_rungs_of_the_same_quality_are_left() -> None:
    points = [operating_point(1e6, 90), operating_point(6e5, 89)]
    assert not kept_steps(SpacedPoints.of(points, []), LadderPolicy()).any()


@pytest.mark.parametrize(("max_rate_step", "free"), [(2.2, 1.98), (4.0, 2.0), (2.0, 1.8)])
def test_rates_far_apart_need_no_gap_in_quality(max_rate_step: float, free: float) -> None:
    policy = LadderPolicy(max_rate_step=max_rate_step)
    assert needs_no_gap(free + 1e-9, policy)
    assert not needs_no_gap(free - 1e-3, policy)


def test_a_hairs_breadth_at_one_rate_does_not_decide_about_the_rates_below() -> None:
    rates = np.geomspace(1e5, 1e6, 200)
    large = [operating_point(float(rate), 50 + 15 * np.log(rate / 1e5), 720) for rate in rates]
    # The small size is far behind, except for a bump in the middle where noise puts it a little ahead.
    small = [
        operating_point(float(rate), 45 + 15 * np.log(rate / 1e5) + 5.1 * float(4e5 < rate < 4.1e5), 360)
        for rate in rates[:150]
    ]
    chosen = best_below([large, small], large[-1])
    assert {str(point.resolution) for point in chosen} == {"1280x720"}


@pytest.mark.parametrize("height_px", [720, 360])
def test_nothing_larger_than_the_top_stands_below_it(height_px: int) -> None:
    large = [operating_point(2e5 * step, 50 + 5 * step, 720) for step in range(1, 6)]
    small = [operating_point(1e5 * step, 40 + 4 * step, 360) for step in range(1, 9)]
    top = large[-1] if height_px == 720 else small[-1]
    pixels = [point.resolution.pixels for point in best_below([large, small], top)]
    assert pixels == sorted(pixels)
    assert max(pixels) <= top.resolution.pixels
