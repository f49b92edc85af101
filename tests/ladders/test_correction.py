import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.encodes import RateCap
from domain.ladder import Promise, RateQualityPoint, Rung, ShotChoice, ShotPoints
from domain.recipe import LadderPolicy
from domain.video import Codec, Resolution
from ladders.correction import MeasuredPoints, corrected_rung, judge_rung
from ladders.errors import MismatchedShots, TooFewPoints
from ladders.rung_moves import FARTHEST_VMAF, SURE_VMAF, CrfSteps, DeliveredShot
from ladders.rung_selection import plan_ladder
from tests.ladders.titles import pilot_title, smooth_titles

FPS = 24


def middle_rung(shots: list[ShotPoints]) -> Rung:
    rungs = plan_ladder(Codec.H264, shots, LadderPolicy(), crf_step=0.5).rungs
    return rungs[len(rungs) // 2]


def deliver(rung: Rung, shots: list[ShotPoints], deviations: dict[int, float]) -> list[DeliveredShot]:
    """The rung as encoded: as predicted, but for some shots' VMAF, and in frames of equal size."""
    result = []
    for choice, shot in zip(rung.shots, shots, strict=True):
        frames = max(1, round(shot.duration_s * FPS))
        bits = round(choice.predicted.bitrate_bps / FPS)
        result.append(
            DeliveredShot(
                shot_index=choice.shot_index,
                crf=choice.crf,
                bitrate_bps=choice.predicted.bitrate_bps,
                vmaf=choice.predicted.vmaf + deviations.get(choice.shot_index, 0.0),
                duration_s=frames / FPS,
                frame_sizes_bits=(bits,) * frames,
            )
        )
    return result


def without_buckets(rung: Rung) -> Rung:
    """The same rung with a cap that nothing can break, to look at quality alone."""
    wide = RateCap(maxrate_bps=10**12, buffer_bits=10**12)
    return rung.model_copy(update={"rate_cap": wide})


def test_a_rung_as_promised_is_kept() -> None:
    shots = pilot_title()
    rung = without_buckets(middle_rung(shots))
    verdict = judge_rung(rung, deliver(rung, shots, {}), known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5))
    assert verdict.is_kept
    assert verdict.corrections == ()
    assert verdict.delivered.vmaf == pytest.approx(rung.promised.vmaf)


@pytest.mark.parametrize("miss", [-6.0, 6.0])
def test_only_the_guilty_shot_gets_a_new_crf_in_the_right_direction(miss: float) -> None:
    shots = pilot_title()
    rung = without_buckets(middle_rung(shots))
    verdict = judge_rung(
        rung, deliver(rung, shots, {1: miss, 3: -miss / 6}), known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5)
    )
    assert verdict.off_promise
    assert verdict.guilty_shots == (1,)
    (new,) = verdict.corrections
    assert math.copysign(1, new.crf - rung.shots[1].crf) == math.copysign(1, miss)
    assert corrected_rung(rung, verdict).shots[1] == new
    assert corrected_rung(rung, verdict).shots[0] == rung.shots[0]


FINE = CrfSteps(0.5, 0.125)


@pytest.mark.parametrize("miss", [-1.5, 1.5])
def test_a_shot_alone_is_corrected_in_the_finest_steps_with_spares_to_both_sides(miss: float) -> None:
    shots = pilot_title()[:1]
    rung = without_buckets(middle_rung(shots))
    delivered = deliver(rung, shots, {0: miss})
    verdict = judge_rung(rung, delivered, known=MeasuredPoints(shots), crf_steps=FINE)
    (new,) = verdict.corrections
    assert new.crf % 0.125 == 0
    assert abs(new.predicted.vmaf - rung.promised.vmaf) < 0.2
    assert len(verdict.spares) == 4
    assert len({new.crf, delivered[0].crf, *(spare.crf for spare in verdict.spares)}) == 6
    gains = [spare.predicted.vmaf - new.predicted.vmaf for spare in verdict.spares]
    assert min(gains) < -0.3
    assert max(gains) > 0.3
    assert max(map(abs, gains)) < 1.5
    again = corrected_rung(rung, verdict)
    assert again.spares == verdict.spares
    assert [way.shots[0].crf for way in again.ways()] == [new.crf, *(spare.crf for spare in verdict.spares)]
    assert not any(way.spares for way in again.ways())


