"""Judges one setting: every shot's search warm and cold, peers' rules, titles and rungs."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.oracle.table import BenchShot, Setting
from benchmarks.search.ceilings import ShotCeilings
from benchmarks.search.driver import Search
from benchmarks.search.envelope import Choice, Curves, Envelope, Measured
from benchmarks.search.fixed_rates import NETFLIX
from benchmarks.search.hull_loss import hull_loss
from benchmarks.search.records import ChosenPoint, SearchRecord, SettingRecord, ShotRecord
from benchmarks.search.rules import apply_rules
from benchmarks.search.rungs import KeptRungs, keep_rungs
from benchmarks.search.shot_grid import ShotGrid, curves_of, sum_of
from benchmarks.search.title_rates import FlatPoint, TitleRates, best_flat_points, compare_title, gather
from benchmarks.search.titles import (
    Design,
    TrialSource,
    anchor_of,
    make_search_trials,
    make_trials,
    search_title,
    subsample_of,
)
from benchmarks.together import together
from domain.cpu import CpuSplit
from domain.ladder import RateQualityPoint
from domain.search import TrialAsk
from domain.video import Resolution
from ladders.interpolation import RateQualityCurve
from ladders.pooling import pool_scores
from ladders.search.shot_model import fit_curves

HULL_SAMPLES = 80
"""Points of an exhaustive hull in the pictures."""


@dataclass(frozen=True, eq=False, slots=True)
class Case:
    """One setting with its complete grids."""

    setting: Setting
    grids: Mapping[str, ShotGrid]
    """By name of the shot."""
    faster: Mapping[str, ShotGrid]
    """The same shots at the next faster preset, where that was made."""
    ceilings: Mapping[str, ShotCeilings]
    design: Design

    def clips(self) -> list[list[BenchShot]]:
        """Returns the shots clip by clip."""
        shots = [grid.shot for grid in self.grids.values()]
        return [list(group) for _, group in itertools.groupby(shots, key=lambda shot: shot.clip)]


@dataclass(frozen=True, slots=True)
class _Clip:
    shots: tuple[ShotRecord, ...]
    rates: TitleRates
    rungs: KeptRungs


async def judge_setting(source: TrialSource, case: Case) -> SettingRecord:
    """Searches and judges every clip of a setting.

    Clips are searched side by side; within a clip, the title is searched warm first and each shot cold afterwards.
    """
    done = await together(*(_judge_clip(source, case, shots) for shots in case.clips()))
    return SettingRecord(
        setting=str(case.setting),
        shots=tuple(record for clip in done for record in clip.shots),
        titles=tuple(clip.rates for clip in done),
        rungs=tuple(clip.rungs for clip in done),
    )


async def _judge_clip(source: TrialSource, case: Case, shots: Sequence[BenchShot]) -> _Clip:
    warm = await search_title(source, shots, case.setting, case.ceilings, case.design)
    cold = warm
    if case.design.is_warm:
        alone = Design(subsample=case.design.subsample, is_warm=False)
        cold = await search_title(source, shots, case.setting, case.ceilings, alone)
    durations_s = [shot.duration_s for shot in shots]
    truth = gather([case.grids[shot.name].curves for shot in shots], durations_s)
    searched = gather([_curves(warm[shot.name]) for shot in shots], durations_s)
    grid = case.grids[shots[0].name]
    flat = best_flat_points(truth, grid.crfs)
    fixed = [(_nearest_size(grid.sizes, width_px), 1000 * rate_kbps) for width_px, rate_kbps in NETFLIX]
    records = [await _judge_shot(source, case, shot, (warm[shot.name], cold[shot.name]), flat) for shot in shots]
    return _Clip(
        shots=tuple(records),
        rates=compare_title(shots[0].clip, searched, truth, crfs=grid.crfs, fixed=fixed),
        rungs=await keep_rungs(source, shots, case.setting, warm),
    )


async def _judge_shot(
    source: TrialSource, case: Case, shot: BenchShot, searches: tuple[Search, Search], flat: Sequence[FlatPoint]
) -> ShotRecord:
    grid, subsample = case.grids[shot.name], subsample_of(shot, case.design.subsample)
    warm, cold = [await _judge_search(source, case, grid, search) for search in searches]
    refined = _refined(grid, (warm, cold))
    exact = grid.choose(grid.curves)
    noisy = grid.choose(curves_of(grid.trials, shot.frames, subsample=subsample))
    ratio = metric_ratio((warm, cold), grid)
    return ShotRecord(
        shot=shot.name,
        clip=shot.clip,
        grid_trials=len(grid.trials),
        grid_cpu=grid.cpu,
        noise_floor=hull_loss(grid.envelope, noisy, [grid.look(choice) for choice in noisy]).mean,
        encoding_floor=hull_loss(grid.envelope, exact, await _encoded(source, shot, case.setting, exact)).mean,
        warm=warm.model_copy(update={"is_warm": True}),
        cold=cold,
        metric_ratio=ratio,
        refined_loss=_loss_against(refined, warm),
        refined_loss_cold=_loss_against(refined, cold),
        rules=apply_rules(
            grid, case.faster.get(shot.name), flat, refined=refined, subsample=subsample, metric_ratio=ratio
        ),
        hull=_hull_line(grid),
    )


async def _judge_search(source: TrialSource, case: Case, grid: ShotGrid, search: Search) -> SearchRecord:
    """Returns the record of a search: its claims are encoded and scored on every frame, which is no cost of it."""
    shot, subsample = grid.shot, subsample_of(grid.shot, case.design.subsample)
    choices = grid.choose(_curves(search))
    measured = await _encoded(source, shot, case.setting, choices)
    asked = [TrialAsk(resolution=trial.resolution, crf=trial.crf) for trial in search.seen]
    anchored = anchor_of(search.task, shot, search.first_round, subsample)
    trials = await make_search_trials(source, shot, case.setting, asked, anchored, subsample)
    return SearchRecord(
        shot=shot.name,
        is_warm=False,
        priors=len(search.prior.shots),
        subsample=subsample,
        trials=len(search.seen),
        rounds=search.rounds,
        stop=search.stop.value,
        regret=search.regret,
        dense=search.dense,
        loss=hull_loss(grid.envelope, choices, measured),
        loss_looked_up=hull_loss(grid.envelope, choices, [grid.look(choice) for choice in choices]).mean,
        cpu=sum_of(trial.cpu for trial in trials),
        encode_s_in_grid=sum(grid.cpu_at(ask.resolution, ask.crf).encode_s for ask in asked),
        deciding_cpu_s=search.deciding_cpu_s,
        ceilings_cpu_s=case.ceilings[shot.name].cpu_s,
        detection_cpu_s=shot.detection_cpu_s,
        chosen=tuple(
            ChosenPoint(**choice._asdict(), **point._asdict()) for choice, point in zip(choices, measured, strict=True)
        ),
    )


def _refined(grid: ShotGrid, searches: Sequence[SearchRecord]) -> Envelope:
    """Returns the envelope of the grid and of what was encoded to judge the searches, each on its size's curve."""
    points = [
        RateQualityPoint(resolution=point.resolution, crf=point.crf, bitrate_bps=point.bitrate_bps, vmaf=point.vmaf)
        for search in searches
        for point in search.chosen
    ]
    points += [
        RateQualityPoint(
            resolution=trial.resolution,
            crf=trial.crf,
            bitrate_bps=trial.bitrate_bps,
            vmaf=pool_scores(trial.frame_scores).mean,
        )
        for trial in grid.trials
    ]
    return Envelope({
        size: RateQualityCurve.fit([point for point in points if point.resolution == size]) for size in grid.sizes
    })  # fmt: skip


