import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ladders.errors import TooFewPoints
from ladders.pooling import estimate_mean, frame_weights, pool_scores

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
    ("frame_scores", "frames", "step", "mean"),
    [
        # Frames 0 to 4 have 90, 88, 86, 84, 82, the second score goes on to frame 9: (430 + 5 * 80) / 10.
        ([90.0, 80.0], 10, 5, 83.0),
        # 2 frames' worth of the first, 3 of the second, 2 and a further one of the last.
        ([90.0, 93.0, 87.0], 8, 3, (2 * 90 + 3 * 93 + 3 * 87) / 8),
        # All frames are scored: the plain mean.
        ([90.0, 80.0, 70.0], 3, 1, 80.0),
        # One score stands for all.
        ([88.0], 5, 5, 88.0),
        ([88.0], 1, 9, 88.0),
    ],
)
def test_the_estimated_mean_of_a_shot_is_that_of_the_lines_between_its_scores(
    frame_scores: list[float], frames: int, step: int, mean: float
) -> None:
    assert estimate_mean(frame_scores, frames, step=step) == pytest.approx(mean)


@given(st.lists(st.floats(0, 110), min_size=2, max_size=60), st.integers(1, 31))
def test_the_weights_of_frames_are_the_trapezoidal_rule(every: list[float], step: int) -> None:
    scored = np.arange(0, len(every), step)
    seen = np.asarray(every)[scored]
    drawn = np.interp(np.arange(len(every)), scored, seen)
    assert estimate_mean(seen.tolist(), len(every), step=step) == pytest.approx(float(drawn.mean()))
    assert frame_weights(len(every), step=step).sum() == pytest.approx(1.0)


def test_a_rising_quality_is_known_exactly_and_a_better_first_frame_counts_half() -> None:
    rising = [60.0 + frame for frame in range(31)]
    assert estimate_mean(rising[::5], 31, step=5) == pytest.approx(75.0)
    peaked = [98.0, *[90.0] * 30]
    truth = pool_scores(peaked).mean
    off = estimate_mean(peaked[::5], 31, step=5) - truth
    assert 0 < off < 0.6 * (pool_scores(peaked[::5]).mean - truth)


@given(st.lists(st.floats(0, 110), min_size=1, max_size=400), st.integers(1, 31))
def test_the_estimated_mean_lies_between_the_scores(every: list[float], step: int) -> None:
    seen = every[::step]
    assert min(seen) - 1e-9 <= estimate_mean(seen, len(every), step=step) <= max(seen) + 1e-9


@pytest.mark.parametrize("frame_scores", [[], [math.nan, 90.0], [90.0, 90.0, 90.0]])
def test_no_mean_is_estimated_from_nothing_or_from_scores_of_other_frames(frame_scores: list[float]) -> None:
    with pytest.raises(TooFewPoints, match="LAD-001"):
        estimate_mean(frame_scores, 10, step=5)