def test_of_several_shots_the_two_longest_have_spares_whether_they_moved_or_not() -> None:
    shots = pilot_title()
    rung = without_buckets(middle_rung(shots))
    delivered = deliver(rung, shots, {1: -12.0})
    verdict = judge_rung(rung, delivered, known=MeasuredPoints(shots), crf_steps=FINE)
    longest = sorted(delivered, key=lambda shot: -shot.duration_s)[:2]
    assert {spare.shot_index for spare in verdict.spares} == {shot.shot_index for shot in longest}
    planned = {choice.shot_index: choice for choice in corrected_rung(rung, verdict).shots}
    for spare in verdict.spares:
        change = spare.predicted.vmaf - planned[spare.shot_index].predicted.vmaf
        assert spare.crf not in {planned[spare.shot_index].crf, delivered[spare.shot_index].crf}
        assert abs(change) <= 2 * FARTHEST_VMAF


@pytest.mark.parametrize("miss", [-0.6, 0.6])
def test_where_no_crf_is_expected_to_come_nearer_there_are_spares_all_the_same(miss: float) -> None:
    shots = pilot_title()[:1]
    rung = without_buckets(middle_rung(shots))
    delivered = deliver(rung, shots, {0: miss})
    verdict = judge_rung(rung, delivered, known=MeasuredPoints(shots), crf_steps=CrfSteps(3.0, 3.0))
    assert verdict.corrections == ()
    crfs = [spare.crf for spare in verdict.spares]
    assert len(set(crfs)) == len(crfs) >= 2
    assert min(crfs) < rung.shots[0].crf < max(crfs)
    again = corrected_rung(rung, verdict)
    assert [way.shots[0].crf for way in again.ways()] == [rung.shots[0].crf, *crfs]


def test_a_long_title_has_no_spares() -> None:
    shots = [shot.model_copy(update={"duration_s": 70.0}) for shot in pilot_title()[:1]]
    rung = without_buckets(middle_rung(shots))
    verdict = judge_rung(rung, deliver(rung, shots, {0: -1.5}), known=MeasuredPoints(shots), crf_steps=FINE)
    assert verdict.corrections
    assert verdict.spares == ()


TRIAL_CRFS = (16.0, 25.0, 34.0, 43.0)


def between_trials(rung: Rung) -> Rung:
    """The rung without caps; none of its shots stands at a trial."""
    assert not any(choice.crf in TRIAL_CRFS for choice in rung.shots)
    shots = tuple(choice.model_copy(update={"rate_cap": None}) for choice in rung.shots)
    return without_buckets(rung).model_copy(update={"shots": shots})


def test_one_shot_goes_where_it_was_measured_if_that_is_enough() -> None:
    shots = pilot_title()
    rung = between_trials(middle_rung(shots))
    delivered = deliver(rung, shots, dict.fromkeys(range(len(shots)), 0.9))
    verdict = judge_rung(rung, delivered, known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5))
    (new,) = verdict.corrections
    assert new.crf in TRIAL_CRFS
    shot = delivered[new.shot_index]
    total_s = sum(shot.duration_s for shot in delivered)
    expected = verdict.delivered.vmaf + (new.predicted.vmaf - shot.vmaf) * shot.duration_s / total_s
    assert abs(expected - rung.promised.vmaf) <= SURE_VMAF
    assert abs(new.predicted.vmaf - rung.shots[new.shot_index].predicted.vmaf) <= FARTHEST_VMAF


def test_what_a_cap_has_shaped_is_not_taken_for_a_trial() -> None:
    shots = pilot_title()
    rung = between_trials(middle_rung(shots))
    capped = tuple(choice.model_copy(update={"rate_cap": rung.rate_cap}) for choice in rung.shots)
    rung = rung.model_copy(update={"shots": capped})
    delivered = deliver(rung, shots, dict.fromkeys(range(len(shots)), 0.9))
    verdict = judge_rung(rung, delivered, known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5))
    assert len(verdict.corrections) > 1


