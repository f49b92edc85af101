"""Hull losses that can be worked out by hand."""

import math
from dataclasses import replace

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


@pytest.mark.parametrize(("best", "uncovered"), [(88.25, 0), (88.2, 1)])
def test_a_target_beyond_all_that_was_measured_is_counted(best: float, uncovered: int) -> None:
    points = [Measured(100_000, 40), Measured(700_000, best)]
    assert hull_loss(TWO_POINTS, [choice(40), choice(90)], points).uncovered == uncovered
    silent = hull_loss(TWO_POINTS, [choice(40), choice(90, is_reached=False)], points)
    assert (silent.uncovered, silent.unreached) == (0, 1)


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


def _straight(lucky: float | None) -> Envelope:
    """An envelope whose rate grows by 6 % each VMAF; the encode of VMAF 61 may be a tenth cheaper."""
    points = []
    for number in range(12):
        vmaf = 40.0 + 3.5 * number
        is_lucky = lucky is not None and vmaf == lucky
        rate = 1e5 * math.exp(0.06 * vmaf) * (0.9 if is_lucky else 1.0)
        points.append(RateQualityPoint(resolution=LARGE, crf=46 - 2 * number, bitrate_bps=rate, vmaf=vmaf))
    return Envelope({LARGE: RateQualityCurve.fit(points)})


@pytest.mark.parametrize("target", [50.0, 60.0, 70.0])
def test_on_a_straight_envelope_equal_slope_takes_the_target(target: float) -> None:
    envelope = _straight(None)
    choice = envelope.choose(target)

    assert envelope.curves[LARGE].vmaf_at_crf(choice.crf) == pytest.approx(target, abs=0.3)


def test_equal_slope_takes_an_encode_that_came_out_well_if_it_is_near() -> None:
    envelope = _straight(61.0)

    assert [envelope.choose(target).crf for target in (60.0, 61.0, 62.0)] == pytest.approx([34.0] * 3, abs=0.24)
    far = [envelope.curves[LARGE].vmaf_at_crf(envelope.choose(target).crf) for target in (57.5, 65.0)]
    assert all(abs(vmaf - target) <= 1.25 + 1e-6 for vmaf, target in zip(far, (57.5, 65.0), strict=True))
    assert 61.0 not in [pytest.approx(vmaf, abs=0.5) for vmaf in far]


def test_equal_slope_takes_an_encode_that_came_out_well_from_another_size() -> None:
    (curve,) = _straight(None).curves.values()
    points = [
        RateQualityPoint(resolution=SMALL, crf=crf, bitrate_bps=rate, vmaf=vmaf)
        for crf, rate, vmaf in (
            (40, 1.3 * curve.bitrate_at(50), 50.0),
            (34, 0.9 * curve.bitrate_at(61), 61.0),
            (28, 1.3 * curve.bitrate_at(70), 70.0),
        )
    ]
    envelope = Envelope({LARGE: curve, SMALL: RateQualityCurve.fit(points)})

    assert envelope.choose(60.0).resolution == SMALL
    assert envelope.choose(60.0).crf == pytest.approx(34.0, abs=0.24)
    assert envelope.choose(50.0).resolution == LARGE


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


def test_decisions_stand_at_the_steps_of_the_pipeline_and_beside_no_trial(grid: ShotGrid) -> None:
    step = CRF_STEP[grid.setting.codec]
    targets = [30 + 0.7 * number for number in range(90)]
    crfs = [choice.crf for choice in grid.choose(grid.curves, targets)]

    assert [crf / step for crf in crfs] == [round(crf / step) for crf in crfs]
    gaps = {min(abs(crf - tried) for tried in grid.crfs) for crf in crfs}
    assert gaps == {0.0, 1.0}, "a half is moved to the trial beside it, the middle between two is not"


def test_at_given_qualities_decisions_stand_at_them_and_at_halves_too(grid: ShotGrid) -> None:
    exact = replace(grid, at_quality=True)
    choices = exact.choose(exact.curves)

    assert any(choice.crf % 1 for choice in choices)
    for choice in choices:
        wanted = max(choice.target_vmaf, exact.curves[choice.resolution].min_vmaf)
        assert exact.look(choice).vmaf == pytest.approx(wanted, abs=0.55)


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
