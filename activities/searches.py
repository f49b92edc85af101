"""The search inside a worker: all rounds of a shot in one activity, so that a slot never waits for the next round."""

import asyncio
import dataclasses
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from temporalio import activity

from activities.heartbeats import Pulse
from activities.needs import ceiling_needs, search_needs, shot_needs, unpack_needs
from activities.readings import measured_point
from activities.search_readings import CEILINGS_KIND, KIND, ShotQuestion, ask, ceilings_key, read_prior
from activities.toolbox import Toolbox
from activities.trial_shelf import KeptTrial, TrialShelf
from activities.units import add_up, load_unit, stopped
from domain.cpu import CpuSplit
from domain.encodes import MetricRecipe
from domain.mezzanine import Mezzanine
from domain.search import CeilingsFound, PriorShot, SearchStep, SeenTrial, ShotSearch, StopReason, TrialAsk
from domain.video import Codec
from domain.work import SearchUnit, UnitOutcome, UnitReference
from ladders.search.calibration import Calibration, anchor, has_anchor
from ladders.search.shot_search import crossovers, next_step
from ladders.search_design import searched_sizes, split_by_memory, trial_cost_s
from media.bench import Bench, ShotPiece
from media.ceilings import measure_ceilings
from media.trials import encode_and_score
from media.unpacking import unpack


