"""What is left behind, and who cleans it: the janitor's schedule, and the commands (operations.md A14, B31, D48)."""

import asyncio
import json
import os
import sys
from typing import Any

from temporalio.client import ScheduleActionExecutionStartWorkflow

from client.exit_codes import ExitCode
from client.titles import WORKFLOW
from domain.upkeep import CleanReport
from storage.addresses import ObjectAddress, parse_address
from storage.connection import connect
from storage.release_reader import read_current, stored_object
from tests.support.fault_cases import FaultCase, FaultReport
from tests.support.fault_stack import TITLE_ID, FaultStack
from tests.support.stacks import wait_for_answer
from workers.janitor_schedule import SCHEDULE_ID
from workflows.clean_store import CleanStore


async def terminated(scene: FaultStack, report: FaultReport) -> None:
    """Nobody cleans up after a terminate but time, the schedule and, where releases are touched, a person."""
    title = await scene.begin()
    await scene.encoding()
    await title.handle.terminate("by the test")
    await scene.judge_ended(title, report)
    orphan, half = await asyncio.to_thread(_leave_litter, scene)
    cleaned = await _run_schedule(scene)
    assert cleaned.is_quiet
    assert (cleaned.uploads, cleaned.unsealed) == (1, 1)
    assert cleaned.orphans >= 1
    assert scene.store.head(orphan) is None
    assert scene.store.head(half) is not None, "whoever may delete there could take a release away"
    code, shown = await pertitle(scene, "janitor", "--older-than-h", "0")
    assert code == ExitCode.OK
    assert [item["key"] for item in shown["unsealed"]] == [half.key]
    assert (shown["uploads"], shown["orphans"]) == ([], [])
    assert scene.store.head(half) is None
    report.seen = f"schedule: 1 upload, {cleaned.orphans} orphans; command: 1 object without a seal"


async def bit_rot(scene: FaultStack, report: FaultReport) -> None:
    """A byte flips on the disk under the S3 server; the scrub names the object."""
    title = await scene.begin()
    release = await scene.judge(title, report, tries=0, kills=0)
    current = await asyncio.to_thread(read_current, scene.store, release.title_id)
    assert current is not None
    assert await pertitle(scene, "scrub", TITLE_ID) == (ExitCode.OK, {"releases": ANY_ONE, "damaged": 0})
    victim = max(release.objects, key=lambda item: item.size_bytes)
    content = await asyncio.to_thread(scene.store.read_bytes, stored_object(scene.store, current, victim))
    assert await asyncio.to_thread(_flip_on_disk, scene, content[len(content) // 2 :][:64])
    code, shown = await pertitle(scene, "scrub", TITLE_ID)
    assert code == ExitCode.DAMAGED
    (damaged,) = shown["releases"][0]["damaged"]
    assert damaged["path"] == victim.path
    report.seen = f"{victim.path}: {damaged['found'][:60]}"


class _Anything:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and len(other) == 1

    __hash__ = None  # type: ignore[assignment]  # compared only


ANY_ONE = _Anything()


async def pertitle(scene: FaultStack, *words: str) -> tuple[int, dict[str, Any]]:
    """Runs the real command with ``--json``; returns its exit code and what it wrote."""
    argv = (sys.executable, "-P", "-m", "client", *words, "--json", "--state", str(scene.stack.folder))
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env={"PATH": os.defpath}
    )
    written, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(written)


async def _run_schedule(scene: FaultStack) -> CleanReport:
    """Triggers the schedule as its time would, once nothing is listed as running."""
    client = scene.stack.session.temporal
    query = f'WorkflowType = "{WORKFLOW}" AND ExecutionStatus = "Running"'

    async def is_quiet() -> bool:
        return [item async for item in client.list_workflows(query)] == []

    await wait_for_answer(is_quiet, "no running title")
    schedule = client.get_schedule_handle(SCHEDULE_ID)
    await schedule.trigger()

    async def started() -> str:
        actions = [item.action for item in (await schedule.describe()).info.recent_actions]
        return next(
            (item.workflow_id for item in actions if isinstance(item, ScheduleActionExecutionStartWorkflow)), ""
        )

    workflow_id = await wait_for_answer(started, "the schedule's workflow")
    return await client.get_workflow_handle_for(CleanStore.run, workflow_id).result()


def _leave_litter(scene: FaultStack) -> tuple[ObjectAddress, ObjectAddress]:
    """Leaves what deaths between two writes leave: an object without a result, half a release, an open upload."""
    orphan = parse_address(scene.store.put_bytes(os.urandom(900)).uri)
    half = ObjectAddress(scene.store.buckets.releases, f"titles/dead/releases/r{'0' * 20}/manifest.mpd")
    scene.store.put_if_absent(half, b"x")
    client = connect(scene.stack.session.connection)
    client.create_multipart_upload(Bucket=scene.store.buckets.work, Key="objects/never-completed")
    return orphan, half


def _flip_on_disk(scene: FaultStack, marker: bytes) -> int:
    """Flips a bit of each copy of some bytes in the files of the S3 server; returns how many there were."""
    copies = 0
    for path in (scene.stack.folder / "s3").rglob("*.dat"):
        place = path.read_bytes().find(marker)
        while place >= 0:
            with path.open("r+b") as file:
                file.seek(place)
                file.write(bytes([marker[0] ^ 1]))
            copies += 1
            place = path.read_bytes().find(marker)
    return copies


UPKEEP_CASES: list[FaultCase[FaultStack]] = [
    FaultCase("A14", "terminate", "terminate, and litter of deaths", "schedule and command remove all", terminated),
    FaultCase("D48", "bit rot", "a byte flips on the server's disk", "`pertitle scrub` names the file", bit_rot),
]
