"""The provisional release beside its title, on a real Temporal server, with fake activities under the real names."""

import asyncio
import uuid
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError
from temporalio.testing import WorkflowEnvironment

from domain.progress import TitleProgress
from domain.release import FirstPlayable
from tests.support.fake_title import FILE, RECEIPT, FakeTitle
from tests.support.stacks import wait_for_answer
from tests.support.title_workers import title_workers
from workflows.encode_title import EncodeTitle

REQUEST = {
    "title_id": "fake",
    "source": "s3://pertitle-incoming/sources/fake.mov",
    "recipe": {"search": {"method": "grid"}},
}
PROVISIONAL = {**REQUEST, "provisional": {}}


async def start(temporal: WorkflowEnvironment, content: Any) -> WorkflowHandle[Any, Any]:
    return await temporal.client.start_workflow(
        EncodeTitle.run, content, id=f"title/fake/{uuid.uuid4()}", task_queue="orchestrate"
    )


class Hold:
    """Holds one step, which goes on (or ends, once it was canceled) only when it may."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reached, self.canceled, self.may_go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, called: str) -> None:
        if called != self.name:
            return
        self.reached.set()
        try:
            while not self.may_go.is_set():
                activity.heartbeat()
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            self.canceled.set()
            await self.may_go.wait()
            raise


async def scheduled(handle: WorkflowHandle[Any, Any], name: str) -> int:
    """Returns how many activities of a name the title has asked for."""
    history = await handle.fetch_history()
    started = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    return started.count(name)


async def details_of(handle: WorkflowHandle[Any, Any]) -> str:
    metadata: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return metadata.current_details


async def test_it_is_current_and_known_while_the_title_is_still_tried_out(temporal: WorkflowEnvironment) -> None:
    hold = Hold("run_trial_unit 0")
    fake = FakeTitle(hold=hold)

    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, PROVISIONAL)

        async def playable() -> FirstPlayable | None:
            progress: TitleProgress = await handle.query(EncodeTitle.progress)
            return progress.first_playable

        seen = await wait_for_answer(playable, "something to play", 60)
        assert "plan_ladders" not in fake.calls
        hold.may_go.set()
        assert await handle.result() == RECEIPT
        progress = await handle.query(EncodeTitle.progress)
        details = await details_of(handle)
    order = [
        "plan_provisional", "run_encode_unit 0 provisional", "plan_assembly provisional",
        "run_assemble_unit 0 provisional", "package_title provisional", "publish_title provisional", "publish_title",
    ]  # fmt: skip
    assert [fake.calls.index(name) for name in order] == sorted(fake.calls.index(name) for name in order)
    assert fake.calls.index("plan_provisional") < fake.calls.index("plan_trials")
    assert seen.provisional
    assert seen.duration_s == 120.0
    assert fake.result is not None
    assert fake.first_playable == progress.first_playable == seen
    assert fake.result.cpu_s.provisional > 0
    assert fake.sealed_provisional == fake.sealed == fake.settled
    assert fake.sealed is not None
    assert fake.sealed.report == FILE
    assert (progress.rungs_done, progress.rungs_total) == (64, 16)
    assert seen.words in details


async def test_the_full_release_is_published_only_when_nothing_of_the_provisional_one_runs(
    temporal: WorkflowEnvironment,
) -> None:
    hold = Hold("publish_title provisional")
    fake = FakeTitle(hold=hold)
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, PROVISIONAL)
        await asyncio.wait_for(hold.canceled.wait(), 60)
        # The one that was asked for is the provisional's: without waiting, the title would have asked for its own in
        # the same workflow task in which it canceled this one.
        assert await scheduled(handle, "publish_title") == 1
        hold.may_go.set()
        await handle.result()
        assert await scheduled(handle, "publish_title") == 2
        details = await details_of(handle)
    assert fake.calls.index("publish_title provisional") < fake.calls.index("publish_title")
    assert fake.first_playable is not None
    assert not fake.first_playable.provisional
    assert "was not ready in time" in details


@pytest.mark.parametrize(
    "step",
    ["plan_provisional", "run_encode_unit 0 provisional", "publish_title provisional"],
)
async def test_its_failure_is_a_note_and_waits_for_nobody(temporal: WorkflowEnvironment, step: str) -> None:
    fake = FakeTitle(poison={step: "TOOL-002"})
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, PROVISIONAL)
        assert await handle.result() == RECEIPT
        details = await details_of(handle)
    assert "No provisional release: TOOL-002" in details
    assert "publish_title" in fake.calls
    assert fake.first_playable is not None
    assert not fake.first_playable.provisional


async def test_a_canceled_title_cancels_it_and_publishes_nothing(temporal: WorkflowEnvironment) -> None:
    unit, trial = Hold("run_encode_unit 0 provisional"), Hold("run_trial_unit 0")

    async def hold_both(called: str) -> None:
        await unit(called)
        await trial(called)

    fake = FakeTitle(hold=hold_both)
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, PROVISIONAL)
        await asyncio.wait_for(asyncio.gather(unit.reached.wait(), trial.reached.wait()), 60)
        await handle.cancel()
        await asyncio.wait_for(asyncio.gather(unit.canceled.wait(), trial.canceled.wait()), 60)
        for hold in (unit, trial):
            hold.may_go.set()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        child = temporal.client.get_workflow_handle(f"{handle.id}/provisional-encode-0001")
        status = (await child.describe()).status
    assert isinstance(failure.value.cause, CancelledError)
    assert status == WorkflowExecutionStatus.CANCELED
    assert not [name for name in fake.calls if name.startswith("publish_title")]


async def test_a_title_whose_full_release_is_current_gets_none(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle(full_release_is_current=True)
    async with title_workers(temporal.client, fake.activities()):
        handle = await start(temporal, PROVISIONAL)
        await handle.result()
        details = await details_of(handle)
    assert not [name for name in fake.calls if name.endswith(" provisional")]
    assert "a full release is current" in details


async def test_a_title_without_the_option_has_the_steps_it_always_had(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle()
    async with title_workers(temporal.client, fake.activities()):
        await (await start(temporal, REQUEST)).result()
    assert not [name for name in fake.calls if "provisional" in name]
    assert fake.first_playable is not None
    assert not fake.first_playable.provisional
