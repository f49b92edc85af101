"""Faults of one machine: its disk, its programs (operations.md, families A and C)."""

import asyncio
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from activities.errors import as_application_error
from media.command import command
from media.errors import OutOfMemory, ScratchFull, ToolFailed, ToolStalled
from media.process import run_tool
from media.tools import find_tools
from storage.errors import DiskFull
from storage.local_cache import LocalCache
from storage.object_store import ObjectStore
from tests.support.fault_cases import FaultCase, FaultReport
from tests.support.stacks import children_of


@dataclass(frozen=True)
class LocalScene:
    """A store, a folder, a file system of 4 MiB that has a flaw, and a cgroup with little memory."""

    store: ObjectStore
    folder: Path
    small_disk: Path
    little_memory: Path


Act = Callable[[LocalScene, FaultReport], Awaitable[None]]
PICTURES = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=24:duration=20")


async def full_disk_for_a_program(scene: LocalScene, report: FaultReport) -> None:
    argv = [find_tools().ffmpeg, "-v", "error", *PICTURES, "-c:v", "rawvideo", "-y", str(scene.small_disk / "raw.nut")]
    with pytest.raises(ScratchFull) as caught:
        await run_tool(command(argv, purpose="fill the disk"))
    told = as_application_error(caught.value)
    assert told is not None
    assert not told.non_retryable
    assert told.next_retry_delay is not None
    report.seen = f"{told.type}, again after {told.next_retry_delay.total_seconds():.0f} s"


async def full_disk_for_a_fetch(scene: LocalScene, report: FaultReport) -> None:
    kept = scene.store.put_bytes(os.urandom(6 << 20))
    with pytest.raises(DiskFull):
        scene.store.fetch(kept, scene.small_disk / "whole")
    report.leaked = [path.name for path in scene.small_disk.glob(".whole*")] + [
        path.name for path in scene.small_disk.glob("whole*")
    ]
    report.seen = "STO-008, nothing partial is left"


async def no_inodes(scene: LocalScene, report: FaultReport) -> None:
    """Room there is, but no file can be made any more: the kernel calls both alike."""

    def make_files() -> None:
        for number in range(99):
            (scene.small_disk / f"file-{number}").touch()

    with pytest.raises(OSError, match="No space left on device"):
        make_files()
    argv = [find_tools().ffmpeg, "-v", "error", *PICTURES, "-frames:v", "1", "-y", str(scene.small_disk / "one.nut")]
    with pytest.raises(ScratchFull):
        await run_tool(command(argv, purpose="one more file"))
    kept = scene.store.put_bytes(os.urandom(100))
    with pytest.raises(DiskFull):
        scene.store.fetch(kept, scene.small_disk / "whole")
    report.seen = f"TOOL-007, STO-008 when {len(list(scene.small_disk.iterdir()))} files are there"


async def read_only_disk(scene: LocalScene, report: FaultReport) -> None:
    """A worker that cannot write does not poll: it would take units only to fail them."""
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "workers", "encode-cpu"),
        env={
            "PATH": os.defpath,
            "TEMPORAL_ADDRESS": "127.0.0.1:9",
            "PERTITLE_SCRATCH_DIR": str(scene.small_disk / "scratch"),
            "PERTITLE_CACHE_DIR": str(scene.folder / "cache"),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await worker.communicate()
    assert worker.returncode == 1
    assert b"TOOL-009" in said
    assert b"Read-only file system" in said
    assert b"Traceback" not in said
    report.seen = "TOOL-009, the worker does not begin"


# The filter keeps every picture until the last has come.
GREEDY = ("-v", "error", *PICTURES, "-vf", "format=yuv444p,reverse", "-f", "null", "-")


async def killed_for_memory(scene: LocalScene, report: FaultReport) -> None:
    """The kernel kills the program whose cgroup has no memory left."""
    into = f'echo $$ > {scene.little_memory}/cgroup.procs && exec "$0" "$@"'
    await _without_memory(("/bin/sh", "-c", into, find_tools().ffmpeg, *GREEDY), report)
    assert "exit code -9" in report.seen


async def refused_memory(scene: LocalScene, report: FaultReport) -> None:
    """The kernel refuses memory instead of killing (RLIMIT_AS)."""
    await _without_memory(("prlimit", f"--as={300 << 20}", find_tools().ffmpeg, *GREEDY), report)
    assert "exit code 244" in report.seen


async def _without_memory(argv: tuple[str, ...], report: FaultReport) -> None:
    with pytest.raises(OutOfMemory) as caught:
        await run_tool(command(argv, purpose="keep many pictures"))
    told = as_application_error(caught.value)
    assert told is not None
    assert (told.type, told.non_retryable) == ("TOOL-008", False)
    report.seen = f"TOOL-008, tried again: {caught.value.found[:60]}"


async def few_files(scene: LocalScene, report: FaultReport) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[BinaryIO] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 8, hard))  # noqa: PTH208
        with pytest.raises(OSError, match="Too many open files"):
            held.extend(open("/dev/null", "rb") for _ in range(99))  # noqa: SIM115, PTH123 - all are wanted open
        with pytest.raises(OSError, match="Too many open files") as caught:
            await run_tool(command([find_tools().ffmpeg, "-version"], purpose="start a program"))
    finally:
        for file in held:
            file.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    await run_tool(command([find_tools().ffmpeg, "-version"], purpose="start a program"))
    report.seen = str(caught.value.strerror)


