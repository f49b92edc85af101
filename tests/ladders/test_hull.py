import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.ladder import RateQualityPoint
from ladders.hull import hull_indices, on_hull, upper_hull
from tests.ladders.titles import pilot_title, point, shared_rows

clouds = st.lists(
    st.tuples(st.integers(1, 10_000), st.integers(0, 100), st.sampled_from([720, 540])), min_size=1, max_size=40
).map(lambda rows: [point(rate, vmaf, crf=30, height_px=height) for rate, vmaf, height in rows])


def test_a_point_below_the_line_between_two_others_is_off_the_hull() -> None:
    points = [point(100, 50, crf=40), point(200, 55, crf=30), point(300, 90, crf=20), point(400, 90, crf=10)]
    assert upper_hull(points) == (points[0], points[2])
    assert on_hull(points) == (True, False, True, False)


@given(clouds)
def test_no_point_and_no_mix_of_two_beats_the_hull(points: list[RateQualityPoint]) -> None:
    hull = upper_hull(points)
    rates, vmafs = [vertex.bitrate_bps for vertex in hull], [vertex.vmaf for vertex in hull]
    assert np.all(np.diff(rates) > 0)
    assert np.all(np.diff(vmafs) > 0)
    assert np.all(np.diff(np.diff(vmafs) / np.diff(rates)) < 0)
    for other in points:
        assert other.bitrate_bps >= rates[0]
        assert other.vmaf <= np.interp(other.bitrate_bps, rates, vmafs) + 1e-9


@given(clouds)
def test_the_hull_of_a_hull_is_itself(points: list[RateQualityPoint]) -> None:
    assert upper_hull(upper_hull(points)) == upper_hull(points)


def test_measured_hulls_never_change_to_a_larger_size_as_the_rate_falls() -> None:
    for shot in pilot_title():
        heights = [vertex.resolution.height_px for vertex in upper_hull(shot.points)]
        assert len(set(heights)) > 1
    for row in shared_rows("ugc_hulls.jsonl")[:100]:
        heights, rates, vmafs = np.asarray(row["points"]).T
        vertices = hull_indices(rates, vmafs)
        assert np.all(np.diff(heights[vertices]) >= 0)
