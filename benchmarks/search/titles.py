"""Searches the shots of a clip as a title: in waves, each warm with what the waves before it found; and cold."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.oracle.grid import grid_sizes
from benchmarks.oracle.table import BenchShot, Point, Setting, Trial
from benchmarks.search.ceilings import ShotCeilings
from benchmarks.search.driver import Measure, Search, search_shot, seen_of
from benchmarks.search.envelope import HIGHEST_TARGET_VMAF, LOWEST_TARGET_VMAF
from benchmarks.together import together
from domain.encodes import MetricRecipe
from domain.mezzanine import anchor_step, scored_step
from domain.recipe import Recipe
from domain.search import (
    CRF_STEP,
    HIGHEST_CRF,
    LOWEST_CRF,
    TOP_MARGIN_VMAF,
    PriorShot,
    SearchTask,
    SeenTrial,
    TitlePrior,
    TrialAsk,
)
from domain.search_recipe import SearchRecipe, SearchStart
from ladders.search.calibration import Calibration, anchor, has_anchor
from ladders.search.waves import plan_waves, prior_of, start_of
from ladders.search_design import split_by_memory

SHIPPED = SearchRecipe()
SHIPPED_STEP = Recipe().search_subsample
"""Trials and stop rule as the pipeline has them by default."""


class TrialSource(Protocol):
    """The lab, or a replayed table."""

    async def measure(
        self, shot: BenchShot, setting: Setting, points: Sequence[Point], *, subsample: int, is_apart: bool = False
    ) -> tuple[Trial, ...]:
        """Returns the trials of the points, in their order; apart: not those of the grid."""

    def spent_cpu_s(self) -> float:
        """Returns the CPU seconds that this process has spent, for counting what a decision costs."""


@dataclass(frozen=True, slots=True)
class Design:
    """What may be varied for an ablation."""

    subsample: int = SHIPPED_STEP
    """At most; shots on which it would leave less than eight scored frames get less."""
    is_warm: bool = True
    """Shots hear of finished shots of their title."""


def subsample_of(shot: BenchShot, most: int) -> int:
    """Returns how a shot is scored in search: every n-th frame, n odd, at least eight frames of it."""
    return scored_step(most, shot.frames)


def difficulty_of(shot: BenchShot) -> float:
    """Returns the natural logarithm of the lossless bits a pixel."""
    return math.log(8 * shot.size_bytes / (shot.frames * shot.display.pixels))


def search_task(shot: BenchShot, setting: Setting, ceilings: ShotCeilings, start: SearchStart) -> SearchTask:
    """Returns what the search of a shot is told: the grid's sizes and CRF range, nothing of its trials."""
    return SearchTask(
        codec=setting.codec,
        sizes=grid_sizes(shot),
        ceilings=ceilings.vmafs,
        lowest_crf=LOWEST_CRF[setting.codec],
        highest_crf=HIGHEST_CRF[setting.codec],
        crf_step=CRF_STEP[setting.codec],
        floor_vmaf=LOWEST_TARGET_VMAF,
        top_vmaf=HIGHEST_TARGET_VMAF + TOP_MARGIN_VMAF,
        max_trials=SHIPPED.most_trials(len(ceilings.sizes), start),
        patience=SHIPPED.patience(len(ceilings.sizes), start),
        more_if_dense=SHIPPED.more_if_dense(len(ceilings.sizes), start),
        is_alone=start is SearchStart.ALONE,
        stop_regret=SHIPPED.stop_regret,
        difficulty=difficulty_of(shot),
    )


async def search_title(
    source: TrialSource,
    shots: Sequence[BenchShot],
    setting: Setting,
    ceilings: Mapping[str, ShotCeilings],
    design: Design,
) -> dict[str, Search]:
    """Searches all shots of one clip; returns them by name.

    A shot of the first wave is cold; later ones know the finished shots of the waves before theirs.
    """
    in_title = len(shots) if design.is_warm else 1
    difficulties = [difficulty_of(shot) for shot in shots]
    finished: dict[int, PriorShot] = {}
    found: dict[str, Search] = {}
    for wave in plan_waves(difficulties):
        known = [finished[index] for index in sorted(finished)] if design.is_warm else []
        start = start_of(in_title, len(known))
        running = []
        for index in wave:
            shot, prior = shots[index], prior_of(difficulties[index], known) if known else TitlePrior()
            task = search_task(shot, setting, ceilings[shot.name], start)
            made = _measure_with(source, task, shot, setting, design.subsample)
            running.append(search_shot(task, prior, made, source.spent_cpu_s))
        for index, search in zip(wave, await together(*running), strict=True):
            found[shots[index].name] = search
            vmafs = ceilings[shots[index].name].vmafs
            finished[index] = PriorShot(difficulty=difficulties[index], ceilings=vmafs, seen=search.seen)
    return {shot.name: found[shot.name] for shot in shots}


def _measure_with(source: TrialSource, task: SearchTask, shot: BenchShot, setting: Setting, most: int) -> Measure:
    """Returns how a shot's trials are made and seen: as in the pipeline, the first round may have an anchor."""
    step, known = subsample_of(shot, most), list[Calibration]()

    async def measure(asks: Sequence[TrialAsk]) -> Sequence[SeenTrial]:
        anchored = None if known else anchor_of(task, shot, asks, step)
        trials = await make_search_trials(source, shot, setting, asks, anchored, step)
        if anchored is not None:
            known.append(Calibration.of(trials[asks.index(anchored)].frame_scores, shot.frames, step=step))
        return [seen_of(trial, shot.frames, known[0] if known else None) for trial in trials]

    return measure


def anchor_of(task: SearchTask, shot: BenchShot, first_round: Sequence[TrialAsk], step: int) -> TrialAsk | None:
    """Returns the trial of a shot's first round that is scored closely, if there is one."""
    return anchor(task, first_round) if has_anchor(shot.frames, step) else None


async def make_search_trials(
    source: TrialSource,
    shot: BenchShot,
    setting: Setting,
    asks: Sequence[TrialAsk],
    anchored: TrialAsk | None,
    step: int,
) -> tuple[Trial, ...]:
    """Returns the trials of the asks, in their order; the anchor scored closely, the others on every n-th frame."""
    sparse = tuple(ask for ask in asks if ask != anchored)
    close = () if anchored is None else (anchored,)
    made: dict[TrialAsk, Trial] = {}
    for subsample, part in ((anchor_step(step), close), (step, sparse)):
        # Where all frames are scored, the grid has these trials, but their CPU is not what a search pays for them.
        found = await make_trials(source, shot, setting, part, subsample=subsample, is_apart=subsample == 1)
        made.update(zip(part, found, strict=True))
    return tuple(made[ask] for ask in asks)


async def make_trials(
    source: TrialSource,
    shot: BenchShot,
    setting: Setting,
    asks: Sequence[TrialAsk],
    *,
    subsample: int,
    is_apart: bool = False,
) -> tuple[Trial, ...]:
    """Returns the trials of the asks, in their order; as many share a process as its memory allows."""
    made: dict[Point, Trial] = {}
    for group in split_by_memory(tuple(dict.fromkeys(asks)), MetricRecipe(display=shot.display).most_together):
        points = [(ask.resolution, ask.crf) for ask in group]
        found = await source.measure(shot, setting, points, subsample=subsample, is_apart=is_apart)
        made.update(zip(points, found, strict=True))
    return tuple(made[ask.resolution, ask.crf] for ask in asks)
