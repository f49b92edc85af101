"""Room before work: a unit says what it will take, and begins when that is free on this machine.

A worker whose disk is full, or whose memory is, should take less work, not fail it. So a unit states its needs from
sizes that are known before anything is fetched, and waits for its turn, heartbeats and all, until what others took is
given back. If that takes too long, or the disk could never hold it, the unit goes back to the queue with a code, after
a pause, for any worker with more room; that is none of its tries (``activities.patience``).

What is counted is what the units of this worker have announced, and what the file system says is free; workers that
share a disk see each other through the latter only, so a full disk is still possible, and has its own code (STO-008).
"""

import asyncio
import contextlib
import logging
import os
import shutil
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from activities.faults import NoRoom
from activities.heartbeats import Pulse
from activities.patience import current_wait
from storage.local_cache import LocalCache

logger = logging.getLogger("pertitle.worker")
LOOK_AGAIN_S = 1.0
"""Other processes give back disk space without telling us."""
PATIENCE_S = 300.0
"""Seconds that a unit waits here before it goes back to the queue: other workers may have room. Longer each time."""
LEAST_NAMES = 5_000
"""Files that the disk must have names for, or a twentieth of all: segments of a long title are as many."""
_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a unit will take at most, as far as it can be known before."""

    scratch_bytes: int = 0
    memory_bytes: int = 0


class Room(ABC):
    """Something that units of one worker take from and give back, strictly in order of arrival; on one event loop."""

    what: ClassVar[str]

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        """Takes how long a unit may wait, in seconds."""
        self._patience_s = patience_s
        self._taken_bytes = 0
        self._line: deque[object] = deque()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def take(self, needed_bytes: int, pulse: Pulse) -> AsyncIterator[None]:
        """Waits until there is room, and keeps it for the length of an ``async with`` block.

        Raises:
            NoRoom: if there can never be enough, or there was not for long; to be tried again after a pause.
        """
        await self._wait(needed_bytes, pulse)
        self._taken_bytes += needed_bytes
        try:
            yield
        finally:
            self._taken_bytes -= needed_bytes
            self._changed.set()

    async def _wait(self, needed_bytes: int, pulse: Pulse) -> None:
        ticket, wait = object(), current_wait()
        until = time.monotonic() + wait.patience_s(self._patience_s)
        self._line.append(ticket)
        try:
            # Small units must not pass a large one for ever.
            while self._line[0] is not ticket or not self._has(needed_bytes):
                if self._line[0] is ticket and await self._make_room(needed_bytes):
                    continue
                await wait.go_on(self.what)
                if not self._can_have(needed_bytes) or time.monotonic() >= until:
                    raise self._no_room(needed_bytes)
                pulse(0)
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), LOOK_AGAIN_S)
            await wait.end()
        finally:
            self._line.remove(ticket)
            self._changed.set()

    def _no_room(self, needed_bytes: int) -> NoRoom:
        fault = NoRoom(
            self.what,
            found=f"{self._free_bytes() >> 20} MiB free, {self._taken_bytes >> 20} MiB announced by other units",
            expected=f"{needed_bytes >> 20} MiB for this one",
            fix="give the worker more of it, or fewer slots; the unit is tried again on any worker",
        )
        logger.warning("%s", fault)
        return fault

    async def _make_room(self, needed_bytes: int) -> bool:  # noqa: ARG002 - not everything can give way
        """Lets go of what can be had again; tells whether that was anything."""
        return False

    @abstractmethod
    def _free_bytes(self) -> int:
        """Returns what is free now."""

    @abstractmethod
    def _has(self, needed_bytes: int) -> bool:
        """Tells whether so much may be taken now."""

    @abstractmethod
    def _can_have(self, needed_bytes: int) -> bool:
        """Tells whether so much can ever be there."""


class ScratchRoom(Room):
    """Space on the file system of the scratch folder.

    What units have announced and written already counts twice: too careful, and never too much. The cache on the same
    disk gives way to units.
    """

    what = "scratch space"

    def __init__(self, folder: Path, patience_s: float = PATIENCE_S, cache: LocalCache | None = None) -> None:
        """Takes the folder, which may be missing as yet."""
        super().__init__(patience_s)
        self._folder = folder
        self._cache = cache

    def _has(self, needed_bytes: int) -> bool:
        return self._taken_bytes + needed_bytes <= self._free_bytes() and has_names_left(self._folder)

    async def _make_room(self, needed_bytes: int) -> bool:
        missing_bytes = self._taken_bytes + needed_bytes - self._free_bytes()
        if self._cache is None or missing_bytes <= 0 or not _is_same_disk(self._folder, self._cache.folder):
            return False
        return await asyncio.to_thread(self._cache.shed, missing_bytes) > 0

    def _can_have(self, needed_bytes: int) -> bool:
        return needed_bytes <= self._disk()[0]

    def _free_bytes(self) -> int:
        return self._disk()[1]

    def _disk(self) -> tuple[int, int]:
        usage = shutil.disk_usage(_existing(self._folder))
        return usage.total, usage.free


class MemoryRoom(Room):
    """Memory of all programs that units start. Needs are estimates: what is larger than all may begin alone."""

    what = "memory"

    def __init__(self, most_bytes: int, patience_s: float = PATIENCE_S) -> None:
        """Takes how much all units may take together."""
        super().__init__(patience_s)
        self._most_bytes = most_bytes

    def _has(self, needed_bytes: int) -> bool:
        return self._taken_bytes == 0 or needed_bytes <= self._free_bytes()

    def _can_have(self, needed_bytes: int) -> bool:  # noqa: ARG002 - alone, anything may begin
        return True

    def _free_bytes(self) -> int:
        return max(0, self._most_bytes - self._taken_bytes)


@dataclass(frozen=True, slots=True)
class Admission:
    """The rooms of a worker. Who holds memory never waits for space, so nobody waits for one another."""

    scratch: ScratchRoom
    memory: MemoryRoom

    @asynccontextmanager
    async def admit(self, needs: Needs, pulse: Pulse) -> AsyncIterator[None]:
        """Keeps both kinds of room for the length of an ``async with`` block; see :meth:`Room.take`."""
        async with self.scratch.take(needs.scratch_bytes, pulse):
            # A unit that knows its needs later (a search) takes memory for each process.
            if not needs.memory_bytes:
                yield
                return
            async with self.memory.take(needs.memory_bytes, pulse):
                yield


def has_names_left(folder: Path) -> bool:
    """Tells whether the file system of a folder has room for the names of one more unit (``f_favail``, statvfs(3)).

    A file system that makes them as it goes says that it has none at all.
    """
    system = os.statvfs(_existing(folder))
    return not system.f_files or system.f_favail >= min(LEAST_NAMES, system.f_files // 20)


def _is_same_disk(one: Path, other: Path) -> bool:
    return _existing(one).stat().st_dev == _existing(other).stat().st_dev


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def memory_of_machine() -> int:
    """Returns the memory that this process may use, in bytes: the machine's, or its cgroup's if lower.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst, ``memory.max`` (bytes, or ``max``).
    """
    machine_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine_bytes, int(_MEMORY_LIMIT.read_text()))
    except (OSError, ValueError):
        return machine_bytes