@settings(deadline=None, max_examples=50)
@given(smooth_titles(), st.lists(st.floats(-5.0, 5.0), min_size=5, max_size=5))
def test_corrections_are_expected_to_bring_the_title_nearer(shots: list[ShotPoints], misses: list[float]) -> None:
    rung = without_buckets(middle_rung(shots))
    delivered = deliver(rung, shots, dict(enumerate(misses)))
    verdict = judge_rung(rung, delivered, known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5))
    total_s = sum(shot.duration_s for shot in delivered)
    expected = verdict.delivered.vmaf
    for new in verdict.corrections:
        shot = delivered[new.shot_index]
        expected += (new.predicted.vmaf - shot.vmaf) * shot.duration_s / total_s
        assert new.crf != shot.crf
    if verdict.corrections:
        before, after = abs(verdict.delivered.vmaf - rung.promised.vmaf), abs(expected - rung.promised.vmaf)
        assert after < before


def test_the_new_crf_lies_on_the_curve_through_trials_and_the_delivered_point() -> None:
    shots = pilot_title()[:1]
    rung = without_buckets(middle_rung(shots))
    planned = rung.shots[0]
    (new,) = judge_rung(
        rung, deliver(rung, shots, {0: -3.0}), known=MeasuredPoints(shots), crf_steps=CrfSteps(0.01, 0.01)
    ).corrections
    assert new.crf < planned.crf
    assert new.predicted.vmaf == pytest.approx(planned.predicted.vmaf, abs=0.05)


def test_a_steep_place_between_trials_is_corrected_where_the_old_curve_would_overshoot() -> None:
    """A particle shot as measured in the demo: VMAF 25 at CRF 34, 0 at 43; planned 11.8 at 38.5, delivered 4.0."""
    size = Resolution(width_px=640, height_px=360)
    trials = [(16.0, 3_461_000, 80.2), (25.0, 1_312_000, 66.0), (34.0, 350_000, 25.2), (43.0, 16_000, 0.0)]
    points = tuple(
        RateQualityPoint(resolution=size, crf=crf, bitrate_bps=rate, vmaf=vmaf) for crf, rate, vmaf in trials
    )
    shots = [ShotPoints(shot_index=0, duration_s=38 / 24, points=points)]
    promise = Promise(bitrate_bps=84_000, vmaf=11.8)
    choice = ShotChoice(shot_index=0, crf=38.5, predicted=promise)
    cap = RateCap(maxrate_bps=10_000_000, buffer_bits=20_000_000)
    rung = Rung(resolution=size, promised=promise, rate_cap=cap, shots=(choice,))
    bits = (140_000 * 38 // 24 // 38,) * 38
    delivered = DeliveredShot(0, 38.5, 140_000, 4.0, 38 / 24, bits)
    (new,) = judge_rung(rung, [delivered], known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5)).corrections
    assert 36.0 <= new.crf < 38.5
    assert new.predicted.vmaf == pytest.approx(11.8, abs=1.5)


def test_a_shot_at_the_end_of_its_trials_is_not_pushed_beyond() -> None:
    shots = pilot_title()[:1]
    rung = plan_ladder(Codec.H264, shots, LadderPolicy(top_vmaf=99), crf_step=0.5).rungs[-1]
    verdict = judge_rung(
        without_buckets(rung),
        deliver(rung, shots, {0: -8.0}),
        known=MeasuredPoints(shots),
        crf_steps=CrfSteps(0.5, 0.5),
    )
    assert verdict.off_promise
    assert all(new.crf >= 16 for new in verdict.corrections)


def test_a_late_frame_caps_its_shot_and_then_halves_the_bucket() -> None:
    shots = pilot_title()
    rung = middle_rung(shots).model_copy(update={"rate_cap": RateCap(maxrate_bps=4_000_000, buffer_bits=4_000_000)})
    rung = rung.model_copy(
        update={"shots": tuple(choice.model_copy(update={"rate_cap": None}) for choice in rung.shots)}
    )
    delivered = deliver(rung, shots, {})
    delivered[3] = DeliveredShot(3, 20.0, 9e6, delivered[3].vmaf, 32 / 24, (500_000,) * 32)
    verdict = judge_rung(rung, delivered, known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5))
    assert not verdict.off_promise
    assert verdict.guilty_shots == (3,)
    assert verdict.corrections[0].rate_cap == rung.rate_cap
    assert min(verdict.bucket_violations) >= 3 * 32
    again = judge_rung(
        corrected_rung(rung, verdict), delivered, known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5)
    )
    assert again.corrections[0].rate_cap == RateCap(maxrate_bps=4_000_000, buffer_bits=2_000_000)


