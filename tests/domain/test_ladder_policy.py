"""Ladder policies: presets fill in, contradictions are refused in words."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.ladder_policy import POLICY_PRESETS, LadderPolicy
from domain.recipe import Recipe
from domain.values import digest_of
from domain.video import Codec


@pytest.mark.parametrize("preset", POLICY_PRESETS)
def test_a_preset_sets_what_is_left_out(preset: str) -> None:
    policy = LadderPolicy.model_validate({"preset": preset})
    assert {name: getattr(policy, name) for name in POLICY_PRESETS[preset]} == dict(POLICY_PRESETS[preset])


@pytest.mark.parametrize("preset", POLICY_PRESETS)
def test_fields_that_are_written_out_win_over_the_preset(preset: str) -> None:
    policy = LadderPolicy.model_validate({"preset": preset, "max_rungs": 5, "max_rate_step": 3})
    assert (policy.max_rungs, policy.max_rate_step) == (5, 3)


def test_presets_do_what_their_names_say() -> None:
    house, apple, mobile = (LadderPolicy.model_validate({"preset": name}) for name in POLICY_PRESETS)
    assert (apple.min_rate_step, apple.max_rate_step, apple.peak_ratio) == (1.5, 2.0, 2.0)
    assert apple.lowest_bitrate_bps == 200_000
    assert mobile.top_vmaf < house.top_vmaf
    assert mobile.max_bitrate_bps < house.max_bitrate_bps
    assert mobile.min_rate_step < house.min_rate_step
    assert mobile.bandwidth_median_bps < house.bandwidth_median_bps
    assert house == LadderPolicy()


def test_a_stored_policy_means_the_same_even_if_a_preset_changes() -> None:
    policy = LadderPolicy.model_validate({"preset": "mobile", "bandwidth_histogram": [[2_000_000, 1], [5_000_000, 3]]})
    again = LadderPolicy.model_validate_json(policy.model_dump_json())
    assert again == policy
    assert digest_of(again) == digest_of(policy)
    assert '"max_bitrate_bps":4000000' in policy.model_dump_json()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"preset": "apple"}, "'default', 'apple-hls' or 'mobile'"),
        ({"preset": ["mobile"]}, "'default', 'apple-hls' or 'mobile'"),
        ({"preset": "apple-hls", "min_rate_step": 2.5}, "max_rate_step 2.0 is below min_rate_step 2.5"),
        ({"bandwidth_histogram": []}, "at least 1 item"),
        ({"bandwidth_histogram": [[5_000_000, 1], [2_000_000, 1]]}, "rising order"),
        ({"bandwidth_histogram": [[5_000_000, 1], [5_000_000, 1]]}, "different bandwidths"),
        ({"bandwidth_histogram": [[5_000_000, 0]]}, "no weight is above 0"),
        ({"bandwidth_histogram": [[5_000_000, -1]]}, "greater than or equal to 0"),
        ({"bandwidth_histogram": [[5, 1]]}, "greater than or equal to 1000"),
        ({"bandwidth_histogram": [[5_000_000, float("inf")]]}, "finite"),
        ({"bandwidth_histogram": [[5_000_000, float("nan")]]}, "finite"),
        ({"forced_heights_px": [720], "forbidden_heights_px": [720, 540]}, "[720] stand in forced_heights_px and in"),
        ({"fixed_rungs": [{"height_px": 720}]}, "bitrate_bps"),
        ({"fixed_rungs": [{"height_px": 720, "bitrate_bps": 50_000}]}, "50000 is outside min_bitrate_bps"),
        (
            {"forbidden_heights_px": [720], "fixed_rungs": [{"height_px": 720, "bitrate_bps": 10**6}]},
            "fixed_rungs: height 720 stands in forbidden_heights_px",
        ),
        ({"fixed_rungs": [{"height_px": h, "bitrate_bps": 10**6} for h in (540, 720)]}, "two rungs of 1000000 bps"),
        (
            {"fixed_rungs": [{"height_px": 720, "bitrate_bps": 10**6}, {"height_px": 540, "bitrate_bps": 2 * 10**6}]},
            "heights must not fall",
        ),
        (
            {"max_rungs": 1, "fixed_rungs": [{"height_px": 720, "bitrate_bps": n * 10**6} for n in (1, 2)]},
            "2 rungs are more than max_rungs 1",
        ),
        ({"prune_covered": True}, "say plays_hevc_above_px or plays_av1_above_px"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LadderPolicy.model_validate(fields)
    assert message in str(caught.value)


def test_fixed_rungs_belong_to_every_codec_or_to_one() -> None:
    rungs = [
        {"height_px": 720, "bitrate_bps": 3_000_000},
        {"height_px": 540, "bitrate_bps": 1_000_000, "codec": "h264"},
        {"height_px": 1080, "bitrate_bps": 1_000_000, "codec": "av1"},
    ]
    with pytest.raises(ValidationError, match="heights must not fall"):
        LadderPolicy.model_validate({"fixed_rungs": rungs})
    policy = LadderPolicy.model_validate({"fixed_rungs": rungs[:2]})
    assert [rung.height_px for rung in policy.fixed_rungs_of(Codec.H264)] == [540, 720]
    assert [rung.height_px for rung in policy.fixed_rungs_of(Codec.AV1)] == [720]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"forced_heights_px": [480]}, "policy.forced_heights_px: heights_px does not hold [480]"),
        ({"fixed_rungs": [{"height_px": 480, "bitrate_bps": 10**6}]}, "policy.fixed_rungs: heights_px does not hold"),
        ({"forbidden_heights_px": [720, 360]}, "leaves none of heights_px"),
    ],
)
def test_demands_on_heights_that_are_never_tried_are_refused(policy: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate({"heights_px": [720, 360], "policy": policy})
    assert message in str(caught.value)
