"""Workers for workflow tests: the real workflows and runner, given activities, all queues in this process."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from temporalio.client import Client

from workers.roles import ROLES, make_worker
from workers.settings import load_settings


@asynccontextmanager
async def title_workers(client: Client, activities: Sequence[Callable[..., Any]]) -> AsyncIterator[None]:
    """Runs one worker for each role; each offers all activities, because the fakes do not care where they run."""
    settings = load_settings({"PERTITLE_ENCODE_SLOTS": "50", "PERTITLE_MEASURE_SLOTS": "50", "PERTITLE_IO_SLOTS": "20"})
    async with AsyncExitStack() as stack:
        for role in ROLES:
            await stack.enter_async_context(make_worker(client, role, settings, activities))
        yield
