"""Submitting, watching and canceling against the real Temporal server, with a small workflow under the real name."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from client.errors import TitleCanceled, TitleFailed, UnknownTitle
from client.exit_codes import ExitCode, exit_code_of
from client.local_stack.control import start_stack, stop_stack
from client.session import _connect_temporal
from client.titles import TASK_QUEUE, find_title, list_titles, receipt_of, submit_title
from client.watching import encodes_made, watch_title
from domain.files import StoredFile
from domain.progress import TitleProgress
from domain.release import ReleaseReference, TitleReceipt
from domain.request import BadTitleId, TitleRequest, parse_title_request
from workers.settings import load_settings

pytestmark = pytest.mark.slow
RECORD = {"code": "CNT-002", "where": "source", "found": "text", "expected": "media", "fix": "send media"}


@workflow.defn(name="EncodeTitle")
class SmallTitle:
    """Ends as its title id says, when it is told to."""

    def __init__(self) -> None:
        self._may_end = False

    @workflow.run
    async def run(self, content: dict[str, Any]) -> TitleReceipt:
        title_id = content["title_id"]
        await workflow.wait_condition(lambda: self._may_end)
        if title_id.startswith("fails"):
            raise ApplicationError("not media", RECORD, type="CNT-002", non_retryable=True)
        if title_id.startswith("breaks"):
            raise ApplicationError("3 units failed: TOOL-002 x", type="TOOL-002", non_retryable=True)
        file = StoredFile(uri="s3://bucket/key", sha256="0" * 64, size_bytes=1)
        release = ReleaseReference(title_id=title_id, release_id="r", release_uri="s3://bucket/r")
        return TitleReceipt(title_id=title_id, release=release, result=file, report=file)

    @workflow.signal
    def end(self) -> None:
        self._may_end = True

    @workflow.query
    def progress(self) -> TitleProgress:
        return TitleProgress(title_id="x", stage="trials", made=7, percent=40.0)


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    folder = tmp_path_factory.mktemp("titles")
    stack = await start_stack(folder, parts=("temporal",))
    connected = await _connect_temporal(
        {"target_host": stack.temporal_address, "namespace": "pertitle"}, load_settings({})
    )
    runner = UnsandboxedWorkflowRunner()
    async with Worker(connected, task_queue=TASK_QUEUE, workflows=[SmallTitle], workflow_runner=runner):
        yield connected
    await stop_stack(folder)


def _request(kind: str, **content: Any) -> TitleRequest:
    title_id = f"{kind}-{uuid.uuid4().hex[:8]}"
    return parse_title_request({"title_id": title_id, "source": "s3://bucket/key", **content})


async def _found_as(client: Client, title_id: str, workflow_id: str) -> None:
    """Waits until visibility, which follows a moment after the start, finds this workflow for the title."""
    async with asyncio.timeout(20):
        while True:
            with suppress(UnknownTitle):
                if (await find_title(client, title_id)).id == workflow_id:
                    return
            await asyncio.sleep(0.05)


async def test_ten_submits_at_once_are_one_title_and_a_finished_one_is_not_made_again(client: Client) -> None:
    request = _request("film", priority="high")
    submitted = await asyncio.gather(*(submit_title(client, request) for _ in range(10)))
    assert len({item.handle.id for item in submitted}) == 1
    descriptions = await asyncio.gather(*(item.handle.describe() for item in submitted))
    assert len({described.run_id for described in descriptions}) == 1
    assert descriptions[0].static_summary is not None
    await submitted[0].handle.signal("end")
    receipts = await asyncio.gather(*(receipt_of(item.handle, request.title_id) for item in submitted))
    assert {receipt.title_id for receipt in receipts} == {request.title_id}
    again = await submit_title(client, request)
    assert not again.is_new
    assert (await again.handle.describe()).run_id == descriptions[0].run_id
    assert await receipt_of(again.handle, request.title_id) == receipts[0]


async def test_a_failed_title_says_why_and_may_be_submitted_again(client: Client) -> None:
    request = _request("fails")
    first = await submit_title(client, request)
    assert first.is_new
    await first.handle.signal("end")
    with pytest.raises(TitleFailed, match="CNT-002 source: text") as caught:
        await receipt_of(first.handle, request.title_id)
    assert caught.value.record == RECORD
    assert exit_code_of(caught.value) is ExitCode.REFUSED
    assert (await submit_title(client, request)).is_new


async def test_a_failure_without_a_record_keeps_its_code(client: Client) -> None:
    request = _request("breaks")
    submitted = await submit_title(client, request)
    await submitted.handle.signal("end")
    with pytest.raises(TitleFailed, match=r"^TOOL-002 .*3 units failed") as caught:
        await receipt_of(submitted.handle, request.title_id)
    assert exit_code_of(caught.value) is ExitCode.TITLE_FAILED


async def test_a_canceled_title_is_canceled_not_failed(client: Client) -> None:
    request = _request("film")
    submitted = await submit_title(client, request)
    await submitted.handle.cancel()
    with pytest.raises(TitleCanceled, match="TTL-002") as caught:
        await receipt_of(submitted.handle, request.title_id)
    assert exit_code_of(caught.value) is ExitCode.CANCELED


async def test_watching_ends_with_the_title(client: Client) -> None:
    request = _request("film")
    submitted = await submit_title(client, request)
    seen: list[TitleProgress] = []
    async for progress in watch_title(client, submitted.handle, request.title_id):
        if not seen:
            await submitted.handle.signal("end")
        seen.append(progress)
    assert seen[0].stage == "trials"
    assert seen[-1].percent >= 40.0
    assert await encodes_made(submitted.handle) == 7


async def test_a_title_is_found_by_its_id_the_running_one_first(client: Client) -> None:
    first = _request("film")
    finished = await submit_title(client, first)
    await finished.handle.signal("end")
    await receipt_of(finished.handle, first.title_id)
    other = parse_title_request({**first.model_dump(mode="json"), "recipe": {"baseline": "netflix-2015"}})
    running = await submit_title(client, other)
    await _found_as(client, first.title_id, running.handle.id)
    assert running.handle.id in {item.id for item in await list_titles(client, 50)}
    await running.handle.cancel()


async def test_unknown_and_impossible_ids_are_told_apart(client: Client) -> None:
    with pytest.raises(UnknownTitle, match="REQ-006"):
        await find_title(client, "never-submitted")
    with pytest.raises(BadTitleId, match="REQ-003"):
        await find_title(client, '" OR WorkflowType != "')