async def corrupt_cache(scene: LocalScene, report: FaultReport) -> None:
    kept = scene.store.put_bytes(os.urandom(50_000))
    cache = LocalCache(scene.store, scene.folder / "cache", max_bytes=1 << 20)
    cache.fetch_into(kept, scene.folder / "first")
    (entry,) = (scene.folder / "cache").rglob(kept.sha256)
    entry.chmod(0o644)
    with entry.open("r+b") as file:
        file.write(b"rotten")
    cache.fetch_into(kept, scene.folder / "second")
    scene.store.put_file(scene.folder / "second")
    assert (scene.folder / "second").read_bytes() == scene.store.read_bytes(kept)
    cache.close()


async def hanging_program(scene: LocalScene, report: FaultReport) -> None:
    pipe = scene.folder / "never-written"
    os.mkfifo(pipe)
    argv = [find_tools().ffmpeg, "-v", "error", "-progress", "-", "-i", str(pipe), "-f", "null", "-"]
    before = children_of(os.getpid())
    with pytest.MonkeyPatch.context() as patch:
        # It does not hear SIGTERM while it waits for the pipe; ten seconds of patience would prove no more.
        patch.setattr("media.process.GRACE_S", 1.0)
        with pytest.raises(ToolStalled, match="no progress"):
            await run_tool(command(argv, purpose="read a pipe"), on_line=lambda _line: None, stall_s=1.0)
    report.leaked = [f"process {pid}" for pid in children_of(os.getpid()) if pid not in before]


async def crashing_program(scene: LocalScene, report: FaultReport) -> None:
    argv = [find_tools().ffmpeg, "-v", "error", "-i", str(scene.folder / "is-not-there"), "-f", "null", "-"]
    with pytest.raises(ToolFailed) as caught:
        await run_tool(command(argv, purpose="open nothing"))
    assert "No such file" in caught.value.found
    report.seen = caught.value.found.splitlines()[-1][-60:]


LOCAL_CASES: list[FaultCase[LocalScene]] = [
    FaultCase(
        "A5l", "crash", "a program ends badly", "the end of its standard error", crashing_program, is_sampled=True
    ),
    FaultCase(
        "A6", "hang", "a program reads a pipe for ever", "ended, no process left", hanging_program, is_sampled=True
    ),
    FaultCase(
        "C35", "disk full", "a program fills it", "TOOL-007, again later", full_disk_for_a_program, is_sampled=True
    ),
    FaultCase(
        "C35f", "disk full", "a fetch fills it", "STO-008, nothing partial", full_disk_for_a_fetch, is_sampled=True
    ),
    FaultCase("C36", "no inodes", "no file can be made", "TOOL-007, STO-008, again later", no_inodes, is_sampled=True),
    FaultCase(
        "C37", "read-only scratch", "a worker starts on it", "TOOL-009, not ready", read_only_disk, is_sampled=True
    ),
    FaultCase("C38", "OOM kill", "a cgroup of 64 MiB", "TOOL-008, again", killed_for_memory, is_sampled=True),
    FaultCase("C38l", "no memory", "RLIMIT_AS of 300 MiB", "TOOL-008, again", refused_memory, is_sampled=True),
    FaultCase("C40", "few files", "no file descriptor left", "says so; recovers", few_files, is_sampled=True),
    FaultCase("C41", "rotten cache", "an entry is another", "fetched anew", corrupt_cache, is_sampled=True),
]
