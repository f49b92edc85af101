"""The search of one shot: what it asks, when it ends, what it then has, and what its choices lose."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.search import StopReason, TrialAsk
from domain.search_recipe import Patience
from domain.video import Codec
from ladders.search.dense import dense_design
from ladders.search.regret import choose_trials, look_out
from ladders.search.shot_model import fit_curves
from ladders.search.shot_search import crossovers, next_step
from ladders.search.surface import Surface
from tests.support.searches import NO_PRIOR, Oracle, Search, run_search
from tests.support.synthetic_shots import (
    BLACK,
    BUMPY,
    CLIFF,
    GRAIN,
    NOISY,
    PLATEAU,
    SIZES,
    SMOOTH,
    SyntheticShot,
)

EVERY = (*SMOOTH, NOISY, GRAIN, PLATEAU, BUMPY, BLACK, CLIFF)
ASSUMED_GRID_CRFS = 18
"""CRFs of an exhaustive grid with a step of 2 over the range of h264."""


@st.composite
def shots(draw: st.DrawFn) -> SyntheticShot:
    """Shots of every difficulty, some noisy, some saturated, at one to five sizes."""
    return SyntheticShot(
        codec=draw(st.sampled_from(list(Codec))),
        complexity=math.exp(draw(st.floats(-5, 2))),
        softness=draw(st.floats(0, 1)),
        fragility=draw(st.sampled_from([0.0, 0.3, 1.0, 2.0, 3.0, 5.0, 8.0])),
        most_vmaf=draw(st.sampled_from([110.0, 97.0, 93.0, 60.0])),
        noise=draw(st.sampled_from([0.0, 0.01, 0.05])),
        seed=draw(st.integers(0, 1000)),
        sizes=SIZES[: draw(st.integers(1, 5))],
    )


def loss_of(shot: SyntheticShot, search: Search) -> float:
    return Oracle(search.task, shot.truth).loss(fit_curves(search.task, search.seen, search.prior).curves)


@settings(deadline=None, max_examples=40)
@given(
    shots(),
    st.sampled_from([3, 5, 9, 14, 26]),
    st.sampled_from([(), (Patience(2, 1.0),), (Patience(7, 0.012), Patience(10, 0.02))]),
)
def test_every_search_ends_with_trials_that_can_be_made_each_asked_for_once(
    shot: SyntheticShot, max_trials: int, patience: tuple[Patience, ...]
) -> None:
    task = shot.task(max_trials=max_trials, patience=patience)
    assert type(task).model_validate_json(task.model_dump_json()) == task
    asks = run_search(task, shot.trial).asks
    assert 1 <= len(asks) <= max_trials
    assert len(set(asks)) == len(asks)
    for ask in asks:
        assert ask.resolution in task.sizes
        assert task.lowest_crf <= ask.crf <= task.highest_crf
        assert ask.crf % task.crf_step == 0


def test_steps_that_do_not_divide_the_crf_itself_count_from_the_lowest() -> None:
    shot = SMOOTH[0]
    asks = run_search(shot.task(crf_step=3.0, highest_crf=46.0), shot.trial).asks
    assert {(ask.crf - 16) % 3 for ask in asks} == {0}


@pytest.mark.parametrize("shot", EVERY, ids=str)
def test_the_same_trials_give_the_same_steps_byte_for_byte(shot: SyntheticShot) -> None:
    first = run_search(shot.task(), shot.trial)
    slower = run_search(shot.task(), lambda ask: shot.trial(ask).model_copy(update={"cpu_s": 7.0 * ask.crf}))
    assert [step.model_dump_json() for step in first.steps] == [step.model_dump_json() for step in slower.steps]


@pytest.mark.parametrize("shot", SMOOTH, ids=str)
def test_a_smooth_shot_loses_little_for_a_fraction_of_the_grid(shot: SyntheticShot) -> None:
    search = run_search(shot.task(), shot.trial)
    assert loss_of(shot, search) < 0.01
    assert len(search.seen) <= 0.3 * len(shot.sizes) * ASSUMED_GRID_CRFS


def test_smooth_shots_lose_less_than_by_a_grid_of_as_many_trials() -> None:
    searched, gridded = [], []
    for shot in SMOOTH:
        search = run_search(shot.task(), shot.trial)
        per_size = max(2, math.ceil(len(search.seen) / len(shot.sizes)))
        crfs = np.linspace(search.task.lowest_crf, search.task.highest_crf, per_size).round().tolist()
        asks = [TrialAsk(resolution=size, crf=crf) for size in shot.sizes for crf in crfs]
        trials = tuple(shot.trial(ask) for ask in asks)
        # The grid gets the same curves drawn through it: only the choice of trials differs.
        gridded.append(loss_of(shot, replace(search, seen=trials)))
        searched.append(loss_of(shot, search))
    assert np.mean(searched) <= np.mean(gridded) + 0.001
    assert np.mean(searched) < 0.005


def test_all_crossovers_are_certified_when_the_expected_loss_is_low_enough() -> None:
    ended = 0
    for shot in (*EVERY, *(replace(shot, noise=0.01, seed=2) for shot in SMOOTH)):
        search = run_search(shot.task(), shot.trial)
        if search.stop is StopReason.REGRET:
            ended += 1
            assert search.last.regret <= search.task.stop_regret
            assert all(crossover.certified for crossover in crossovers(search.task, search.seen, NO_PRIOR))
    assert ended >= 5


@pytest.mark.parametrize("shot", SMOOTH, ids=str)
def test_crossovers_stand_where_the_truth_has_them(shot: SyntheticShot) -> None:
    search = run_search(shot.task(), shot.trial)
    found = crossovers(search.task, search.seen, NO_PRIOR)
    assert found
    assert [crossover.vmaf for crossover in found] == sorted((c.vmaf for c in found), reverse=True)
    for crossover in found:
        assert crossover.smaller.pixels < crossover.larger.pixels
        rates = []
        for size in (crossover.smaller, crossover.larger):
            crfs = np.linspace(search.task.highest_crf, search.task.lowest_crf, 400).tolist()
            log_rates, vmafs = zip(*(shot.truth(size, crf) for crf in crfs), strict=True)
            rates.append(float(np.interp(crossover.vmaf, vmafs, log_rates)))
        assert abs(rates[0] - rates[1]) < 0.08, "at a crossover both sizes need nearly the same rate"


def test_a_lower_limit_asks_for_more_trials_and_leaves_less_regret() -> None:
    shot = SMOOTH[0]
    rough, fine = (run_search(shot.task(stop_regret=limit, max_trials=60), shot.trial) for limit in (0.02, 0.002))
    assert len(rough.seen) < len(fine.seen)
    assert fine.last.regret <= 0.002 < rough.last.regret <= 0.02


def test_a_search_that_runs_out_of_trials_says_so() -> None:
    search = run_search(SMOOTH[0].task(max_trials=12, stop_regret=1e-6), SMOOTH[0].trial)
    assert search.stop is StopReason.MAX_TRIALS
    assert len(search.seen) == 12
    assert "12 trials made" in search.last.why
    assert "expected loss" in search.last.why


def test_few_trials_allowed_still_reach_from_the_largest_size_to_the_smallest() -> None:
    shot = SMOOTH[0]
    seeds = next_step(shot.task(max_trials=3), (), NO_PRIOR).trials
    assert len(seeds) == 3
    assert {seeds[0].resolution, seeds[-1].resolution} == {shot.sizes[0], shot.sizes[-1]}


def test_a_budget_ends_the_search_after_the_round_that_spends_it_and_says_so() -> None:
    shot = SMOOTH[0]
    free = run_search(shot.task(stop_regret=1e-5), shot.trial)
    seeds_s = sum(trial.cpu_s for trial in free.seen[: len(free.steps[0].trials)])
    search = run_search(shot.task(stop_regret=1e-5, cpu_budget_s=seeds_s + 0.01), shot.trial)
    assert search.stop is StopReason.BUDGET
    assert len(search.steps[0].trials) < len(search.seen) < len(free.seen)
    before_last = search.seen[: len(search.seen) - len(search.steps[-2].trials)]
    assert sum(trial.cpu_s for trial in before_last) < seeds_s + 0.01 <= sum(trial.cpu_s for trial in search.seen)
    assert "CPU budget" in search.last.why


def test_a_budget_that_is_never_reached_changes_nothing() -> None:
    shot = SMOOTH[0]
    with_budget = run_search(shot.task(cpu_budget_s=1e6), shot.trial)
    assert with_budget.steps == run_search(shot.task(), shot.trial).steps


def test_nothing_goes_along_with_the_ends_of_a_window_that_few_will_watch() -> None:
    shot, price = SMOOTH[2], {"min_saved_bits_per_cpu_s": 1e6}
    watched, unwatched = (run_search(shot.task(delivered_s=length_s, **price), shot.trial) for length_s in (1e9, 10.0))
    ends = "the ends of the window want to be enclosed"
    more, fewer = (next(step.trials for step in search.steps if step.why == ends) for search in (watched, unwatched))
    assert set(fewer) < set(more)
    assert unwatched.stop is StopReason.NOT_WORTH


def test_a_shot_that_few_will_watch_gets_fewer_trials() -> None:
    shot = SMOOTH[0]
    price = {"stop_regret": 1e-5, "min_saved_bits_per_cpu_s": 1e6, "max_trials": 60}
    counts = {}
    for delivered_s in (10.0, 1e4, 1e7):
        search = run_search(shot.task(delivered_s=delivered_s, **price), shot.trial)
        counts[delivered_s] = len(search.seen)
        if delivered_s < 1e4:
            assert search.stop is StopReason.NOT_WORTH
            assert "cost more than it saves" in search.last.why
    assert counts[10.0] < counts[1e7]
    assert list(counts.values()) == sorted(counts.values())


@pytest.mark.parametrize("shot", [GRAIN, PLATEAU], ids=str)
def test_a_shot_whose_rate_falls_without_its_quality_gets_the_dense_design_near_the_hull(shot: SyntheticShot) -> None:
    search = run_search(shot.task(max_trials=60, is_alone=True), shot.trial)
    assert search.was_dense
    assert max(len(step.trials) for step in search.steps[1:]) <= 4
    cheapest, near = Oracle(search.task, shot.truth).hull(), 0
    for wanted in dense_design(search.task):
        log_rate, vmaf = shot.truth(wanted.resolution, wanted.crf)
        if search.task.floor_vmaf < vmaf < search.task.top_vmaf and log_rate - cheapest(vmaf) < 0.1:
            near += 1
            assert any(ask.resolution == wanted.resolution and abs(ask.crf - wanted.crf) <= 3 for ask in search.asks)
    assert near >= 2
    assert loss_of(shot, search) < 0.01


def test_one_trial_far_off_all_others_is_a_surprise() -> None:
    shot = SMOOTH[0]
    task = shot.task()
    seen = [shot.trial(ask) for ask in next_step(task, (), NO_PRIOR).trials]
    assert not next_step(task, seen, NO_PRIOR).dense
    off = seen[4].model_copy(update={"bitrate_bps": 8 * seen[4].bitrate_bps})
    step = next_step(task, [*seen[:4], off, *seen[5:]], NO_PRIOR)
    assert step.dense
    assert set(step.trials) <= set(dense_design(task))


def test_the_end_of_a_crf_range_that_falls_off_is_tried() -> None:
    search = run_search(CLIFF.task(), CLIFF.trial)
    assert loss_of(CLIFF, search) < 0.015
    assert any(ask.crf == search.task.highest_crf for ask in search.asks)


@pytest.mark.parametrize(("shot", "bound"), [(NOISY, 0.04), (GRAIN, 0.15), (PLATEAU, 0.08), (BUMPY, 0.1)], ids=str)
def test_nasty_shots_lose_within_bounds(shot: SyntheticShot, bound: float) -> None:
    assert loss_of(shot, run_search(shot.task(), shot.trial)) < bound


def test_the_first_round_asks_the_ends_twice_and_every_other_size_once() -> None:
    seeds = next_step(SMOOTH[0].task(), (), NO_PRIOR).trials
    assert [sum(ask.resolution == size for ask in seeds) for size in SIZES] == [2, 1, 1, 1, 2]
    assert seeds[0].crf == min(ask.crf for ask in seeds)
    assert seeds[-1].crf == max(ask.crf for ask in seeds)


def test_a_shot_that_no_other_learns_from_asks_the_ends_alone() -> None:
    seeds = next_step(SMOOTH[0].task(is_alone=True), (), NO_PRIOR).trials
    assert [sum(ask.resolution == size for ask in seeds) for size in SIZES] == [2, 0, 0, 0, 2]
    others = next_step(SMOOTH[0].task(), (), NO_PRIOR).trials
    assert seeds == tuple(ask for ask in others if ask.resolution in (SIZES[0], SIZES[-1]))


def test_where_no_sizes_are_to_choose_between_only_a_titles_shot_is_worth_a_trial() -> None:
    shot = replace(SMOOTH[0], sizes=SIZES[:1])
    chosen = {}
    for is_alone in (True, False):
        task = shot.task(is_alone=is_alone)
        seen = [shot.trial(TrialAsk(resolution=SIZES[0], crf=crf)) for crf in (20.0, 46.0)]
        chosen[is_alone] = choose_trials(task, seen, look_out(task, Surface(task, seen, NO_PRIOR)), 1)
    assert chosen[True] == ()
    assert 24 < chosen[False][0].crf < 42, "equal slopes need the curve where it is known least"


def test_where_the_largest_size_stays_below_the_window_smaller_ones_are_tried_as_long_as_they_are_better() -> None:
    soft = SyntheticShot(
        name="soft", softness=1.0, fragility=8.0, vmaf_bend=lambda _, octaves: 8 * octaves * (1 - octaves / 2)
    )
    search = run_search(soft.task(max_trials=20), soft.trial)
    lowest = search.task.lowest_crf
    tops = [soft.truth(size, lowest)[1] for size in SIZES]
    best = int(np.argmax(tops))
    assert 0 < best < len(SIZES) - 1
    assert {ask.resolution for ask in search.asks if ask.crf == lowest} >= set(SIZES[: best + 1])
    curves = fit_curves(search.task, search.seen, search.prior).curves
    assert max(curve.max_vmaf for curve in curves.values()) == pytest.approx(tops[best], abs=0.01)


def test_a_size_whose_ceiling_is_too_low_is_not_tried_at_its_lowest_crf() -> None:
    hard = replace(SMOOTH[0], complexity=5.0, fragility=7.0, softness=0.0, sizes=(SIZES[0], SIZES[2], SIZES[4]))
    search = run_search(hard.task(max_trials=20), hard.trial)
    at_lowest = [ask.resolution for ask in search.asks if ask.crf == search.task.lowest_crf]
    assert max(trial.vmaf for trial in search.seen) < search.task.top_vmaf - 2
    assert at_lowest == [SIZES[0]]


def test_a_size_that_is_foretold_to_be_worse_at_its_lowest_crf_is_not_tried_there() -> None:
    hard = replace(SMOOTH[0], complexity=5.0, fragility=7.0, softness=0.6)
    search = run_search(hard.task(max_trials=20), hard.trial)
    lowest = search.task.lowest_crf
    highest, second = (hard.truth(size, lowest)[1] for size in SIZES[:2])
    assert second + 3 < highest < search.task.top_vmaf - 2
    assert search.task.ceilings[1] > highest, "the ceiling alone does not tell"
    assert [ask.resolution for ask in search.asks if ask.crf == lowest] == [SIZES[0]]


def test_rounds_are_few() -> None:
    for shot in EVERY:
        search = run_search(shot.task(), shot.trial)
        assert len(search.steps) - 1 <= 8
        assert all(len(set(step.trials)) == len(step.trials) for step in search.steps)
        assert all(step.why for step in search.steps)
        assert all(step.stop is None for step, _ in itertools.pairwise(search.steps))


def test_a_size_that_ends_inside_the_window_and_is_best_there_is_tried_at_its_last_crf() -> None:
    tried = 0
    soft = (SyntheticShot(softness=0.0, fragility=fragility, codec=Codec.AV1) for fragility in (1.0, 1.5, 2.0))
    for shot in (*SMOOTH, *soft):
        search = run_search(shot.task(), shot.trial)
        end = search.task.highest_crf
        for size in shot.sizes:
            log_rate, vmaf = shot.truth(size, end)
            crfs = np.linspace(end, search.task.lowest_crf, 200).tolist()
            curves = [np.asarray([shot.truth(other, crf) for crf in crfs]).T for other in shot.sizes]
            able = [np.interp(vmaf, vmafs, rates) for rates, vmafs in curves if vmafs[0] <= vmaf <= vmafs[-1]]
            if vmaf > search.task.floor_vmaf + 2 and log_rate <= min(able) + 1e-9:
                tried += 1
                assert TrialAsk(resolution=size, crf=end) in search.asks
    assert tried >= 3


def test_a_shot_that_is_better_than_the_window_everywhere_is_tried_at_the_last_crf_of_every_size() -> None:
    still = replace(SMOOTH[0], complexity=0.001, fragility=0.0, softness=1.0, sizes=SIZES[:4])
    patience = (Patience(6, 0.012), Patience(8, 0.02))
    task = still.task(max_trials=20, patience=patience)
    search = run_search(task, still.trial)
    assert min(trial.vmaf for trial in search.seen) > task.top_vmaf
    assert search.stop is StopReason.REGRET
    assert {ask.resolution for ask in search.asks if ask.crf == task.highest_crf} == set(task.sizes)
    assert len(search.asks) < 20


def test_a_shot_that_breaks_the_model_may_have_more_trials() -> None:
    limits = {"max_trials": 10, "more_if_dense": 4, "stop_regret": 1e-6}
    for shot, most in ((SMOOTH[0], 10), (GRAIN, 14)):
        search = run_search(shot.task(**limits), shot.trial)
        assert len(search.seen) == most
        assert search.steps[-1].stop is StopReason.MAX_TRIALS
        assert f"{most} trials made" in search.steps[-1].why


def test_a_search_ends_when_its_expected_loss_is_small_enough_for_so_many_trials() -> None:
    patience, stops = (Patience(9, 0.004), Patience(13, 0.006)), set()
    for shot in EVERY:
        task = shot.task(stop_regret=1e-9, max_trials=16, patience=patience)
        search = run_search(task, shot.trial)
        made = list(itertools.accumulate((len(step.trials) for step in search.steps), initial=0))
        for step, before, after in zip(search.steps[1:], made[1:-1], made[2:], strict=True):
            accepted = [few for few, regret in patience if step.regret <= regret]
            assert after <= min((16, *(max(before, few) for few in accepted[-1:])))
            if step.stop is StopReason.PATIENCE:
                assert before >= min(accepted)
            if step.stop is StopReason.MAX_TRIALS:
                assert before == 16
                assert not accepted
            if before >= 13 and accepted:
                assert step.stop is StopReason.PATIENCE
        if search.stop is StopReason.PATIENCE:
            assert f"enough after {len(search.seen)} trials" in search.last.why
        stops.add((search.stop, len(search.seen) < 13))
    assert {(StopReason.PATIENCE, True), (StopReason.PATIENCE, False), (StopReason.MAX_TRIALS, False)} <= stops


def test_no_search_ends_early_while_an_end_of_the_window_is_open() -> None:
    steep = replace(SMOOTH[2], sizes=SIZES[:5])
    early = steep.task(max_trials=26, stop_regret=1e-9, patience=(Patience(3, 1.0), Patience(20, 1.0)))
    search = run_search(early, steep.trial)
    reasons = [step.why for step in search.steps]
    assert any("ends of the window" in why for why in reasons[1:]), "there was one to be enclosed"
    assert search.stop is StopReason.PATIENCE
    assert len(search.seen) < 20


def test_patience_with_a_shot_that_breaks_the_model_grows_with_its_trials() -> None:
    limits = {"max_trials": 16, "patience": (Patience(10, 1.0),), "more_if_dense": 4, "stop_regret": 1e-6}
    for shot, enough in ((SMOOTH[0], 10), (GRAIN, 14)):
        search = run_search(shot.task(**limits), shot.trial)
        assert (len(search.seen), search.stop) == (enough, StopReason.PATIENCE)
