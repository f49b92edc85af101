"""Faults of one machine: its disk, its programs (operations.md, families A and C)."""

import os
import resource
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from activities.errors import as_application_error
from media.command import command
from media.errors import ScratchFull, ToolFailed, ToolStalled
from media.process import run_tool
from media.tools import find_tools
from storage.errors import DiskFull
from storage.local_cache import LocalCache
from storage.object_store import ObjectStore
from tests.support.fault_cases import FaultCase, FaultReport
from tests.support.stacks import children_of


@dataclass(frozen=True)
class LocalScene:
    """A store, a folder, and a file system of 4 MiB."""

    store: ObjectStore
    folder: Path
    small_disk: Path


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
    report.seen = str(caught.value)[:60]


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
    FaultCase("C40", "few files", "no file descriptor left", "says so; recovers", few_files, is_sampled=True),
    FaultCase("C41", "rotten cache", "an entry is another", "fetched anew", corrupt_cache, is_sampled=True),
]
