"""What each search is told, and how searches are cut into units."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.files import StoredFile
from domain.mezzanine import Mezzanine, MezzaninePiece, anchor_step, scored_step
from domain.recipe import CodecRecipe, Recipe
from domain.search import TrialAsk
from domain.search_recipe import SearchRecipe, SearchStart
from domain.shots import Shot, ShotList
from domain.video import Codec, Color, FrameRange, Resolution, SourceDescription, VideoTrack
from ladders.search_design import (
    plan_search_units,
    search_cost_s,
    search_task,
    searched_sizes,
    split_by_memory,
    trial_cost_s,
)
from ladders.trial_design import PIXELS_IN_MEMORY

FILE = StoredFile(uri="s3://bucket/key", sha256="a" * 64, size_bytes=1_000_000)
BOTH = (CodecRecipe(codec=Codec.H264), CodecRecipe(codec=Codec.AV1))


def title(frames: list[int], recipe: Recipe | None = None, size_bytes: int = 1_000_000) -> Mezzanine:
    """A 720p title with shots of given lengths."""
    starts = [sum(frames[:index]) for index in range(len(frames) + 1)]
    ranges = [FrameRange(start_frame=low, end_frame=high) for low, high in itertools.pairwise(starts)]
    video = VideoTrack(
        stream_index=0, codec_name="h264", width_px=1280, height_px=720, frames=sum(frames), frame_rate=Fraction(24),
        pixel_format="yuv420p", bit_depth=8, color=Color(),
    )  # fmt: skip
    return Mezzanine(
        source=SourceDescription(file=FILE, container="mov", video=video),
        shots=ShotList(shots=tuple(Shot(index=index, range=item) for index, item in enumerate(ranges))),
        idr_frames=tuple(starts[:-1]),
        pieces=tuple(
            MezzaninePiece(
                shot_index=index,
                file=FILE.model_copy(update={"size_bytes": size_bytes}),
                pictures_sha256="b" * 64,
                frames=count,
            )
            for index, count in enumerate(frames)
        ),
        pixel_format="yuv420p",
        display=Resolution(width_px=1280, height_px=720),
        color=Color(),
        recipe=recipe or Recipe(codecs=BOTH),
        tools={},
        tools_digest="c" * 64,
    )


@given(st.integers(1, 31).filter(lambda step: step % 2), st.integers(1, 2_000))
def test_scores_rest_on_an_odd_step_and_on_eight_frames_where_a_shot_has_them(step: int, frames: int) -> None:
    found = scored_step(step, frames)
    assert found % 2 == 1
    assert found <= step
    assert len(range(0, frames, found)) >= min(8, frames)
    assert found == step or found + 2 > frames / 8


@pytest.mark.parametrize(("step", "close"), [(1, 1), (3, 3), (5, 5), (7, 7), (9, 3), (11, 11), (15, 3)])
def test_an_anchor_is_scored_on_the_frames_of_the_others_and_on_more(step: int, close: int) -> None:
    assert anchor_step(step) == close


def test_a_search_looks_at_the_policys_window_and_a_little_beyond() -> None:
    mezzanine = title([48])
    task = search_task(mezzanine, Codec.AV1, 0, (99.0,) * 5, finished=0)
    assert (task.lowest_crf, task.highest_crf, task.crf_step) == (20.0, 63.0, 0.25)
    assert (task.floor_vmaf, task.top_vmaf) == (30.0, 96.5)
    assert task.sizes == searched_sizes(mezzanine)
    assert task.difficulty == pytest.approx(math.log(8e6 / (48 * 1280 * 720)))
    assert task.cpu_budget_s is None
    assert task.min_saved_bits_per_cpu_s == task.delivered_s == 0.0


def test_a_warm_search_may_make_fewer_trials() -> None:
    recipe = Recipe(search=SearchRecipe(max_trials=20, max_trials_warm=9))
    counts = [
        search_task(title([48], recipe), Codec.H264, 0, (99.0,) * 5, finished=known).max_trials for known in (0, 2)
    ]
    assert counts == [20, 9]


@pytest.mark.parametrize(
    ("shots", "finished", "usual", "most"),
    [(1, 0, 21, 29), (3, 0, 21, 29), (4, 0, 12, 20), (4, 1, 12, 20), (4, 2, 10, 18), (900, 0, 12, 20)],
)
def test_a_shot_alone_may_have_more_trials_than_one_of_many(shots: int, finished: int, usual: int, most: int) -> None:
    mezzanine = title([48] * shots)
    task = search_task(mezzanine, Codec.H264, 0, (99.0,) * 5, finished=finished)
    assert task.max_trials == most
    assert task.patience[-1].trials == usual
    assert task.is_alone == (shots < 4)
    if finished != 1:
        costs_s = [trial_cost_s(mezzanine, Codec.H264, 0, size) for size in searched_sizes(mezzanine)]
        for trials, at_most in ((usual, False), (most, True)):
            cost_s = search_cost_s(mezzanine, Codec.H264, 0, wave=finished, at_most=at_most)
            assert cost_s == pytest.approx(trials * sum(costs_s) / len(costs_s))


def test_more_sizes_may_have_more_trials_and_few_sizes_fewer() -> None:
    recipe = SearchRecipe()
    for start, usual in (
        (SearchStart.ALONE, [4, 8, 12, 16, 21, 21, 23, 25]),
        (SearchStart.FIRST, [8, 9, 10, 11, 12, 12, 14, 16]),
        (SearchStart.WARM, [6, 7, 8, 9, 10, 10, 11, 12]),
    ):
        assert [recipe.usual_trials(sizes, start) for sizes in range(1, 9)] == usual
        assert [recipe.most_trials(sizes, start) for sizes in range(1, 9)] == [count + 8 for count in usual]
    asked = SearchRecipe(max_trials=7, max_trials_warm=6)
    assert [asked.most_trials(7, start) for start in SearchStart] == [7, 7, 6]
    assert [asked.usual_trials(7, start) for start in SearchStart] == [7, 7, 6]
    for start, more in (
        (SearchStart.ALONE, [4, 4, 4, 4, 0, 0]),
        (SearchStart.FIRST, [0, 3, 2, 1, 0, 0]),
        (SearchStart.WARM, [2, 3, 2, 1, 0, 0]),
    ):
        assert [recipe.more_if_dense(sizes, start) for sizes in range(1, 7)] == more
        assert asked.more_if_dense(3, start) == 0


def test_a_search_has_patience_unless_the_request_says_how_many_trials() -> None:
    recipe = SearchRecipe(max_trials_warm=6)
    for sizes, start, steps in (
        (5, SearchStart.ALONE, [(21, 0.01)]),
        (3, SearchStart.ALONE, [(12, 0.01)]),
        (5, SearchStart.FIRST, [(11, 0.0175), (12, 0.02)]),
        (3, SearchStart.FIRST, [(10, 0.02)]),
        (5, SearchStart.WARM, []),
    ):
        for scale in (1, 2):
            patience = recipe.model_copy(update={"stop_regret": 0.005 * scale}).patience(sizes, start)
            assert [step.trials for step in patience] == [trials for trials, _ in steps]
            assert [step.regret for step in patience] == pytest.approx([scale * regret for _, regret in steps])


def test_a_budget_is_dealt_out_to_the_last_second() -> None:
    mezzanine = title([24, 72, 48], Recipe(codecs=BOTH, search=SearchRecipe(cpu_budget_s=600.0)))
    parts = {
        (codec, shot): search_task(mezzanine, codec, shot, (99.0,) * 5, finished=0).cpu_budget_s or 0.0
        for codec in (Codec.H264, Codec.AV1)
        for shot in range(3)
    }
    assert sum(parts.values()) == pytest.approx(600.0)
    assert parts[Codec.H264, 1] == pytest.approx(3 * parts[Codec.H264, 0])
    assert parts[Codec.AV1, 0] > parts[Codec.H264, 0]


def test_hdr_and_sdr_ladders_of_a_title_share_its_budget() -> None:
    hdr = Recipe.model_validate(
        {"hdr": {"sdr_rungs": True}, "search": {"cpu_budget_s": 600}, "codecs": [{"codec": "av1"}]}
    )

    def budget_s(recipe: Recipe, color: Color) -> float:
        mezzanine = title([24], recipe).model_copy(update={"color": color})
        return sum(
            search_task(mezzanine, item.codec, 0, (99.0,) * 5, finished=0).cpu_budget_s or 0.0 for item in recipe.codecs
        )

    pq = Color(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc", range="tv")
    assert budget_s(hdr, pq) == pytest.approx(300)
    assert budget_s(hdr.for_sdr_rungs(), Color()) == pytest.approx(300)
    assert budget_s(hdr, Color()) == pytest.approx(600), "of an SDR title there is one range"


def test_expected_views_turn_saved_bits_into_cpu_seconds() -> None:
    recipe = Recipe(search=SearchRecipe(expected_views=1_000.0, min_saved_gb_per_cpu_hour=4.5))
    task = search_task(title([48], recipe), Codec.H264, 0, (99.0,) * 5, finished=0)
    assert task.min_saved_bits_per_cpu_s == pytest.approx(1e7)
    assert task.delivered_s == pytest.approx(2_000.0)


@given(st.lists(st.integers(12, 480), min_size=1, max_size=40), st.integers(0, 1))
def test_units_hold_every_shot_of_a_wave_once(frames: list[int], wave: int) -> None:
    units = plan_search_units(title(frames), Codec.H264, wave, range(len(frames)))
    assert sorted(shot for unit in units for shot in unit.shots) == list(range(len(frames)))
    assert {unit.wave for unit in units} == {wave}


def test_short_shots_share_a_unit_and_long_ones_stand_alone() -> None:
    units = plan_search_units(title([960, 960] + [12] * 100), Codec.H264, 0, range(102))
    assert {unit.shots for unit in units} > {(0,), (1,)}
    assert len(units) < 40


@given(st.lists(st.sampled_from([360, 720, 1080, 2160, 4320]), min_size=1, max_size=20), st.integers(1, 16))
def test_a_process_gets_no_more_pictures_than_memory_holds(heights: list[int], most: int) -> None:
    asks = [
        TrialAsk(resolution=Resolution(width_px=height * 16 // 9, height_px=height), crf=float(number))
        for number, height in enumerate(heights)
    ]
    groups = split_by_memory(asks, most)
    assert sorted(ask.crf for group in groups for ask in group) == [ask.crf for ask in asks]
    for group in groups:
        assert len(group) <= most
        assert len(group) == 1 or sum(ask.resolution.pixels for ask in group) <= PIXELS_IN_MEMORY


def test_a_larger_size_and_a_slower_encoder_cost_more() -> None:
    mezzanine = title([48])
    large, small = mezzanine.display, Resolution(width_px=640, height_px=360)
    assert trial_cost_s(mezzanine, Codec.H264, 0, large) > trial_cost_s(mezzanine, Codec.H264, 0, small)
    assert trial_cost_s(mezzanine, Codec.AV1, 0, large) > trial_cost_s(mezzanine, Codec.H264, 0, large)
