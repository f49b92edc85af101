"""A cancel is never lost: also if the step that it meets ends well, none follows."""

import asyncio
import uuid

import pytest
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.testing import WorkflowEnvironment

from tests.support.fake_title import FakeTitle
from tests.support.title_workers import title_workers
from workflows.encode_title import EncodeTitle

REQUEST = {
    "title_id": "fake",
    "source": "s3://pertitle-incoming/sources/fake.mov",
    "recipe": {"search": {"method": "grid"}},
}


class EndsWell:
    """Holds a step until it is canceled, and then lets it end as if nothing had been said."""

    def __init__(self, name: str) -> None:
        self.name, self.reached = name, asyncio.Event()

    async def __call__(self, called: str) -> None:
        if called != self.name:
            return
        self.reached.set()
        try:
            while True:
                activity.heartbeat()
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            return


@pytest.mark.parametrize("step", ["inspect_source", "run_trial_unit 0", "run_measure_unit 0", "package_title"])
async def test_a_step_that_ends_well_although_it_was_canceled_is_the_last(
    temporal: WorkflowEnvironment, step: str
) -> None:
    hold = EndsWell(step)
    fake = FakeTitle(hold=hold)
    async with title_workers(temporal.client, fake.activities()):
        handle = await temporal.client.start_workflow(
            EncodeTitle.run, REQUEST, id=f"title/fake/{uuid.uuid4()}", task_queue="orchestrate"
        )
        await asyncio.wait_for(hold.reached.wait(), 60)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        status = (await handle.describe()).status
    assert isinstance(failure.value.cause, CancelledError)
    assert status is WorkflowExecutionStatus.CANCELED
    assert not {"publish_title", "write_result"} & set(fake.calls)
    kind = step.split(" ", maxsplit=1)[0]
    after = fake.calls[fake.calls.index(step) :]
    assert {name.split(" ", maxsplit=1)[0] for name in after} <= {kind, "encode_audio", "make_texts", "plan_baseline"}
