"""Workers for workflow tests: the real workflows and runner, given activities, all queues in this process."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from temporalio.client import Client

from workers.roles import ROLES, make_worker
from workers.settings import load_settings


@asynccontextmanager
async def title_workers(client: Client, activities: Sequence[Callable[..., Any]], **slots: int) -> AsyncIterator[None]:
    """Runs one worker for each role; each offers all activities, because the fakes do not care where they run.

    Args:
        client: Of the server.
        activities: The fakes.
        slots: Other numbers of slots, as ``encode_slots=2``.
    """
    counts = {"encode_slots": 50, "measure_slots": 50, "io_slots": 20, **slots}
    settings = load_settings({f"PERTITLE_{name.upper()}": str(count) for name, count in counts.items()})
    async with AsyncExitStack() as stack:
        for role in ROLES:
            await stack.enter_async_context(make_worker(client, role, settings, activities))
        yield
