import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.recipe import LadderPolicy
from ladders.rung_spacing import space_rungs
from ladders.shot_allocation import OperatingPoint
from ladders.title_candidates import best_below
from tests.ladders.titles import size


def operating_point(bitrate_bps: float, vmaf: float, height_px: int = 720) -> OperatingPoint:
    one = np.asarray([1.0])
    return OperatingPoint(size(height_px), bitrate_bps, vmaf, crfs=one, bitrates_bps=one, vmafs=one)


def dense(low: float, high: float) -> list[OperatingPoint]:
    """Quality that saturates as rate rises, a point every 2 %."""
    rates = np.exp(np.arange(np.log(low), np.log(high), 0.02))
    return [operating_point(float(rate), 96 - 3e4 / (float(rate) / 1e3 + 500)) for rate in rates]


@settings(deadline=None)
@given(st.floats(1.0, 400.0), st.integers(1, 12))
def test_steps_stay_inside_the_policy_where_points_are_dense(span: float, max_rungs: int) -> None:
    candidates = dense(1e5, 1e5 * span * 1.03)
    policy = LadderPolicy(max_rungs=max_rungs)
    rungs = space_rungs(candidates, policy)
    assert rungs[-1] is candidates[-1]
    assert len(rungs) <= max_rungs
    ratios = [upper.bitrate_bps / lower.bitrate_bps for lower, upper in itertools.pairwise(rungs)]
    assert all(1.5 <= ratio <= 2.2 for ratio in ratios)
    if max_rungs > 8:
        assert rungs[0].bitrate_bps / candidates[0].bitrate_bps <= 1.5 * 1.03


def test_rungs_open_up_where_quality_saturates() -> None:
    rungs = space_rungs(dense(1e5, 1.2e7), LadderPolicy())
    ratios = [upper.bitrate_bps / lower.bitrate_bps for lower, upper in itertools.pairwise(rungs)]
    assert ratios[-1] > 2.0
    assert ratios[0] < ratios[-1]


def test_a_gap_that_holds_no_point_is_crossed() -> None:
    rungs = space_rungs([operating_point(1e5, 40), operating_point(1e6, 90)], LadderPolicy())
    assert [rung.bitrate_bps for rung in rungs] == [1e5, 1e6]


def test_points_too_close_to_the_top_are_not_rungs() -> None:
    rungs = space_rungs([operating_point(9e5, 89), operating_point(1e6, 90)], LadderPolicy())
    assert [rung.bitrate_bps for rung in rungs] == [1e6]


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