class SearchActivities:
    """Searches; every trial lies in the store before the next round begins."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def run_search_unit(self, reference: UnitReference) -> UnitOutcome:
        """Searches one or several shots in one codec, one after the other."""
        mezzanine, unit = await load_unit(self._box, reference, SearchUnit)
        finished = await read_prior(self._box, reference)
        return add_up([await self._search(mezzanine, unit.codec, shot, finished) for shot in unit.shots])

    async def _search(
        self, mezzanine: Mezzanine, codec: Codec, shot: int, finished: Sequence[PriorShot]
    ) -> UnitOutcome:
        pulse = Pulse(f"shot {shot}")
        pulse(0)
        async with self._box.roomy_bench(pulse, search_needs(mezzanine, shot)) as bench:
            place = _ShotBench(self._box, mezzanine, shot, bench, pulse)
            ceilings = await place.ceilings()
            question = await asyncio.to_thread(ask, mezzanine, codec, shot, ceilings.vmafs, finished)
            record = await asyncio.to_thread(self._box.results.find, KIND, question.key, ShotSearch)
            if record is not None:
                outcome = UnitOutcome(reused=1, trials=len(record.seen), trials_reused=len(record.seen))
                return add_up([outcome, place.spent])
            run = _ShotRun(place, codec, question)
            record = await run.to_its_end(ceilings)
            await asyncio.to_thread(self._box.results.keep, KIND, question.key, record)
        outcome = UnitOutcome(made=1, trials=len(record.seen), trials_reused=run.reused)
        return add_up([outcome, place.spent])


@dataclass
class _ShotBench:
    """One shot on this machine: fetched when the first program needs it."""

    box: Toolbox
    mezzanine: Mezzanine
    shot: int
    bench: Bench
    pulse: Pulse
    spent: UnitOutcome = field(default_factory=UnitOutcome)
    """CPU and wall seconds so far."""
    unpack_cpu_s: float = 0.0
    """Of which decoding the shot for all processes."""
    _piece: ShotPiece | None = None

    async def piece(self) -> ShotPiece:
        """Returns the lossless shot, decoded and scaled unless that is too large: each round reads it again."""
        if self._piece is not None:
            return self._piece
        piece = await self.box.fetch_piece(self.mezzanine, self.shot, self.bench.scratch, self.pulse)
        sizes, color = searched_sizes(self.mezzanine), self.mezzanine.color
        async with self.box.memory(self.pulse, unpack_needs(self.mezzanine)):
            (raw, self.unpack_cpu_s), tool_s = await stopped(unpack(self.bench, piece, sizes, color))
        self.spend(self.unpack_cpu_s, tool_s)
        self._piece = raw
        return raw

    async def ceilings(self) -> CeilingsFound:
        """Returns what each size of the shot can reach; measured once for all codecs."""
        key = ceilings_key(self.mezzanine, self.shot)
        found = await asyncio.to_thread(self.box.results.find, CEILINGS_KIND, key, CeilingsFound)
        if found is not None:
            return found
        sizes, mezzanine = searched_sizes(self.mezzanine), self.mezzanine
        piece = await self.piece()
        needs = ceiling_needs(mezzanine)
        async with self.box.memory(self.pulse, needs), self.emptied() as bench:
            made, tool_s = await stopped(
                measure_ceilings(bench, piece, sizes, mezzanine.color, mezzanine.delivery_metric())
            )
        self.spend(made.cpu_s, tool_s)
        new = CeilingsFound(vmafs=made.vmafs, cpu_s=made.cpu_s)
        return await asyncio.to_thread(self.box.results.keep, CEILINGS_KIND, key, new)

    @asynccontextmanager
    async def emptied(self) -> AsyncIterator[Bench]:
        """Gives a folder for one process, and takes it away with what the process left."""
        folder = self.bench.scratch / "process"
        folder.mkdir()
        try:
            yield dataclasses.replace(self.bench, scratch=folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def spend(self, cpu_s: float, tool_s: float = 0.0) -> None:
        """Counts seconds."""
        self.spent = add_up([self.spent, UnitOutcome(cpu_s=cpu_s, tool_s=tool_s)])


@dataclass
class _ShotRun:
    """One search under way."""

    place: _ShotBench
    codec: Codec
    question: ShotQuestion
    reused: int = 0
    """Trials that were found in the store."""
    _seen: list[SeenTrial] = field(default_factory=list)
    _calibration: Calibration | None = None
    _cpu: CpuSplit = field(default_factory=CpuSplit)

    async def to_its_end(self, ceilings: CeilingsFound) -> ShotSearch:
        """Asks, makes, tells, until it is enough; a search that was broken off finds its trials in the store."""
        rounds, is_dense = 0, False
        step = await self._next()
        while asks := self._new(step):
            rounds, is_dense = rounds + 1, is_dense or step.dense
            anchored = self._anchor(asks) if rounds == 1 else None
            made = await self._make_all(asks, anchored)
            if anchored is not None:
                self._calibrate(made[0])
            order = {(ask.resolution, ask.crf): place for place, ask in enumerate(asks)}
            self._tell(sorted(made, key=lambda kept: order[kept.encode.resolution, kept.encode.crf or 0.0]))
            step = await self._next()
        ended = await self.place.pulse.run(crossovers, self.question.task, tuple(self._seen), self.question.prior)
        codecs = len(self.place.mezzanine.recipe.codecs)
        return ShotSearch(
            key=self.question.key,
            task=self.question.task,
            seen=tuple(self._seen),
            rounds=rounds,
            stop=step.stop or StopReason.EXHAUSTED,
            regret=step.regret,
            dense=is_dense or step.dense,
            crossovers=ended,
            cpu=self._cpu.plus(CpuSplit(decode_s=self.place.unpack_cpu_s, metric_s=ceilings.cpu_s / codecs)),
        )

    async def _next(self) -> SearchStep:
        step, cpu_s = await self.place.pulse.run(self._decide)
        self.place.spend(cpu_s)
        return step

    def _decide(self) -> tuple[SearchStep, float]:
        began = time.thread_time()
        step = next_step(self.question.task, tuple(self._seen), self.question.prior)
        return step, time.thread_time() - began

    def _new(self, step: SearchStep) -> list[TrialAsk]:
        """Returns what is asked for and not known yet, each once; nothing when the search has ended."""
        known = {(trial.resolution, trial.crf) for trial in self._seen}
        asks = () if step.stop else step.trials
        return [ask for ask in dict.fromkeys(asks) if (ask.resolution, ask.crf) not in known]

    async def _make_all(self, asks: Sequence[TrialAsk], anchored: TrialAsk | None) -> list[KeptTrial]:
        """Makes the trials of a round, or finds them in the store; the anchor comes first, and is scored closely."""
        mezzanine, shot = self.place.mezzanine, self.place.shot
        made: list[KeptTrial] = []
        for metric, part in (
            (mezzanine.anchor_metric(shot), () if anchored is None else (anchored,)),
            (mezzanine.search_metric(shot), tuple(one for one in asks if one != anchored)),
        ):
            for group in split_by_memory(part, metric.most_together):
                made += await self._make(group, metric)
        return made

    def _anchor(self, asks: Sequence[TrialAsk]) -> TrialAsk | None:
        frames = self.place.mezzanine.pieces[self.place.shot].frames
        step = self.place.mezzanine.search_metric(self.place.shot).subsample
        return anchor(self.question.task, asks) if has_anchor(frames, step) else None

    def _calibrate(self, anchored: KeptTrial) -> None:
        """Learns from the anchor how the scored frames of the other trials are to be weighted."""
        step = self.place.mezzanine.search_metric(self.place.shot).subsample
        self._calibration = Calibration.of(anchored.scores.frame_scores, anchored.encode.frames, step=step)

    async def _make(self, asks: Sequence[TrialAsk], metric: MetricRecipe) -> list[KeptTrial]:
        """Makes the trials that one process can hold, or finds them in the store."""
        place = self.place
        shelf = TrialShelf(place.box, place.mezzanine, place.shot)
        recipes = [place.mezzanine.encode_recipe(self.codec, ask.resolution, place.shot, crf=ask.crf) for ask in asks]
        found = await asyncio.to_thread(lambda: [shelf.find_trial(recipe, metric) for recipe in recipes])
        missing = [recipe for recipe, kept in zip(recipes, found, strict=True) if kept is None]
        self.reused += len(recipes) - len(missing)
        made: list[KeptTrial] = []
        if missing:
            piece = await place.piece()
            needs = shot_needs(place.mezzanine, place.shot, [recipe.resolution for recipe in missing])
            async with place.box.memory(place.pulse, needs), place.emptied() as bench:
                run, tool_s = await stopped(encode_and_score(bench, piece, missing, metric))
                place.spend(run.cpu_s, tool_s)
                made = await shelf.keep_trials(missing, run, metric, place.pulse)
        rest = iter(made)
        return [kept if kept is not None else next(rest) for kept in found]

    def _tell(self, trials: Sequence[KeptTrial]) -> None:
        """Adds trials to what is seen."""
        mezzanine, shot = self.place.mezzanine, self.place.shot
        for kept in trials:
            encode = kept.encode
            point = measured_point(kept, self._calibration)
            # Without a budget no measured second may steer: a slow machine makes the same release of a title.
            measured = mezzanine.recipe.search.uses_measured_cost
            expected_s = trial_cost_s(mezzanine, self.codec, shot, point.resolution)
            self._seen.append(
                SeenTrial(
                    resolution=point.resolution,
                    crf=point.crf,
                    bitrate_bps=point.bitrate_bps,
                    vmaf=point.vmaf,
                    cpu_s=encode.cpu_s if measured else expected_s,
                )
            )
            self._cpu = self._cpu.plus(encode.cpu)
