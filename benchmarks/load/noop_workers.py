"""A process of workers whose steps do nothing: the real workflows, queues and slots, fake activities."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from client.local_stack.state import NAMESPACE
from tests.support.fake_title import FakeTitle
from workers.roles import ROLES, make_worker
from workers.settings import load_settings

SLOTS = {"encode_slots": 4, "measure_slots": 2, "io_slots": 4, "orchestrate_slots": 8}


@dataclass(frozen=True, slots=True)
class NoopWork:
    """What the workers answer."""

    shots: int
    unit_s: float
    """Seconds that each encoding unit holds its slot."""


@contextmanager
def noop_workers(address: str, work: NoopWork) -> Iterator[int]:
    """Runs the workers of all roles in a process of their own, and gives its number."""
    process = multiprocessing.get_context("spawn").Process(target=_main, args=(address, work), daemon=True)
    process.start()
    try:
        yield process.pid or 0
    finally:
        process.terminate()
        process.join(60)


def _main(address: str, work: NoopWork) -> None:
    asyncio.run(_run(address, work))
    # The SDK's threads may abort the interpreter while it finalizes (sdk-python issue 300): leave at once.
    os._exit(0)


async def _run(address: str, work: NoopWork) -> None:
    async def hold(name: str) -> None:
        if work.unit_s and name.startswith(("run_search_unit", "run_encode_unit")):
            activity.heartbeat()
            await asyncio.sleep(work.unit_s)

    first = max(1, work.shots // 10)
    fake = FakeTitle(shots=work.shots, wave_shots=(first, max(1, work.shots - first)), hold=hold)
    client = await Client.connect(address, namespace=NAMESPACE, data_converter=pydantic_data_converter)
    settings = load_settings({f"PERTITLE_{name.upper()}": str(count) for name, count in SLOTS.items()})
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as stack:
        for role in ROLES:
            await stack.enter_async_context(make_worker(client, role, settings, fake.activities()))
        with contextlib.suppress(asyncio.CancelledError):
            await stop.wait()
