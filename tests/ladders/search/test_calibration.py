"""Close scores of a trial or two teach what the scored frames of all others say of the shot's mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.search import TrialAsk
from ladders.pooling import estimate_mean
from ladders.search.calibration import (
    FEW_FRAMES,
    SHORT_SHOT_FRAMES,
    Calibration,
    anchor_count,
    anchors,
    mean_of,
)
from ladders.search.shot_search import next_step
from tests.support.searches import NO_PRIOR
from tests.support.synthetic_shots import SMOOTH

FRAMES, STEP = 33, 5
HARDNESS = np.random.default_rng(7).uniform(0.2, 1.8, FRAMES)
"""How much each frame of a made-up shot suffers from a coarser quantizer; the scored ones happen to be easy."""
HARDNESS[::STEP] *= 0.5


def scores_of(loss: float) -> list[float]:
    return [max(0.0, 100 - loss * hardness) for hardness in HARDNESS.tolist()]


def test_a_trial_between_the_whole_ones_is_known_far_better_than_by_its_scored_frames_alone() -> None:
    calibration = Calibration.of([scores_of(20), scores_of(60)], FRAMES, STEP)
    for loss in (10.0, 30.0, 45.0):
        whole = scores_of(loss)
        truth = float(np.mean(whole))
        error = abs(calibration.mean(whole[::STEP]) - truth)
        alone = abs(estimate_mean(whole[::STEP], FRAMES) - truth)
        assert alone > 1.0
        assert error < 0.3 * alone


@given(st.lists(st.floats(0, 100), min_size=FRAMES, max_size=FRAMES), st.floats(0, 100))
def test_a_shot_of_even_frames_has_their_score_whatever_was_learnt(whole: list[float], even: float) -> None:
    calibration = Calibration.of([whole], FRAMES, STEP)
    sampled = [even] * len(whole[::STEP])
    assert calibration.mean(sampled) == pytest.approx(even, abs=0.01)


@given(st.lists(st.floats(0, 100), min_size=FRAMES, max_size=FRAMES))
def test_what_is_learnt_never_leaves_the_whole_trials_worse_off(whole: list[float]) -> None:
    calibration = Calibration.of([whole], FRAMES, STEP)
    truth = float(np.mean(whole))
    assert abs(calibration.mean(whole[::STEP]) - truth) <= abs(estimate_mean(whole[::STEP], FRAMES) - truth) + 0.01


def test_whole_scores_are_their_own_mean_and_the_result_is_a_quality() -> None:
    calibration = Calibration.of([scores_of(60)], FRAMES, STEP)
    assert calibration.mean(scores_of(33)) == pytest.approx(float(np.mean(scores_of(33))))
    assert mean_of([0.0] * 7, FRAMES, calibration) >= 0.0
    assert mean_of(scores_of(33)[::STEP], FRAMES, None) == estimate_mean(scores_of(33)[::STEP], FRAMES)


def test_an_anchor_of_every_third_frame_teaches_what_every_ninth_says() -> None:
    loss = np.random.default_rng(3).uniform(10, 40, 63)
    loss[::9] *= 0.5  # those that all trials are scored on happen to be easy
    anchor, other = 100 - loss, 100 - 1.5 * loss
    calibration = Calibration.of([anchor[::3].tolist()], 63, 3)
    assert calibration.mean(anchor[::3].tolist()) == estimate_mean(anchor[::3].tolist(), 63)
    assert calibration.mean(other.tolist()) == pytest.approx(float(other.mean()))
    error = abs(calibration.mean(other[::9].tolist()) - float(other.mean()))
    assert error < 0.4 * abs(estimate_mean(other[::9].tolist(), 63) - float(other.mean()))


def test_the_anchors_of_a_first_round_are_the_middle_ones_of_the_largest_and_the_smallest_size() -> None:
    task = SMOOTH[0].task()
    first = next_step(task, (), NO_PRIOR).trials
    large, small = anchors(task, first, 2)
    assert (large.resolution, small.resolution) == (task.sizes[0], task.sizes[-1])
    assert task.lowest_crf + 10 < small.crf < large.crf < task.highest_crf - 10
    assert anchors(task, first, 1) == (large,)
    assert anchors(task, first, 0) == ()


def test_a_shot_of_one_size_has_both_its_seeds_for_anchors() -> None:
    task = SMOOTH[0].task()
    one = task.model_copy(update={"sizes": task.sizes[:1], "ceilings": task.ceilings[:1]})
    first = [TrialAsk(resolution=task.sizes[0], crf=crf) for crf in (20.0, 36.0)]
    assert set(anchors(one, first, 2)) == set(first)
    assert anchors(one, first[:1], 2) == (first[0],)
    assert anchors(one, (), 2) == ()


@pytest.mark.parametrize(
    ("frames", "step", "count"),
    [
        (SHORT_SHOT_FRAMES - 1, 3, 2),
        (SHORT_SHOT_FRAMES, 5, 1),
        (9 * FEW_FRAMES - 9, 9, 1),
        (9 * FEW_FRAMES - 8, 9, 0),
        (48, 1, 0),
        (1, 1, 0),
        (3, 5, 0),
    ],
)
def test_the_fewer_frames_are_scored_the_more_anchors_there_are(frames: int, step: int, count: int) -> None:
    assert anchor_count(frames, step) == count
