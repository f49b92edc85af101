"""Rungs that missed their promise: what is encoded again for them, and which encodes they deliver in the end."""

from collections.abc import Sequence

from activities.heartbeats import Pulse
from activities.readings import read_delivered, read_points
from activities.search_readings import read_searched_title
from activities.toolbox import Toolbox
from domain.ladder import Ladder, Rung
from domain.mezzanine import Mezzanine
from domain.search import CRF_STEP, FINEST_CRF_STEP
from domain.video import Codec
from ladders.correction import MeasuredPoints, corrected_rung, judge_rung
from ladders.rung_moves import CrfSteps, KnownCurves
from ladders.settling import settled_rung


def correct_ladders(box: Toolbox, mezzanine: Mezzanine, ladders: Sequence[Ladder], pulse: Pulse) -> tuple[Ladder, ...]:
    """Returns the ladders with new choices, and spares, for the guilty shots of rungs that were not kept.

    Raises:
        EncodeMissing, ScoresMissing: if something of a rung is not in the store.
    """
    return tuple(_corrected(box, mezzanine, ladder, pulse) for ladder in ladders)


def _corrected(box: Toolbox, mezzanine: Mezzanine, ladder: Ladder, pulse: Pulse) -> Ladder:
    known: KnownCurves
    if mezzanine.recipe.search.method == "grid":
        known = MeasuredPoints(read_points(box, mezzanine, ladder.codec, pulse))
    else:
        known = read_searched_title(box, mezzanine, ladder.codec, pulse)
    rungs, steps = [], CrfSteps(CRF_STEP[ladder.codec], FINEST_CRF_STEP[ladder.codec])
    for rung in ladder.rungs:
        delivered, _ = read_delivered(box, mezzanine, ladder.codec, rung)
        verdict = judge_rung(rung, delivered, known=known, crf_steps=steps)
        again = corrected_rung(rung, verdict).model_copy(update={"corrected": True})
        rungs.append(again if verdict.corrections or verdict.spares else rung)
        pulse(len(rungs))
    return ladder.model_copy(update={"rungs": tuple(rungs)})


def changed_encodes(
    before: Sequence[Ladder], after: Sequence[Ladder]
) -> tuple[tuple[Ladder, ...], set[tuple[Codec, int, int]]]:
    """Returns what a correction asks for anew.

    Args:
        before: The ladders as they were planned.
        after: The same ladders, corrected.

    Returns:
        Ladders with every way to make a corrected rung as a rung of its own; and (codec, place of the way, shot) of
        each encode of theirs that differs from the planned one.
    """
    ladders: list[Ladder] = []
    changed: set[tuple[Codec, int, int]] = set()
    for was, ladder in zip(before, after, strict=True):
        ways = [(old, way) for old, rung in zip(was.rungs, ladder.rungs, strict=True) for way in rung.ways()]
        changed |= {
            (ladder.codec, place, choice.shot_index)
            for place, (old, way) in enumerate(ways)
            for choice, planned in zip(way.shots, old.shots, strict=True)
            if choice != planned
        }
        ladders.append(ladder.model_copy(update={"rungs": tuple(way for _, way in ways)}))
    return tuple(ladders), changed


def changed_rungs(before: Sequence[Ladder], after: Sequence[Ladder]) -> int:
    """Returns how many rungs of the same ladders have other encodes than before, or spare ones."""
    return sum(
        rung.shots != was.shots or bool(rung.spares)
        for old, new in zip(before, after, strict=True)
        for was, rung in zip(old.rungs, new.rungs, strict=True)
    )


def settle_all(
    box: Toolbox, mezzanine: Mezzanine, ladders: tuple[Sequence[Ladder], Sequence[Ladder]], pulse: Pulse
) -> tuple[Ladder, ...]:
    """Returns the corrected ladders, each of their rungs made of those measured encodes that keep its promise best.

    Args:
        box: Where encodes and scores lie.
        mezzanine: What they were made of.
        ladders: As they were planned, and as they were corrected.
        pulse: Told of each rung.

    Raises:
        EncodeMissing, ScoresMissing: if something of a rung is not in the store.
    """
    planned, corrected = ladders
    # Rungs may have been skipped in between: a promise is a rung's own, places are not.
    before = {(ladder.codec, rung.promised): rung for ladder in planned for rung in ladder.rungs}
    settled = []
    for ladder in corrected:
        rungs = []
        for rung in ladder.rungs:
            first = before[ladder.codec, rung.promised]
            is_as_planned = rung.shots == first.shots and not rung.spares
            rungs.append(rung if is_as_planned else _settled(box, mezzanine, ladder, (first, rung)))
            pulse(len(rungs))
        settled.append(ladder.model_copy(update={"rungs": tuple(rungs)}))
    return tuple(settled)


def _settled(box: Toolbox, mezzanine: Mezzanine, ladder: Ladder, rungs: tuple[Rung, Rung]) -> Rung:
    ways = (rungs[0], *rungs[1].ways())
    return settled_rung(ways, [read_delivered(box, mezzanine, ladder.codec, way)[0] for way in ways])
