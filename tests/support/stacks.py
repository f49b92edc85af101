"""Local stacks for tests: the real servers and workers in a folder of the test, with keys that are known."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from activities.sources import title_key
from activities.track_shelf import describe_sidecars
from client.local_stack.control import start_stack, stop_stack
from client.local_stack.state import StackState, read_stack
from client.session import Session, local_session
from client.titles import Handle, receipt_of, submit_title
from client.watching import watch_title
from domain.release import ReleaseManifest, TitleReceipt
from domain.request import TitleRequest
from media.tools import find_tools, read_versions, tools_digest
from protection.key_set import KeySet
from protection.local_keys import LocalKeyProvider
from storage.release_reader import read_release
from storage.sealed_records import SealedRecordStore

PATIENCE_S = 300.0
RECIPE = {
    "codecs": [{"codec": "h264", "preset": "veryfast"}],
    "heights_px": [180],
    "policy": {"max_rungs": 2, "min_bitrate_bps": 20_000},
}
"""A title of seconds, searched."""


@dataclass
class TestStack:
    """A running stack and a session on it."""

    __test__ = False
    folder: Path
    state: StackState
    session: Session

    def pid_of(self, part: str) -> int:
        """Returns the pid that a part has now."""
        state = read_stack(self.folder)
        assert state is not None
        return state.pids[part]

    async def submit(self, request: TitleRequest) -> Handle:
        """Submits a title with keys that are the same on every stack."""
        await known_keys(self.session, self.state, request)
        return (await submit_title(self.session.temporal, request)).handle

    async def finish(self, handle: Handle, title_id: str) -> TitleReceipt:
        """Waits for a title, also over restarts of the server."""
        async for _ in watch_title(self.session.temporal, handle, title_id):
            pass
        return await receipt_of(handle, title_id)

    def release_of(self, receipt: TitleReceipt) -> ReleaseManifest:
        """Returns what the sealed release of a title holds."""
        return read_release(self.session.store, receipt.release)

    async def upload(self, path: Path) -> str:
        """Uploads a source and returns its address."""
        return (await asyncio.to_thread(self.session.sources.upload_source, path)).uri


@asynccontextmanager
async def running_stack(folder: Path, **worker_env: str) -> AsyncIterator[TestStack]:
    """Runs a whole local stack in a folder, and ends it."""
    state = await start_stack(folder, worker_env=worker_env)
    try:
        yield TestStack(folder, state, await local_session(state))
    finally:
        await stop_stack(folder)


async def known_keys(session: Session, state: StackState, request: TitleRequest) -> KeySet:
    """Makes the key set of a title beforehand from known bytes: release digests can then be compared.

    Nothing in the product knows of this: the test is simply the first who asks for the title's keys.
    """
    source = await asyncio.to_thread(session.sources.describe_source, request.source)
    sidecars = await asyncio.to_thread(describe_sidecars, session.sources, request)
    key = title_key(request, source, tools_digest(await read_versions(find_tools())), sidecars)
    provider = LocalKeyProvider(SealedRecordStore(session.store), state.kek_file, draw=known_bytes())
    scheme = request.recipe.packaging.scheme
    assert scheme != "clear", "a clear title has no keys"
    return await asyncio.to_thread(provider.open_or_create_key_set, key, scheme)


def known_bytes() -> Callable[[int], bytes]:
    """Returns a source of bytes that is the same every time, never twice the same within one run."""
    count = 0

    def draw(size: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"test key {count}".encode()).digest(size)

    return draw


async def wait_for(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Returns the first true answer of a condition; fails loudly when patience ends."""
    until = time.monotonic() + patience_s
    while not (answer := condition()):
        assert time.monotonic() < until, f"{what}: not within {patience_s:.0f} s"
        await asyncio.sleep(0.02)
    return answer


async def wait_for_answer(ask: Callable[[], Awaitable[Any]], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Returns the first true answer of a question that has to be awaited; fails loudly when patience ends."""
    until = time.monotonic() + patience_s
    while not (answer := await ask()):
        assert time.monotonic() < until, f"{what}: not within {patience_s:.0f} s"
        await asyncio.sleep(0.05)
    return answer


def children_of(pid: int) -> list[int]:
    """Returns the pids of a process's children, oldest first."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return sorted(found)


def command_lines() -> Iterator[tuple[int, str]]:
    """Yields pid and command line of every process."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield int(path.parent.name), path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
