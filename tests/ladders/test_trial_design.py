from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.encodes import MetricRecipe
from domain.recipe import PRESETS, CodecRecipe, Recipe
from domain.shots import Shot, ShotList
from domain.video import Codec, FrameRange, Resolution
from domain.work import TrialUnit
from ladders.errors import PolicyUnsatisfiable
from ladders.trial_design import (
    LONGEST_UNIT_S,
    PIXELS_IN_MEMORY,
    PRESET_NS_PER_PIXEL,
    PROCESS_START_S,
    SCORE_NS_PER_PIXEL,
    candidate_resolutions,
    plan_trial_units,
    tried_sizes,
    unit_cost_s,
)

HEIGHTS = (2160, 1440, 1080, 720, 540, 432, 360, 270)
HD, FULL_HD = Resolution(width_px=1280, height_px=720), Resolution(width_px=1920, height_px=1080)
FPS = Fraction(24)


def shot_list(frames: list[int]) -> ShotList:
    shots, start = [], 0
    for index, count in enumerate(frames):
        shots.append(Shot(index=index, range=FrameRange(start_frame=start, end_frame=start + count)))
        start += count
    return ShotList(shots=tuple(shots))


def recipe(*codecs: CodecRecipe, subsample: int = 5) -> Recipe:
    return Recipe(codecs=codecs or (CodecRecipe(codec=Codec.H264),), search_subsample=subsample)


@pytest.mark.parametrize(
    ("display", "expected"),
    [
        ((1920, 1080), ["1920x1080", "1280x720", "960x540", "768x432", "640x360", "480x270"]),
        ((1280, 720), ["1280x720", "960x540", "768x432", "640x360", "480x270"]),
        ((1280, 536), ["1280x536", "960x402", "768x322", "640x268", "480x200"]),
        ((1440, 1080), ["1440x1080", "1280x960", "960x720", "768x576", "640x480", "480x360"]),
        ((854, 480), ["854x480", "768x432", "640x360", "480x270"]),
        ((1366, 768), ["1280x720", "960x540", "768x432", "640x360", "480x270"]),
        ((7680, 4320), ["3840x2160", "2560x1440", "1920x1080", "1280x720", "960x540", "768x432", "640x360", "480x270"]),
        ((720, 1280), ["720x1280", "540x960", "432x768", "360x640", "270x480"]),
        ((400, 224), ["400x224"]),
    ],
)
def test_candidate_sizes_keep_the_shape(display: tuple[int, int], expected: list[str]) -> None:
    found = candidate_resolutions(Resolution(width_px=display[0], height_px=display[1]), HEIGHTS)
    assert [str(resolution) for resolution in found] == expected


@pytest.mark.parametrize(
    ("display", "forbidden", "expected"),
    [
        ((1280, 720), [540], ["1280x720", "768x432", "640x360", "480x270"]),
        # The display's own size is forbidden as any other is: it does not come back as a size that is not listed.
        ((1920, 1080), [1080], ["1280x720", "960x540", "768x432", "640x360", "480x270"]),
        ((1920, 800), [1080, 720], ["960x400", "768x320", "640x266", "480x200"]),
        ((854, 480), [1080, 432], ["854x480", "640x360", "480x270"]),
        ((720, 1280), [720], ["540x960", "432x768", "360x640", "270x480"]),
    ],
)
def test_forbidden_sizes_are_not_tried(display: tuple[int, int], forbidden: list[int], expected: list[str]) -> None:
    wanted = Recipe.model_validate({"heights_px": HEIGHTS, "policy": {"forbidden_heights_px": forbidden}})
    found = tried_sizes(Resolution(width_px=display[0], height_px=display[1]), wanted)
    assert [str(size) for size in found] == expected


def test_a_policy_that_forbids_all_sizes_of_a_source_is_refused_before_anything_is_tried() -> None:
    wanted = Recipe.model_validate({"heights_px": [1080, 720], "policy": {"forbidden_heights_px": [720]}})
    assert tried_sizes(FULL_HD, wanted) == (FULL_HD,)
    with pytest.raises(PolicyUnsatisfiable) as caught:
        plan_trial_units(shot_list([48]), FPS, wanted, HD)
    assert "leaves no size for a source of 1280x720" in str(caught.value)
    assert "add smaller heights_px" in str(caught.value)


@given(st.integers(16, 8192), st.integers(16, 8192), st.lists(st.integers(90, 4320), min_size=1, max_size=12))
def test_candidate_sizes_are_even_falling_and_never_above_the_display(
    width: int, height: int, heights: list[int]
) -> None:
    found = candidate_resolutions(Resolution(width_px=width, height_px=height), heights)
    assert found
    assert len(set(found)) == len(found)
    for resolution in found:
        assert resolution.width_px % 2 == resolution.height_px % 2 == 0
        assert resolution.width_px <= width
        assert resolution.height_px <= height
    pixels = [resolution.pixels for resolution in found]
    assert pixels == sorted(pixels, reverse=True)


