"""How much memory processes take while something runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

EVERY_S = 0.5


@asynccontextmanager
async def sampled_rss(pids: Mapping[str, int]) -> AsyncIterator[dict[str, int]]:
    """Looks at processes twice a second; the dictionary that it gives has the largest resident size in bytes."""
    most: dict[str, int] = {}
    watching = asyncio.create_task(_watch(pids, most))
    try:
        yield most
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _watch(pids: Mapping[str, int], most: dict[str, int]) -> None:
    while True:
        for name, pid in pids.items():
            most[name] = max(most.get(name, 0), rss_bytes(pid))
        await asyncio.sleep(EVERY_S)


def rss_bytes(pid: int) -> int:
    """Returns the resident size of a process, 0 if it has ended (proc(5): ``VmRSS`` is in units of 1,024 bytes)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)
