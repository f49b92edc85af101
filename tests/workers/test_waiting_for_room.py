"""A step without room on its worker waits as long as it takes, is seen to wait, and keeps its tries; real workers."""

import asyncio
import dataclasses
import shutil
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

from activities import patience
from activities.admission import ScratchRoom
from activities.faults import NoRoom, TriesLost
from activities.heartbeats import Pulse
from activities.patience import RoomWait, remember_wait
from client.attention_commands import send_decision
from domain.attention import DecisionRefused, WaitingItem, WaitingList
from domain.retries import LONGEST_ROOM_WAIT_S
from media.errors import ScratchFull
from tests.support.fake_title import FakeTitle
from tests.support.title_workers import title_workers
from workflows.attention import OVERDUE
from workflows.encode_title import EncodeTitle

UNIT, STEP = "run_encode_unit 0", "package_title"
TRIES = 2
"""Fewer than there are: the server lets a second pass between two."""


@dataclass
class Attempts:
    """What happens at each attempt of one step; the others do nothing."""

    step: str
    seen: list[int] = field(default_factory=list)
    many: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the step was given out more often than it has tries."""

    async def __call__(self, name: str) -> None:
        """Is awaited at the start of every fake activity."""
        if name == self.step:
            self.seen.append(activity.info().attempt)
            if len(self.seen) > TRIES + 1:
                self.many.set()
            await self.attempt()

    async def attempt(self) -> None:
        """Goes well."""


@dataclass
class NeedsRoom(Attempts):
    """Takes two thirds of the scratch disk for a moment."""

    room: ScratchRoom = field(kw_only=True)
    needed_bytes: int = field(kw_only=True)

    async def attempt(self) -> None:
        """Goes well if there is room."""
        async with self.room.take(self.needed_bytes, Pulse(self.step)):
            pass


@dataclass
class Faulty(Attempts):
    """Finds no room first, and then always a full disk."""

    refusals: int = 2

    async def attempt(self) -> None:
        """Goes wrong."""
        if len(self.seen) <= self.refusals:
            raise NoRoom("scratch space", found="none")
        raise ScratchFull("unit", found="no room")


async def submitted(environment: WorkflowEnvironment) -> WorkflowHandle[Any, Any]:
    return await environment.client.start_workflow(
        EncodeTitle.run,
        {"title_id": "waiting", "source": "s3://pertitle-incoming/sources/fake.mov", "when_stuck": "fail"},
        id=f"title/waiting/{uuid.uuid4().hex}",
        task_queue="orchestrate",
    )


async def waiting(handle: WorkflowHandle[Any, Any]) -> tuple[WaitingItem, ...]:
    answer: WaitingList = await handle.query("needs_attention", result_type=WaitingList)
    return answer.items


@pytest.mark.slow
@pytest.mark.parametrize("step", [UNIT, STEP])
async def test_on_a_full_disk_a_step_waits_in_sight_and_goes_on_when_there_is_room(
    step: str, temporal: WorkflowEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NoRoom, "retry_after_s", 0.01)
    monkeypatch.setattr(patience, "TRIES", TRIES)
    monkeypatch.setattr(patience, "REMINDERS", (timedelta(0), timedelta(hours=4)))
    room = ScratchRoom(tmp_path, patience_s=0.0)
    needs = NeedsRoom(step, room=room, needed_bytes=shutil.disk_usage(tmp_path).free * 2 // 3)
    async with title_workers(temporal.client, FakeTitle(hold=needs).activities()):
        async with room.take(needs.needed_bytes, Pulse("a large one")):
            handle = await submitted(temporal)
            await asyncio.wait_for(needs.many.wait(), 60)
            (item,) = await waiting(handle)
            assert (item.code, item.choices, item.reminders) == ("STO-022", (), 1)
            assert "scratch space" in item.message
            assert (await handle.describe()).search_attributes["Stage"] == [OVERDUE]
            with pytest.raises(DecisionRefused, match="nothing waits"):
                await send_decision(handle, "waiting", {"choice": "retry", "name": "Kim", "reason": "no room"})
        await handle.result()
        assert await waiting(handle) == ()
    assert needs.seen == list(range(1, len(needs.seen) + 1))


@pytest.mark.slow
async def test_what_goes_wrong_too_often_ends_however_often_there_was_no_room(
    temporal: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "TRIES", TRIES)
    for fault in (NoRoom, ScratchFull):
        monkeypatch.setattr(fault, "retry_after_s", 0.01)
    faulty = Faulty(UNIT)
    async with title_workers(temporal.client, FakeTitle(hold=faulty).activities()):
        with pytest.raises(WorkflowFailureError) as failure:
            await (await submitted(temporal)).result()
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "TOOL-007"
    assert len(faulty.seen) == TRIES + faulty.refusals


@pytest.mark.parametrize(("attempt", "refusals", "is_lost"), [(10, 0, False), (11, 0, True), (13, 3, False)])
async def test_the_eleventh_try_tells_that_the_tenth_was_lost(attempt: int, refusals: int, is_lost: bool) -> None:  # noqa: FBT001 - a parameter of the test
    environment = ActivityEnvironment()
    details = RoomWait(refusals=refusals).details()
    environment.info = dataclasses.replace(environment.info, attempt=attempt, heartbeat_details=details)
    if is_lost:
        with pytest.raises(TriesLost, match="TOOL-010"):
            environment.run(remember_wait)
    else:
        assert environment.run(remember_wait).refusals == refusals


def test_each_wait_is_longer_than_the_last_up_to_four_hours() -> None:
    waits = [RoomWait(refusals=count).patience_s(300.0) for count in range(90)]
    assert waits[:3] == [300, 450, 675]
    pauses = [RoomWait(refusals=count).pause_s() for count in range(90)]
    assert (pauses[:2], pauses[-1]) == ([5, 7.5], 60)
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_ROOM_WAIT_S
    assert sum(waits) > 13 * 86_400
