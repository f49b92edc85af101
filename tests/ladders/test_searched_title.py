"""A title after its searches: usable sizes, curves that take in what was delivered, error bars."""

import math

import numpy as np
import pytest

from domain.encodes import RateCap
from domain.ladder import Ladder, Promise, RateQualityPoint, Rung, ShotChoice
from domain.search import SearchTask, SeenTrial, TitlePrior
from domain.video import Codec, Resolution
from ladders.correction import judge_rung
from ladders.errors import TooFewPoints
from ladders.interpolation import RateQualityCurve
from ladders.rung_moves import CrfSteps, DeliveredShot
from ladders.search.dense import dense_design
from ladders.search.shot_model import ShotCurves
from ladders.searched_title import SearchedShot, SearchedTitle

LARGE, SMALL = Resolution(width_px=1280, height_px=720), Resolution(width_px=640, height_px=360)
TASK = SearchTask(
    codec=Codec.H264, sizes=(LARGE, SMALL), ceilings=(99.5, 88.0), lowest_crf=16, highest_crf=50, crf_step=0.5,
    floor_vmaf=30, top_vmaf=95.5, max_trials=26, stop_regret=0.004,
)  # fmt: skip
CRFS = np.asarray([50.0, 40.0, 30.0, 20.0])


def smooth_trials() -> tuple[SeenTrial, ...]:
    """The dense design over a smooth shot: rate halves each 6 CRFs, VMAF falls off towards the size's ceiling."""
    trials = []
    for ask in dense_design(TASK):
        ceiling = TASK.ceilings[TASK.sizes.index(ask.resolution)]
        share = ask.resolution.pixels / LARGE.pixels
        trials.append(
            SeenTrial(
                resolution=ask.resolution,
                crf=ask.crf,
                bitrate_bps=8e6 * share**0.8 * 2 ** ((16 - ask.crf) / 6),
                vmaf=ceiling - 3.0 * math.exp((ask.crf - 16) / 11) * share**-0.15,
            )
        )
    return tuple(trials)


def known(sizes: tuple[Resolution, ...] = TASK.sizes, *, error: float = 0.02) -> ShotCurves:
    """Straight curves (log rate against CRF, VMAF 40 to 90) with the same error everywhere."""
    curves = {
        size: RateQualityCurve.fit(
            [
                RateQualityPoint(resolution=size, crf=crf, bitrate_bps=math.exp(14 - (crf - 20) / 15), vmaf=vmaf)
                for crf, vmaf in zip(CRFS, (40.0, 65.0, 80.0, 90.0), strict=True)
            ]
        )
        for size in sizes
    }
    return ShotCurves(curves, {size: np.full_like(curve.sampled_u, error) for size, curve in curves.items()})


def shot(index: int, curves: ShotCurves, *, duration_s: float = 2.0) -> SearchedShot:
    return SearchedShot(index, duration_s, TASK, (), TitlePrior(), curves)


def rung_of(shots: tuple[SearchedShot, ...], vmaf: float) -> Rung:
    rates = [item.known.curves[LARGE].bitrate_at(vmaf) for item in shots]
    return Rung(
        resolution=LARGE,
        promised=Promise(bitrate_bps=float(np.average(rates, weights=[item.duration_s for item in shots])), vmaf=vmaf),
        rate_cap=RateCap(maxrate_bps=10**9, buffer_bits=10**9),
        shots=tuple(
            ShotChoice(shot_index=item.shot_index, crf=30, predicted=Promise(bitrate_bps=rate, vmaf=vmaf))
            for item, rate in zip(shots, rates, strict=True)
        ),
    )


def test_a_size_is_usable_if_every_shot_has_a_curve_there() -> None:
    title = SearchedTitle((shot(0, known()), shot(1, known((LARGE,)))))
    assert list(title.titles()) == [LARGE]
    with pytest.raises(TooFewPoints, match="one resolution at which every shot has a curve"):
        SearchedTitle((shot(0, known((SMALL,))), shot(1, known((LARGE,))))).titles()


def test_the_error_of_one_shot_is_its_curves_error_in_rate_and_by_the_slope_in_vmaf() -> None:
    shots = (shot(0, known(error=0.02)),)
    rung = rung_of(shots, 75.0)
    error = SearchedTitle(shots).promise_error(rung)
    curve = shots[0].known.curves[LARGE]
    slope = 1.0 / math.log(curve.bitrate_at(75.5) / curve.bitrate_at(74.5))
    assert error.bitrate == pytest.approx(0.02)
    assert error.vmaf == pytest.approx(0.02 * slope, rel=0.03)


