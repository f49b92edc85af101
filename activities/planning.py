"""Decisions: the light activities of the ``orchestrate`` queue.

Their results are history, so better maths never breaks the replay of a running title.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, ParamSpec, TypeVar

from temporalio import activity

from activities.corrections import changed_encodes, changed_rungs, correct_ladders, settle_all
from activities.heartbeats import Pulse
from activities.readings import read_points
from activities.search_readings import prior_shots, read_searched_title, read_searches, seen_points, waves_of
from activities.toolbox import Toolbox
from domain.files import StoredFile
from domain.ladder import Ladder, ShotPoints
from domain.mezzanine import Mezzanine
from domain.result import PicturePoint, PictureSet, TitlePicture
from domain.search import CRF_STEP, PriorSet
from domain.steps import (
    CorrectedTask,
    JudgedLadders,
    LadderSet,
    LadderTask,
    PlannedLadders,
    PlannedSearches,
    SearchWave,
    SettledLadders,
)
from domain.video import Codec, Resolution
from domain.work import (
    AssembleUnit,
    BaselineUnit,
    EncodeUnit,
    MeasureUnit,
    Unit,
    UnitKind,
    WorkList,
    WorkPlan,
)
from ladders.codec_pruning import prune_covered
from ladders.fixed_ladder import fixed_ladder
from ladders.hull import on_hull
from ladders.rung_selection import hulls_of, plan_ladder, plan_ladder_from, title_hulls
from ladders.search_design import plan_search_units, search_cost_s
from ladders.trial_design import plan_trial_units, unit_cost_s

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
MEASURES_PER_UNIT = 6
"""Encodes scored by one process, at most: each holds display-size pictures in memory (0.9 GB at 2160p)."""
SLOWNESS = 3.0
"""A unit may take this many times its estimate: the cost model is right to about a third, machines are shared."""


class _Planned(NamedTuple):
    """One codec's ladder, and what the report draws beside it."""

    ladder: Ladder
    hulls: dict[Resolution, tuple[tuple[float, float], ...]]
    points: list[ShotPoints]


