"""Forced and forbidden sizes and fixed rungs, through the whole plan."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ladder import Ladder, ShotPoints
from domain.ladder_policy import LadderPolicy
from domain.video import Codec, Resolution
from ladders.errors import PolicyUnsatisfiable, UnplaceableRung
from ladders.picture_sizes import has_height, nominal_height_px
from ladders.rung_selection import plan_ladder
from ladders.shot_allocation import fit_title, sweep
from ladders.title_candidates import point_near
from tests.ladders.titles import HEIGHTS_PX, pilot_title, point, size, smooth_titles


def plan(shots: list[ShotPoints], codec: Codec = Codec.H264, **fields: Any) -> Ladder:
    return plan_ladder(codec, shots, LadderPolicy.model_validate(fields), crf_step=0.5)


def heights(ladder: Ladder) -> list[int]:
    return [rung.resolution.height_px for rung in ladder.rungs]


def steps(ladder: Ladder) -> list[float]:
    rates = [rung.promised.bitrate_bps for rung in ladder.rungs]
    return [upper / lower for lower, upper in itertools.pairwise(rates)]


def test_a_forced_size_gets_a_rung_and_the_reason_says_what_it_costs() -> None:
    assert 360 not in heights(plan(pilot_title()))
    ladder = plan(pilot_title(), forced_heights_px=[360, 540])
    assert {360, 540} <= set(heights(ladder))
    rung = ladder.rungs[heights(ladder).index(360)]
    assert "holds the forced size 640x360, although 768x432 would look" in rung.reason
    assert all(1.5 <= ratio <= 2.2 for ratio in steps(ladder))


def test_a_forced_size_above_the_winner_becomes_the_top_if_it_is_not_visibly_worse() -> None:
    # The last shot was scaled up: 432 lines reach all there is, but 720 lines cost little beside them.
    ladder = plan(pilot_title()[5:], forced_heights_px=[720])
    assert heights(ladder)[-1] == 720
    assert heights(plan(pilot_title()[5:]))[-1] == 432


def test_a_forced_size_that_would_be_visibly_worse_is_left_out_and_said() -> None:
    small = [point(2e5 * 2**step, 50 + 9 * step, crf=40 - 5 * step, height_px=360) for step in range(6)]
    large = [point(4e5 * 2**step, 40 + 5 * step, crf=40 - 5 * step, height_px=720) for step in range(6)]
    shot = ShotPoints(shot_index=0, duration_s=5, points=(*small, *large))
    ladder = plan([shot], forced_heights_px=[720])
    assert set(heights(ladder)) == {360}
    assert "no rung at the forced size 1280x720: its curve holds none in the right place" in ladder.rungs[-1].reason


def test_a_forced_height_above_the_source_is_said() -> None:
    ladder = plan(pilot_title(), forced_heights_px=[1080])
    assert "no rung at the forced height 1080: it was not measured" in ladder.rungs[-1].reason


def test_a_forbidden_size_gets_no_rung() -> None:
    assert 720 in heights(plan(pilot_title()))
    ladder = plan(pilot_title(), forbidden_heights_px=[720, 432])
    assert set(heights(ladder)) <= {540, 360, 270}
    with pytest.raises(PolicyUnsatisfiable, match=r"LAD-003.*leaves no measured size.*1280x720"):
        plan(pilot_title(), forbidden_heights_px=[720, 540, 432, 360, 270])


def test_fixed_rungs_stand_at_their_rates_and_the_rest_keeps_its_distance() -> None:
    fixed = [{"height_px": 360, "bitrate_bps": 400_000}, {"height_px": 540, "bitrate_bps": 1_500_000}]
    ladder = plan(pilot_title(), fixed_rungs=fixed)
    for height, rate in ((360, 400_000), (540, 1_500_000)):
        rung = next(
            rung
            for rung in ladder.rungs
            if rung.resolution.height_px == height and rung.reason.startswith("fixed by the policy")
        )
        assert rung.promised.bitrate_bps == pytest.approx(rate, rel=0.01)
    assert all(1.5 <= ratio <= 2.2 for ratio in steps(ladder))


def test_a_fixed_rung_may_be_the_top() -> None:
    ladder = plan(pilot_title(), fixed_rungs=[{"height_px": 720, "bitrate_bps": 7_500_000}])
    assert ladder.rungs[-1].promised.bitrate_bps == pytest.approx(7_500_000, rel=0.03)
    assert ladder.rungs[-1].reason.startswith("fixed by the policy; top of the ladder: no other rung fits above it")


def test_a_fixed_rung_of_one_codec_is_no_business_of_the_others() -> None:
    fixed = [{"height_px": 360, "bitrate_bps": 400_000, "codec": "av1"}]
    assert plan(pilot_title(), Codec.H264, fixed_rungs=fixed) == plan(pilot_title(), Codec.H264)


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        (
            [{"height_px": 1080, "bitrate_bps": 4_000_000}],
            r"LAD-007.*no measured size for height 1080.*one of 1280x720",
        ),
        ([{"height_px": 270, "bitrate_bps": 9_000_000}], r"LAD-007.*480x270 at 9000 kbps: the nearest encode has"),
        (
            [{"height_px": 432, "bitrate_bps": 550_000}, {"height_px": 720, "bitrate_bps": 570_000}],
            r"LAD-007.*768x432 at 5.. kbps.*1280x720 at 5.. kbps.*quality that rises",
        ),
    ],
)
def test_a_fixed_rung_that_cannot_stand_is_an_error_with_a_way_out(fixed: list[dict[str, int]], message: str) -> None:
    with pytest.raises(UnplaceableRung, match=message):
        plan(pilot_title(), fixed_rungs=fixed)


@settings(deadline=None, max_examples=60)
@given(smooth_titles(), st.data())
def test_demands_are_met_or_refused_by_name(shots: list[ShotPoints], data: st.DataObject) -> None:
    forced = data.draw(st.lists(st.sampled_from(HEIGHTS_PX), unique=True))
    others = [height for height in HEIGHTS_PX if height not in forced]
    forbidden = data.draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    allowed = [height for height in HEIGHTS_PX if height not in forbidden]
    demanded = st.fixed_dictionaries({"height_px": st.sampled_from(allowed), "bitrate_bps": st.integers(10**5, 10**7)})
    fixed = data.draw(st.lists(demanded, max_size=1)) if allowed else []
    try:
        ladder = plan(shots, forced_heights_px=forced, forbidden_heights_px=forbidden, fixed_rungs=fixed)
    except (UnplaceableRung, PolicyUnsatisfiable):
        assert fixed or not allowed
        return
    assert not set(heights(ladder)) & set(forbidden)
    for height in set(forced) - set(heights(ladder)):
        assert f"no rung at the forced size {size(height)}" in ladder.rungs[-1].reason
    for rung in fixed:
        stands = [other for other in ladder.rungs if other.reason.startswith("fixed by the policy")]
        assert [other.resolution.height_px for other in stands] == [rung["height_px"]]
        assert stands[0].promised.bitrate_bps == pytest.approx(rung["bitrate_bps"], rel=0.1)
    promised = [(rung.promised.bitrate_bps, rung.promised.vmaf, rung.resolution.pixels) for rung in ladder.rungs]
    for lower, upper in itertools.pairwise(promised):
        assert lower[0] < upper[0]
        assert lower[1] < upper[1]
        assert lower[2] <= upper[2]


@settings(deadline=None, max_examples=30)
@given(smooth_titles(), st.floats(0.0, 1.0))
def test_the_nearest_encode_is_no_further_than_half_a_step_of_crf(shots: list[ShotPoints], part: float) -> None:
    title = fit_title(shots, size(540))
    points = sweep(title, "mean")
    low, high = np.log(points[0].bitrate_bps), np.log(points[-1].bitrate_bps)
    wanted = float(np.exp(low + part * (high - low)))
    found = point_near(title, points, wanted, 0.5)
    # The rate doubles every 6 CRF, and a rounded CRF is at most a quarter off.
    assert abs(np.log2(found.bitrate_bps / wanted)) <= 0.25 / 6 + 0.01
    assert np.all(found.crfs % 0.5 == 0)


@pytest.mark.parametrize(
    ("width_px", "height_px", "nominal_px"),
    [(1920, 1080, 1080), (1920, 804, 1080), (768, 432, 432), (444, 250, 250), (416, 234, 234), (608, 1080, 608)],
)
def test_a_size_is_named_by_the_16_to_9_picture_with_its_long_side(
    width_px: int, height_px: int, nominal_px: int
) -> None:
    resolution = Resolution(width_px=width_px, height_px=height_px)
    assert has_height(resolution, nominal_px)
    assert nominal_height_px(resolution) == nominal_px
    assert not has_height(resolution, nominal_px + 6)
