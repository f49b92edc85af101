"""A rung that misses its promise, on a real store: encoded again with spares, all of it measured, settled."""

import dataclasses
from collections.abc import Awaitable, Callable

import pytest
from temporalio.testing import ActivityEnvironment

from activities.measures import MeasureActivities
from activities.planning import PlanActivities
from activities.readings import read_delivered
from activities.skipping import SkipActivities
from activities.trials import EncodeActivities
from domain.encodes import RateCap
from domain.ladder import Ladder, Promise, Rung, ShotChoice
from domain.recipe import CodecRecipe, Recipe
from domain.search_recipe import SearchRecipe
from domain.steps import CorrectedTask, JudgedLadders, LadderSet, LadderTask
from domain.video import Codec
from domain.work import MeasureUnit, TrialUnit, UnitOutcome, UnitReference, WorkList, WorkPlan
from ladders.correction import judge_rung, mean_of
from tests.activities.conftest import StoredTitle
from tests.support.pieces import SMALL

pytestmark = pytest.mark.slow  # a real S3 server
CRFS = (20.0, 30.0, 40.0)
PLANNED_CRF = 34.0
BETTER_BY_VMAF = 3.0


@pytest.fixture
def title(stored_title: StoredTitle) -> StoredTitle:
    """The title with trials on a grid: no search is made first."""
    codec = CodecRecipe(codec=Codec.H264, preset="veryfast", trial_crfs=CRFS)
    recipe = Recipe(codecs=(codec,), heights_px=(SMALL.height_px,), search=SearchRecipe(method="grid"))
    mezzanine = stored_title.mezzanine.model_copy(update={"recipe": recipe})
    return StoredTitle(stored_title.box, mezzanine, stored_title.box.results.put_document(mezzanine))


def rung_of(vmaf: float) -> Rung:
    promised = Promise(bitrate_bps=100_000, vmaf=vmaf)
    return Rung(
        resolution=SMALL,
        promised=promised,
        rate_cap=RateCap(maxrate_bps=10**9, buffer_bits=10**9),
        shots=tuple(ShotChoice(shot_index=n, crf=PLANNED_CRF, predicted=promised) for n in (0, 1)),
    )


def ladders_of(title: StoredTitle, rung: Rung) -> LadderTask:
    ladders = LadderSet(ladders=(Ladder(codec=Codec.H264, rungs=(rung,)),), pictures=title.reference)
    return LadderTask(mezzanine=title.reference, ladders=title.box.results.put_document(ladders))


def only_rung(title: StoredTitle, task: LadderTask) -> Rung:
    (ladder,) = title.box.results.read_document(task.ladders, LadderSet).ladders
    (rung,) = ladder.rungs
    return rung


def vmaf_of(title: StoredTitle, rung: Rung) -> float:
    return mean_of(read_delivered(title.box, title.mezzanine, Codec.H264, rung)[0]).vmaf


async def run_all(
    environment: ActivityEnvironment, unit: Callable[[UnitReference], Awaitable[UnitOutcome]], work: WorkList
) -> None:
    for index in range(work.count):
        await environment.run(unit, UnitReference(plan=work.plan, index=index))


async def measure(environment: ActivityEnvironment, title: StoredTitle, task: LadderTask) -> int:
    work = await environment.run(PlanActivities(title.box).plan_measures, task)
    await run_all(environment, MeasureActivities(title.box).run_measure_unit, work)
    return work.encodes


async def judge(environment: ActivityEnvironment, title: StoredTitle) -> tuple[LadderTask, JudgedLadders]:
    """Encodes a rung, and holds it against a promise that is out of its reach."""
    for crfs in (CRFS, (PLANNED_CRF,)):
        unit = TrialUnit(codec=Codec.H264, resolution=SMALL, shots=(0, 1), crfs=crfs)
        await environment.run(EncodeActivities(title.box).run_trial_unit, title.unit(unit))
    await measure(environment, title, ladders_of(title, rung_of(1.0)))
    task = ladders_of(title, rung_of(vmaf_of(title, rung_of(1.0)) + BETTER_BY_VMAF))
    return task, await environment.run(PlanActivities(title.box).judge_ladders, task)


