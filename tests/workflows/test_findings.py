"""Findings that stop a title wait for a named person; others never do."""

import uuid
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from domain.findings import CATALOGUE, Level
from domain.steps import StoppingFinding
from tests.support.fake_title import FILE, RECEIPT, FakeTitle
from tests.support.title_workers import title_workers
from tests.workflows.test_attention import stage_of, waiting
from workflows.encode_title import EncodeTitle

BLACK = StoppingFinding(code="VID-102", level=Level.OVERRIDABLE, message="video track 0: 59.0 s of 60.0 s")
LENGTHS = StoppingFinding(code="CNT-101", level=Level.OVERRIDABLE, message="audio track 1: sound longer by 3.0 s")
WRONG_FILE = StoppingFinding(code="UPL-101", level=Level.FATAL, message="source: SHA-256 00")
WAVED = {"code": "VID-102", "by": "Kim Lee", "reason": "an audio play"}


async def start(temporal: WorkflowEnvironment, **more: Any) -> WorkflowHandle[Any, Any]:
    content = {"title_id": "found", "source": "s3://pertitle-incoming/sources/fake.mov", **more}
    return await temporal.client.start_workflow(
        EncodeTitle.run, content, id=f"title/found/{uuid.uuid4()}", task_queue="orchestrate"
    )


async def code_of_failure(handle: WorkflowHandle[Any, Any]) -> ApplicationError:
    with pytest.raises(WorkflowFailureError) as failure:
        await handle.result()
    assert isinstance(failure.value.cause, ApplicationError)
    return failure.value.cause


async def test_each_code_waits_until_a_person_waves_it_through_and_the_result_keeps_who(
    temporal: WorkflowEnvironment,
) -> None:
    fake = FakeTitle(stops=(BLACK, LENGTHS))
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal)
        items = await waiting(handle)
        assert [item.item_id for item in items] == ["finding-VID-102", "finding-CNT-101"]
        assert items[0].record["found"] == "59.0 s of 60.0 s"
        assert items[0].message.startswith(CATALOGUE["VID-102"].meaning)
        assert await stage_of(handle) == "needs_attention"
        assert "detect_shots" not in fake.calls
        decision = {"choice": "override", "name": "Kim", "reason": "an audio play", "items": ["finding-VID-102"]}
        await handle.execute_update(EncodeTitle.decide, decision)
        assert [item.code for item in await waiting(handle)] == ["CNT-101"]
        await handle.execute_update(EncodeTitle.decide, {"choice": "override", "name": "Lu", "reason": "end credits"})
        assert await handle.result() == RECEIPT
    assert fake.settled is not None
    assert fake.sealed == fake.settled
    assert fake.settled.report == FILE
    assert [(item.code, item.by, item.reason) for item in fake.settled.overrides] == [
        ("VID-102", "Kim", "an audio play"),
        ("CNT-101", "Lu", "end credits"),
    ]


async def test_a_refused_finding_fails_the_title_with_its_code(temporal: WorkflowEnvironment) -> None:
    async with title_workers(temporal.client, FakeTitle(stops=(BLACK,)).activities()):
        handle = await start(temporal)
        await waiting(handle)
        await handle.execute_update(EncodeTitle.decide, {"choice": "fail", "name": "Kim", "reason": "the wrong file"})
        cause = await code_of_failure(handle)
    assert cause.type == "VID-102"
    assert "Kim decided to fail the title: the wrong file" in cause.message


async def test_an_override_in_the_request_lets_the_title_pass(temporal: WorkflowEnvironment) -> None:
    async with title_workers(temporal.client, FakeTitle(stops=(BLACK,)).activities()):
        assert await (await start(temporal, overrides=[WAVED])).result() == RECEIPT


async def test_a_finished_title_that_a_stricter_request_stops_ends_with_the_code(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle(stops=(BLACK,), finished=RECEIPT, is_settled=False)
    async with title_workers(temporal.client, fake.activities()):
        cause = await code_of_failure(await start(temporal, when_stuck="fail"))
    assert cause.type == BLACK.code
    assert fake.calls == ["open_title found", "inspect_source"]


@pytest.mark.parametrize(
    ("stop", "more"), [(WRONG_FILE, {}), (BLACK, {"when_stuck": "fail"})], ids=["fatal", "told not to wait"]
)
async def test_a_title_that_must_not_wait_fails_at_once(
    stop: StoppingFinding, more: dict[str, Any], temporal: WorkflowEnvironment
) -> None:
    async with title_workers(temporal.client, FakeTitle(stops=(stop,)).activities()):
        cause = await code_of_failure(await start(temporal, **more))
    assert cause.type == stop.code
    assert cause.details[0]["fix"] == CATALOGUE[stop.code].fix
