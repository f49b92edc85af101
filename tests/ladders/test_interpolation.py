import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from domain.ladder import RateQualityPoint, ShotPoints
from ladders.errors import OutsideMeasuredRange, TooFewPoints
from ladders.interpolation import RateQualityCurve, stretch, undominated, unstretch
from tests.ladders.titles import pilot_title, point, shared_rows, size, smooth_titles, wild_titles

GRAIN = [point(23_194_000, 93.4, crf=16), point(6_657_000, 75.9, crf=25), point(148_000, 41.8, crf=34)]


@given(st.floats(0.0, 110.0))
def test_stretching_is_undone_also_above_100(vmaf: float) -> None:
    assert float(unstretch(stretch(np.asarray([vmaf])))[0]) == pytest.approx(vmaf, abs=1e-9)


def test_stretching_is_the_published_formula_below_100() -> None:
    assert float(stretch(np.asarray([51.5]))[0]) == pytest.approx(0.0)
    assert float(stretch(np.asarray([100.0]))[0]) == pytest.approx(-np.log(1.5 / 50))


def test_the_curve_goes_through_every_measured_point() -> None:
    for shot in pilot_title():
        for resolution in {measured.resolution for measured in shot.points}:
            points = [point for point in shot.points if point.resolution == resolution]
            curve = RateQualityCurve.fit(points)
            for measured in points:
                assert curve.bitrate_at_crf(measured.crf) == pytest.approx(measured.bitrate_bps, rel=1e-9)
                assert curve.vmaf_at_crf(measured.crf) == pytest.approx(measured.vmaf, abs=1e-6)
                assert curve.crf_at(measured.vmaf) == pytest.approx(measured.crf, abs=1e-6)


def test_samples_follow_pchip_of_log_rate_over_stretched_quality() -> None:
    curve = RateQualityCurve.fit(GRAIN)
    u = stretch(np.asarray([41.8, 75.9, 93.4]))
    smooth = PchipInterpolator(u, np.log([148_000, 6_657_000, 23_194_000]))
    for vmaf in np.linspace(42.0, 93.0, 50):
        expected = float(np.exp(smooth(stretch(np.asarray([vmaf])))[0]))
        assert curve.bitrate_at(float(vmaf)) == pytest.approx(expected, rel=0.003)


@given(wild_titles())
def test_rate_and_quality_rise_and_crf_falls_whatever_was_measured(shots: list[ShotPoints]) -> None:
    for shot in shots:
        for resolution in {measured.resolution for measured in shot.points}:
            curve = RateQualityCurve.fit([point for point in shot.points if point.resolution == resolution])
            assert np.all(np.diff(curve.sampled_u) > 0)
            assert np.all(np.diff(curve.sampled_log_rate) >= 0)
            assert np.all(np.diff(curve.sampled_crf) <= 0)


@given(smooth_titles(max_shots=1), st.floats(0.0, 1.0))
def test_quality_and_crf_are_inverse_to_each_other(shots: list[ShotPoints], where: float) -> None:
    curve = RateQualityCurve.fit([point for point in shots[0].points if point.resolution == size(720)])
    vmaf = curve.min_vmaf + where * (curve.max_vmaf - curve.min_vmaf)
    crf = curve.crf_at(vmaf)
    assert curve.vmaf_at_crf(crf) == pytest.approx(vmaf, abs=1e-6)
    assert curve.bitrate_at_crf(crf) == pytest.approx(curve.bitrate_at(vmaf), rel=1e-6)


def test_beyond_the_measured_points_is_an_error_and_never_a_guess() -> None:
    curve = RateQualityCurve.fit(GRAIN)
    assert [curve.min_vmaf, curve.max_vmaf] == pytest.approx([41.8, 93.4])
    for ask in (curve.bitrate_at, curve.crf_at):
        with pytest.raises(OutsideMeasuredRange, match="VMAF 95"):
            ask(95.0)
    for ask_by_crf in (curve.bitrate_at_crf, curve.vmaf_at_crf):
        with pytest.raises(OutsideMeasuredRange, match="CRF 43"):
            ask_by_crf(43.0)


def test_a_point_that_costs_more_and_shows_no_more_is_left_out() -> None:
    cheap, noise, dear = point(100, 60.0, crf=40), point(200, 60.005, crf=30), point(400, 80.0, crf=20)
    worse = point(500, 79.0, crf=16)
    assert undominated([worse, dear, noise, cheap]) == (cheap, dear)


def test_of_two_points_at_the_same_rate_the_better_one_stays() -> None:
    low, worse, better = point(100, 40.0, crf=40), point(200, 60.0, crf=30), point(200.0001, 70.0, crf=29)
    assert undominated([low, worse, better]) == (low, better)


def test_a_shot_that_looks_the_same_at_every_crf_gets_its_cheapest_encode() -> None:
    curve = RateQualityCurve.fit([point(4_000, 97.4, crf=16), point(3_000, 97.4, crf=34), point(2_000, 97.4, crf=43)])
    assert (curve.min_crf, curve.max_crf) == (43, 43)
    assert curve.bitrate_at(97.4) == pytest.approx(2_000)


@pytest.mark.parametrize(
    ("crf", "distance", "beside"), [(25.5, 0.5, 25), (25.6, 0.5, None), (16, 0.25, 16), (33, 9, 34)]
)
def test_the_trial_beside_a_crf_is_the_nearest_one_within_a_distance(
    crf: float, distance: float, beside: float | None
) -> None:
    assert RateQualityCurve.fit(GRAIN).trial_beside(crf, distance) == beside


@pytest.mark.parametrize("points", [[], [point(100, 50, crf=30)], [point(100, 50, crf=30), point(100, 50, crf=30)]])
def test_one_crf_is_no_curve(points: list[RateQualityPoint]) -> None:
    with pytest.raises(TooFewPoints, match="LAD-001"):
        RateQualityCurve.fit(points)


def test_four_trial_points_foretell_the_other_measured_points_of_calm_shots() -> None:
    rows = [row for row in shared_rows("pilot_grid.jsonl") if row["preset"] == "slow" and row["shot"] != "grain"]
    errors = []
    for shot, height in {(row["shot"], row["height_px"]) for row in rows}:
        measured = [
            point(row["bitrate_bps"], float(np.mean(row["vmaf_frames"])), crf=row["crf"], height_px=height)
            for row in rows
            if (row["shot"], row["height_px"]) == (shot, height)
        ]
        curve = RateQualityCurve.fit([point for point in measured if point.crf in {16, 25, 34, 43}])
        errors += [
            abs(np.log(curve.bitrate_at(point.vmaf) / point.bitrate_bps))
            for point in measured
            if curve.min_vmaf <= point.vmaf <= curve.max_vmaf
        ]
    assert np.median(errors) < 0.03
    assert np.percentile(errors, 95) < 0.15
