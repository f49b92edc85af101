"""Close scores of one trial teach what the scored frames of all others say of the shot's mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.search import TrialAsk
from ladders.pooling import estimate_mean
from ladders.search.calibration import FEW_FRAMES, Calibration, anchor, has_anchor, mean_of
from ladders.search.shot_search import next_step
from tests.support.searches import NO_PRIOR
from tests.support.synthetic_shots import SMOOTH

FRAMES, STEP, CLOSE = 75, 9, 3
SCORED = len(range(0, FRAMES, STEP))
HARDNESS = np.random.default_rng(7).uniform(0.2, 1.8, FRAMES)
"""How much each frame of a made-up shot suffers from a coarser quantizer; the scored ones happen to be easy."""
HARDNESS[::STEP] *= 0.5
some_scores = st.lists(st.floats(0, 100), min_size=FRAMES, max_size=FRAMES)


def scores_of(loss: float) -> list[float]:
    return [max(0.0, 100 - loss * hardness) for hardness in HARDNESS.tolist()]


def calibrated(whole: list[float]) -> Calibration:
    return Calibration.of(whole[::CLOSE], FRAMES, step=STEP)


def test_a_trial_is_known_far_better_than_by_its_scored_frames_alone() -> None:
    calibration = calibrated(scores_of(40))
    for loss in (25.0, 30.0, 55.0):
        seen = scores_of(loss)[::STEP]
        truth = estimate_mean(scores_of(loss)[::CLOSE], FRAMES, step=CLOSE)
        error = abs(mean_of(seen, FRAMES, step=STEP, calibration=calibration) - truth)
        alone = abs(estimate_mean(seen, FRAMES, step=STEP) - truth)
        assert alone > 3.0
        assert error < 0.3 * alone


@given(some_scores, st.floats(0, 100))
def test_a_shot_of_even_frames_has_their_score_whatever_was_learnt(whole: list[float], even: float) -> None:
    found = mean_of([even] * SCORED, FRAMES, step=STEP, calibration=calibrated(whole))
    assert found == pytest.approx(even, abs=0.01)


@given(some_scores)
def test_what_is_learnt_never_leaves_the_anchor_worse_off(whole: list[float]) -> None:
    truth = estimate_mean(whole[::CLOSE], FRAMES, step=CLOSE)
    found = float(calibrated(whole).weights @ np.asarray(whole[::STEP]))
    assert abs(found - truth) <= abs(estimate_mean(whole[::STEP], FRAMES, step=STEP) - truth) + 0.01


def test_scores_that_the_calibration_is_not_for_have_their_own_mean_and_the_result_is_a_quality() -> None:
    calibration = calibrated(scores_of(60))
    for step in (1, CLOSE):
        scores = scores_of(33)[::step]
        found = mean_of(scores, FRAMES, step=step, calibration=calibration)
        assert found == estimate_mean(scores, FRAMES, step=step)
    assert mean_of([0.0] * SCORED, FRAMES, step=STEP, calibration=calibration) >= 0.0
    few = scores_of(33)[::STEP]
    assert mean_of(few, FRAMES, step=STEP, calibration=None) == estimate_mean(few, FRAMES, step=STEP)


def test_the_anchor_of_a_first_round_is_the_middle_one_of_the_largest_size() -> None:
    task = SMOOTH[0].task()
    first = next_step(task, (), NO_PRIOR).trials
    found = anchor(task, first)
    assert found is not None
    assert found.resolution == task.sizes[0]
    assert task.lowest_crf + 10 < found.crf < task.highest_crf - 10
    assert found.crf == max(ask.crf for ask in first if ask.resolution == task.sizes[0])


def test_a_first_round_without_the_largest_size_has_no_anchor() -> None:
    task = SMOOTH[0].task()
    assert anchor(task, [TrialAsk(resolution=task.sizes[-1], crf=36.0)]) is None
    assert anchor(task, ()) is None


@pytest.mark.parametrize(
    ("frames", "step", "expected"),
    [
        (72, 9, True),
        (9 * FEW_FRAMES - 9, 9, True),
        (9 * FEW_FRAMES - 8, 9, False),
        (71, 7, False),
        (48, 5, False),
        (30, 3, False),
        (16, 1, False),
        (9, 9, False),
    ],
)
def test_only_where_few_frames_are_scored_and_far_apart_there_is_an_anchor(
    frames: int, step: int, *, expected: bool
) -> None:
    assert has_anchor(frames, step) is expected
