"""Who goes first when workers are scarce: priorities and studios, on a real server with the shipped switches.

Counted, not timed: all encoding slots are held until every title has its units in the queue, then the order in which
units start is read.
"""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from client.titles import submit_title
from domain.request import parse_title_request
from tests.support.fake_title import FakeTitle
from tests.support.title_workers import title_workers
from workflows.task_queues import ENCODE_CPU

pytestmark = pytest.mark.slow
SLOTS = 2
UNITS = 8
"""Trial units of each title."""


@dataclass
class HeldEncodes:
    """Encoding slots that are held until they are let go; remembers which title's unit starts when."""

    started: list[str] = field(default_factory=list)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, name: str) -> None:
        """Is awaited at the start of every fake activity."""
        if name.startswith("run_trial_unit"):
            self.started.append(str(activity.info().workflow_id).split("/")[1])
            while not self.may_end.is_set():
                activity.heartbeat()
                await asyncio.sleep(0.05)


async def submit(client: Client, title_id: str, **more: Any) -> WorkflowHandle[Any, Any]:
    content = {
        "title_id": title_id,
        "source": f"s3://pertitle-incoming/{uuid.uuid4().hex}.mov",
        "recipe": {"search": {"method": "grid"}},
        **more,
    }
    return (await submit_title(client, parse_title_request(content))).handle


async def until_queued(client: Client, units: int) -> None:
    """Waits until so many units wait for an encoding slot."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=ENCODE_CPU),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_stats=True,
    )
    waiting = 0
    async with asyncio.timeout(60):
        while waiting < units:
            waiting = (await client.workflow_service.describe_task_queue(request)).stats.approximate_backlog_count
            await asyncio.sleep(0.1)


async def test_an_urgent_title_that_comes_last_starts_when_the_next_slot_is_free(
    empty_temporal: WorkflowEnvironment,
) -> None:
    held = HeldEncodes()
    fake = FakeTitle(shots=UNITS // 2, sizes=2, hold=held)
    low = 5
    async with title_workers(empty_temporal.client, fake.activities(), encode_slots=SLOTS):
        titles = [
            await submit(empty_temporal.client, f"backfill-{number}", priority="backfill", studio="archive")
            for number in range(low)
        ]
        await until_queued(empty_temporal.client, low * UNITS - SLOTS)
        titles.append(await submit(empty_temporal.client, "evening-news", priority="urgent", studio="news"))
        await until_queued(empty_temporal.client, (low + 1) * UNITS - SLOTS)
        held.may_end.set()
        await asyncio.gather(*(title.result() for title in titles))
    assert held.started.index("evening-news") <= 2 * SLOTS
    first = [place for place, title in enumerate(held.started) if title == "evening-news"]
    assert first[-1] < UNITS + 2 * SLOTS


async def test_studios_are_served_in_turn_however_many_titles_each_has(empty_temporal: WorkflowEnvironment) -> None:
    held = HeldEncodes()
    fake = FakeTitle(shots=UNITS // 2, sizes=2, hold=held)
    async with title_workers(empty_temporal.client, fake.activities(), encode_slots=SLOTS):
        titles = [await submit(empty_temporal.client, f"many-{number}", studio="large") for number in range(4)]
        await until_queued(empty_temporal.client, 4 * UNITS - SLOTS)
        titles.append(await submit(empty_temporal.client, "single", studio="small"))
        await until_queued(empty_temporal.client, 5 * UNITS - SLOTS)
        held.may_end.set()
        await asyncio.gather(*(title.result() for title in titles))
    free = held.started[SLOTS:]
    turns = [title == "single" for title in free[: 2 * UNITS]]
    # In order of arrival the small studio would have none of these turns, and as one title of five three or four.
    assert sum(turns) >= UNITS - 2


async def test_people_find_the_titles_of_a_studio(temporal: WorkflowEnvironment) -> None:
    async with title_workers(temporal.client, FakeTitle().activities()):
        title = await submit(temporal.client, "found-by-studio", studio="acme")
        await title.result()
        seen = await title.describe()
    attributes = {pair.key.name: pair.value for pair in seen.typed_search_attributes}
    assert attributes["Studio"] == "acme"
