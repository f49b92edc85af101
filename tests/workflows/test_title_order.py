"""The order of a title's steps, on a real Temporal server, with fake activities under the real names."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.testing import WorkflowEnvironment

from domain.work import UnitKind
from ladders.search.waves import plan_waves
from tests.support.fake_title import RECEIPT, FakeTitle
from tests.support.temporal_server import MOST_BYTES, MOST_EVENTS
from tests.support.title_workers import title_workers
from workflows.encode_title import EncodeTitle
from workflows.shot_batch import ShotBatch

REQUEST = {"title_id": "fake", "source": "s3://pertitle-incoming/sources/fake.mov"}
GRID = {**REQUEST, "recipe": {"search": {"method": "grid"}}}


async def start(temporal: WorkflowEnvironment, content: Any = REQUEST) -> WorkflowHandle[Any, Any]:
    return await temporal.client.start_workflow(
        EncodeTitle.run, content, id=f"title/fake/{uuid.uuid4()}", task_queue="orchestrate"
    )


async def test_a_title_runs_all_steps_in_order(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle()
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal)
        assert await handle.result() == RECEIPT
        progress = await handle.query(EncodeTitle.progress)
    names = [call.split(" ")[0] for call in fake.calls]
    order = [
        "open_title", "inspect_source", "detect_shots", "split_source", "check_pairing", "plan_searches",
        "run_search_unit", "plan_ladders", "run_encode_unit", "plan_measures", "run_measure_unit", "judge_ladders",
        "plan_assembly", "run_assemble_unit", "package_title", "publish_title", "write_result",
    ]  # fmt: skip
    assert [names.index(name) for name in order] == sorted(names.index(name) for name in order)
    assert names.count("run_search_unit") == 8
    assert progress.percent == 100
    assert (progress.searches_done, progress.searches_total) == (8, 8)
    assert (progress.trials_done, progress.trials_total) == (96, 0)


async def test_a_wave_waits_for_the_one_before_and_codecs_do_not_wait_for_each_other(
    temporal: WorkflowEnvironment,
) -> None:
    may_end, others_ran = asyncio.Event(), asyncio.Event()

    async def hold(name: str) -> None:
        if sum(call.startswith("run_search_unit") for call in fake.calls) == 1 + 6:
            others_ran.set()
        # The first search of all is one codec's whole first wave: it takes until the other codec is through.
        if name == "run_search_unit 0" and fake.calls.count(name) == 1:
            while not may_end.is_set():
                activity.heartbeat()
                await asyncio.sleep(0.05)

    fake = FakeTitle(hold=hold, wave_shots=(1, 3, 2))
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal)
        await asyncio.wait_for(others_ran.wait(), 60)
        planned = {call.split(" ", 1)[1] for call in fake.calls if call.startswith("plan_searches")}
        may_end.set()
        await handle.result()
    assert planned in ({"h264 0", "av1 0", "av1 1", "av1 2"}, {"av1 0", "h264 0", "h264 1", "h264 2"})
    assert "plan_ladders" in fake.calls


async def test_a_grid_is_planned_at_once_and_has_no_waves(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle()
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, GRID)
        await handle.result()
        progress = await handle.query(EncodeTitle.progress)
    names = [call.split(" ")[0] for call in fake.calls]
    assert names.count("plan_trials") == 1
    assert names.count("run_trial_unit") == 8
    assert "plan_searches" not in names
    assert (progress.trials_done, progress.trials_total, progress.searches_total) == (32, 32, 0)


async def test_search_attributes_and_details_tell_people_where_a_title_is(temporal: WorkflowEnvironment) -> None:
    async with title_workers(temporal.client, FakeTitle().activities()):
        handle = await start(temporal)
        await handle.result()
        seen = await handle.describe()
        metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    attributes = {pair.key.name: pair.value for pair in seen.typed_search_attributes}
    wanted = {"TitleId": "fake", "Priority": "normal", "Stage": "done", "PercentDone": 100.0}
    assert {name: attributes[name] for name in wanted} == wanted
    assert "100 % done" in metadata.current_details
    assert "[Report](http://127.0.0.1:1/titles/fake/report)" in metadata.current_details


async def test_a_missed_promise_is_corrected_once_and_measured_again(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle(corrected_units=3)
    async with title_workers(temporal.client, fake.activities()):
        await (await start(temporal)).result()
    assert sum(call.startswith("judge_ladders") for call in fake.calls) == 1
    # Which of two encodes is delivered is chosen when both are measured, and before they are joined.
    order = [call.split()[0] for call in fake.calls]
    last_measured = len(order) - 1 - order[::-1].index("run_measure_unit")
    assert last_measured < order.index("settle_ladders") < order.index("plan_assembly")
    assert sum(call.startswith("plan_measures") for call in fake.calls) == 2
    assert sum(call.startswith("run_encode_unit") for call in fake.calls) == 8 + 3


async def test_a_finished_release_is_returned_without_work(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle(finished=RECEIPT)
    async with title_workers(temporal.client, fake.activities()):
        assert await (await start(temporal)).result() == RECEIPT
    assert fake.calls == ["open_title fake"]


async def test_a_finished_release_is_returned_after_an_inspection_by_what_this_request_expects(
    temporal: WorkflowEnvironment,
) -> None:
    fake = FakeTitle(finished=RECEIPT, is_settled=False)
    async with title_workers(temporal.client, fake.activities()):
        assert await (await start(temporal)).result() == RECEIPT
    assert fake.calls == ["open_title fake", "inspect_source", "keep_settled"]
    assert fake.settled is not None
    assert fake.settled.key is not None


async def test_failed_trials_do_not_stop_a_title_that_can_still_be_planned(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle(failing={UnitKind.TRIAL: "TOOL-002"})
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, GRID)
        await handle.result()
        progress = await handle.query(EncodeTitle.progress)
    assert progress.failed == 8
    assert "plan_ladders" in fake.calls


@pytest.mark.parametrize("kind", [UnitKind.SEARCH, UnitKind.ENCODE, UnitKind.MEASURE, UnitKind.ASSEMBLE])
async def test_a_failed_search_or_production_unit_fails_a_title_that_is_not_to_wait_with_its_code(
    temporal: WorkflowEnvironment, kind: UnitKind
) -> None:
    fake = FakeTitle(failing={kind: "TOOL-004"})
    async with title_workers(temporal.client, fake.activities()):
        with pytest.raises(WorkflowFailureError) as failure:
            await (await start(temporal, {**REQUEST, "when_stuck": "fail"})).result()
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "TOOL-004"
    assert cause.details[0]["found"] == "it fails"
    assert "publish_title" not in fake.calls


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"title_id": "../x", "source": "s3://bucket/key"}, "REQ-003"),
        ({"title_id": "x", "source": "file:///etc/passwd"}, "REQ-004"),
        ({**REQUEST, "recipe": {"codecs": [{"codec": "vp9"}]}}, "REQ-002"),
        ({**REQUEST, "recpie": {}}, "REQ-001"),
        (["not", "an", "object"], "REQ-001"),
        (None, "REQ-001"),
        ("text", "REQ-001"),
    ],
)
async def test_a_bad_request_fails_at_once_with_a_code(temporal: WorkflowEnvironment, content: Any, code: str) -> None:
    fake = FakeTitle()
    async with title_workers(temporal.client, fake.activities()):
        with pytest.raises(WorkflowFailureError) as failure:
            await (await start(temporal, content)).result()
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == code
    assert set(cause.details[0]) == {"code", "where", "found", "expected", "fix"}
    assert fake.calls == []


async def test_cancel_reaches_the_units_and_ends_the_title_as_canceled(temporal: WorkflowEnvironment) -> None:
    started = asyncio.Event()

    async def hold(name: str) -> None:
        if name.startswith("run_search_unit"):
            started.set()
            await wait_for_cancel()

    async def wait_for_cancel() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.05)

    async with title_workers(temporal.client, FakeTitle(hold=hold).activities()):
        handle = await start(temporal)
        await asyncio.wait_for(started.wait(), 60)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        child = temporal.client.get_workflow_handle(f"{handle.id}/search-0001")
        status = (await child.describe()).status
    assert isinstance(failure.value.cause, CancelledError)
    assert status == WorkflowExecutionStatus.CANCELED


async def test_a_canceled_batch_ends_only_when_its_last_unit_has_ended(temporal: WorkflowEnvironment) -> None:
    running: set[str] = set()
    both_run, first_ended, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hold(name: str) -> None:
        if not name.startswith("run_trial_unit"):
            return
        running.add(name)
        if len(running) == 2:
            both_run.set()
        try:
            while True:
                activity.heartbeat()
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            if name == "run_trial_unit 0":
                first_ended.set()
            else:
                await may_end.wait()
            raise

    async with title_workers(temporal.client, FakeTitle(shots=1, hold=hold).activities()):
        handle = await start(temporal, GRID)
        child = temporal.client.get_workflow_handle(f"{handle.id}/trial-0001")
        await asyncio.wait_for(both_run.wait(), 60)
        await handle.cancel()
        await asyncio.wait_for(first_ended.wait(), 60)
        # The first unit's end is written to history; the batch must go on waiting for the second.
        while True:
            history = await child.fetch_history()
            if any(event.HasField("activity_task_canceled_event_attributes") for event in history.events):
                break
        assert (await child.describe()).status == WorkflowExecutionStatus.RUNNING
        may_end.set()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert (await child.describe()).status == WorkflowExecutionStatus.CANCELED


@pytest.mark.slow
async def test_a_title_of_900_shots_stays_within_the_history_budget(temporal: WorkflowEnvironment) -> None:
    """900 shots x 6 sizes x 8 CRFs = 43,200 trial encodes in 5,400 units, on a server with lowered limits."""
    fake = FakeTitle(shots=900, sizes=6, crfs=8, corrected_units=900)
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, GRID)
        await handle.result()
        progress = await handle.query(EncodeTitle.progress)
    assert progress.trials_done == 43_200
    runs = await sizes_of_runs(temporal, handle)
    assert len(runs) == 1 + 27 + 9 + 5 + 14 + 14 + 1
    assert max(events for events, _ in runs.values()) < MOST_EVENTS
    assert max(size for _, size in runs.values()) < MOST_BYTES


@pytest.mark.slow
async def test_the_searches_of_900_shots_stay_within_the_history_budget(temporal: WorkflowEnvironment) -> None:
    """Two codecs, no shot collated with another: 1,800 search units in waves; and every shot corrected."""
    waves = tuple(len(wave) for wave in plan_waves(range(900)))
    fake = FakeTitle(shots=900, crfs=8, corrected_units=900, wave_shots=waves)
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal)
        await handle.result()
        progress = await handle.query(EncodeTitle.progress)
    assert progress.searches_done == 1_800
    runs = await sizes_of_runs(temporal, handle)
    assert len(runs) == 1 + 2 * (1 + 1 + 5) + 9 + 5 + 14 + 14 + 1
    assert max(events for events, _ in runs.values()) < MOST_EVENTS
    assert max(size for _, size in runs.values()) < MOST_BYTES


async def sizes_of_runs(temporal: WorkflowEnvironment, handle: WorkflowHandle[Any, Any]) -> dict[str, tuple[int, int]]:
    """Returns (events, bytes) of the histories of a title and its batches."""
    runs = {}
    async for run in temporal.client.list_workflows(f'WorkflowId STARTS_WITH "{handle.id}"'):
        history = await temporal.client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        runs[run.id] = (len(history.events), len(json.dumps(history.to_json_dict())))
    return runs


async def test_a_batch_answers_how_far_it_is(temporal: WorkflowEnvironment) -> None:
    async with title_workers(temporal.client, FakeTitle().activities()):
        handle = await start(temporal, GRID)
        await handle.result()
        child = temporal.client.get_workflow_handle(f"{handle.id}/trial-0001")
        progress = await child.query(ShotBatch.batch_progress)
    assert (progress.done_units, progress.units, progress.made) == (8, 8, 32)
