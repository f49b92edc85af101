"""When a worker counts as ready, by the metrics of a real one on a real server."""

import asyncio
import re
import uuid
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from client.local_stack.ports import HOST, find_port
from client.local_stack.readiness import polls_or_works, worker_is_ready
from tests.support.stacks import wait_for_answer

pytestmark = pytest.mark.slow


class LongUnit:
    """A unit that ends when it is told to."""

    def __init__(self) -> None:
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    @activity.defn(name="long_unit")
    async def run(self) -> None:
        """Runs until told."""
        self.begun.set()
        await self.may_end.wait()


@workflow.defn(sandboxed=False)
class OneUnit:
    """Asks for one long unit."""

    @workflow.run
    async def run(self, queue: str) -> None:
        """Waits for it."""
        await workflow.execute_activity("long_unit", task_queue=queue, start_to_close_timeout=timedelta(minutes=5))


async def metrics_of(port: int) -> str:
    """Returns a worker's page of metrics."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    page = (await reader.read()).decode()
    writer.close()
    return page


async def test_a_worker_with_all_slots_in_use_is_ready(temporal: WorkflowEnvironment) -> None:
    queue, unit = f"units-{uuid.uuid4()}", LongUnit()
    port = find_port(avoid=())
    target = temporal.client.service_client.config.target_host
    runtime = Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=f"{HOST}:{port}")))
    client = await Client.connect(target, runtime=runtime)
    async with (
        Worker(temporal.client, task_queue=f"{queue}-workflows", workflows=[OneUnit]),
        Worker(client, task_queue=queue, activities=[unit.run], max_concurrent_activities=1),
    ):
        assert await wait_for_answer(lambda: worker_is_ready(port), "a poller")
        running = asyncio.create_task(
            temporal.client.execute_workflow(OneUnit.run, queue, id=queue, task_queue=f"{queue}-workflows")
        )
        await unit.begun.wait()

        async def asks_for_nothing() -> bool:
            return not re.search(r"^temporal_num_pollers\{[^}]*\} [1-9]", await metrics_of(port), re.MULTILINE)

        await wait_for_answer(asks_for_nothing, "no poller")
        assert await worker_is_ready(port)
        unit.may_end.set()
        await running


def test_a_page_without_work_or_polls_is_not_ready() -> None:
    assert not polls_or_works(
        'temporal_num_pollers{poller_type="activity_task"} 0\n'
        'temporal_worker_task_slots_used{worker_type="ActivityWorker"} 0\n'
    )
