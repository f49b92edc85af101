import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ladder import ShotPoints
from ladders.errors import OutsideMeasuredRange, TooFewPoints
from ladders.hull import hull_indices
from ladders.interpolation import Floats, RateQualityCurve, stretch
from ladders.shot_allocation import (
    Pooling,
    TitleCurves,
    allocate,
    fit_title,
    operating_point_at,
    sweep,
    usable_resolutions,
)
from tests.ladders.titles import pilot_title, point, size, smooth_shot, smooth_titles, wild_titles

poolings = st.sampled_from(["mean", "harmonic"])


@settings(deadline=None)
@given(wild_titles(), poolings)
def test_operating_points_rise_in_rate_and_no_shot_ever_falls(shots: list[ShotPoints], pooling: Pooling) -> None:
    for resolution in usable_resolutions(shots):
        points = allocate(shots, resolution, pooling)
        assert np.all(np.diff([point.bitrate_bps for point in points]) > 0)
        assert np.all(np.diff([point.vmaf for point in points]) >= -1e-9)
        assert np.all(np.diff([point.vmafs for point in points], axis=0) >= -1e-9)


@settings(deadline=None)
@given(wild_titles(), poolings)
def test_both_ends_are_the_measured_ends_of_all_shots(shots: list[ShotPoints], pooling: Pooling) -> None:
    for resolution in usable_resolutions(shots):
        points = allocate(shots, resolution, pooling)
        curves = fit_title(shots, resolution).curves
        assert points[0].crfs.tolist() == pytest.approx([curve.max_crf for curve in curves])
        assert points[-1].crfs.tolist() == pytest.approx([curve.min_crf for curve in curves])


@settings(deadline=None)
@given(smooth_titles(), poolings)
def test_the_title_is_the_mean_of_its_shots_weighted_by_duration(shots: list[ShotPoints], pooling: Pooling) -> None:
    weights = [shot.duration_s for shot in shots]
    for chosen in allocate(shots, size(540), pooling)[::20]:
        assert chosen.bitrate_bps == pytest.approx(np.average(chosen.bitrates_bps, weights=weights))
        assert chosen.vmaf == pytest.approx(np.average(chosen.vmafs, weights=weights))


@settings(deadline=None)
@given(smooth_titles(), st.floats(16, 43))
def test_the_same_crf_for_all_shots_is_never_better(shots: list[ShotPoints], crf: float) -> None:
    title = fit_title(shots, size(720))
    rates, vmafs = zip(*((curve.bitrate_at_crf(crf), curve.vmaf_at_crf(crf)) for curve in title.curves), strict=True)
    constant = title.total(np.full(len(shots), crf), np.asarray(rates), np.asarray(vmafs))
    points = allocate(shots, size(720), "mean")
    best = np.interp(constant.bitrate_bps, [point.bitrate_bps for point in points], [point.vmaf for point in points])
    # What the slack allows for: the points stand up to 3 % apart in rate, and the curve between them is bent.
    assert best >= constant.vmaf - 0.1


def test_shots_stand_at_equal_slope() -> None:
    shots = [smooth_shot(0, 0.3, 0.5, 4.0), smooth_shot(1, 3.0, 0.5, 4.0)]
    curves = fit_title(shots, size(720)).curves
    chosen = operating_point_at(allocate(shots, size(720), "mean"), vmaf=85.0)
    slopes = []
    for curve, vmaf in zip(curves, chosen.vmafs.tolist(), strict=True):
        slopes.append(0.4 / (curve.bitrate_at(vmaf + 0.2) - curve.bitrate_at(vmaf - 0.2)))
    assert slopes[0] == pytest.approx(slopes[1], rel=0.25)
    assert chosen.crfs[0] < chosen.crfs[1]


def test_harmonic_pooling_lifts_the_worst_shot() -> None:
    shots = pilot_title()
    worst = {}
    for pooling in ("mean", "harmonic"):
        points = allocate(shots, size(720), pooling)
        worst[pooling] = operating_point_at(points, bitrate_bps=2_500_000).vmafs.min()
    assert worst["harmonic"] > worst["mean"]


def test_a_grain_knee_leaves_no_gap_in_rate() -> None:
    grain = [shot for shot in pilot_title() if shot.shot_index == 2]
    rates = np.asarray([point.bitrate_bps for point in allocate(grain, size(720), "mean")])
    assert rates[-1] / rates[0] > 300
    assert np.max(rates[1:] / rates[:-1]) < 1.05