title_frames = st.lists(st.integers(1, 480), min_size=1, max_size=60)
codec_recipes = st.lists(
    st.sampled_from(list(Codec)).flatmap(
        lambda codec: st.builds(
            CodecRecipe,
            codec=st.just(codec),
            preset=st.sampled_from(PRESETS[codec]),
            trial_crfs=st.integers(3, 16).map(lambda count: tuple(20.0 + 2 * number for number in range(count))),
        )
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda item: item.codec,
)


@settings(deadline=None)
@given(title_frames, codec_recipes, st.sampled_from([HD, FULL_HD, Resolution(width_px=3840, height_px=2160)]))
def test_every_trial_is_in_exactly_one_unit(frames: list[int], codecs: list[CodecRecipe], display: Resolution) -> None:
    shots, wanted = shot_list(frames), recipe(*codecs)
    units = plan_trial_units(shots, FPS, wanted, display)
    found = Counter(
        (unit.codec, unit.resolution, shot, crf) for unit in units for shot in unit.shots for crf in unit.crfs
    )
    sizes = candidate_resolutions(display, wanted.heights_px)
    expected = {
        (item.codec, resolution, shot, crf)
        for item in codecs
        for resolution in sizes
        for shot in range(len(frames))
        for crf in item.crfs
    }
    assert set(found) == expected
    assert set(found.values()) == {1}
    costs = [unit_cost_s(unit, shots, wanted, display) for unit in units]
    assert costs == sorted(costs, reverse=True)
    for unit, cost in zip(units, costs, strict=True):
        assert len(unit.crfs) <= MetricRecipe(display=display).most_together
        assert len(unit.crfs) == 1 or unit.resolution.pixels * (len(unit.crfs) - 1) < PIXELS_IN_MEMORY
        assert cost <= LONGEST_UNIT_S * 1.001 or len(unit.shots) == 1


def test_a_clip_of_twelve_seconds_fills_four_slots() -> None:
    for frames in ([288], [60, 48, 72, 36, 72]):
        shots = shot_list(frames)
        units = plan_trial_units(shots, FPS, recipe(), HD)
        costs = [unit_cost_s(unit, shots, recipe(), HD) for unit in units]
        assert len(units) >= 8
        assert max(costs) <= sum(costs) / 4


def test_a_long_title_is_cut_into_units_of_minutes() -> None:
    shots = shot_list([96] * 900)
    wanted = recipe(CodecRecipe(codec=Codec.H264, trial_crfs=(16, 20, 24, 28, 32, 36, 40, 44)))
    units = plan_trial_units(shots, FPS, wanted, FULL_HD)
    costs = [unit_cost_s(unit, shots, wanted, FULL_HD) for unit in units]
    assert max(costs) <= LONGEST_UNIT_S
    assert sorted(costs)[len(costs) // 2] > 60
    assert max(len(unit.shots) for unit in units) > 5


def test_a_large_picture_is_split_by_crf_to_fit_into_memory() -> None:
    display = Resolution(width_px=3840, height_px=2160)
    units = plan_trial_units(shot_list([48] * 4), FPS, recipe(), display)
    assert {len(unit.crfs) for unit in units if unit.resolution == display} == {1}


@pytest.mark.parametrize(
    ("codec", "preset", "height_px", "frames", "subsample", "measured_s"),
    [
        (Codec.H264, "medium", 540, 72, 1, 9.2),
        (Codec.HEVC, "fast", 540, 72, 1, 10.9),
        (Codec.AV1, "8", 540, 72, 1, 11.4),
        (Codec.H264, "medium", 720, 120, 1, 14.7),
        (Codec.H264, "medium", 720, 120, 5, 7.6),
    ],
)
def test_the_cost_model_is_near_the_measured_units(
    codec: Codec, preset: str, height_px: int, frames: int, subsample: int, measured_s: float
) -> None:
    wanted = recipe(CodecRecipe(codec=codec, preset=preset), subsample=subsample)
    resolution = Resolution(width_px=height_px * 16 // 9, height_px=height_px)
    unit = TrialUnit(codec=codec, resolution=resolution, shots=(0,), crfs=wanted.codecs[0].crfs)
    assert unit_cost_s(unit, shot_list([frames]), wanted, HD) == pytest.approx(measured_s, rel=0.25)


def test_every_preset_of_every_codec_has_a_cost() -> None:
    assert {codec: set(costs) for codec, costs in PRESET_NS_PER_PIXEL.items()} == {
        codec: set(presets) for codec, presets in PRESETS.items()
    }


def test_short_shots_cost_what_their_dense_scores_cost() -> None:
    wanted = recipe(CodecRecipe(codec=Codec.H264, preset="veryfast"), subsample=9)
    unit = TrialUnit(codec=Codec.H264, resolution=HD, shots=(0,), crfs=wanted.codecs[0].crfs)
    long_s, short_s = (unit_cost_s(unit, shot_list([frames]), wanted, HD) - PROCESS_START_S for frames in (90, 15))
    # All of 15 frames are scored, ten of 90: nine times as much scoring for a frame.
    more = 1e-9 * len(unit.crfs) * HD.pixels * SCORE_NS_PER_PIXEL * (1 - 1 / 9)
    assert short_s / 15 - long_s / 90 == pytest.approx(more)
