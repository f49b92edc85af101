"""Cleaning the store by itself: what ``pertitle janitor`` does by hand, with less power."""

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import Client

from activities.toolbox import Toolbox
from domain.upkeep import CleanReport, CleanTask
from storage.janitor import find_leftovers, remove_leftovers, safe_moment


class UpkeepActivities:
    """Looks after the store: the ``orchestrate`` queue, whose worker touches no media."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def clean_store(self, task: CleanTask) -> CleanReport:
        """Aborts old uploads and, while no title runs, removes old objects that nothing speaks of.

        A title may come upon an old orphan and begin to use it; so none goes while titles run. Releases are never
        touched: whoever may delete there could take a published title away.
        """
        client = activity.client()
        oldest = await oldest_start(client, "EncodeTitle")
        before = safe_moment(datetime.now(UTC), timedelta(hours=task.older_than_h), oldest)
        left = await asyncio.to_thread(find_leftovers, self._box.store, before=before)
        is_quiet = oldest is None and await oldest_start(client, "EncodeTitle") is None
        going = left.model_copy(update={"unsealed": (), **({} if is_quiet else {"orphans": ()})})
        await asyncio.to_thread(remove_leftovers, self._box.store, going)
        return CleanReport(
            uploads=len(going.uploads),
            orphans=len(going.orphans),
            orphan_bytes=going.size_bytes,
            unsealed=len(left.unsealed),
            is_quiet=is_quiet,
        )


async def oldest_start(client: Client, workflow_type: str) -> datetime | None:
    """Returns when the oldest workflow of a type that runs began; ``None`` if none runs."""
    query = f'WorkflowType = "{workflow_type}" AND ExecutionStatus = "Running"'
    return min([item.start_time async for item in client.list_workflows(query)], default=None)
