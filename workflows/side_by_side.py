"""Steps that run side by side and end together."""

import asyncio
from collections.abc import Awaitable
from typing import Any


async def side_by_side(*steps: Awaitable[Any]) -> list[Any]:
    """Runs steps side by side and returns their results in order.

    When one fails, or the workflow is canceled, all others are canceled, and every one of them has ended before the
    failure goes on (``asyncio.gather`` goes on at the first): a canceled title has no process that still runs.
    """
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
