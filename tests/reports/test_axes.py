"""Axes: round ticks inside the window, curves cut at its edge."""

import math

from hypothesis import given
from hypothesis import strategies as st

from reports.axes import Plane, Window, measured, rate_ticks, score_ticks, window_around

PLANE = Plane(Window((1e5, 1e7), (0, 100)), (240, 140), (20, 20, 20, 20))


def test_a_logarithmic_axis_gives_each_decade_the_same_room() -> None:
    assert PLANE.x(1e5) == 20
    assert math.isclose(PLANE.x(1e6), 120)
    assert math.isclose(PLANE.x(1e7), 220)
    assert PLANE.y(100) == 20
    assert PLANE.y(0) == 120


def test_a_curve_that_leaves_the_window_ends_at_its_edge() -> None:
    pixels = PLANE.line([(1e4, 50), (1e6, 50), (1e8, 50)])
    assert math.isclose(pixels[0][0], 20)
    assert math.isclose(pixels[-1][0], 220)
    assert all(math.isclose(y, 70) for _, y in pixels)


def test_a_curve_outside_the_window_is_not_drawn() -> None:
    assert PLANE.line([(1e3, 10), (2e3, 20)]) == []


@given(st.lists(st.tuples(st.floats(1e3, 1e9), st.floats(-20, 120)), max_size=8))
def test_nothing_is_drawn_outside_the_box(points: list[tuple[float, float]]) -> None:
    left, top, right, bottom = PLANE.box_px
    for x, y in PLANE.line(points):
        assert left - 1e-6 <= x <= right + 1e-6
        assert top - 1e-6 <= y <= bottom + 1e-6


@given(low=st.floats(2e4, 1e7), factor=st.floats(2.1, 1e4), most=st.integers(3, 10))
def test_rate_ticks_lie_inside_and_are_neither_none_nor_too_many(low: float, factor: float, most: int) -> None:
    ticks = rate_ticks((low, low * factor), most)
    assert 1 <= len(ticks) <= most
    assert all(low <= tick <= low * factor for tick in ticks)
    assert ticks == sorted(set(ticks))


def test_score_ticks_are_round() -> None:
    assert score_ticks((50, 100), 11) == [50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100]
    assert score_ticks((0, 100), 6) == [0, 20, 40, 60, 80, 100]


def test_a_window_holds_all_points_and_never_more_than_100_for_scores_up_to_100() -> None:
    window = window_around([(2e5, 41.0), (4e6, 99.2)])
    assert window.rates_bps[0] < 2e5
    assert window.rates_bps[1] > 4e6
    assert window.scores == (40, 100)


def test_points_without_rate_or_score_are_not_measured() -> None:
    assert measured([(0, 50), (math.nan, 50), (1e5, math.inf), (1e5, 50)]) == [(1e5, 50)]
