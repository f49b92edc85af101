"""Finished searches in the store: under which keys they lie, what each could know, and the title they make together."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from activities.faults import ScoresMissing
from activities.toolbox import Toolbox
from domain.cpu import CpuSplit
from domain.ladder import RateQualityPoint, ShotPoints
from domain.mezzanine import Mezzanine
from domain.result import ResultSearch
from domain.search import CeilingsFound, PriorSet, PriorShot, SearchTask, ShotSearch, StopReason, TitlePrior
from domain.values import Sha256, digest_of
from domain.video import Codec
from domain.work import UnitReference, WorkPlan
from ladders.search.waves import plan_waves, prior_of
from ladders.search_design import search_task, searched_sizes
from ladders.searched_title import SearchedShot, SearchedTitle

_READERS = 16
KIND = "searches"
CEILINGS_KIND = "ceilings"


LIMITS = (StopReason.MAX_TRIALS, StopReason.BUDGET)
"""A search that ended so was not done."""


class Searched(NamedTuple):
    """A finished search with what it could know."""

    record: ShotSearch
    prior: TitlePrior


@dataclass(frozen=True, slots=True)
class ShotQuestion:
    """The search of one shot in one codec before it begins: its task, what it may know, and its content key."""

    task: SearchTask
    prior: TitlePrior
    key: Sha256


def ask(
    mezzanine: Mezzanine, codec: Codec, shot: int, ceilings: Sequence[float], finished: Sequence[PriorShot]
) -> ShotQuestion:
    """Returns what the search of a shot is told; the same for the worker that runs it and for whoever looks for it.

    The key hashes the pictures, how they are encoded and scored, the task (its sizes, window, limits and ceilings),
    what it may know of other shots, and the build.
    """
    prior = prior_of(mezzanine.difficulty(shot), finished)
    task = search_task(mezzanine, codec, shot, ceilings, finished=len(prior.shots))
    recipe = mezzanine.encode_recipe(codec, task.sizes[0], shot, crf=0)
    content = {
        "pictures": mezzanine.pieces[shot].pictures_sha256,
        "recipe": recipe.model_dump(mode="json"),
        "metric": mezzanine.search_metric(shot).model_dump(mode="json"),
        "task": task.model_dump(mode="json"),
        "prior": digest_of(prior),
        "tools": mezzanine.tools_digest,
        "version": 11,
    }
    return ShotQuestion(task, prior, digest_of(content))


def ceilings_key(mezzanine: Mezzanine, shot: int) -> Sha256:
    """Returns the content key of the ceilings of a shot: its pictures, the sizes, display and model, the build."""
    content = {
        "pictures": mezzanine.pieces[shot].pictures_sha256,
        "sizes": [str(size) for size in searched_sizes(mezzanine)],
        "metric": mezzanine.delivery_metric().model_dump(mode="json"),
        "color": mezzanine.color.model_dump(mode="json"),
        "tools": mezzanine.tools_digest,
        "version": 2,
    }
    return digest_of(content)


def waves_of(mezzanine: Mezzanine) -> tuple[tuple[int, ...], ...]:
    """Returns the shots of a title in waves; the same for all codecs."""
    return plan_waves([mezzanine.difficulty(shot) for shot in range(len(mezzanine.pieces))])


def read_searches(
    toolbox: Toolbox, mezzanine: Mezzanine, codec: Codec, waves: Iterable[Sequence[int]], pulse: Callable[[int], None]
) -> dict[int, Searched]:
    """Returns the finished searches of the first waves, by shot.

    Raises:
        ScoresMissing: a shot has none.
    """
    found: dict[int, Searched] = {}
    with ThreadPoolExecutor(_READERS) as readers:
        for wave in waves:
            finished = prior_shots(found)

            def read(shot: int, known: tuple[PriorShot, ...] = finished) -> Searched:
                pulse(shot)
                return _read_search(toolbox, mezzanine, codec, shot, known)

            found.update(zip(wave, readers.map(read, wave), strict=True))
    return found


def prior_shots(found: Mapping[int, Searched]) -> tuple[PriorShot, ...]:
    """Returns finished shots as others see them, in the order of their index."""
    records = [found[shot].record for shot in sorted(found)]
    return tuple(
        PriorShot(difficulty=record.task.difficulty, ceilings=record.task.ceilings, seen=record.seen)
        for record in records
    )


async def read_prior(toolbox: Toolbox, reference: UnitReference) -> tuple[PriorShot, ...]:
    """Returns the finished shots that a search unit's plan points at."""
    plan = await asyncio.to_thread(toolbox.results.read_document, reference.plan, WorkPlan)
    if plan.prior is None:
        return ()
    return (await asyncio.to_thread(toolbox.results.read_document, plan.prior, PriorSet)).shots


