"""The waiting room: a poison unit waits for a person while the rest of the title goes on."""

import uuid
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from client.attention_commands import send_decision, waiting_titles
from domain.attention import DecisionRefused, WaitingItem
from domain.progress import TitleProgress
from domain.work import MOST_LISTED, UnitKind
from tests.support.fake_title import RECEIPT, FakeTitle
from tests.support.stacks import wait_for_answer
from tests.support.title_workers import title_workers
from workflows.encode_title import EncodeTitle

RETRY = {"choice": "retry", "name": "Kim", "reason": "the worker had a bad disk"}


async def start(temporal: WorkflowEnvironment, title_id: str) -> WorkflowHandle[Any, Any]:
    content = {"title_id": title_id, "source": "s3://pertitle-incoming/sources/fake.mov"}
    return await temporal.client.start_workflow(
        EncodeTitle.run, content, id=f"title/{title_id}/{uuid.uuid4()}", task_queue="orchestrate"
    )


async def waiting(handle: WorkflowHandle[Any, Any]) -> tuple[WaitingItem, ...]:
    async def items() -> tuple[WaitingItem, ...]:
        return (await handle.query(EncodeTitle.needs_attention)).items

    found: tuple[WaitingItem, ...] = await wait_for_answer(items, "an item that waits", 60)
    return found


async def stage_of(handle: WorkflowHandle[Any, Any]) -> str:
    described = await handle.describe()
    return next(str(pair.value) for pair in described.typed_search_attributes if pair.key.name == "Stage")


async def test_a_poison_unit_waits_while_the_rest_finishes_and_a_retry_finishes_the_title(
    temporal: WorkflowEnvironment,
) -> None:
    fake = FakeTitle(poison={"run_encode_unit 2": "TOOL-002"})
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, "poison")
        (item,) = await waiting(handle)
        assert (item.item_id, item.code, item.units) == ("encode-0001", "TOOL-002", (2,))
        assert item.record["found"] == "it fails"
        assert item.since is not None
        assert sum(call.startswith("run_encode_unit") for call in fake.calls) == 8
        assert "plan_measures" not in fake.calls
        assert await stage_of(handle) == "needs_attention"
        progress: TitleProgress = await handle.query(EncodeTitle.progress)
        assert (progress.waiting, progress.stage) == (1, "encode")
        assert "encode-0001: TOOL-002" in progress.message
        assert dict(await waiting_titles(temporal.client, None))["poison"] == (item,)

        fake.poison.clear()
        assert await send_decision(handle, "poison", RETRY) == ["encode-0001"]

        assert await handle.result() == RECEIPT
        assert sum(call.startswith("run_encode_unit") for call in fake.calls) == 8 + 1
        assert await stage_of(handle) == "done"
        assert (await handle.query(EncodeTitle.progress)).waiting == 0


async def test_a_person_can_go_on_without_the_rungs_of_a_poison_shot(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle(poison={"run_encode_unit 3": "TOOL-002"})
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, "skipped")
        await waiting(handle)
        await send_decision(handle, "skipped", {**RETRY, "choice": "skip"})
        assert await handle.result() == RECEIPT
        progress: TitleProgress = await handle.query(EncodeTitle.progress)
    names = [call.split(" ")[0] for call in fake.calls]
    assert names.index("drop_rungs") < names.index("plan_measures")
    assert names.count("run_encode_unit") == 8
    assert progress.rungs_total == 15


async def test_a_person_can_fail_a_waiting_title_and_name_and_reason_are_kept(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle(failing={UnitKind.SEARCH: "TOOL-003"})
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, "hopeless")
        await waiting(handle)
        await handle.execute_update(EncodeTitle.decide, {"choice": "fail", "name": "Kim", "reason": "a new file comes"})
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "TOOL-003"
    assert "Kim decided to fail the title: a new file comes" in cause.message


async def test_decisions_that_do_not_fit_are_refused_and_leave_no_trace(temporal: WorkflowEnvironment) -> None:
    misfits: list[Any] = [
        {"choice": "retry", "reason": "nobody"},
        {"choice": "retry", "name": "Kim", "reason": ""},
        {"choice": "forget", "name": "Kim", "reason": "a wish"},
        {**RETRY, "items": ["encode-0099"]},
        {**RETRY, "choice": "override"},
        "retry",
        None,
    ]
    fake = FakeTitle(poison={"run_measure_unit 0": "TOOL-002"})
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, "refused")
        (item,) = await waiting(handle)
        for content in misfits:
            with pytest.raises(WorkflowUpdateFailedError) as refusal:
                await handle.execute_update(EncodeTitle.decide, content)
            assert isinstance(refusal.value.cause, ApplicationError)
            assert refusal.value.cause.type == "REQ-010"
        assert await waiting(handle) == (item,)
        events = (await handle.fetch_history()).events
        await handle.terminate()
    assert not any(event.HasField("workflow_execution_update_accepted_event_attributes") for event in events)


async def test_a_second_decision_finds_nothing_that_waits(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle(poison={"run_encode_unit 0": "TOOL-002"})
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, "twice")
        await waiting(handle)
        fake.poison.clear()
        await send_decision(handle, "twice", RETRY)
        with pytest.raises(DecisionRefused, match=r"nothing waits|has ended"):
            await send_decision(handle, "twice", RETRY)
        await handle.result()


async def test_when_all_units_of_a_batch_fail_the_payload_stays_small_and_all_are_retried(
    temporal: WorkflowEnvironment,
) -> None:
    fake = FakeTitle(shots=50, failing={UnitKind.ENCODE: "TOOL-002"})
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, "all-poison")
        (item,) = await waiting(handle)
        assert len(item.units) == MOST_LISTED
        fake.failing.clear()
        await send_decision(handle, "all-poison", RETRY)
        await handle.result()
    assert sum(call.startswith("run_encode_unit") for call in fake.calls) == 2 * 100
