"""Units on a real store: done once, found the second time, gone without a trace when canceled."""

import asyncio
import dataclasses
import os
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.delivery import DeliveryActivities
from activities.faults import BrokenPlan, EncodeMissing
from activities.measures import MeasureActivities, most_active_shot
from activities.toolbox import Toolbox
from activities.trials import EncodeActivities
from domain.encodes import EncodedShot, ShotScores
from domain.ladder import FixedRung
from domain.values import Sha256
from domain.video import Codec
from domain.work import AssembleUnit, BaselineUnit, EncodeUnit, MeasureUnit, TrialUnit, UnitOutcome, UnitReference
from media.errors import ToolMissing
from tests.activities.conftest import StoredTitle
from tests.support.pieces import DISPLAY, SMALL, make_piece

pytestmark = pytest.mark.slow  # a real S3 server
CRFS = (20.0, 30.0, 40.0)
TRIAL = TrialUnit(codec=Codec.H264, resolution=SMALL, shots=(0, 1), crfs=CRFS)


def without_programs(title: StoredTitle) -> Toolbox:
    """A toolbox whose ffmpeg does not exist: whoever starts a process fails."""
    return dataclasses.replace(title.box, tools=dataclasses.replace(title.box.tools, ffmpeg="/no/such/ffmpeg"))


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split())


def keys_of(title: StoredTitle, shot: int, crfs: tuple[float, ...] = CRFS) -> list[Sha256]:
    mezzanine = title.mezzanine
    recipes = [mezzanine.encode_recipe(Codec.H264, SMALL, shot, crf=crf) for crf in crfs]
    return [mezzanine.encode_key(shot, recipe) for recipe in recipes]


async def test_a_trial_unit_that_runs_twice_starts_nothing_the_second_time(
    stored_title: StoredTitle, environment: ActivityEnvironment, heartbeats: list[dict[str, object]]
) -> None:
    unit = stored_title.unit(TRIAL)
    first = await environment.run(EncodeActivities(stored_title.box).run_trial_unit, unit)
    assert (first.made, first.reused, first.failed) == (6, 0, 0)
    assert first.cpu_s > 0
    again = await environment.run(EncodeActivities(without_programs(stored_title)).run_trial_unit, unit)
    assert again == UnitOutcome(reused=6)
    assert not list(stored_title.box.scratch.iterdir())
    assert heartbeats
    for shot in ("shot 0", "shot 1"):
        done = [int(str(beat["done"])) for beat in heartbeats if beat["unit"] == shot]
        frames = [count for count in done if count <= 50]  # a slow fetch is told in bytes before
        assert frames == sorted(frames)
    encode = stored_title.box.results.find("encodes", keys_of(stored_title, 0)[0], EncodedShot)
    assert encode is not None
    assert encode.frames == 22


async def test_only_what_is_missing_is_made(stored_title: StoredTitle, environment: ActivityEnvironment) -> None:
    activities = EncodeActivities(stored_title.box)
    half = TRIAL.model_copy(update={"crfs": (30.0,), "shots": (1,)})
    assert (await environment.run(activities.run_trial_unit, stored_title.unit(half))).made == 1
    whole = await environment.run(activities.run_trial_unit, stored_title.unit(TRIAL))
    assert (whole.made, whole.reused) == (5, 1)


async def test_a_trial_serves_as_production_encode(stored_title: StoredTitle, environment: ActivityEnvironment) -> None:
    await environment.run(EncodeActivities(stored_title.box).run_trial_unit, stored_title.unit(TRIAL))
    recipes = tuple(stored_title.mezzanine.encode_recipe(Codec.H264, SMALL, 0, crf=crf) for crf in (*CRFS, 25.0))
    unit = stored_title.unit(EncodeUnit(shot=0, recipes=recipes))
    made = await environment.run(EncodeActivities(stored_title.box).run_encode_unit, unit)
    assert (made.made, made.reused) == (1, 3)


