"""Recipes: what does not fit together is refused in words."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.recipe import DEFAULT_PRESET, DEFAULT_TRIAL_CRFS, PRESETS, CodecRecipe, LadderPolicy, Recipe
from domain.values import digest_of
from domain.video import Codec


@pytest.mark.parametrize("codec", Codec)
def test_defaults_are_what_they_say(codec: Codec) -> None:
    recipe = CodecRecipe(codec=codec)
    assert recipe.production_preset == DEFAULT_PRESET[codec]
    assert recipe.production_preset in PRESETS[codec]
    assert recipe.crfs == DEFAULT_TRIAL_CRFS[codec]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"codec": "h264", "preset": "6"}, "preset '6' is not one of h264's presets"),
        ({"codec": "av1", "preset": "medium"}, "preset 'medium' is not one of av1's presets"),
        ({"codec": "av1", "preset": "13"}, "preset '13'"),
        ({"codec": "h264", "trial_crfs": [20, 30]}, "at least 3 different values in rising order"),
        ({"codec": "h264", "trial_crfs": []}, "at least 3"),
        ({"codec": "h264", "trial_crfs": [20, 30, 25]}, "rising order"),
        ({"codec": "h264", "trial_crfs": [20, 30, 30]}, "3 different values"),
        ({"codec": "hevc", "trial_crfs": [20, 30, 52]}, "52.0 is above hevc's largest CRF, 51"),
        ({"codec": "av1", "trial_crfs": [20, 30.5, 52]}, "whole numbers expected for av1"),
        ({"codec": "av1", "trial_crfs": [20, 30, 64]}, "less than or equal to 63"),
        ({"codec": "av1", "trial_crfs": [0, 30, 60]}, "greater than or equal to 1"),
    ],
)
def test_a_codec_recipe_that_no_encoder_takes_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CodecRecipe.model_validate(fields)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"codecs": [{"codec": "h264"}, {"codec": "h264"}]}, "each codec at most once"),
        ({"search_subsample": 4}, "odd expected"),
        ({"shots": {"idr_plan": "grid", "idr_grid_s": 3}}, "segment_s is not a multiple of shots.idr_grid_s"),
        ({"policy": {"floor_vmaf": 80, "top_vmaf": 80}}, "floor_vmaf 80.0 is not below top_vmaf 80.0"),
        ({"policy": {"min_rate_step": 2.5, "max_rate_step": 2}}, "max_rate_step 2.0 is below min_rate_step 2.5"),
        ({"policy": {"min_bitrate_bps": 200_000, "max_bitrate_bps": 200_000}}, "min_bitrate_bps is not below"),
        ({"policy": {"pooling": "median"}}, "'mean' or 'harmonic'"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate(fields)
    assert message in str(caught.value)


def test_grid_and_segments_that_fit_are_taken() -> None:
    recipe = Recipe.model_validate({"shots": {"idr_plan": "grid", "idr_grid_s": "4/3"}, "packaging": {"segment_s": 4}})
    assert recipe.shots.idr_grid_s * 3 == recipe.packaging.segment_s
    assert LadderPolicy(min_rate_step=2.0, max_rate_step=2.0).max_rate_step == 2


def test_a_recipe_survives_its_own_json() -> None:
    recipe = Recipe.model_validate({"shots": {"idr_grid_s": "4/3"}, "codecs": [{"codec": "av1", "preset": "4"}]})
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert digest_of(Recipe.model_validate_json(recipe.model_dump_json())) == digest_of(recipe)


def test_sdr_rungs_are_no_part_of_a_recipe_that_does_not_ask_for_them() -> None:
    assert "hdr" not in Recipe().model_dump(mode="json")
    assert "hdr" not in Recipe.model_validate({"hdr": {"sdr_rungs": False}}).model_dump(mode="json")
    asked = Recipe.model_validate({"hdr": {"sdr_rungs": True}})
    assert asked.model_dump(mode="json")["hdr"] == {"sdr_rungs": True, "sdr_codecs": None}


@pytest.mark.parametrize(
    ("codecs", "sdr_codecs", "made"),
    [
        (["hevc"], None, {"h264": "medium", "hevc": "slow"}),
        (["hevc", "av1"], ["av1"], {"av1": "6"}),
        (["h264", "hevc"], None, {"h264": "medium", "hevc": "slow"}),
    ],
)
def test_sdr_rungs_have_codecs_of_their_own(codecs: list[str], sdr_codecs: list[str] | None, made: Any) -> None:
    asked = [{"codec": codec, **({"preset": "slow"} if codec == "hevc" else {})} for codec in codecs]
    content = {"codecs": asked, "hdr": {"sdr_rungs": True, "sdr_codecs": sdr_codecs}, "baseline": "netflix-2015"}
    recipe = Recipe.model_validate(content).for_sdr_rungs()
    assert {item.codec.value: item.production_preset for item in recipe.codecs} == made
    assert (recipe.baseline, recipe.hdr.sdr_rungs) == ("none", False)


def test_an_sdr_codec_is_named_once() -> None:
    with pytest.raises(ValidationError, match="each codec at most once"):
        Recipe.model_validate({"hdr": {"sdr_codecs": ["h264", "h264"]}})


@pytest.mark.parametrize("limit", ["max_trials", "max_trials_warm", "cpu_budget_s", "expected_views", "stop_regret"])
def test_a_grid_that_would_not_keep_a_limit_is_refused(limit: str) -> None:
    with pytest.raises(ValidationError, match=f"keeps no {limit}"):
        Recipe.model_validate({"search": {"method": "grid", limit: 0.1 if limit == "stop_regret" else 10}})
    assert Recipe.model_validate({"search": {"method": "grid"}}).search.method == "grid"