def read_searched_title(
    toolbox: Toolbox, mezzanine: Mezzanine, codec: Codec, pulse: Callable[[int], None]
) -> SearchedTitle:
    """Returns all shots of a title with the curves that their searches left.

    Raises:
        ScoresMissing: a shot has not been searched.
    """
    found = read_searches(toolbox, mezzanine, codec, waves_of(mezzanine), pulse)
    shots = []
    for shot in sorted(found):
        pulse(shot)
        record, prior = found[shot]
        length_s = float(mezzanine.pieces[shot].frames / mezzanine.frame_rate)
        shots.append(SearchedShot.fit(shot, length_s, record.task, record.seen, prior))
    return SearchedTitle(tuple(shots))


def seen_points(title: SearchedTitle) -> list[ShotPoints]:
    """Returns the trials of a searched title as points, shot by shot."""
    return [
        ShotPoints(
            shot_index=shot.shot_index,
            duration_s=shot.duration_s,
            points=tuple(
                RateQualityPoint(
                    resolution=trial.resolution, crf=trial.crf, bitrate_bps=trial.bitrate_bps, vmaf=trial.vmaf
                )
                for trial in sorted(shot.seen, key=lambda trial: (-trial.resolution.pixels, trial.crf))
            ),
        )
        for shot in title.shots
    ]


def sum_up_searches(mezzanine: Mezzanine, records: Sequence[ShotSearch]) -> ResultSearch:
    """Returns what the report says about the searches of one codec.

    Args:
        mezzanine: the title.
        records: the search of every shot, in order.
    """
    lengths = [piece.frames for piece in mezzanine.pieces]
    crossings = [crossover for record in records for crossover in record.crossovers]
    cpu = CpuSplit()
    for record in records:
        cpu = cpu.plus(record.cpu)
    return ResultSearch(
        shots=len(records),
        trials=sum(len(record.seen) for record in records),
        rounds=sum(record.rounds for record in records),
        cpu=cpu,
        regret_mean=sum(record.regret * frames for record, frames in zip(records, lengths, strict=True)) / sum(lengths),
        regret_max=max(record.regret for record in records),
        dense_shots=tuple(shot for shot, record in enumerate(records) if record.dense),
        limited_shots=tuple(shot for shot, record in enumerate(records) if record.stop in LIMITS),
        stops={stop.value: count for stop in StopReason if (count := sum(record.stop is stop for record in records))},
        crossovers=len(crossings),
        certified=sum(crossover.certified for crossover in crossings),
    )


def _read_search(
    toolbox: Toolbox, mezzanine: Mezzanine, codec: Codec, shot: int, finished: tuple[PriorShot, ...]
) -> Searched:
    ceilings = toolbox.results.find(CEILINGS_KIND, ceilings_key(mezzanine, shot), CeilingsFound)
    question = None if ceilings is None else ask(mezzanine, codec, shot, ceilings.vmafs, finished)
    record = None if question is None else toolbox.results.find(KIND, question.key, ShotSearch)
    if question is None or record is None:
        raise ScoresMissing(
            f"search of shot {shot} in {codec.value}",
            found="no finished search in the store",
            expected="one",
            fix="submit again",
        )
    return Searched(record, question.prior)
