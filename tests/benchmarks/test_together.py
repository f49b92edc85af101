"""Work side by side ends together."""

import asyncio

import pytest

from benchmarks.together import together


async def test_results_come_in_order() -> None:
    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert await together(*(after(turns) for turns in (3, 1, 2))) == [3, 1, 2]


async def test_what_runs_beside_a_failure_is_canceled_before_it_is_told() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def forever() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def failing() -> None:
        await began.wait()
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await together(forever(), failing())
    assert ended.is_set()
