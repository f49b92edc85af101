"""Warm starts: what a shot learns from finished shots of its title, and which shots it hears of."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from domain.search import PriorShot, SeenTrial, TitlePrior, TrialAsk
from domain.video import Resolution
from ladders.search.dense import on_step
from ladders.search.shot_model import fit_curves
from ladders.search.waves import NEIGHBORS, plan_waves, prior_of
from tests.support.searches import NO_PRIOR, Oracle, Search, run_search
from tests.support.synthetic_shots import GRAIN, PLATEAU, SIZES, SMOOTH, SyntheticShot


def finished(shots: Sequence[SyntheticShot]) -> TitlePrior:
    return TitlePrior(
        shots=tuple(
            PriorShot(difficulty=0.0, ceilings=shot.ceilings, seen=run_search(shot.task(), shot.trial).seen)
            for shot in shots
        )
    )


def siblings(shot: SyntheticShot) -> list[SyntheticShot]:
    """The same camera and grain, other moments."""
    changes = ((0.7, 1.1), (1.5, 0.9), (1.2, 1.05))
    return [replace(shot, complexity=shot.complexity * rate, fragility=shot.fragility * fall) for rate, fall in changes]


def loss_of(shot: SyntheticShot, search: Search) -> float:
    return Oracle(search.task, shot.truth).loss(fit_curves(search.task, search.seen, search.prior).curves)


def trials_of(shot: SyntheticShot, sizes: Sequence[Resolution], parts: Sequence[float]) -> tuple[SeenTrial, ...]:
    """Trials of some sizes at some parts of the CRF range, 0 to 1."""
    task = shot.task()
    crfs = [on_step(task, task.lowest_crf + part * (task.highest_crf - task.lowest_crf)) for part in parts]
    return tuple(shot.trial(TrialAsk(resolution=size, crf=crf)) for size in sizes for crf in crfs)


def test_finished_shots_of_the_same_kind_tell_what_few_trials_do_not() -> None:
    cold, warm = [], []
    for shot in SMOOTH:
        task = shot.task(max_trials=5)
        cold.append(loss_of(shot, run_search(task, shot.trial)))
        warm.append(loss_of(shot, run_search(task, shot.trial, finished(siblings(shot)))))
    assert max(warm) < 0.002
    assert np.mean(warm) < np.mean(cold) / 10


def test_a_warm_search_asks_the_largest_size_once_at_first_and_loses_nothing() -> None:
    for shot in SMOOTH:
        warm = run_search(shot.task(), shot.trial, finished(siblings(shot)))
        first = [ask.resolution for ask in warm.steps[0].trials]
        assert first == [shot.sizes[0], shot.sizes[-1], shot.sizes[-1]]
        assert loss_of(shot, warm) < 0.01


@pytest.mark.parametrize("height", [0.3, -0.3], ids=["better", "worse"])
def test_sizes_that_do_not_lie_on_a_line_are_foretold_from_finished_shots(height: float) -> None:
    """Of the shot itself only the largest and the smallest size were tried, of the others all, at distant CRFs."""
    widest = SMOOTH[0].octaves(SMOOTH[0].sizes[-1])

    def arc(_part: float, octaves: float) -> float:
        return -4 * height * octaves * (widest - octaves) / widest**2

    for smooth in SMOOTH:
        shot = replace(smooth, log_rate_bend=arc)
        others = [trials_of(other, other.sizes, (0.05, 0.5, 0.95)) for other in siblings(shot)]
        prior = TitlePrior(
            shots=tuple(PriorShot(difficulty=0.0, ceilings=shot.ceilings, seen=seen) for seen in others),
        )
        seen = (*trials_of(shot, shot.sizes[:1], (0.3,)), *trials_of(shot, shot.sizes[-1:], (0.3, 0.75)))
        curves = fit_curves(shot.task(), seen, prior).curves
        for size in shot.sizes[1:-1]:
            for truth in trials_of(shot, (size,), (0.2, 0.4, 0.7)):
                assert curves[size].bitrate_at(truth.vmaf) == pytest.approx(truth.bitrate_bps, rel=0.08)


def test_a_warm_search_is_as_repeatable_as_a_cold_one() -> None:
    shot = SMOOTH[0]
    first, second = (run_search(shot.task(), shot.trial, finished(siblings(shot))) for _ in range(2))
    assert [step.model_dump_json() for step in first.steps] == [step.model_dump_json() for step in second.steps]


def test_finished_shots_of_another_kind_do_little_harm() -> None:
    cold_trials = misled_trials = 0
    for shot in SMOOTH:
        unlike = finished([replace(other, codec=shot.codec) for other in (GRAIN, PLATEAU)])
        cold, misled = run_search(shot.task(), shot.trial), run_search(shot.task(), shot.trial, unlike)
        assert loss_of(shot, misled) < 0.02
        cold_trials, misled_trials = cold_trials + len(cold.seen), misled_trials + len(misled.seen)
    assert misled_trials <= 1.4 * cold_trials


def test_finished_shots_of_another_number_of_sizes_are_not_listened_to() -> None:
    shot = SMOOTH[0]
    seen = run_search(shot.task(), shot.trial).seen
    other = finished([replace(SMOOTH[2], sizes=SIZES[:3])])
    for size, curve in fit_curves(shot.task(), seen, other).curves.items():
        alone = fit_curves(shot.task(), seen, NO_PRIOR).curves[size]
        assert np.array_equal(curve.sampled_log_rate, alone.sampled_log_rate)


def test_every_shot_stands_in_one_wave() -> None:
    rng = np.random.default_rng(3)
    for count in (0, 1, 2, 5, 40):
        waves = plan_waves(rng.normal(size=count).tolist())
        assert sorted(shot for wave in waves for shot in wave) == list(range(count))


@pytest.mark.parametrize(
    ("shots", "sizes"),
    [(3, [3]), (4, [2, 2]), (7, [2, 5]), (8, [2, 3, 3]), (11, [2, 3, 6]), (100, [5, 10, 85]), (900, [12, 30, 858])],
)
def test_few_shots_are_searched_with_no_help_and_later_waves_are_larger(shots: int, sizes: list[int]) -> None:
    assert [len(wave) for wave in plan_waves([float(shot) for shot in range(shots)])] == sizes


def test_the_shots_of_a_wave_stand_for_all_that_are_left() -> None:
    first, second, _ = plan_waves([float(shot) for shot in reversed(range(16))])
    assert first == (3, 11)
    assert [sum(shot < place for shot in second) for place in (4, 8, 12, 16)] == [1, 2, 3, 4]


def test_a_shot_hears_of_the_nearest_in_difficulty_first() -> None:
    shots = [PriorShot(difficulty=difficulty, ceilings=(99.0,), seen=()) for difficulty in (5, 1, 2, 9, 2.5, 7, 0, 8)]
    heard = [shot.difficulty for shot in prior_of(2.2, shots).shots]
    assert len(heard) == NEIGHBORS
    assert heard[:4] == [2.0, 2.5, 1.0, 0.0]
