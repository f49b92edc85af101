"""Locks on files: held by a process, let go by the kernel when it ends, however it ends."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from client.local_stack.errors import StackBusy


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Holds a lock.

    Raises:
        StackBusy: if another process holds it.
    """
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackBusy(
                str(path), found="another pertitle command or supervisor holds it", fix="wait for it to end"
            ) from None
        yield


@asynccontextmanager
async def wait_for_lock(path: Path, patience_s: float) -> AsyncIterator[None]:
    """Holds a lock, after waiting at most ``patience_s`` seconds for it.

    Raises:
        StackBusy: if another process goes on holding it.
    """
    until = asyncio.get_running_loop().time() + patience_s
    while True:
        lock = hold_lock(path)
        try:
            lock.__enter__()
        except StackBusy:
            if asyncio.get_running_loop().time() > until:
                raise
            await asyncio.sleep(0.1)
        else:
            break
    try:
        yield
    finally:
        lock.__exit__(None, None, None)