class PlanActivities:
    """Plans work and ladders."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def plan_trials(self, reference: StoredFile) -> WorkList:
        """Plans the trial encodes of a title: units of some minutes over shots, sizes and CRFs."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, reference)
        recipe, display = mezzanine.recipe, mezzanine.display
        units = plan_trial_units(mezzanine.shots, mezzanine.frame_rate, recipe, display)
        longest_s = max(unit_cost_s(unit, mezzanine.shots, recipe, display) for unit in units)
        encodes = sum(len(unit.shots) * len(unit.crfs) for unit in units)
        return await self._keep(UnitKind.TRIAL, reference, units, encodes=encodes, longest_s=longest_s)

    @activity.defn
    async def plan_searches(self, task: SearchWave) -> PlannedSearches:
        """Plans one wave of one codec's searches, and tells it what the waves before have found."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, task.mezzanine)
        waves = waves_of(mezzanine)
        before, read_s = await asyncio.to_thread(
            _timed, read_searches, self._box, mezzanine, task.codec, waves[: task.wave], Pulse("searches")
        )
        known = PriorSet(shots=prior_shots(before))
        prior = await asyncio.to_thread(self._box.results.put_document, known) if before else None
        units = plan_search_units(mezzanine, task.codec, task.wave, waves[task.wave])
        longest_s = max(
            sum(search_cost_s(mezzanine, task.codec, shot, wave=task.wave, at_most=True) for shot in unit.shots)
            for unit in units
        )
        work = await self._keep(
            UnitKind.SEARCH, task.mezzanine, units, encodes=len(waves[task.wave]), longest_s=longest_s, prior=prior
        )
        return PlannedSearches(work=work, waves=len(waves), cpu_s=read_s)

    @activity.defn
    async def plan_baseline(self, reference: StoredFile) -> WorkList:
        """Plans the rungs of the fixed ladder for every codec; none if the recipe asks for none."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, reference)
        recipe = mezzanine.recipe
        units = [
            BaselineUnit(codec=codec.codec, preset=codec.production_preset, rung=rung)
            for codec in recipe.codecs
            if recipe.baseline != "none"
            for rung in reversed(fixed_ladder(recipe.baseline, mezzanine.display))
        ]
        return await self._keep(
            UnitKind.BASELINE, reference, units, encodes=len(units), longest_s=_whole_title_s(mezzanine)
        )

    @activity.defn
    async def plan_ladders(self, reference: StoredFile) -> PlannedLadders:
        """Chooses the rungs of every codec from the measured points, and plans their production encodes."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, reference)
        (ladders, pictures), planned_s = await asyncio.to_thread(_timed, self._choose, mezzanine, Pulse("points"))
        units = encode_units(mezzanine, ladders, lambda _codec, _rung, _shot: True)
        encodes = await self._keep(
            UnitKind.ENCODE,
            reference,
            units,
            encodes=sum(len(unit.recipes) for unit in units),
            longest_s=longest_shot_s(mezzanine),
        )
        drawn = await asyncio.to_thread(self._box.results.put_document, PictureSet(pictures=pictures))
        chosen = LadderSet(ladders=ladders, pictures=drawn)
        return PlannedLadders(
            ladders=await asyncio.to_thread(self._box.results.put_document, chosen),
            encodes=encodes,
            rungs=sum(len(ladder.rungs) for ladder in ladders),
            cpu_s=planned_s,
            summary=_summary(ladders),
        )

    @activity.defn
    async def plan_measures(self, task: LadderTask) -> WorkList:
        """Plans the full-rate measurement of every production encode, grouped by shot: one decode for many."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, task.mezzanine)
        ladders = (await self._read_ladders(task)).ladders
        together = min(MEASURES_PER_UNIT, mezzanine.delivery_metric().most_together)
        rungs = [
            mezzanine.rung_keys(ladder.codec, way) for ladder in ladders for rung in ladder.rungs for way in rung.ways()
        ]
        units = [
            MeasureUnit(shot=shot, encode_keys=tuple(keys[first : first + together]))
            for shot in range(len(mezzanine.pieces))
            for keys in [list(dict.fromkeys(rung[shot] for rung in rungs))]
            for first in range(0, len(keys), together)
        ]
        count = sum(len(unit.encode_keys) for unit in units)
        return await self._keep(
            UnitKind.MEASURE, task.mezzanine, units, encodes=count, longest_s=longest_shot_s(mezzanine)
        )

    @activity.defn
    async def judge_ladders(self, task: LadderTask) -> JudgedLadders:
        """Holds every rung against its promise and its cap; plans new encodes for guilty shots only."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, task.mezzanine)
        planned = await self._read_ladders(task)
        after, judged_s = await asyncio.to_thread(
            _timed, correct_ladders, self._box, mezzanine, planned.ladders, Pulse("points")
        )
        ways, changed = changed_encodes(planned.ladders, after)
        units = encode_units(mezzanine, ways, lambda codec, way, shot: (codec, way, shot) in changed)
        encodes = await self._keep(
            UnitKind.ENCODE,
            task.mezzanine,
            units,
            encodes=sum(len(unit.recipes) for unit in units),
            longest_s=longest_shot_s(mezzanine),
        )
        return JudgedLadders(
            ladders=await asyncio.to_thread(
                self._box.results.put_document, planned.model_copy(update={"ladders": after})
            ),
            encodes=encodes,
            corrected_rungs=changed_rungs(planned.ladders, after),
            cpu_s=judged_s,
        )

    @activity.defn
    async def settle_ladders(self, task: CorrectedTask) -> SettledLadders:
        """Chooses among the encodes of shots that a correction has made again, when all are measured."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, task.mezzanine)
        planned, corrected = [
            await asyncio.to_thread(self._box.results.read_document, ladders, LadderSet)
            for ladders in (task.planned, task.corrected)
        ]
        settled, settled_s = await asyncio.to_thread(
            _timed, settle_all, self._box, mezzanine, (planned.ladders, corrected.ladders), Pulse("rungs")
        )
        kept = corrected.model_copy(update={"ladders": settled})
        ladders = await asyncio.to_thread(self._box.results.put_document, kept)
        return SettledLadders(ladders=ladders, mixed_rungs=changed_rungs(corrected.ladders, settled), cpu_s=settled_s)

    @activity.defn
    async def plan_assembly(self, task: LadderTask) -> WorkList:
        """Plans the renditions: one for each rung."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, task.mezzanine)
        units = [
            AssembleUnit(
                name=rendition_name(mezzanine, ladder, index), encode_keys=mezzanine.rung_keys(ladder.codec, rung)
            )
            for ladder in (await self._read_ladders(task)).ladders
            for index, rung in enumerate(ladder.rungs)
        ]
        return await self._keep(
            UnitKind.ASSEMBLE, task.mezzanine, units, encodes=len(units), longest_s=_whole_title_s(mezzanine)
        )

    async def _read_ladders(self, task: LadderTask) -> LadderSet:
        return await asyncio.to_thread(self._box.results.read_document, task.ladders, LadderSet)

    def _choose(self, mezzanine: Mezzanine, pulse: Pulse) -> tuple[tuple[Ladder, ...], tuple[TitlePicture, ...]]:
        policy = mezzanine.recipe.policy
        planned = self._from_grid if mezzanine.recipe.search.method == "grid" else self._from_searches
        ladders, pictures = [], []
        for item in mezzanine.recipe.codecs:
            ladder, hulls, points = planned(mezzanine, item.codec, pulse)
            ladders.append(ladder)
            named = {str(size): hull for size, hull in hulls.items()}
            pictures.append(
                TitlePicture(
                    codec=item.codec,
                    tone_mapped=mezzanine.tone_mapping is not None,
                    title_hulls=named,
                    shot_points=tuple(map(_dots, points)),
                )
            )
        return prune_covered(ladders, policy), tuple(pictures)

    def _from_grid(self, mezzanine: Mezzanine, codec: Codec, pulse: Pulse) -> _Planned:
        policy, points = mezzanine.recipe.policy, read_points(self._box, mezzanine, codec, pulse)
        ladder = plan_ladder(codec, points, policy, crf_step=CRF_STEP[codec])
        return _Planned(ladder, title_hulls(points, policy), points)

    def _from_searches(self, mezzanine: Mezzanine, codec: Codec, pulse: Pulse) -> _Planned:
        policy, searched = mezzanine.recipe.policy, read_searched_title(self._box, mezzanine, codec, pulse)
        curves = searched.titles()
        ladder = plan_ladder_from(codec, searched.shots, curves, policy, crf_step=CRF_STEP[codec])
        return _Planned(searched.with_errors(ladder), hulls_of(curves, policy), seen_points(searched))

    async def _keep(
        self,
        kind: UnitKind,
        mezzanine: StoredFile,
        units: Sequence[Unit],
        *,
        encodes: int,
        longest_s: float,
        prior: StoredFile | None = None,
    ) -> WorkList:
        plan = await asyncio.to_thread(
            self._box.results.put_document, WorkPlan(mezzanine=mezzanine, units=tuple(units), prior=prior)
        )
        estimate_s = max(60.0, SLOWNESS * longest_s)
        return WorkList(kind=kind, plan=plan, count=len(units), encodes=encodes, longest_unit_s=estimate_s)


def rendition_name(mezzanine: Mezzanine, ladder: Ladder, index: int) -> str:
    """Returns the folder and playlist name of a rung's rendition, unique in the presentation."""
    kind = "video_sdr" if mezzanine.tone_mapping else "video"
    return f"{kind}_{ladder.codec.value}_{index + 1}_{ladder.rungs[index].resolution.height_px}p"