@pytest.mark.usefixtures("scored_sparsely")
async def test_scores_are_measured_once_for_each_encode(
    stored_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    await environment.run(EncodeActivities(stored_title.box).run_trial_unit, stored_title.unit(TRIAL))
    keys = keys_of(stored_title, 1)
    unit = stored_title.unit(MeasureUnit(shot=1, encode_keys=(*keys, keys[0])))
    first = await environment.run(MeasureActivities(stored_title.box).run_measure_unit, unit)
    assert first.made == 3
    again = await environment.run(MeasureActivities(without_programs(stored_title)).run_measure_unit, unit)
    assert (again.made, again.reused) == (0, 4)
    metric = stored_title.mezzanine.delivery_metric()
    scores = stored_title.box.results.find("scores", stored_title.mezzanine.score_key(keys[0], metric), ShotScores)
    assert scores is not None
    assert len(scores.frame_scores) == 19, "every frame"


async def test_a_missing_encode_is_named(stored_title: StoredTitle, environment: ActivityEnvironment) -> None:
    unit = stored_title.unit(MeasureUnit(shot=0, encode_keys=("f" * 64,)))
    with pytest.raises(EncodeMissing, match=f"STO-010 encode {'f' * 64}"):
        await environment.run(MeasureActivities(stored_title.box).run_measure_unit, unit)
    assert not list(stored_title.box.scratch.iterdir())


async def test_a_rendition_is_assembled_once(stored_title: StoredTitle, environment: ActivityEnvironment) -> None:
    await environment.run(EncodeActivities(stored_title.box).run_trial_unit, stored_title.unit(TRIAL))
    keys = (keys_of(stored_title, 0)[0], keys_of(stored_title, 1)[2])
    unit = stored_title.unit(AssembleUnit(name="video_h264_1_108p", encode_keys=keys))
    assert (await environment.run(DeliveryActivities(stored_title.box).run_assemble_unit, unit)).made == 1
    again = await environment.run(DeliveryActivities(without_programs(stored_title)).run_assemble_unit, unit)
    assert again == UnitOutcome(reused=1)


async def test_a_fixed_rung_is_encoded_once(stored_title: StoredTitle, environment: ActivityEnvironment) -> None:
    rung = FixedRung(resolution=SMALL, bitrate_bps=150_000)
    unit = stored_title.unit(BaselineUnit(codec=Codec.H264, preset="veryfast", rung=rung))
    assert (await environment.run(EncodeActivities(stored_title.box).run_baseline_unit, unit)).made == 1
    again = await environment.run(EncodeActivities(without_programs(stored_title)).run_baseline_unit, unit)
    assert again == UnitOutcome(reused=1)


async def test_cancel_in_the_middle_leaves_nothing(
    stored_title: StoredTitle, environment: ActivityEnvironment, tmp_path: Path
) -> None:
    long = await make_piece("mandelbrot=s=320x180:r=24", tmp_path / "long.mov", frames=96)
    pieces = (
        stored_title.mezzanine.pieces[0].model_copy(
            update={"file": stored_title.box.store.put_file(long.path), "frames": 96}
        ),
        stored_title.mezzanine.pieces[1],
    )
    reference = stored_title.box.results.put_document(stored_title.mezzanine.model_copy(update={"pieces": pieces}))
    title = dataclasses.replace(stored_title, reference=reference)
    unit = title.unit(TrialUnit(codec=Codec.H264, resolution=DISPLAY, shots=(0,), crfs=(20.0, 24.0, 28.0, 32.0, 36.0)))
    before, begun = children(), asyncio.Event()
    environment.on_heartbeat = lambda *_details: begun.set()
    running = asyncio.create_task(environment.run(EncodeActivities(title.box).run_trial_unit, unit))
    await begun.wait()
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert children() <= before
    assert not list(title.box.scratch.iterdir())
    assert not title.box.store.list_open_uploads()
    assert title.box.results.find("encodes", keys_of(title, 0)[0], EncodedShot) is None


async def test_a_worker_of_another_build_refuses(stored_title: StoredTitle, environment: ActivityEnvironment) -> None:
    other = dataclasses.replace(stored_title.box, tools_digest="0" * 64, versions={"ffmpeg": "6.0"})
    with pytest.raises(ToolMissing, match=r"TOOL-001 worker: found ffmpeg|TOOL-001 worker: ffmpeg 6\.0") as caught:
        await environment.run(EncodeActivities(other).run_trial_unit, stored_title.unit(TRIAL))
    assert stored_title.box.versions["ffmpeg"] in caught.value.expected


async def test_a_unit_that_the_plan_does_not_hold_is_refused(
    stored_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    unit = stored_title.unit(TRIAL)
    with pytest.raises(BrokenPlan, match="PERT-002 unit 1"):
        await environment.run(EncodeActivities(stored_title.box).run_trial_unit, UnitReference(plan=unit.plan, index=1))
    with pytest.raises(BrokenPlan, match="expected: a MeasureUnit"):
        await environment.run(MeasureActivities(stored_title.box).run_measure_unit, unit)


async def test_pairing_is_checked_on_the_most_active_shot(
    stored_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    assert most_active_shot(stored_title.mezzanine) == 1
    checked = await environment.run(MeasureActivities(stored_title.box).check_pairing, stored_title.reference)
    assert checked.shot == 1
    assert checked.aligned_vmaf is not None
    assert checked.shifted_vmaf is not None
    assert checked.shifted_vmaf < checked.aligned_vmaf