async def test_a_missed_rung_is_made_in_several_ways_and_the_nearest_is_kept(
    title: StoredTitle, environment: ActivityEnvironment
) -> None:
    planned, judged = await judge(environment, title)
    assert judged.corrected_rungs == 1
    corrected = planned.model_copy(update={"ladders": judged.ladders})
    rung = only_rung(title, corrected)
    assert rung.corrected
    assert len(rung.spares) == 4
    changed = {choice.crf for choice in rung.shots} - {PLANNED_CRF}
    assert judged.encodes.encodes == len(changed) + 4, "what was made already is not made again"
    await run_all(environment, EncodeActivities(title.box).run_encode_unit, judged.encodes)
    measured = await measure(environment, title, corrected)
    assert measured == 4 + len({(choice.shot_index, choice.crf) for choice in rung.shots})
    task = CorrectedTask(mezzanine=title.reference, planned=planned.ladders, corrected=judged.ladders)
    settled = await environment.run(PlanActivities(title.box).settle_ladders, task)
    final = only_rung(title, planned.model_copy(update={"ladders": settled.ladders}))
    assert final.spares == ()
    misses = [abs(vmaf_of(title, way) - rung.promised.vmaf) for way in (rung_of(1.0), *rung.ways())]
    assert abs(vmaf_of(title, final) - rung.promised.vmaf) <= max(0.5, min(misses))
    assert misses[0] == pytest.approx(BETTER_BY_VMAF)


async def test_where_no_move_is_expected_to_help_spares_are_made_all_the_same(
    title: StoredTitle, environment: ActivityEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "activities.corrections.judge_rung",
        lambda *rung, **known: dataclasses.replace(judge_rung(*rung, **known), corrections=()),
    )
    planned, judged = await judge(environment, title)
    rung = only_rung(title, planned.model_copy(update={"ladders": judged.ladders}))
    assert [shot.crf for shot in rung.shots] == [PLANNED_CRF] * 2
    assert rung.corrected
    assert judged.corrected_rungs == 1
    assert judged.encodes.encodes == len(rung.spares) == 4


async def test_a_measure_unit_holds_no_more_encodes_than_memory(
    title: StoredTitle, environment: ActivityEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, judged = await judge(environment, title)
    await run_all(environment, EncodeActivities(title.box).run_encode_unit, judged.encodes)
    task = planned.model_copy(update={"ladders": judged.ladders})
    sizes = []
    for most in (6, 1):
        monkeypatch.setattr("domain.encodes.SCORED_PIXELS_IN_MEMORY", most * title.mezzanine.display.pixels)
        work = await environment.run(PlanActivities(title.box).plan_measures, task)
        units = title.box.results.read_document(work.plan, WorkPlan).units
        sizes.append([len(unit.encode_keys) for unit in units if isinstance(unit, MeasureUnit)])
    assert max(sizes[0]) > 1
    assert set(sizes[1]) == {1}
    assert sum(sizes[0]) == sum(sizes[1])


async def test_a_spare_encode_that_failed_does_not_cost_the_rung(
    title: StoredTitle, environment: ActivityEnvironment
) -> None:
    planned, judged = await judge(environment, title)
    rung = only_rung(title, planned.model_copy(update={"ladders": judged.ladders}))
    # As if a person had waved the failed encodes through: of all there are only the planned ones.
    spared = only_rung(title, planned).model_copy(update={"spares": rung.spares})
    trimmed = await environment.run(SkipActivities(title.box).drop_rungs, ladders_of(title, spared))
    assert trimmed.dropped == 0
    assert only_rung(title, planned.model_copy(update={"ladders": trimmed.ladders})) == only_rung(title, planned)
