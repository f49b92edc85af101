"""Searches on a real store with real encoders: done once, gone on with, found again, and made into a ladder."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import pytest
from pydantic import BaseModel
from temporalio.testing import ActivityEnvironment

from activities.faults import ScoresMissing
from activities.needs import ceiling_needs, score_memory_bytes, search_needs
from activities.planning import PlanActivities
from activities.search_readings import Searched, read_searched_title, read_searches, sum_up_searches, waves_of
from activities.searches import SearchActivities
from activities.toolbox import Toolbox
from activities.trial_shelf import TrialShelf
from domain.encodes import EncodeRecipe, MetricRecipe
from domain.ladder_policy import LadderPolicy
from domain.recipe import CodecRecipe, Recipe
from domain.search import PriorSet
from domain.search_recipe import SearchRecipe, SearchStart
from domain.steps import LadderSet, SearchWave
from domain.values import Sha256
from domain.video import Codec, Color, Resolution
from domain.work import SearchUnit, UnitKind, UnitOutcome, UnitReference, WorkPlan
from ladders.pooling import estimate_mean
from ladders.search.calibration import Calibration
from ladders.search_design import searched_sizes
from media.bench import Bench, ShotPiece
from media.progress import ignore_progress
from media.trials import TrialRun, encode_and_score
from media.unpacking import unpack
from storage.object_store import ObjectStore
from storage.results import ResultStore
from tests.activities.conftest import StoredTitle, mezzanine_of

pytestmark = pytest.mark.slow  # a real S3 server
ValueT = TypeVar("ValueT", bound=BaseModel)
BOTH_SHOTS = SearchUnit(codec=Codec.H264, shots=(0, 1), wave=0)
RECIPE = Recipe(
    codecs=(CodecRecipe(codec=Codec.H264, preset="veryfast"),),
    heights_px=(180, 108),
    search=SearchRecipe(max_trials=8),
    policy=LadderPolicy(max_rungs=3, min_bitrate_bps=10_000, lowest_bitrate_bps=None, floor_vmaf=20),
)


class PowerCut(Exception):
    """The worker dies."""


class DyingStore(ResultStore):
    """A store whose worker dies before it can keep something."""

    def __init__(self, store: ObjectStore, kind: str, *, after: int) -> None:
        super().__init__(store)
        self._kind, self._left = kind, after

    def keep(self, kind: str, key: Sha256, value: ValueT) -> ValueT:
        if kind == self._kind:
            if not self._left:
                raise PowerCut
            self._left -= 1
        return super().keep(kind, key, value)


@pytest.fixture
def title(stored_title: StoredTitle) -> StoredTitle:
    mezzanine = stored_title.mezzanine.model_copy(update={"recipe": RECIPE})
    reference = stored_title.box.results.put_document(mezzanine)
    return dataclasses.replace(stored_title, mezzanine=mezzanine, reference=reference)


def without_programs(title: StoredTitle) -> Toolbox:
    """A toolbox whose ffmpeg does not exist: whoever starts a process fails."""
    return dataclasses.replace(title.box, tools=dataclasses.replace(title.box.tools, ffmpeg="/no/such/ffmpeg"))


async def search(environment: ActivityEnvironment, box: Toolbox, unit: UnitReference) -> UnitOutcome:
    return await environment.run(SearchActivities(box).run_search_unit, unit)


async def test_a_search_that_runs_twice_starts_nothing_the_second_time(
    title: StoredTitle, environment: ActivityEnvironment, heartbeats: list[dict[str, object]]
) -> None:
    unit = title.unit(BOTH_SHOTS)
    first = await search(environment, title.box, unit)
    assert (first.made, first.reused, first.trials_reused) == (2, 0, 0)
    assert 2 * 3 <= first.trials <= 2 * RECIPE.search.most_trials(5, SearchStart.ALONE)
    assert first.cpu_s > 0
    assert first.tool_s > 0
    again = await search(environment, without_programs(title), unit)
    assert again == UnitOutcome(reused=2, trials=first.trials, trials_reused=first.trials)
    assert not list(title.box.scratch.iterdir())
    assert {beat["unit"] for beat in heartbeats} == {"shot 0", "shot 1"}


@pytest.mark.parametrize(("kind", "kept"), [("scores", 2), ("searches", 0)])
async def test_a_search_goes_on_where_its_worker_died(
    title: StoredTitle, environment: ActivityEnvironment, kind: str, kept: int
) -> None:
    unit = title.unit(BOTH_SHOTS.model_copy(update={"shots": (0,)}))
    dying = dataclasses.replace(title.box, results=DyingStore(title.box.store, kind, after=kept))
    with pytest.raises(PowerCut):
        await search(environment, dying, unit)
    outcome = await search(environment, title.box, unit)
    assert outcome.made == 1
    assert outcome.trials_reused == (kept or outcome.trials)


async def test_every_trial_lies_in_the_store_for_production_encodes_and_other_searches(
    title: StoredTitle, environment: ActivityEnvironment
) -> None:
    made = await search(environment, title.box, title.unit(BOTH_SHOTS))
    found = read_searches(title.box, title.mezzanine, Codec.H264, waves_of(title.mezzanine), ignore_progress)
    for shot, searched in found.items():
        shelf = TrialShelf(title.box, title.mezzanine, shot)
        for seen in searched.record.seen:
            recipe = title.mezzanine.encode_recipe(Codec.H264, seen.resolution, shot, crf=seen.crf)
            kept = shelf.find_trial(recipe, title.mezzanine.search_metric(shot))
            assert kept is not None
            assert kept.encode.bitrate_bps == seen.bitrate_bps
            assert kept.encode.cpu.total_s > 0
    shorter = RECIPE.model_copy(update={"search": SearchRecipe(max_trials=4)})
    other = title.mezzanine.model_copy(update={"recipe": shorter})
    fewer = dataclasses.replace(title, mezzanine=other, reference=title.box.results.put_document(other))
    outcome = await search(environment, without_programs(title), fewer.unit(BOTH_SHOTS))
    assert outcome.made == 2
    assert outcome.trials == outcome.trials_reused <= made.trials


async def test_a_shot_is_decoded_once_and_one_that_is_too_large_for_it_has_the_same_search(
    title: StoredTitle,
    tiny_pieces: tuple[ShotPiece, ...],
    environment: ActivityEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    async def seen_unpack(
        bench: Bench, piece: ShotPiece, sizes: Sequence[Resolution], color: Color
    ) -> tuple[ShotPiece, float]:
        found = await unpack(bench, piece, sizes, color)
        read.append(found[0].path.name)
        assert len(found[0].scaled) == (len(sizes) - 1 if found[0].path.name == "raw.nut" else 0)
        return found

    monkeypatch.setattr("activities.searches.unpack", seen_unpack)
    await search(environment, title.box, title.unit(BOTH_SHOTS))
    assert read == ["raw.nut", "raw.nut"]
    # The same pictures under other keys.
    twin = mezzanine_of(title.box, tiny_pieces[1:], salt="large").model_copy(update={"recipe": RECIPE})
    large = dataclasses.replace(title, mezzanine=twin, reference=title.box.results.put_document(twin))
    monkeypatch.setattr("media.unpacking.MOST_RAW_BYTES", 0)
    await search(environment, large.box, large.unit(BOTH_SHOTS))
    assert read[2:] == ["shot_00000.mov", "shot_00001.mov"]
    first, second = (
        read_searches(title.box, mezzanine, Codec.H264, waves_of(mezzanine), ignore_progress)
        for mezzanine in (title.mezzanine, twin)
    )
    assert {shot: found.record.seen for shot, found in first.items()} == {
        shot: found.record.seen for shot, found in second.items()
    }
    assert first[0].record.task == second[0].record.task, "and the same ceilings"


def test_raw_pictures_are_announced(title: StoredTitle, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = search_needs(title.mezzanine, 0).scratch_bytes
    monkeypatch.setattr("media.unpacking.MOST_RAW_BYTES", 0)
    pixels = title.mezzanine.pieces[0].frames * sum(size.pixels for size in searched_sizes(title.mezzanine))
    assert raw - search_needs(title.mezzanine, 0).scratch_bytes == pixels * 3 // 2


def test_memory_is_announced_for_the_sizes_whose_ceilings_are_measured(title: StoredTitle) -> None:
    display, sizes = title.mezzanine.display, searched_sizes(title.mezzanine)
    assert display in sizes
    assert ceiling_needs(title.mezzanine).memory_bytes == score_memory_bytes(len(sizes) - 1, display)


def test_memory_of_ceilings_is_that_of_what_is_scored_at_once(
    title: StoredTitle, monkeypatch: pytest.MonkeyPatch
) -> None:
    display = title.mezzanine.display
    monkeypatch.setattr("domain.encodes.SCORED_PIXELS_IN_MEMORY", display.pixels)
    recipe = title.mezzanine.recipe.model_copy(update={"heights_px": (180, 108, 90)})
    mezzanine = title.mezzanine.model_copy(update={"recipe": recipe})
    assert len(searched_sizes(mezzanine)) > 2
    assert ceiling_needs(mezzanine).memory_bytes == score_memory_bytes(1, display)


async def test_no_process_of_a_search_scores_more_encodes_than_memory_holds(
    title: StoredTitle, environment: ActivityEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    async def counted(
        bench: Bench, piece: ShotPiece, recipes: Sequence[EncodeRecipe], metric: MetricRecipe
    ) -> TrialRun:
        counts.append(len(recipes))
        return await encode_and_score(bench, piece, recipes, metric)

    monkeypatch.setattr("activities.searches.encode_and_score", counted)
    monkeypatch.setattr("domain.encodes.SCORED_PIXELS_IN_MEMORY", 2 * title.mezzanine.display.pixels)
    found = await search_both(title, environment)
    assert max(counts) == 2
    assert sum(counts) == sum(len(searched.record.seen) for searched in found.values())


async def test_an_anchor_is_scored_closely_and_teaches_what_the_scores_of_the_others_mean(
    title: StoredTitle, environment: ActivityEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two shots have 22 and 19 frames: of every ninth as few are scored as of shots five times as long."""
    monkeypatch.setattr("domain.mezzanine.SCORED_FRAMES_AT_LEAST", 2)
    for shot, searched in (await search_both(title, environment)).items():
        shelf, frames = TrialShelf(title.box, title.mezzanine, shot), title.mezzanine.pieces[shot].frames
        sparse, close = title.mezzanine.search_metric(shot), title.mezzanine.anchor_metric(shot)
        assert (sparse.subsample, close.subsample) == (9, 3)
        anchors, others = [], []
        for seen in searched.record.seen:
            recipe = title.mezzanine.encode_recipe(Codec.H264, seen.resolution, shot, crf=seen.crf)
            few, many = shelf.find_trial(recipe, sparse), shelf.find_trial(recipe, close)
            assert few is not None
            if many is None:
                others.append((seen, few.scores.frame_scores))
                continue
            anchors.append((seen, many.scores.frame_scores))
            assert few.scores.frame_scores == many.scores.frame_scores[::3]
        ((anchor, scores),) = anchors
        assert anchor.resolution == searched.record.task.sizes[0]
        assert anchor.vmaf == pytest.approx(estimate_mean(scores, frames, step=3))
        learnt = Calibration.of(scores, frames, step=9)
        assert others
        for seen, few_scores in others:
            assert seen.vmaf == pytest.approx(float(learnt.weights @ np.asarray(few_scores)))


