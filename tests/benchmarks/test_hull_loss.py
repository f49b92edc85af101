"""Hull losses that can be worked out by hand."""

import math

import pytest

from benchmarks.oracle.table import TrialTable
from benchmarks.search.envelope import Choice, Envelope, Measured
from benchmarks.search.hull_loss import hull_loss
from benchmarks.search.shot_grid import ShotGrid
from domain.ladder import RateQualityPoint
from domain.search import CRF_STEP
from ladders.interpolation import RateQualityCurve
from tests.benchmarks.tables import LARGE, MEDIUM, SMALL, STEP, add_grid, bench_shot, bitrate_of, vmaf_of

TWO_POINTS = Envelope({
    LARGE: RateQualityCurve.fit([
        RateQualityPoint(resolution=LARGE, crf=40, bitrate_bps=100_000, vmaf=40),
        RateQualityPoint(resolution=LARGE, crf=20, bitrate_bps=800_000, vmaf=90),
    ])
})  # fmt: skip


def choice(vmaf: float, *, is_reached: bool = True) -> Choice:
    return Choice(vmaf, LARGE, 20, is_reached)


@pytest.fixture(scope="module")
def grid() -> ShotGrid:
    table, shot = TrialTable(), bench_shot()
    add_grid(table, shot, MEDIUM)
    found = ShotGrid.read(table, shot, MEDIUM, step=STEP)
    assert found is not None
    return found


def test_a_point_on_the_hull_loses_nothing() -> None:
    assert hull_loss(TWO_POINTS, [choice(90)], [Measured(800_000, 90)]).mean == pytest.approx(0)


def test_the_loss_is_the_mean_of_log_rates() -> None:
    found = hull_loss(TWO_POINTS, [choice(90), choice(40)], [Measured(880_000, 90), Measured(100_000, 40)])

    assert found.mean == pytest.approx(math.sqrt(1.1) - 1)
    assert found.worst == pytest.approx(0.1)


def test_a_point_that_misses_its_target_is_compared_at_its_own_quality() -> None:
    assert hull_loss(TWO_POINTS, [choice(88)], [Measured(880_000, 90)]).mean == pytest.approx(0.1)


def test_a_target_that_is_not_reached_pays_the_distance_along_the_hull() -> None:
    found = hull_loss(TWO_POINTS, [choice(90, is_reached=False)], [Measured(100_000, 40)])

    assert found.mean == pytest.approx(7.0)
    assert found.unreached == 1


def test_silence_never_looks_better_than_a_claim() -> None:
    cheap = Measured(90_000, 40)
    claimed = hull_loss(TWO_POINTS, [choice(90)], [cheap]).mean
    silent = hull_loss(TWO_POINTS, [choice(90, is_reached=False)], [cheap]).mean

    assert claimed < 0 < silent


def test_what_is_worse_than_all_of_the_hull_saves_nothing() -> None:
    assert hull_loss(TWO_POINTS, [choice(40)], [Measured(10_000, 12)]).mean == 0


def test_what_is_better_than_all_of_the_hull_pays_for_it() -> None:
    assert hull_loss(TWO_POINTS, [choice(90)], [Measured(1_600_000, 97)]).mean == pytest.approx(1.0)


def test_the_envelope_hands_over_where_the_curves_cross(grid: ShotGrid) -> None:
    high, low = grid.envelope.choose(85), grid.envelope.choose(40)

    assert (high.resolution, low.resolution) == (LARGE, SMALL)


def test_the_envelope_is_never_dearer_than_a_trial_of_the_grid(grid: ShotGrid) -> None:
    for trial in grid.trials:
        assert grid.envelope.log_rate(trial.frame_scores[0]) <= math.log(trial.bitrate_bps) + 1e-6


def test_below_its_cheapest_point_a_size_still_serves() -> None:
    assert TWO_POINTS.log_rate(30) == pytest.approx(math.log(100_000))
    assert not TWO_POINTS.choose(30).is_reached


def test_targets_are_every_two_and_a_half_where_the_hull_is() -> None:
    assert TWO_POINTS.targets() == tuple(40 + 2.5 * number for number in range(21))


def test_a_hull_above_the_window_is_looked_at_where_it_begins() -> None:
    points = [
        RateQualityPoint(resolution=LARGE, crf=crf, bitrate_bps=rate, vmaf=vmaf)
        for crf, rate, vmaf in ((40, 1e5, 97), (20, 2e5, 99))
    ]

    assert Envelope({LARGE: RateQualityCurve.fit(points)}).targets() == pytest.approx((97.0,))


def test_exhaustive_decisions_lose_next_to_nothing(grid: ShotGrid) -> None:
    choices = grid.choose(grid.curves)

    assert abs(hull_loss(grid.envelope, choices, [grid.look(item) for item in choices]).mean) < 0.001


def test_decisions_stand_at_the_steps_of_the_pipeline(grid: ShotGrid) -> None:
    steps = [choice.crf / CRF_STEP[grid.setting.codec] for choice in grid.choose(grid.curves)]

    assert steps == [round(step) for step in steps]
    assert any(step % 2 for step in steps), "halves too, where the pipeline takes them"


def test_always_the_large_size_loses_what_the_formulas_say(grid: ShotGrid) -> None:
    crf = 36.0
    point = Measured(bitrate_of(LARGE, crf), vmaf_of(LARGE, crf))
    same_quality_crf = 16 + (88 - point.vmaf) / 1.6
    expected = point.bitrate_bps / bitrate_of(SMALL, same_quality_crf) - 1

    found = hull_loss(grid.envelope, [Choice(point.vmaf, LARGE, crf, is_reached=True)], [point])

    assert found.mean == pytest.approx(expected, abs=0.01)


def test_an_incomplete_grid_is_no_grid() -> None:
    table, shot = TrialTable(), bench_shot()
    add_grid(table, shot, MEDIUM, step=4)

    assert ShotGrid.read(table, shot, MEDIUM, step=STEP) is None
    assert ShotGrid.read(table, shot, MEDIUM, step=4) is not None