def test_errors_of_shots_add_as_squares() -> None:
    one = SearchedTitle((shot(0, known()),))
    four = SearchedTitle(tuple(shot(index, known()) for index in range(4)))
    alone = one.promise_error(rung_of(one.shots, 75.0))
    together = four.promise_error(rung_of(four.shots, 75.0))
    assert together.vmaf == pytest.approx(alone.vmaf / 2)
    assert together.bitrate == pytest.approx(alone.bitrate / 2)


def test_a_short_shot_counts_for_little() -> None:
    shots = (shot(0, known(error=0.0), duration_s=9.0), shot(1, known(error=0.1), duration_s=1.0))
    assert SearchedTitle(shots).promise_error(rung_of(shots, 75.0)).bitrate == pytest.approx(0.01)


def test_every_rung_of_a_ladder_gets_its_error() -> None:
    shots = (shot(0, known()),)
    ladder = Ladder(codec=Codec.H264, rungs=(rung_of(shots, 60.0), rung_of(shots, 80.0)))
    errors = [rung.promise_error for rung in SearchedTitle(shots).with_errors(ladder).rungs]
    assert all(error is not None and error.bitrate == pytest.approx(0.02) for error in errors)


def test_a_curve_moves_towards_what_was_delivered() -> None:
    title = SearchedTitle((SearchedShot.fit(0, 2.0, TASK, smooth_trials(), TitlePrior()),))
    before = title.curve_with(0, LARGE, None)
    rate, vmaf = before.bitrate_at_crf(33.0), before.vmaf_at_crf(33.0)
    delivered = RateQualityPoint(resolution=LARGE, crf=33.0, bitrate_bps=rate, vmaf=vmaf - 2.0)
    after = title.curve_with(0, LARGE, delivered)
    assert after.vmaf_at_crf(33.0) == pytest.approx(vmaf - 2.0, abs=0.3)


def test_a_trial_at_the_delivered_crf_is_replaced() -> None:
    trials = smooth_trials()
    title = SearchedTitle((SearchedShot.fit(0, 2.0, TASK, trials, TitlePrior()),))
    at = next(trial for trial in trials if trial.resolution == LARGE and 20 < trial.crf < 40)
    delivered = RateQualityPoint(resolution=LARGE, crf=at.crf, bitrate_bps=at.bitrate_bps, vmaf=at.vmaf - 0.4)
    assert title.curve_with(0, LARGE, delivered).vmaf_at_crf(at.crf) == pytest.approx(at.vmaf - 0.4, abs=0.05)


def test_an_unknown_shot_is_an_error() -> None:
    with pytest.raises(TooFewPoints, match="shot 7"):
        SearchedTitle((shot(0, known()),)).curve_with(7, LARGE, None)


def test_a_rung_at_a_size_with_one_trial_is_corrected_along_the_models_curve() -> None:
    trials = [trial for trial in smooth_trials() if trial.resolution == LARGE]
    trials.append(next(trial for trial in smooth_trials() if trial.resolution == SMALL and 20 < trial.crf < 40))
    title = SearchedTitle((SearchedShot.fit(0, 2.0, TASK, tuple(trials), TitlePrior()),))
    curve = title.curve_with(0, SMALL, None)
    vmaf, rate = curve.vmaf_at_crf(33.0), curve.bitrate_at_crf(33.0)
    promise = Promise(bitrate_bps=rate, vmaf=vmaf)
    rung = Rung(
        resolution=SMALL,
        promised=promise,
        rate_cap=RateCap(maxrate_bps=10**9, buffer_bits=10**9),
        shots=(ShotChoice(shot_index=0, crf=33.0, predicted=promise),),
    )
    delivered = DeliveredShot(0, 33.0, rate, vmaf - 2.5, 2.0, (round(rate / 24),) * 48)
    (new,) = judge_rung(rung, [delivered], known=title, crf_steps=CrfSteps(0.5, 0.5)).corrections
    assert 28.0 <= new.crf < 33.0
    assert new.predicted.vmaf == pytest.approx(vmaf, abs=0.5)