@pytest.mark.usefixtures("scored_sparsely")
async def test_trials_of_short_shots_are_scored_densely_and_alike(
    title: StoredTitle, environment: ActivityEnvironment
) -> None:
    """Every third of 22 and 19 frames, with no anchor."""
    for shot, searched in (await search_both(title, environment)).items():
        shelf, frames = TrialShelf(title.box, title.mezzanine, shot), title.mezzanine.pieces[shot].frames
        metric = title.mezzanine.search_metric(shot)
        assert (metric.subsample, title.mezzanine.anchor_metric(shot)) == (3, metric)
        for seen in searched.record.seen:
            recipe = title.mezzanine.encode_recipe(Codec.H264, seen.resolution, shot, crf=seen.crf)
            kept = shelf.find_trial(recipe, metric)
            assert kept is not None
            assert seen.vmaf == pytest.approx(estimate_mean(kept.scores.frame_scores, frames, step=3))
            assert shelf.find_trial(recipe, title.mezzanine.delivery_metric()) is None


async def search_both(title: StoredTitle, environment: ActivityEnvironment) -> Mapping[int, Searched]:
    await search(environment, title.box, title.unit(BOTH_SHOTS))
    return read_searches(title.box, title.mezzanine, Codec.H264, waves_of(title.mezzanine), ignore_progress)


