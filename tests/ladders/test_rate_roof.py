import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.encodes import RateCap
from domain.ladder import ShotPoints
from domain.ladder_policy import LadderPolicy
from domain.video import Codec
from ladders.rate_roof import cap_of, operating_points, roofs_of, shot_caps
from ladders.rung_selection import plan_ladder
from ladders.shot_allocation import fit_title, sweep, usable_resolutions
from tests.ladders.titles import pilot_title, point, size, wild_titles

POLICY = LadderPolicy()


def lopsided_title() -> list[ShotPoints]:
    """Nine easy seconds, and one that would take most of the title's bits."""

    def shot(index: int, duration_s: float, scale: float) -> ShotPoints:
        points = tuple(
            point(scale * 2 ** ((35 - crf) / 6), 30 + 68 * (51 - crf) / 36, crf=crf, height_px=360)
            for crf in (15, 21, 27, 33, 39, 45)
        )
        return ShotPoints(shot_index=index, duration_s=duration_s, points=points)

    return [shot(0, 9.0, 100_000), shot(1, 1.0, 4_000_000)]


def test_a_short_shot_may_empty_the_bucket_and_a_long_one_gains_little_by_it() -> None:
    # Twice the rate of the rung for each second, and once 0.9 of what the bucket holds of that in 2 s.
    assert roofs_of(np.asarray([1.0, 90.0]), POLICY) == pytest.approx([2.0 * 2.8, 2.0 * 1.02])


def test_an_encoder_without_a_bucket_is_told_what_the_bucket_lets_through() -> None:
    cap, durations_s = cap_of(1_000_000.0, POLICY), np.asarray([1.0, 90.0])
    assert cap == RateCap(maxrate_bps=2_000_000, buffer_bits=4_000_000)
    assert shot_caps(Codec.H264, cap, durations_s) == (cap, cap)
    assert [own.maxrate_bps for own in shot_caps(Codec.AV1, cap, durations_s)] == [5_600_000, 2_040_000]


def title_of_one_shot_and_little_else() -> list[ShotPoints]:
    """The longer a shot, the slower its roof and the title's rate come to rest."""
    easy = (point(500, 0.0, crf=10), point(500, 0.0, crf=11))
    hard = (point(1_210_486, 1.0, crf=10), point(500, 0.0, crf=11))
    points = zip((38.0, 1.0, 1.0, 10.0), (hard, easy, easy, easy), strict=True)
    return [ShotPoints(shot_index=n, duration_s=long_s, points=own) for n, (long_s, own) in enumerate(points)]


@settings(deadline=None, max_examples=40)
@given(wild_titles(), st.floats(1.1, 4.0))
@example(title_of_one_shot_and_little_else(), 1.25)
def test_no_shot_stands_above_its_roof(shots: list[ShotPoints], peak_ratio: float) -> None:
    policy = LadderPolicy(peak_ratio=peak_ratio)
    for resolution in usable_resolutions(shots):
        title = fit_title(shots, resolution)
        roofs = roofs_of(title.durations_s, policy)
        floors = np.exp([curve.sampled_log_rate[0] for curve in title.curves])
        points = operating_points(title, policy)
        for found in points:
            highest = np.maximum(floors, roofs * found.bitrate_bps)
            assert np.all(found.bitrates_bps <= 1.001 * highest)
        rates = [found.bitrate_bps for found in points]
        assert rates == sorted(rates)


def test_one_steep_shot_among_still_ones_ends_at_its_roof() -> None:
    def shot(index: int, duration_s: float, *points: tuple[float, float, float]) -> ShotPoints:
        made = tuple(point(rate, vmaf, crf=crf) for crf, rate, vmaf in points)
        return ShotPoints(shot_index=index, duration_s=duration_s, points=made)

    steep = shot(0, 7.0, (10.0, 290_397.0, 1.0), (11.0, 500.0, 0.0))
    still = [shot(index, 1.0, (10.0, 500.0, 0.0), (11.0, 500.0, 0.0)) for index in range(1, 6)]
    title, policy = fit_title([steep, *still], size(720)), LadderPolicy(peak_ratio=1.25)
    top = operating_points(title, policy)[-1]
    assert top.bitrates_bps[0] == pytest.approx(roofs_of(title.durations_s, policy)[0] * top.bitrate_bps, rel=1e-4)


def test_where_no_roof_is_met_nothing_changes() -> None:
    title = fit_title(pilot_title(), size(360))
    free = sweep(title, "mean")
    assert max(max(found.bitrates_bps) / found.bitrate_bps for found in free) < 10
    roomy = operating_points(title, LadderPolicy(peak_ratio=10.0))
    assert [found.bitrate_bps for found in roomy] == pytest.approx([found.bitrate_bps for found in free])


def test_rungs_promise_no_more_than_their_cap_lets_through() -> None:
    shots, policy = lopsided_title(), LadderPolicy(peak_ratio=1.2, buffer_s=0.5)
    (roof,) = roofs_of(np.asarray([shots[1].duration_s]), policy)
    cheapest_bps = min(measured.bitrate_bps for measured in shots[1].points)
    ladder = plan_ladder(Codec.AV1, shots, policy, crf_step=0.25)
    assert ladder.rungs[-1].promised.vmaf > 90
    for rung in ladder.rungs:
        highest_bps = max(cheapest_bps, float(roof) * rung.promised.bitrate_bps)
        assert rung.shots[1].predicted.bitrate_bps <= 1.02 * highest_bps
