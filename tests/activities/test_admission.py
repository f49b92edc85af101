"""Units begin when there is room, wait in turn, and go back to the queue with a code if there is none for long."""

import asyncio
import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.admission import Admission, MemoryRoom, Needs, Room, ScratchRoom, memory_of_machine
from activities.errors import as_application_error
from activities.faults import NoRoom
from activities.heartbeats import Pulse
from activities.needs import shot_needs
from activities.trials import EncodeActivities
from domain.video import Codec
from domain.work import TrialUnit, UnitOutcome
from tests.activities.conftest import StoredTitle
from tests.support.pieces import SMALL

MOST = 100


async def run_units(room: Room, needs: Sequence[int]) -> tuple[list[int], int]:
    """Runs a unit for each need, all at once; returns the order in which they begin and the most that was taken."""
    began: list[int] = []
    taken = most = 0

    async def unit(number: int) -> None:
        nonlocal taken, most
        async with room.take(needs[number], Pulse(f"unit {number}")):
            began.append(number)
            taken += needs[number]
            most = max(most, taken)
            await asyncio.sleep(0)
            taken -= needs[number]

    async def all_units() -> None:
        await asyncio.gather(*(unit(number) for number in range(len(needs))))

    await ActivityEnvironment().run(all_units)
    return began, most


async def test_units_wait_in_turn_and_never_take_more_than_there_is() -> None:
    needs = [60, 50, 10, 90, 40, 5, 5]
    began, most = await run_units(MemoryRoom(MOST), needs)
    assert began == list(range(len(needs)))
    assert max(needs) <= most <= MOST


async def test_a_unit_that_is_larger_than_all_memory_runs_alone() -> None:
    began, most = await run_units(MemoryRoom(MOST), [10, 500, 10])
    assert began == [0, 1, 2]
    assert most == 500


async def test_a_waiting_unit_tells_that_it_lives() -> None:
    environment, room, waiting = ActivityEnvironment(), MemoryRoom(MOST), asyncio.Event()
    environment.on_heartbeat = lambda *_details: waiting.set()

    async def units() -> None:

        async def second() -> None:
            async with room.take(MOST, Pulse("second")):
                pass

        async with room.take(MOST, Pulse("first")):
            task = asyncio.create_task(second())
            await asyncio.wait_for(waiting.wait(), 30)
            assert not task.done()
        await task

    await environment.run(units)
    assert waiting.is_set()


async def test_without_room_for_long_a_unit_goes_back_to_the_queue_after_a_pause() -> None:
    room = MemoryRoom(MOST, patience_s=0.0)

    async def units() -> NoRoom:
        async with room.take(60, Pulse("first")):
            with pytest.raises(NoRoom, match="STO-022 memory") as caught:
                await room.take(60, Pulse("second")).__aenter__()
        async with room.take(60, Pulse("third")):
            return caught.value

    told = as_application_error(await ActivityEnvironment().run(units))
    assert told is not None
    assert not told.non_retryable
    assert told.next_retry_delay is not None
    assert 45 <= told.next_retry_delay.total_seconds() <= 75


async def test_what_no_disk_here_can_hold_is_not_waited_for(tmp_path: Path) -> None:
    room = ScratchRoom(tmp_path / "not-made-yet")

    async def unit() -> None:
        async with room.take(shutil.disk_usage(tmp_path).total + 1, Pulse("huge")):
            raise AssertionError("it began")

    with pytest.raises(NoRoom, match="scratch space"):
        await ActivityEnvironment().run(unit)


async def test_announced_space_counts_before_it_is_used(tmp_path: Path) -> None:
    room = ScratchRoom(tmp_path, patience_s=0.0)
    most = shutil.disk_usage(tmp_path).free * 2 // 3

    async def units() -> None:
        async with room.take(most, Pulse("first")):
            with pytest.raises(NoRoom):
                await room.take(most, Pulse("second")).__aenter__()

    await ActivityEnvironment().run(units)


async def test_a_unit_that_got_no_memory_keeps_no_space(tmp_path: Path) -> None:
    admission = Admission(ScratchRoom(tmp_path), MemoryRoom(MOST, patience_s=0.0))
    free = shutil.disk_usage(tmp_path).free

    async def units() -> None:
        async with admission.memory.take(MOST, Pulse("first")):
            with pytest.raises(NoRoom, match="memory"):
                await admission.admit(Needs(free * 2 // 3, 1), Pulse("second")).__aenter__()
        async with admission.admit(Needs(free * 2 // 3, 1), Pulse("third")):
            pass

    await ActivityEnvironment().run(units)


def test_the_machine_has_memory() -> None:
    assert memory_of_machine() > 1 << 28


@pytest.mark.slow
async def test_units_with_memory_for_one_run_one_after_the_other(stored_title: StoredTitle) -> None:
    most = 0

    class CountedRoom(MemoryRoom):
        def _has(self, needed_bytes: int) -> bool:
            nonlocal most
            most = max(most, self._taken_bytes)
            return super()._has(needed_bytes)

    rooms = Admission(ScratchRoom(stored_title.box.scratch), CountedRoom(1))
    box = dataclasses.replace(stored_title.box, admission=rooms)
    units = [
        stored_title.unit(TrialUnit(codec=Codec.H264, resolution=SMALL, shots=(shot,), crfs=(30.0, 40.0)))
        for shot in (0, 1)
    ]

    async def both() -> list[UnitOutcome]:
        return list(await asyncio.gather(*(EncodeActivities(box).run_trial_unit(unit) for unit in units)))

    outcomes = await ActivityEnvironment().run(both)
    assert [outcome.made for outcome in outcomes] == [2, 2]
    needed = shot_needs(stored_title.mezzanine, 0, [SMALL, SMALL]).memory_bytes
    assert most == needed
