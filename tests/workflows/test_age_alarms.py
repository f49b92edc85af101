"""Nothing is stuck without an alarm: a month of waiting, on a real server that skips the time."""

import sys
import uuid
from pathlib import Path

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from domain.retries import REMINDERS
from domain.work import UnitKind
from tests.support.fake_title import FakeTitle
from tests.support.temporal_server import SEARCH_ATTRIBUTES
from tests.support.title_workers import title_workers
from workflows.attention import LONGEST_WAIT
from workflows.encode_title import EncodeTitle

SKIPPING = ("frontend.WorkflowTimeSkippingEnabled=true", "system.workflowTimeSkippingEnabled=true")


@pytest.mark.slow
async def test_an_item_that_nobody_decides_raises_every_alarm_and_then_fails_its_title() -> None:
    arguments = [argument for name in SKIPPING for argument in ("--dynamic-config-value", name)]
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        data_converter=pydantic_data_converter,
        search_attributes=SEARCH_ATTRIBUTES,
        dev_server_existing_path=str(Path(sys.executable).parent / "temporal"),
        dev_server_extra_args=arguments,
        dev_server_log_level="error",
    )
    fake = FakeTitle(failing={UnitKind.ENCODE: "TOOL-002"})
    async with environment, title_workers(environment.client, fake.activities()):
        handle = await environment.client.start_workflow(
            EncodeTitle.run,
            {"title_id": "forgotten", "source": "s3://pertitle-incoming/sources/fake.mov"},
            id=f"title/forgotten/{uuid.uuid4()}",
            task_queue="orchestrate",
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        events = (await handle.fetch_history()).events
    timers = [event for event in events if event.HasField("timer_fired_event_attributes")]
    stages = [
        event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields["Stage"].data
        for event in events
        if event.HasField("upsert_workflow_search_attributes_event_attributes")
    ]
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "TOOL-002"
    assert f"nobody decided within {LONGEST_WAIT.days} days" in cause.message
    assert len(timers) == len(REMINDERS) + 1
    assert stages.count(b'"attention_overdue"') == len(REMINDERS)
    waited_s = events[-1].event_time.ToSeconds() - events[0].event_time.ToSeconds()
    assert waited_s >= LONGEST_WAIT.total_seconds()
