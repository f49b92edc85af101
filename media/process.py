"""The one place that starts programs: own process group, progress, stall watch, clean end, CPU counted."""

import asyncio
import errno
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import IO, Any

from media.command import Command
from media.errors import (
    OutOfMemory,
    SandboxMissing,
    ScratchFull,
    ToolError,
    ToolFailed,
    ToolMissing,
    ToolOverLimit,
    ToolStalled,
)
from media.sandbox import SandboxPolicy, Walls, probe_sandbox, sandboxed_argv, system_arguments
from media.thread_cpu import LOOK_EVERY_S, ThreadCpu, ThreadWatch

logger = logging.getLogger(__name__)

GRACE_S = 10.0
"""Time between asking a process group to end and killing it."""
STALL_S = 300.0
"""A program that says nothing for so long hangs; ffmpeg reports twice a second, also while it waits for libvmaf."""
WORK_S = 0.2
"""CPU seconds after which a program has done something, even if it has nothing to show for it."""
_TAIL_LINES = 40
_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
_SHOWN_COMMAND = 600
_LINE_LIMIT_BYTES = 1 << 20
# Tools get no environment of ours: no credentials, no locale surprises.
_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"}
_WAITERS = ThreadPoolExecutor(max_workers=128, thread_name_prefix="wait4")
_POLICY: ContextVar[SandboxPolicy] = ContextVar("sandbox policy", default=SandboxPolicy.PREFER)
_LAST_SIGNAL = 31
# ffmpeg ends with the low byte of its error: -ENOMEM (12) and -EFBIG (27). Without bubblewrap the signal ends it first.
_REFUSED_CODES = {256 - 12: "memory", 256 - 27: "size of a file", -signal.SIGXFSZ: "size of a file"}
# What ffmpeg and x264 say when the machine, and not a limit of ours, has no memory left.
_NO_MEMORY = (os.strerror(errno.ENOMEM), "malloc of size")


@dataclass(frozen=True, slots=True)
class ToolRun:
    """A program that ended well."""

    stdout: str
    stderr_tail: str
    cpu_s: float
    """User and system seconds of the program and all its children."""
    wall_s: float
    threads: tuple[ThreadCpu, ...] = ()
    """Where the seconds went, as far as it was seen; empty unless asked for."""


@dataclass(slots=True)
class _Running:
    process: subprocess.Popen[bytes]
    exited: "asyncio.Future[tuple[int, float]]"
    """Exit code and CPU seconds."""
    heard_at: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)


async def run_tool(
    command: Command,
    *,
    on_line: Callable[[str], None] | None = None,
    stdin: bytes | None = None,
    stall_s: float = STALL_S,
    watch_threads: bool = False,
    on_work: Callable[[], None] | None = None,
) -> ToolRun:
    """Runs a program to its end.

    Args:
        command: What to start. Secrets never stand in it: they go through ``stdin``.
        on_line: Called with each line of standard output; the lines are then not kept.
        stdin: Bytes for standard input; without them it is ``/dev/null``.
        stall_s: Seconds without output after which the program is ended. Only with ``on_line``.
        watch_threads: Also tell the CPU seconds of its threads.
        on_work: Called whenever the program has used ``WORK_S`` more of CPU; only with ``watch_threads``. Many encodes
            of a short shot may all be under way before the first frame of one comes out.

    Raises:
        ToolMissing: if the program does not exist.
        ToolFailed: if it ended with another code than 0; carries the end of its standard error.
        ToolOverLimit: if that was because it used more than its sandbox allows.
        OutOfMemory: if it was killed, or the machine had no memory for it.
        ToolStalled: if it made no progress.
    """
    logger.debug("start %s: %s", command.purpose, command.shell_line())
    began = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        async with _started(command, errors, stdin) as running:
            pipes = [asyncio.create_task(_read_lines(running, on_line))]
            if stdin is not None:
                pipes.append(asyncio.create_task(_write_input(running, stdin)))
            watch = ThreadWatch(running.process.pid)
            watcher = asyncio.create_task(_look_until_exit(running, watch, on_work)) if watch_threads else None
            try:
                exit_code, cpu_s = await _until_exit(running, pipes, command, stall_s if on_line else None)
                # A grandchild that outlives the leader would hold the pipe open for ever.
                _signal_group(running.process.pid, signal.SIGKILL)
                await asyncio.gather(*pipes)
            finally:
                for task in (*pipes, watcher):
                    if task is not None:
                        task.cancel()
        tail = _tail_of(errors)
    if exit_code != 0:
        logger.warning("%s ended with %d: %s", command.purpose, exit_code, command.shell_line())
        raise _bad_end(command, exit_code, cpu_s, tail)
    return ToolRun("\n".join(running.lines), tail, cpu_s, time.monotonic() - began, watch.threads())


