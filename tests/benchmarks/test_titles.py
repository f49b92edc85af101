"""Searches of titles, what they save, and whether rungs keep their promise, replayed from a table of formulas."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.oracle.table import BenchShot, Point, Setting, Trial, TrialTable
from benchmarks.search.ceilings import no_ceilings
from benchmarks.search.replay import ReplayLab
from benchmarks.search.rungs import keep_rungs
from benchmarks.search.shot_grid import ShotGrid
from benchmarks.search.title_rates import compare_title, gather
from benchmarks.search.titles import Design, make_search_trials, make_trials, search_task, search_title, subsample_of
from domain.search import TrialAsk
from domain.search_recipe import SearchRecipe, SearchStart
from ladders.interpolation import RateQualityCurve, stretch
from tests.benchmarks.tables import LARGE, MEDIUM, SMALL, STEP, add_grid, bench_shot, bitrate_of

SHOTS = (bench_shot(index=0), bench_shot(index=1, size_bytes=3_000_000))
CEILINGS = {shot.name: no_ceilings(shot) for shot in SHOTS}


@pytest.fixture(scope="module")
def lab() -> ReplayLab:
    table = TrialTable()
    for shot, hardness in zip(SHOTS, (1.0, 1.6), strict=True):
        add_grid(table, shot, MEDIUM, hardness)
    return ReplayLab(table, step=STEP)


class ThinkingLab(ReplayLab):
    """Each decision takes a second."""

    def __init__(self, table: TrialTable, *, step: int) -> None:
        super().__init__(table, step=step)
        self._seconds = 0.0

    def spent_cpu_s(self) -> float:
        self._seconds += 1.0
        return self._seconds


class AskedLab(ReplayLab):
    """Notes how trials are asked for."""

    def __init__(self, table: TrialTable, *, step: int) -> None:
        super().__init__(table, step=step)
        self.asked: set[tuple[int, bool]] = set()

    async def measure(
        self, shot: BenchShot, setting: Setting, points: Sequence[Point], *, subsample: int, is_apart: bool = False
    ) -> tuple[Trial, ...]:
        self.asked.add((subsample, is_apart))
        return await super().measure(shot, setting, points, subsample=subsample, is_apart=is_apart)


def grids(lab: ReplayLab) -> list[ShotGrid]:
    found = [ShotGrid.read(lab.table, shot, MEDIUM, step=STEP) for shot in SHOTS]
    return [grid for grid in found if grid is not None]


async def test_equal_inputs_give_equal_trials(lab: ReplayLab) -> None:
    first = await search_title(lab, SHOTS, MEDIUM, CEILINGS, Design())
    second = await search_title(lab, SHOTS, MEDIUM, CEILINGS, Design())

    assert first == second


async def test_a_search_ends_with_a_reason_and_asks_for_no_point_twice(lab: ReplayLab) -> None:
    for search in (await search_title(lab, SHOTS, MEDIUM, CEILINGS, Design())).values():
        points = [(trial.resolution, trial.crf) for trial in search.seen]
        assert len(set(points)) == len(points) > 0
        assert search.stop.value
        assert all(search.task.lowest_crf <= crf <= search.task.highest_crf for _, crf in points)


async def test_choosing_trials_is_counted(lab: ReplayLab) -> None:
    slow = ThinkingLab(lab.table, step=STEP)
    for search in (await search_title(slow, SHOTS, MEDIUM, CEILINGS, Design())).values():
        assert search.deciding_cpu_s == search.rounds + 1, "a second for each decision, the last of them to end"


async def test_trials_are_apart_from_the_grids_only_where_both_are_scored_whole(lab: ReplayLab) -> None:
    source = AskedLab(lab.table, step=STEP)
    asks = [TrialAsk(resolution=LARGE, crf=20.0), TrialAsk(resolution=SMALL, crf=40.0)]
    for step, anchored in ((1, None), (5, None), (9, asks[0])):
        await make_search_trials(source, SHOTS[0], MEDIUM, asks, anchored, step)
    assert source.asked == {(1, True), (5, False), (3, False), (9, False)}


async def test_cold_shots_hear_of_nobody(lab: ReplayLab) -> None:
    found = await search_title(lab, SHOTS, MEDIUM, CEILINGS, Design(is_warm=False))

    assert [search.prior.shots for search in found.values()] == [(), ()]


async def test_trials_come_back_in_the_order_of_what_was_asked(lab: ReplayLab) -> None:
    asks = [TrialAsk(resolution=size, crf=crf) for size, crf in ((SMALL, 40.0), (LARGE, 20.0), (SMALL, 40.0))]

    found = await make_trials(lab, SHOTS[0], MEDIUM, asks, subsample=7)

    assert [(trial.resolution, trial.crf, len(trial.frame_scores)) for trial in found] == [
        (SMALL, 40.0, 4),
        (LARGE, 20.0, 4),
        (SMALL, 40.0, 4),
    ]


async def test_a_replayed_trial_between_two_of_the_grid_follows_the_curve(lab: ReplayLab) -> None:
    (found,) = await lab.measure(SHOTS[0], MEDIUM, [(LARGE, 21.0)], subsample=1)

    assert found.bitrate_bps == pytest.approx(bitrate_of(LARGE, 21), rel=0.005)


async def test_replayed_subsampling_makes_the_metric_cheaper_and_nothing_else(lab: ReplayLab) -> None:
    (full,) = await lab.measure(SHOTS[0], MEDIUM, [(LARGE, 20.0)], subsample=1)
    (sampled,) = await lab.measure(SHOTS[0], MEDIUM, [(LARGE, 20.0)], subsample=7)

    assert sampled.cpu.metric_s < 0.5 * full.cpu.metric_s
    assert sampled.cpu.encode_s == full.cpu.encode_s


@pytest.mark.parametrize(
    ("frames", "most", "step"),
    [(72, 9, 9), (71, 9, 7), (55, 9, 5), (40, 9, 5), (39, 9, 3), (23, 9, 1), (3, 9, 1), (99, 5, 5)],
)
def test_at_least_eight_frames_of_a_shot_are_scored(frames: int, most: int, step: int) -> None:
    assert subsample_of(bench_shot().model_copy(update={"frames": frames}), most) == step


def test_one_crf_is_worse_than_constant_slope_where_shots_differ(lab: ReplayLab) -> None:
    truth = gather([grid.curves for grid in grids(lab)], [1.0, 1.0])

    found = compare_title("a.mov", truth, truth, crfs=grids(lab)[0].crfs, fixed=[(LARGE, 1e6), (SMALL, 3e5)])

    assert found.search_loss == pytest.approx(0, abs=1e-9)
    assert found.search_loss_top == pytest.approx(0, abs=1e-9)
    assert found.one_crf is not None
    assert found.one_crf < -0.001
    assert found.per_title is not None
    assert found.per_title < -0.001
    assert found.fixed_rungs == 2
    assert found.fixed_ladder is not None
    assert found.fixed_ladder <= 0.001


def test_an_easy_shot_whose_curve_ends_too_early_costs_the_title_its_top(lab: ReplayLab) -> None:
    easy, hard = (grid.curves for grid in grids(lab))
    whole, durations_s = gather([easy, hard], [1.0, 1.0]), [1.0, 1.0]
    cut = gather([{size: _below(curve, 80.0) for size, curve in easy.items()}, hard], durations_s)

    found = compare_title("a.mov", cut, whole, crfs=grids(lab)[0].crfs, fixed=[])

    assert found.search_loss is not None
    assert found.search_loss_top is not None
    assert found.search_loss_top > max(0.01, 2 * found.search_loss)


def _below(curve: RateQualityCurve, vmaf: float) -> RateQualityCurve:
    kept = int(np.searchsorted(curve.sampled_u, stretch(np.asarray([vmaf]))[0]))
    return replace(
        curve,
        sampled_u=curve.sampled_u[:kept],
        sampled_log_rate=curve.sampled_log_rate[:kept],
        sampled_crf=curve.sampled_crf[:kept],
    )


def test_with_one_shot_one_crf_is_as_good(lab: ReplayLab) -> None:
    truth = gather([grids(lab)[0].curves], [1.0])

    found = compare_title("a.mov", truth, truth, crfs=grids(lab)[0].crfs, fixed=[])

    assert found.one_crf == pytest.approx(0, abs=0.002)
    assert found.fixed_ladder is None


async def test_rungs_are_counted_as_kept_where_they_are_within_half_a_vmaf(lab: ReplayLab) -> None:
    searches = await search_title(lab, SHOTS, MEDIUM, CEILINGS, Design())

    found = await keep_rungs(lab, SHOTS, MEDIUM, searches)

    assert found.why_none == ""
    assert found.rungs == len(found.misses) > 2
    assert found.at_once <= found.corrected <= found.rungs
    assert found.corrected == sum(abs(miss) <= 0.5 for miss in found.misses)
    assert found.corrected >= 0.5 * found.rungs


def test_a_search_of_the_benchmark_may_have_as_many_trials_as_one_that_ships() -> None:
    shot, shipped = bench_shot(), SearchRecipe()
    for start in SearchStart:
        task = search_task(shot, MEDIUM, no_ceilings(shot), start)
        sizes = len(task.sizes)
        assert task.max_trials == shipped.most_trials(sizes, start)
        assert task.patience == shipped.patience(sizes, start)
        assert task.more_if_dense == shipped.more_if_dense(sizes, start)
