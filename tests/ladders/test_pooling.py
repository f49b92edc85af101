import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ladders.errors import TooFewPoints
from ladders.pooling import pool_scores

scores = st.lists(st.floats(0.0, 110.0), min_size=1, max_size=200)


def test_harmonic_mean_is_the_formula_of_libvmaf() -> None:
    pooled = pool_scores([90.0, 30.0])
    assert pooled.harmonic == pytest.approx(2 / (1 / 91 + 1 / 31) - 1)
    assert (pooled.mean, pooled.minimum) == (60.0, 30.0)


def test_fifth_percentile_leaves_one_frame_in_twenty_below() -> None:
    assert pool_scores([float(score) for score in range(101)]).p5 == pytest.approx(5.0)


@given(scores)
def test_minimum_harmonic_and_mean_stand_in_this_order(frame_scores: list[float]) -> None:
    pooled = pool_scores(frame_scores)
    assert pooled.minimum - 1e-9 <= pooled.harmonic <= pooled.mean + 1e-9
    assert pooled.minimum - 1e-9 <= pooled.p5 <= max(frame_scores) + 1e-9


@given(scores)
def test_the_order_of_frames_does_not_matter(frame_scores: list[float]) -> None:
    assert pool_scores(frame_scores).harmonic == pytest.approx(pool_scores(frame_scores[::-1]).harmonic)


@pytest.mark.parametrize("frame_scores", [[], [math.nan], [90.0, math.inf]])
def test_no_frames_and_no_numbers_are_errors(frame_scores: list[float]) -> None:
    with pytest.raises(TooFewPoints, match="LAD-001"):
        pool_scores(frame_scores)