def test_lookups_stay_on_their_side_and_within_what_was_measured() -> None:
    points = allocate(pilot_title(), size(540), "mean")
    assert operating_point_at(points, bitrate_bps=1e6).bitrate_bps <= 1e6
    assert operating_point_at(points, vmaf=80.0).vmaf >= 80.0
    with pytest.raises(OutsideMeasuredRange):
        operating_point_at(points, bitrate_bps=1.0)
    with pytest.raises(OutsideMeasuredRange):
        operating_point_at(points, vmaf=100.0)


def test_a_resolution_that_one_shot_lacks_is_not_usable() -> None:
    whole, partial = pilot_title()[:2]
    kept = tuple(point for point in partial.points if point.resolution != size(720) or point.crf == 16)
    shots = [whole, partial.model_copy(update={"points": kept})]
    assert usable_resolutions(shots) == (size(540), size(432), size(360), size(270))
    with pytest.raises(TooFewPoints, match="shot 1 at 1280x720"):
        allocate(shots, size(720), "mean")


def test_a_title_of_one_flat_shot_has_one_operating_point() -> None:
    flat = ShotPoints(shot_index=0, duration_s=2, points=(point(900, 97.4, crf=16), point(800, 97.4, crf=43)))
    (only,) = allocate([flat], size(720), "mean")
    assert [only.bitrate_bps, only.vmaf] == pytest.approx([800, 97.4])


@st.composite
def curves_of_few_samples(draw: st.DrawFn) -> RateQualityCurve:
    """A curve of two to five samples; what lies between them is a straight line in (U, log rate)."""
    count = draw(st.integers(2, 5))
    ratios = draw(st.lists(st.floats(1.1, 3.0), min_size=count - 1, max_size=count - 1))
    gains = draw(st.lists(st.floats(0.5, 18.0), min_size=count - 1, max_size=count - 1))
    rates = draw(st.floats(1e4, 1e6)) * np.cumprod([1.0, *ratios])
    vmafs = draw(st.floats(5.0, 25.0)) + np.cumsum([0.0, *gains])
    crfs = np.linspace(45.0, 20.0, count)
    return RateQualityCurve(trial_crfs=crfs, sampled_u=stretch(vmafs), sampled_log_rate=np.log(rates), sampled_crf=crfs)


def brute_force_hull(title: TitleCurves, pooling: Pooling) -> tuple[Floats, Floats]:
    """Returns (rates, gains) of the hull of all combinations of samples, one for each shot, in rising rate."""
    weights = title.durations_s / title.durations_s.sum()
    rates, gains = [], []
    for chosen in itertools.product(*(range(len(curve.sampled_u)) for curve in title.curves)):
        rate = gain = 0.0
        for weight, curve, place in zip(weights.tolist(), title.curves, chosen, strict=True):
            vmaf = 101.5 - 50.0 * np.exp(-curve.sampled_u[place])
            rate += weight * np.exp(curve.sampled_log_rate[place])
            gain += weight * (vmaf if pooling == "mean" else -1.0 / (vmaf + 1.0))
        rates.append(rate)
        gains.append(gain)
    vertices = hull_indices(np.asarray(rates), np.asarray(gains))
    return np.asarray(rates)[vertices], np.asarray(gains)[vertices]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(curves_of_few_samples(), st.floats(0.5, 10.0)), min_size=1, max_size=4), poolings)
def test_equal_slope_points_are_the_hull_of_all_combinations(
    shots: list[tuple[RateQualityCurve, float]], pooling: Pooling
) -> None:
    curves, durations_s = zip(*shots, strict=True)
    title = TitleCurves(size(720), curves, np.asarray(durations_s))
    rates, gains = brute_force_hull(title, pooling)
    weights = title.durations_s / title.durations_s.sum()
    found = sweep(title, pooling)
    found_rates = np.asarray([point.bitrate_bps for point in found])
    found_gains = np.asarray([
        point.vmafs @ weights if pooling == "mean" else (-1.0 / (point.vmafs + 1.0)) @ weights for point in found
    ])  # fmt: skip
    slopes = np.diff(gains) / np.diff(rates)
    # Shots of the same slope climb together, so a vertex that stands on a straight line is no operating point.
    is_corner = np.concatenate(([True], slopes[:-1] > slopes[1:] * (1 + 1e-6), [True]))
    assert is_corner.size == rates.size
    for rate, gain in zip(rates[is_corner].tolist(), gains[is_corner].tolist(), strict=True):
        nearest = int(np.argmin(np.abs(found_rates - rate)))
        assert found_rates[nearest] == pytest.approx(rate, rel=1e-9)
        assert found_gains[nearest] == pytest.approx(gain, rel=1e-9)
