"""A second worker that is not fit: what it fails, the other one does (operations.md C35, A17)."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType

from client.local_stack.parts import build_parts
from client.local_stack.state import read_stack
from tests.support.fault_cases import FaultCase, FaultReport
from tests.support.fault_stack import DisturbedTitle, FaultStack

MOST_TRIES = 99
"""Nine lost tries for each of the eleven units."""


async def worker_without_room(scene: FaultStack, report: FaultReport) -> None:
    """Two encode workers on one queue; the scratch of one holds 64 KiB."""
    with small_disk(scene.stack.folder / "small-disk") as folder:
        flaw = {"PERTITLE_SCRATCH_DIR": str(folder / "scratch"), "PERTITLE_CACHE_DIR": str(folder / "cache")}
        async with second_worker(scene, "encode-cpu", flaw):
            title = await scene.begin()
            await scene.judge(title, report, tries=MOST_TRIES, kills=0)
    codes = await lost_codes(scene, title)
    assert codes <= {"STO-008", "TOOL-007", "STO-022"}, codes
    assert codes
    report.seen = f"{report.lost} tries lost there with {', '.join(sorted(codes))}, all done by the other"


async def worker_with_another_clock(scene: FaultStack, report: FaultReport) -> None:
    """A real worker process whose clock is 20 minutes slow: the store refuses its signatures."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        pytest.skip("libfaketime is not installed")
    flaw = {"LD_PRELOAD": str(library), "FAKETIME": "-20m", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    async with second_worker(scene, "encode-cpu", flaw):
        title = await scene.begin()
        await scene.judge(title, report, tries=MOST_TRIES, kills=0)
    codes = await lost_codes(scene, title)
    assert codes == {"STO-006"}
    report.seen = f"{report.lost} tries lost there with STO-006, all done by the other"


@asynccontextmanager
async def second_worker(scene: FaultStack, role: str, flaw: dict[str, str]) -> AsyncIterator[None]:
    """Runs one more worker of a role beside that of the stack."""
    state = read_stack(scene.stack.folder)
    assert state is not None
    part = next(part for part in build_parts(state) if part.name == role)
    worker = await asyncio.create_subprocess_exec(
        *part.argv,
        env={**part.environment, "PERTITLE_METRICS_PORT": "0", **flaw},
        cwd=scene.stack.folder,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert worker.stderr is not None
    try:
        await asyncio.wait_for(worker.stderr.readuntil(b" slots\n"), 60)
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        await worker.communicate()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 64 KiB in memory."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no small file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


async def lost_codes(scene: FaultStack, title: DisturbedTitle) -> set[str]:
    """Returns the codes with which tries of a title failed, as histories tell of the last one before a success."""
    codes, runs = set(), [title.handle.id]
    for run in runs:
        history = await scene.stack.session.temporal.get_workflow_handle(run).fetch_history()
        for event in history.events:
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                failure = event.activity_task_started_event_attributes.last_failure
                codes.add(failure.application_failure_info.type)
            if event.event_type == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
                runs.append(event.start_child_workflow_execution_initiated_event_attributes.workflow_id)
    return codes - {""}


ELSEWHERE = "same release: the other worker does it"
SECOND_WORKER_CASES: list[FaultCase[FaultStack]] = [
    FaultCase("C35e", "disk full elsewhere", "one of two workers has 64 KiB", ELSEWHERE, worker_without_room),
    FaultCase("A17w", "clock of a worker", "one of two is 20 minutes slow", ELSEWHERE, worker_with_another_clock),
]