def _bad_end(command: Command, exit_code: int, cpu_s: float, tail: str) -> ToolError:
    if any(words in tail for words in _FULL):
        return ScratchFull(
            command.purpose,
            found=f"exit code {exit_code}: {tail[-300:]}",
            expected="room for what it writes",
            fix="make room in the scratch folder; it is tried again, on any worker",
        )
    limits = command.sandbox.limits if command.sandbox else None
    if limits is not None:
        # The kernel counts towards the limit in whole ticks, and so differs from what it reports.
        over = "CPU time" if exit_code < 0 and cpu_s >= 0.5 * limits.cpu_s else _REFUSED_CODES.get(exit_code)
        if over is not None:
            return ToolOverLimit(
                command.purpose,
                found=f"more {over} than a source may cost: {tail.rpartition(chr(10))[2] or 'it was ended'}"[:300],
                expected=f"{limits.cpu_s} s of CPU, {limits.address_space_bytes >> 20} MiB of memory,"
                f" files of {limits.file_bytes >> 20} MiB at most",
                fix="export the source again; if it is as it should be, report it",
            )
    # We kill only what we no longer wait for: this was the kernel, or a person.
    no_memory = exit_code == 256 - errno.ENOMEM or any(words in tail for words in _NO_MEMORY)
    if exit_code == -signal.SIGKILL or (limits is None and no_memory):
        return OutOfMemory(
            command.purpose,
            found=f"exit code {exit_code}: {tail[-300:] or 'killed, most likely by the kernel for want of memory'}",
            expected="memory for one unit in each slot of this worker",
            fix="give the worker more memory, or fewer slots; it is tried again, on any worker",
        )
    return ToolFailed(
        command.purpose,
        found=f"exit code {exit_code}: {tail or 'nothing on standard error'}",
        expected="exit code 0",
        fix=f"run it by hand, the worker's log has the whole line: {_shortened(command.shell_line())}",
    )


def _shortened(line: str) -> str:
    """Errors are shown in tables and kept in histories; a packager's command can be pages long."""
    return line if len(line) <= _SHOWN_COMMAND else f"{line[:_SHOWN_COMMAND]} …"


@asynccontextmanager
async def _started(command: Command, errors: IO[bytes], stdin: bytes | None) -> AsyncIterator[_Running]:
    """Starts a program in a process group of its own and leaves nothing of it behind, whatever happens."""
    program = shutil.which(command.argv[0], path=_ENVIRONMENT["PATH"])
    if program is None:
        raise ToolMissing(command.purpose, found=f"no program {command.argv[0]}", fix="run `make setup`")
    try:
        process = subprocess.Popen(  # noqa: ASYNC220 - a fork takes a millisecond; wait4 (not asyncio) gives CPU time
            sandboxed_argv((program, *command.argv[1:]), command.sandbox, _walls()),
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=_ENVIRONMENT,
            start_new_session=True,
        )
    except OSError as error:
        raise ToolMissing(command.purpose, found=f"{command.argv[0]}: {error}", fix="run `make setup`") from None
    is_wrapped = command.sandbox is not None and bool(_walls().bwrap)
    running = _Running(process, asyncio.get_running_loop().run_in_executor(_WAITERS, _wait, process, is_wrapped))
    try:
        yield running
    finally:
        try:
            await _end_group(running)
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()


