"""Design of searches: what each shot's search is told, and how searches are cut into units of work."""

import math
from collections.abc import Mapping, Sequence

from domain.hdr import DynamicRange
from domain.mezzanine import Mezzanine
from domain.search import (
    CRF_STEP,
    HIGHEST_CRF,
    LOWEST_CRF,
    LOWEST_FLOOR_VMAF,
    TOP_MARGIN_VMAF,
    SearchTask,
    TrialAsk,
)
from domain.search_recipe import SearchStart
from domain.video import Codec, Resolution
from domain.work import SearchUnit
from ladders.search.waves import WARM_FROM, start_of
from ladders.trial_design import (
    DECODE_NS_PER_PIXEL,
    LONGEST_PICTURES_S,
    LONGEST_UNIT_S,
    PIXELS_IN_MEMORY,
    PRESET_NS_PER_PIXEL,
    PROCESS_START_S,
    SHORTEST_UNIT_S,
    UNITS_AT_LEAST,
    trial_frame_ns,
    tried_sizes,
)


def searched_sizes(mezzanine: Mezzanine) -> tuple[Resolution, ...]:
    """Returns the candidate sizes of a title, largest first; see :func:`~ladders.trial_design.tried_sizes`."""
    return tried_sizes(mezzanine.display, mezzanine.recipe)


def search_task(
    mezzanine: Mezzanine, codec: Codec, shot: int, ceilings: Sequence[float], *, finished: int
) -> SearchTask:
    """Returns what the search of one shot is told.

    Args:
        mezzanine: the title.
        codec: what its trials are encoded with.
        shot: index of the shot.
        ceilings: the best VMAF of each size, in the order of :func:`searched_sizes`.
        finished: shots of the title that it knows; with them it needs fewer trials.
    """
    recipe, policy = mezzanine.recipe.search, mezzanine.recipe.policy
    length_s = float(mezzanine.pieces[shot].frames / mezzanine.frame_rate)
    sizes, start = searched_sizes(mezzanine), start_of(len(mezzanine.pieces), finished)
    return SearchTask(
        codec=codec,
        sizes=sizes,
        ceilings=tuple(ceilings),
        lowest_crf=LOWEST_CRF[codec],
        highest_crf=HIGHEST_CRF[codec],
        crf_step=CRF_STEP[codec],
        floor_vmaf=min(LOWEST_FLOOR_VMAF, policy.floor_vmaf),
        top_vmaf=min(100.0, policy.top_vmaf + TOP_MARGIN_VMAF),
        max_trials=recipe.most_trials(len(sizes), start),
        patience=recipe.patience(len(sizes), start),
        more_if_dense=recipe.more_if_dense(len(sizes), start),
        is_alone=start is SearchStart.ALONE,
        stop_regret=recipe.stop_regret,
        cpu_budget_s=_budget_s(mezzanine, codec, shot),
        min_saved_bits_per_cpu_s=recipe.min_saved_bits_per_cpu_s,
        delivered_s=recipe.expected_views * length_s,
        difficulty=mezzanine.difficulty(shot),
    )


def trial_cost_s(mezzanine: Mezzanine, codec: Codec, shot: int, size: Resolution) -> float:
    """Returns the CPU seconds that one trial may need, its share of decoding among them, give or take a third."""
    preset = next(item.production_preset for item in mezzanine.recipe.codecs if item.codec is codec)
    trial_ns = trial_frame_ns(codec, preset, size, mezzanine.display, mezzanine.search_metric(shot).subsample)
    frame_ns = DECODE_NS_PER_PIXEL * mezzanine.display.pixels + trial_ns
    return PROCESS_START_S + 1e-9 * mezzanine.pieces[shot].frames * frame_ns


def search_cost_s(mezzanine: Mezzanine, codec: Codec, shot: int, *, wave: int, at_most: bool = False) -> float:
    """Returns the CPU seconds that a shot's search usually needs, or at most, give or take a third."""
    costs_s = [trial_cost_s(mezzanine, codec, shot, size) for size in searched_sizes(mezzanine)]
    start, recipe = start_of(len(mezzanine.pieces), WARM_FROM if wave else 0), mezzanine.recipe.search
    trials = (recipe.most_trials if at_most else recipe.usual_trials)(len(costs_s), start)
    return trials * sum(costs_s) / len(costs_s)


def plan_search_units(mezzanine: Mezzanine, codec: Codec, wave: int, shots: Sequence[int]) -> tuple[SearchUnit, ...]:
    """Returns units that hold every shot of a wave once, dearest first.

    A shot's rounds follow each other, so a shot is never divided; short shots are collated, as trial units are.
    """
    costs_s = {shot: search_cost_s(mezzanine, codec, shot, wave=wave) for shot in shots}
    limit_s = min(LONGEST_UNIT_S, max(SHORTEST_UNIT_S, sum(costs_s.values()) / UNITS_AT_LEAST))
    pictures_s = {shot: float(mezzanine.pieces[shot].frames / mezzanine.frame_rate) for shot in shots}
    loads = {shot: max(costs_s[shot] / limit_s, pictures_s[shot] / LONGEST_PICTURES_S) for shot in shots}
    groups = collate(shots, loads)
    dearest_first = sorted(groups, key=lambda group: -sum(costs_s[shot] for shot in group))
    return tuple(SearchUnit(codec=codec, shots=group, wave=wave) for group in dearest_first)


def collate(shots: Sequence[int], loads: Mapping[int, float]) -> list[tuple[int, ...]]:
    """Returns the shots in groups that weigh at most 1 or hold a single shot: each goes into the first with room."""
    groups: list[list[int]] = []
    room: list[float] = []
    for shot in shots:
        place = next((number for number, free in enumerate(room) if loads[shot] <= free), len(groups))
        if place == len(groups):
            groups.append([])
            room.append(1.0)
        groups[place].append(shot)
        room[place] -= loads[shot]
    return [tuple(group) for group in groups]


def split_by_memory(asks: Sequence[TrialAsk], most: int) -> list[tuple[TrialAsk, ...]]:
    """Returns the trials in groups that one process can hold: largest sizes first, each group filled in turn.

    Args:
        asks: trials of one shot.
        most: how many encodes one process scores at once (:attr:`~domain.encodes.MetricRecipe.most_together`).
    """
    groups: list[list[TrialAsk]] = []
    for ask in sorted(asks, key=lambda ask: (-ask.resolution.pixels, ask.crf)):
        together = (*groups[-1], ask) if groups else ()
        if not groups or len(together) > most or sum(one.resolution.pixels for one in together) > PIXELS_IN_MEMORY:
            groups.append([])
        groups[-1].append(ask)
    return [tuple(group) for group in groups]


def _budget_s(mezzanine: Mezzanine, codec: Codec, shot: int) -> float | None:
    """Returns the shot's part of the title's budget: by codec as its preset costs, by shot as it has pictures.

    Where an HDR title has SDR rungs too, each range has half (:meth:`~domain.recipe.Recipe.for_sdr_rungs`).
    """
    budget_s = mezzanine.recipe.search.cpu_budget_s
    if budget_s is None:
        return None
    if mezzanine.recipe.hdr.sdr_rungs and mezzanine.color.dynamic_range is not DynamicRange.SDR:
        budget_s /= 2
    prices = {item.codec: PRESET_NS_PER_PIXEL[item.codec][item.production_preset] for item in mezzanine.recipe.codecs}
    frames = math.fsum(piece.frames for piece in mezzanine.pieces)
    return budget_s * prices[codec] / sum(prices.values()) * mezzanine.pieces[shot].frames / frames