async def test_a_title_is_planned_from_its_searches_with_error_bars(
    title: StoredTitle, environment: ActivityEnvironment
) -> None:
    plans = PlanActivities(title.box)
    wave, waves = 0, 1
    while wave < waves:
        planned = await environment.run(
            plans.plan_searches, SearchWave(mezzanine=title.reference, codec=Codec.H264, wave=wave)
        )
        work, waves = planned.work, planned.waves
        assert work.kind is UnitKind.SEARCH
        plan = title.box.results.read_document(work.plan, WorkPlan)
        assert (plan.prior is None) == (wave == 0)
        if plan.prior is not None:
            known = title.box.results.read_document(plan.prior, PriorSet)
            assert len(known.shots) == sum(map(len, waves_of(title.mezzanine)[:wave]))
        for index in range(work.count):
            await search(environment, title.box, UnitReference(plan=work.plan, index=index))
        wave += 1
    ladders = await environment.run(plans.plan_ladders, title.reference)
    (ladder,) = title.box.results.read_document(ladders.ladders, LadderSet).ladders
    for rung in ladder.rungs:
        assert rung.promise_error is not None
        assert 0 <= rung.promise_error.vmaf < 20
        assert len(rung.shots) == 2
    searched = read_searched_title(title.box, title.mezzanine, Codec.H264, ignore_progress)
    assert {rung.resolution for rung in ladder.rungs} <= set(searched.titles())
    records = [
        item.record
        for item in read_searches(
            title.box, title.mezzanine, Codec.H264, waves_of(title.mezzanine), ignore_progress
        ).values()
    ]
    summary = sum_up_searches(title.mezzanine, records)
    assert (summary.shots, summary.trials) == (2, sum(len(record.seen) for record in records))
    assert sum(summary.stops.values()) == 2
    assert summary.cpu.total_s > 0


async def test_a_title_with_a_missing_search_is_not_planned(
    title: StoredTitle, environment: ActivityEnvironment
) -> None:
    await search(environment, title.box, title.unit(BOTH_SHOTS.model_copy(update={"shots": (0,)})))
    with pytest.raises(ScoresMissing, match="search of shot 1 in h264"):
        await environment.run(PlanActivities(title.box).plan_ladders, title.reference)