def test_a_late_frame_in_a_shot_with_a_wider_cap_gives_it_that_of_the_rung() -> None:
    shots = pilot_title()
    rung = middle_rung(shots).model_copy(update={"rate_cap": RateCap(maxrate_bps=4_000_000, buffer_bits=4_000_000)})
    wider = RateCap(maxrate_bps=7_000_000, buffer_bits=4_000_000)
    rung = rung.model_copy(
        update={"shots": tuple(choice.model_copy(update={"rate_cap": wider}) for choice in rung.shots)}
    )
    delivered = deliver(rung, shots, {})
    delivered[3] = DeliveredShot(3, 20.0, 9e6, delivered[3].vmaf, 32 / 24, (500_000,) * 32)
    verdict = judge_rung(rung, delivered, known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5))
    assert [choice.rate_cap for choice in verdict.corrections] == [rung.rate_cap]


def test_a_shot_that_fills_its_cap_is_not_asked_for_more() -> None:
    shots = pilot_title()[:1]
    rung = middle_rung(shots)
    cap = RateCap(maxrate_bps=round(rung.promised.bitrate_bps), buffer_bits=10**9)
    capped = rung.shots[0].model_copy(update={"rate_cap": cap})
    rung = without_buckets(rung).model_copy(update={"shots": (capped,)})
    verdict = judge_rung(
        rung, deliver(rung, shots, {0: -4.0}), known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5)
    )
    assert verdict.off_promise
    assert verdict.corrections == ()


@pytest.mark.parametrize("miss", [-0.6, -1.5])
def test_where_a_cap_binds_the_other_shots_make_up_for_it(miss: float) -> None:
    shots = pilot_title()
    rung = without_buckets(middle_rung(shots))
    capped = RateCap(maxrate_bps=round(rung.shots[1].predicted.bitrate_bps), buffer_bits=10**9)
    choices = [
        choice.model_copy(update={"rate_cap": capped if n == 1 else None}) for n, choice in enumerate(rung.shots)
    ]
    rung = rung.model_copy(update={"shots": tuple(choices)})
    delivered = deliver(rung, shots, {1: miss * len(shots)})
    verdict = judge_rung(rung, delivered, known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5))
    total_s = sum(shot.duration_s for shot in delivered)
    gained = sum(
        (new.predicted.vmaf - delivered[new.shot_index].vmaf) * delivered[new.shot_index].duration_s / total_s
        for new in verdict.corrections
    )
    assert 1 not in verdict.guilty_shots
    assert all(new.crf < rung.shots[new.shot_index].crf for new in verdict.corrections)
    assert all(
        abs(new.predicted.vmaf - rung.shots[new.shot_index].predicted.vmaf) <= 4.0 for new in verdict.corrections
    )
    assert abs(verdict.delivered.vmaf + gained - rung.promised.vmaf) <= 0.3


def test_a_miss_that_is_less_than_a_step_for_every_guilty_shot_is_made_good_by_one_of_them() -> None:
    shots = pilot_title()
    rung = without_buckets(middle_rung(shots))
    delivered = deliver(rung, shots, {shot.shot_index: -0.8 for shot in shots})
    verdict = judge_rung(rung, delivered, known=MeasuredPoints(shots), crf_steps=CrfSteps(2.0, 2.0))
    total_s = sum(shot.duration_s for shot in delivered)
    gained = sum(
        (new.predicted.vmaf - delivered[new.shot_index].vmaf) * delivered[new.shot_index].duration_s / total_s
        for new in verdict.corrections
    )
    assert verdict.corrections
    assert gained > 0.4


def test_other_shots_than_the_rungs_and_missing_trials_are_errors() -> None:
    shots = pilot_title()
    rung = without_buckets(middle_rung(shots))
    delivered = deliver(rung, shots, {0: -9.0})
    with pytest.raises(MismatchedShots, match="LAD-006"):
        judge_rung(rung, delivered[1:], known=MeasuredPoints(shots), crf_steps=CrfSteps(0.5, 0.5))
    with pytest.raises(TooFewPoints, match="shot 0"):
        judge_rung(rung, delivered, known=MeasuredPoints(shots[1:]), crf_steps=CrfSteps(0.5, 0.5))
