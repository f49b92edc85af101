"""Corrected rungs on a real store: of encodes that were made twice, those that keep the promise are delivered."""

import pytest
from temporalio.testing import ActivityEnvironment

from activities.faults import ScoresMissing
from activities.measures import MeasureActivities
from activities.planning import PlanActivities
from activities.readings import read_delivered
from activities.trials import EncodeActivities
from domain.encodes import RateCap
from domain.files import StoredFile
from domain.ladder import Ladder, Promise, Rung, ShotChoice
from domain.steps import CorrectedTask, LadderSet, SettledLadders
from domain.video import Codec
from domain.work import MeasureUnit, TrialUnit
from ladders.correction import mean_of
from tests.activities.conftest import StoredTitle
from tests.support.pieces import SMALL

pytestmark = pytest.mark.slow  # a real S3 server
GOOD, BAD = 24.0, 46.0


def rung_of(first: float, second: float, *, vmaf: float, bitrate_bps: float = 200_000) -> Rung:
    promised = Promise(bitrate_bps=bitrate_bps, vmaf=vmaf)
    return Rung(
        resolution=SMALL,
        promised=promised,
        rate_cap=RateCap(maxrate_bps=10**9, buffer_bits=10**9),
        shots=tuple(ShotChoice(shot_index=n, crf=crf, predicted=promised) for n, crf in enumerate((first, second))),
    )


def stored(title: StoredTitle, *rungs: Rung) -> StoredFile:
    ladders = LadderSet(ladders=(Ladder(codec=Codec.H264, rungs=rungs),), pictures=title.reference)
    return title.box.results.put_document(ladders)


async def settle(
    environment: ActivityEnvironment, title: StoredTitle, planned: StoredFile, corrected: StoredFile
) -> SettledLadders:
    task = CorrectedTask(mezzanine=title.reference, planned=planned, corrected=corrected)
    return await environment.run(PlanActivities(title.box).settle_ladders, task)


async def encode_and_measure(environment: ActivityEnvironment, title: StoredTitle) -> None:
    trial = TrialUnit(codec=Codec.H264, resolution=SMALL, shots=(0, 1), crfs=(GOOD, BAD))
    await environment.run(EncodeActivities(title.box).run_trial_unit, title.unit(trial))
    for shot in (0, 1):
        recipes = [title.mezzanine.encode_recipe(Codec.H264, SMALL, shot, crf=crf) for crf in (GOOD, BAD)]
        keys = tuple(title.mezzanine.encode_key(shot, recipe) for recipe in recipes)
        unit = title.unit(MeasureUnit(shot=shot, encode_keys=keys))
        await environment.run(MeasureActivities(title.box).run_measure_unit, unit)


def mean_vmaf(title: StoredTitle, rung: Rung) -> float:
    return mean_of(read_delivered(title.box, title.mezzanine, Codec.H264, rung)[0]).vmaf


async def test_a_correction_that_overshoots_keeps_a_shot_as_it_was_planned(
    stored_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    await encode_and_measure(environment, stored_title)

    vmaf = mean_vmaf(stored_title, rung_of(GOOD, BAD, vmaf=1))
    planned, corrected = rung_of(BAD, BAD, vmaf=vmaf), rung_of(GOOD, GOOD, vmaf=vmaf)
    assert mean_vmaf(stored_title, planned) < vmaf - 1 < vmaf + 1 < mean_vmaf(stored_title, corrected)
    # A rung that was never corrected, and one that somebody skipped in between.
    other = rung_of(BAD, BAD, vmaf=vmaf - 5, bitrate_bps=100_000)
    skipped = rung_of(BAD, GOOD, vmaf=vmaf + 5, bitrate_bps=400_000)
    before, after = stored(stored_title, other, planned, skipped), stored(stored_title, other, corrected)
    settled = await settle(environment, stored_title, before, after)
    assert settled.mixed_rungs == 1
    found = stored_title.box.results.read_document(settled.ladders, LadderSet)
    (ladder,) = found.ladders
    assert [[shot.crf for shot in rung.shots] for rung in ladder.rungs] == [[BAD, BAD], [GOOD, BAD]]
    assert mean_vmaf(stored_title, ladder.rungs[1]) == pytest.approx(vmaf)
    assert found.pictures == stored_title.reference


async def test_a_correction_that_helped_is_delivered_as_it_is(
    stored_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    await encode_and_measure(environment, stored_title)
    vmaf = mean_vmaf(stored_title, rung_of(GOOD, GOOD, vmaf=1))
    before = stored(stored_title, rung_of(BAD, GOOD, vmaf=vmaf))
    after = stored(stored_title, rung_of(GOOD, GOOD, vmaf=vmaf))
    settled = await settle(environment, stored_title, before, after)
    assert settled.ladders == after
    assert settled.mixed_rungs == 0


async def test_a_rung_with_spares_alone_takes_the_one_that_comes_nearer(
    stored_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    await encode_and_measure(environment, stored_title)
    planned = rung_of(BAD, BAD, vmaf=mean_vmaf(stored_title, rung_of(GOOD, BAD, vmaf=1)))
    spare = planned.shots[0].model_copy(update={"crf": GOOD})
    after = stored(stored_title, planned.model_copy(update={"spares": (spare,)}))
    settled = await settle(environment, stored_title, stored(stored_title, planned), after)
    assert settled.mixed_rungs == 1
    (ladder,) = stored_title.box.results.read_document(settled.ladders, LadderSet).ladders
    assert [[shot.crf for shot in rung.shots] for rung in ladder.rungs] == [[GOOD, BAD]]
    assert ladder.rungs[0].spares == ()


@pytest.mark.usefixtures("scored_sparsely")
async def test_a_corrected_encode_that_was_never_measured_is_an_error(
    stored_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    title = stored_title
    trial = TrialUnit(codec=Codec.H264, resolution=SMALL, shots=(0, 1), crfs=(GOOD, BAD))
    await environment.run(EncodeActivities(title.box).run_trial_unit, title.unit(trial))
    before, after = stored(title, rung_of(BAD, BAD, vmaf=50)), stored(title, rung_of(GOOD, GOOD, vmaf=50))
    with pytest.raises(ScoresMissing):
        await settle(environment, title, before, after)
