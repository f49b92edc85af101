import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ladders.errors import TooFewPoints
from ladders.pooling import estimate_mean, pool_scores

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


@pytest.mark.parametrize(
    ("frame_scores", "frames", "mean"),
    [
        # The first frame stands for itself, the others for all other frames: (90 + 9 * 80) / 10.
        ([90.0, 80.0], 10, 81.0),
        # The others' mean is 92: one frame of 96 and 31 of 92.
        ([96.0, 90.0, 92.0, 94.0], 32, 92.125),
        # All frames are scored: the plain mean.
        ([90.0, 80.0, 70.0], 3, 80.0),
        # One score stands for all.
        ([88.0], 5, 88.0),
        ([88.0], 1, 88.0),
    ],
)
def test_the_estimated_mean_of_a_shot_counts_its_first_frame_once(
    frame_scores: list[float], frames: int, mean: float
) -> None:
    assert estimate_mean(frame_scores, frames) == pytest.approx(mean)


def test_a_first_frame_better_than_the_rest_biases_the_plain_mean_but_not_the_estimate() -> None:
    every = [98.0, *[90.0] * 30]
    seen = every[::5]
    truth = pool_scores(every).mean
    assert estimate_mean(seen, len(every)) == pytest.approx(truth)
    assert pool_scores(seen).mean > truth + 0.8


@given(scores, st.integers(1, 1000))
def test_the_estimated_mean_lies_between_the_scores(frame_scores: list[float], frames: int) -> None:
    assert min(frame_scores) - 1e-9 <= estimate_mean(frame_scores, frames) <= max(frame_scores) + 1e-9


@pytest.mark.parametrize("frame_scores", [[], [math.nan, 90.0]])
def test_no_mean_is_estimated_from_nothing(frame_scores: list[float]) -> None:
    with pytest.raises(TooFewPoints, match="LAD-001"):
        estimate_mean(frame_scores, 10)
