import pytest
from hypothesis import given
from hypothesis import strategies as st

from ladders.bd_rate import bd_rate
from ladders.errors import NoQualityOverlap, TooFewPoints
from tests.ladders.titles import shared_rows

# (reference, test, published BD-rate) of the JCT-VC spreadsheet (JCTVC-L1100), as listed in the tests of Netflix's
# libvmaf Python tools (BSD+Patent); the numbers only.
PUBLISHED = [
    (
        [(108048.8736, 43.6471), (61279.976, 40.3953), (33905.6656, 37.247), (18883.6928, 34.2911)],
        [(108061.2784, 43.6768), (61299.9936, 40.4232), (33928.7472, 37.2761), (18910.912, 34.3147)],
        -0.00465215420752807,
    ),
    (
        [(40433.8848, 37.5761), (7622.7456, 35.3756), (2394.488, 33.8977), (1017.6184, 32.0603)],
        [(40370.12, 37.5982), (7587.0024, 35.4025), (2390.0944, 33.9194), (1017.0984, 32.0822)],
        -0.018779823450567612,
    ),
]


@st.composite
def curves(draw: st.DrawFn) -> list[tuple[float, float]]:
    steps = draw(st.lists(st.tuples(st.floats(1.05, 3.0), st.floats(0.5, 15.0)), min_size=1, max_size=8))
    rate, vmaf = draw(st.floats(10.0, 1e6)), draw(st.floats(0.0, 40.0))
    points = [(rate, vmaf)]
    for ratio, gain in steps:
        rate, vmaf = rate * ratio, vmaf + gain
        points.append((rate, vmaf))
    return points


@pytest.mark.parametrize(("reference", "test", "published"), PUBLISHED)
def test_published_examples(
    reference: list[tuple[float, float]], test: list[tuple[float, float]], published: float
) -> None:
    assert bd_rate(reference, test) == pytest.approx(published, abs=1e-4)


@given(curves())
def test_a_curve_against_itself_is_zero(curve: list[tuple[float, float]]) -> None:
    assert bd_rate(curve, curve) == pytest.approx(0.0, abs=1e-12)


@given(curves(), st.floats(0.2, 5.0))
def test_all_rates_times_k_is_k_less_one(curve: list[tuple[float, float]], factor: float) -> None:
    scaled = [(rate * factor, vmaf) for rate, vmaf in curve]
    assert bd_rate(curve, scaled) == pytest.approx(factor - 1, rel=1e-9, abs=1e-9)


@given(curves(), st.floats(0.5, 2.0))
def test_the_way_back_is_the_inverse(curve: list[tuple[float, float]], factor: float) -> None:
    other = [(rate * factor, vmaf + 0.1) for rate, vmaf in curve]
    assert (1 + bd_rate(curve, other)) * (1 + bd_rate(other, curve)) == pytest.approx(1.0)


@given(curves())
def test_order_and_beaten_points_do_not_matter(curve: list[tuple[float, float]]) -> None:
    beaten = (curve[-1][0] * 2, curve[0][1])
    assert bd_rate(curve, [beaten, *curve[::-1]]) == pytest.approx(0.0, abs=1e-12)


def test_curves_without_a_common_quality_cannot_be_compared() -> None:
    with pytest.raises(NoQualityOverlap, match="LAD-002"):
        bd_rate([(100, 20), (200, 40)], [(100, 40), (200, 60)])


def test_a_single_point_is_no_curve() -> None:
    with pytest.raises(TooFewPoints, match="test curve"):
        bd_rate([(100, 20), (200, 40)], [(100, 30), (150, 30)])


def test_a_measured_hull_against_half_of_its_points_is_nearly_zero() -> None:
    errors = []
    for row in shared_rows("ugc_hulls.jsonl"):
        curve = [(rate, vmaf) for _, rate, vmaf in row["points"]][::-1]
        if len(curve) >= 12:
            # The lowest tenth of the rates is measured coarsely (linear steps of rate), so start above it.
            dense = [point for point in curve if point[0] > curve[-1][0] / 10]
            errors.append(abs(bd_rate(dense, [dense[0], *dense[1:-1:2], dense[-1]])))
    errors.sort()
    assert errors[len(errors) // 2] < 0.002
