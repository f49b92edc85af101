"""Peers' rules on a table whose curves are formulas."""

import numpy as np
import pytest

from benchmarks.oracle.table import TrialTable
from benchmarks.search import peers
from benchmarks.search.fixed_rates import NETFLIX, apple_rates
from benchmarks.search.hull_loss import hull_loss
from benchmarks.search.rules import apply_rules, faster_preset, mean_losses
from benchmarks.search.shot_grid import ShotGrid
from benchmarks.search.title_rates import best_flat_points, gather
from domain.video import Codec
from ladders.interpolation import RateQualityCurve
from tests.benchmarks.tables import LARGE, MEDIUM, SMALL, STEP, VERYFAST, add_grid, bench_shot


def read_grid(setting: object, hardness: float = 1.0) -> ShotGrid:
    table, shot = TrialTable(), bench_shot()
    wanted = VERYFAST if setting == VERYFAST else MEDIUM
    add_grid(table, shot, wanted, hardness)
    grid = ShotGrid.read(table, shot, wanted, step=STEP)
    assert grid is not None
    return grid


@pytest.fixture(scope="module")
def grid() -> ShotGrid:
    return read_grid(MEDIUM)


def loss_of(grid: ShotGrid, decision: peers.Decision) -> float:
    return hull_loss(grid.envelope, decision.choices, [grid.look(choice) for choice in decision.choices]).mean


def test_a_preset_with_the_same_curves_decides_as_well_for_a_part_of_the_cpu(grid: ShotGrid) -> None:
    faster = read_grid(VERYFAST)

    found = peers.cheap_preset(grid, faster)

    assert abs(loss_of(grid, found)) < 0.001
    assert found.cpu_s == faster.cpu.total_s < grid.cpu.total_s


@pytest.mark.parametrize(("step", "ratio"), [(1, 1.0), (9, 0.2), (5, 0.28), (3, 0.4), (99, 0.109)])
def test_the_metric_costs_by_the_frames_that_are_scored(step: int, ratio: float) -> None:
    found = peers.metric_ratio_at(step, known_step=9, known_ratio=0.2)
    assert found == pytest.approx(ratio, abs=0.001)
    assert peers.metric_ratio_at(step, known_step=1, known_ratio=1.0) == pytest.approx(1 / step)


def test_a_preset_with_other_curves_decides_worse(grid: ShotGrid) -> None:
    assert loss_of(grid, peers.cheap_preset(grid, read_grid(VERYFAST, 1.5))) > 0.001


def test_four_crfs_cost_four_of_all_and_lose_little_on_smooth_curves(grid: ShotGrid) -> None:
    found = peers.spread_crfs(grid, 4, subsample=1, metric_ratio=1.0)

    assert found.cpu_s == pytest.approx(grid.cpu.total_s * 4 / len(grid.crfs))
    assert -1e-9 <= loss_of(grid, found) < 0.02


def test_subsampling_scales_metric_and_scaling_alone(grid: ShotGrid) -> None:
    full = peers.spread_crfs(grid, 4, subsample=1, metric_ratio=1.0)
    sampled = peers.spread_crfs(grid, 4, subsample=7, metric_ratio=0.5)

    assert full.cpu_s - sampled.cpu_s == pytest.approx(8 * 0.5 * 1.1)


def test_testing_rates_finds_the_best_size_at_each(grid: ShotGrid) -> None:
    found = peers.best_size_per_rate(grid)

    assert {choice.resolution for choice in found.choices} == {LARGE, SMALL}
    assert -1e-9 <= loss_of(grid, found) < 0.03


def test_the_nearest_vmaf_costs_the_whole_grid_and_ignores_rates(grid: ShotGrid) -> None:
    found = peers.nearest_vmaf(grid)

    assert found.cpu_s == grid.cpu.total_s
    for choice in found.choices:
        nearest = min(abs(trial.frame_scores[0] - choice.target_vmaf) for trial in grid.trials)
        assert abs(grid.look(choice).vmaf - choice.target_vmaf) == pytest.approx(nearest)


@pytest.mark.parametrize("target", [35.0, 62.0, 88.0, 98.9])
def test_the_search_for_one_target_ends_at_the_highest_crf_that_keeps_it(grid: ShotGrid, target: float) -> None:
    curve: RateQualityCurve = grid.curves[LARGE]
    vmafs = {crf: float(curve.at_crfs(np.asarray([float(crf)]))[1][0]) for crf in range(16, 49)}
    tried: set[float] = set()

    found = peers._highest_crf(curve, target, tried, (16.0, 48.0))

    assert found == max(crf for crf, vmaf in vmafs.items() if vmaf >= target)
    assert len(tried) <= 8


def test_a_target_above_the_curve_is_given_up_at_the_lowest_crf(grid: ShotGrid) -> None:
    tried: set[float] = set()

    assert peers._highest_crf(grid.curves[SMALL], 95.0, tried, (16.0, 48.0)) is None
    assert 16.0 in tried


def test_a_search_per_rung_pays_for_each_size(grid: ShotGrid) -> None:
    found = peers.search_per_rung(grid)

    assert found.cpu_s > 0.25 * grid.cpu.total_s
    assert -1e-9 <= loss_of(grid, found) < 0.05


@pytest.mark.parametrize("rates", [NETFLIX, apple_rates(Codec.H264), apple_rates(Codec.AV1)])
def test_a_fixed_ladder_costs_nothing_and_loses(grid: ShotGrid, rates: tuple[tuple[int, float], ...]) -> None:
    found = peers.ladder_sizes(grid, rates)

    assert found.cpu_s == 0
    assert loss_of(grid, found) > 0.001


def test_every_rule_is_applied(grid: ShotGrid) -> None:
    flat = best_flat_points(gather([grid.curves], [1.0]), grid.crfs)

    rules = apply_rules(grid, grid, flat, refined=grid.envelope, subsample=7, metric_ratio=0.4)
    found = {rule.rule: rule for rule in rules}

    assert len(found) == 10
    # The one shot is the whole title, so one CRF for all shots loses only what the grid is coarse.
    assert abs(found["one_crf_for_all_shots"].loss) < 0.01


def test_means_count_only_shots_that_a_rule_was_applied_to(grid: ShotGrid) -> None:
    flat = best_flat_points(gather([grid.curves], [1.0]), grid.crfs)
    with_proxy = apply_rules(grid, grid, flat, refined=grid.envelope, subsample=7, metric_ratio=0.4)
    without = apply_rules(grid, None, flat, refined=grid.envelope, subsample=7, metric_ratio=0.4)

    found = mean_losses([with_proxy, without], [grid.cpu.total_s, grid.cpu.total_s])

    assert found["cheap_preset_grid"].cpu_ratio == pytest.approx(1.0)
    assert found["alabama_nearest_vmaf"].cpu_ratio == pytest.approx(1.0)


def test_the_next_faster_preset_is_found_in_each_encoders_own_order() -> None:
    assert faster_preset(Codec.H264, "medium", ["medium", "ultrafast", "veryfast"]) == "veryfast"
    assert faster_preset(Codec.H264, "veryfast", ["medium", "veryfast"]) is None
    assert faster_preset(Codec.AV1, "6", ["6", "8", "9"]) == "8"