def _loss_against(envelope: Envelope, search: SearchRecord) -> float:
    choices = [Choice(item.target_vmaf, item.resolution, item.crf, item.is_reached) for item in search.chosen]
    return hull_loss(envelope, choices, [Measured(item.bitrate_bps, item.vmaf) for item in search.chosen]).mean


async def _encoded(source: TrialSource, shot: BenchShot, setting: Setting, choices: Sequence[Choice]) -> list[Measured]:
    asks = [TrialAsk(resolution=choice.resolution, crf=choice.crf) for choice in choices]
    made = await make_trials(source, shot, setting, asks, subsample=1)
    return [Measured(trial.bitrate_bps, pool_scores(trial.frame_scores).mean) for trial in made]


def metric_ratio(searches: Sequence[SearchRecord], grid: ShotGrid) -> float:
    """Returns the CPU of metric and scaling per trial of our searches, over that of the grid."""
    trials = sum(search.trials for search in searches)
    ours = sum(_looking(search.cpu) for search in searches) / max(1, trials)
    theirs = _looking(grid.cpu) / len(grid.trials)
    return ours / theirs if trials and theirs > 0 else 1.0


def _looking(cpu: CpuSplit) -> float:
    return cpu.metric_s + cpu.scale_s


def _curves(search: Search) -> Curves:
    return fit_curves(search.task, search.seen, search.prior).curves


def _nearest_size(sizes: Sequence[Resolution], long_side_px: int) -> Resolution:
    return min(sizes, key=lambda size: abs(np.log(max(size.width_px, size.height_px) / long_side_px)))


def _hull_line(grid: ShotGrid) -> tuple[tuple[float, float], ...]:
    vmafs = np.linspace(grid.envelope.low_vmaf, grid.envelope.high_vmaf, HULL_SAMPLES).tolist()
    return tuple((float(np.exp(grid.envelope.log_rate(vmaf))), vmaf) for vmaf in vmafs)