def _wait(process: subprocess.Popen[bytes], is_wrapped: bool) -> tuple[int, float]:  # noqa: FBT001 - passed on
    """Reaps the program; unlike ``Popen.wait`` this keeps its resource usage."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if is_wrapped and 128 < process.returncode <= 128 + _LAST_SIGNAL:
        # bwrap tells the death of its child by a signal as shells do.
        process.returncode = 128 - process.returncode
    return process.returncode, usage.ru_utime + usage.ru_stime


async def _read_lines(running: _Running, on_line: Callable[[str], None] | None) -> None:
    reader = asyncio.StreamReader(limit=_LINE_LIMIT_BYTES)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), running.process.stdout or subprocess.PIPE
    )
    try:
        async for line in reader:
            running.heard_at = time.monotonic()
            text = line.decode(errors="replace").rstrip("\n")
            if on_line:
                on_line(text)
            else:
                running.lines.append(text)
    finally:
        transport.close()


async def _look_until_exit(running: _Running, watch: ThreadWatch, on_work: Callable[[], None] | None) -> None:
    told_s = 0.0
    while not running.exited.done():
        watch.look()
        if on_work is not None and watch.cpu_s - told_s >= WORK_S:
            told_s = watch.cpu_s
            on_work()
        await asyncio.wait([running.exited], timeout=LOOK_EVERY_S)


async def _write_input(running: _Running, stdin: bytes) -> None:
    """Feeds the program while it is read, so that neither pipe fills up and blocks; a program that left is no error."""

    def write() -> None:
        if running.process.stdin is not None:
            with suppress(BrokenPipeError), running.process.stdin as pipe:
                pipe.write(stdin)

    # A thread that blocks here is freed when the program ends, and that is certain.
    await asyncio.get_running_loop().run_in_executor(_WAITERS, write)


async def _until_exit(
    running: _Running, pipes: Sequence["asyncio.Task[None]"], command: Command, stall_s: float | None
) -> tuple[int, float]:
    """Waits for the end; a line that could not be read or taken ends the program at once, for nobody reads on."""
    while not running.exited.done():
        silent_s = time.monotonic() - running.heard_at
        if stall_s is not None and silent_s > stall_s:
            raise ToolStalled(
                command.purpose, found=f"no progress for {silent_s:.0f} s", expected=f"a report every {stall_s:.0f} s"
            )
        patience = None if stall_s is None else stall_s - silent_s + 0.1
        watched: list[asyncio.Future[Any]] = [running.exited, *(pipe for pipe in pipes if not pipe.done())]
        await asyncio.wait(watched, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        for pipe in pipes:
            if pipe.done():
                pipe.result()
    return running.exited.result()


async def _end_group(running: _Running) -> None:
    """Ends the whole group: politely, then by force. Also catches grandchildren of a leader that has exited.

    A second cancellation cuts the politeness short, not the end.
    """
    try:
        if not running.exited.done():
            _signal_group(running.process.pid, signal.SIGTERM)
            await asyncio.wait([running.exited], timeout=GRACE_S)
    finally:
        _signal_group(running.process.pid, signal.SIGKILL)
        await asyncio.shield(running.exited)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def use_sandbox(policy: SandboxPolicy) -> None:
    """Says what this process does about the sandbox; a worker says it once, before it polls.

    Raises:
        SandboxMissing: if the policy requires what does not work here.
    """
    _POLICY.set(policy)
    walls = found_walls()
    if policy is not SandboxPolicy.OFF and walls.bwrap and walls.prlimit:
        return
    why = "switched off" if policy is SandboxPolicy.OFF else "bubblewrap or prlimit is missing or does not work"
    if policy is SandboxPolicy.REQUIRE:
        raise SandboxMissing(
            "sandbox",
            found=f"{why} on this machine",
            expected="a program that sees no network and only its own files (PERTITLE_SANDBOX=require)",
            fix="install bubblewrap and util-linux, and allow user name spaces",
        )
    logger.warning("NO SANDBOX (%s): programs that read untrusted media have limits, but can see this machine", why)


def _walls() -> Walls:
    return replace(found_walls(), bwrap="") if _POLICY.get() is SandboxPolicy.OFF else found_walls()


@cache
def found_walls() -> Walls:
    """Returns what works on this machine: a sandbox is tried for real, for many containers forbid name spaces.

    ``setpriv`` ends a program when a ``kill -9`` takes this worker: no orphan goes on encoding. Source: prctl(2),
    PR_SET_PDEATHSIG; setpriv(1) of util-linux sets it without Python code after fork.
    """
    setpriv, prlimit, bwrap = (
        shutil.which(name, path=_ENVIRONMENT["PATH"]) or "" for name in ("setpriv", "prlimit", "bwrap")
    )
    walls = Walls((setpriv, "--pdeathsig", "KILL", "--") if setpriv else (), bwrap, prlimit, system_arguments())
    return walls if bwrap and _is_standing(walls) else replace(walls, bwrap="")


def _is_standing(walls: Walls) -> bool:
    nothing = shutil.which("true", path=_ENVIRONMENT["PATH"]) or "/bin/true"
    argv = sandboxed_argv((nothing,), probe_sandbox(Path(__file__)), walls)
    tried = subprocess.run(argv, env=_ENVIRONMENT, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return tried.returncode == 0


def _tail_of(errors: IO[bytes]) -> str:
    end = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, end - 16_384))
    lines = errors.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-_TAIL_LINES:]).strip()