def encode_units(
    mezzanine: Mezzanine, ladders: Sequence[Ladder], wanted: Callable[[str, int, int], bool]
) -> list[EncodeUnit]:
    """Returns one unit for each shot and codec that has a wanted encode; equal recipes are made once."""
    units = []
    for ladder in ladders:
        by_rung = [mezzanine.rung_recipes(ladder.codec, rung) for rung in ladder.rungs]
        for shot in range(len(mezzanine.pieces)):
            recipes = [recipes[shot] for index, recipes in enumerate(by_rung) if wanted(ladder.codec, index, shot)]
            unique = tuple({recipe.model_dump_json(): recipe for recipe in recipes}.values())
            if unique:
                units.append(EncodeUnit(shot=shot, recipes=unique))
    return units


def _dots(shot: ShotPoints) -> tuple[PicturePoint, ...]:
    return tuple(
        PicturePoint(
            height_px=point.resolution.height_px,
            crf=point.crf,
            bitrate_bps=point.bitrate_bps,
            vmaf=point.vmaf,
            on_hull=hull,
        )
        for point, hull in zip(shot.points, on_hull(shot.points), strict=True)
    )


def _timed(function: Callable[P, ResultT], *args: P.args, **kwargs: P.kwargs) -> tuple[ResultT, float]:
    """Calls a function and returns what it returns with the CPU seconds of its thread."""
    began = time.thread_time()
    return function(*args, **kwargs), time.thread_time() - began


def _summary(ladders: Sequence[Ladder]) -> str:
    return "; ".join(
        f"{ladder.codec.value}: "
        + ", ".join(f"{rung.resolution.height_px}p {rung.promised.bitrate_bps / 1e6:.2f} Mb/s" for rung in ladder.rungs)
        for ladder in ladders
    )[:600]


def longest_shot_s(mezzanine: Mezzanine) -> float:
    """Estimates the longest shot's unit: a second a megapixel frame for all rungs, slow presets included."""
    frames = max(piece.frames for piece in mezzanine.pieces)
    return frames * mezzanine.display.pixels / 1e6


def _whole_title_s(mezzanine: Mezzanine) -> float:
    return mezzanine.source.video.frames * mezzanine.display.pixels / 2e6
