"""The sandbox: its command line, and what a program inside can really see, change and use."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from media.command import command
from media.errors import SandboxMissing, ToolFailed, ToolOverLimit, ToolStalled
from media.process import found_walls, run_tool, use_sandbox
from media.sandbox import (
    Limits,
    Sandbox,
    SandboxPolicy,
    Walls,
    probe_sandbox,
    read_sandbox,
    sandboxed_argv,
    write_sandbox,
)
from media.tools import ToolPaths
from tests.support.goldens import Golden

SYSTEM = ("--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib")
WALLS = Walls(("/usr/bin/setpriv", "--pdeathsig", "KILL", "--"), "/usr/bin/bwrap", "/usr/bin/prlimit", SYSTEM)
LIMITS = Limits(address_space_bytes=4 << 30, cpu_s=60, file_bytes=1 << 20)
SOURCE = Path("/scratch/source.mov")
needs_bwrap = pytest.mark.skipif(not found_walls().bwrap, reason="bubblewrap is missing or does not work here")


@pytest.fixture
def port() -> Iterator[socket.socket]:
    """A port on the loopback at which nobody may knock."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        yield server


def was_hit(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def has_reader(pipe: Path) -> bool:
    """Opening to write without waiting works only while somebody reads."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def small(sandbox: Sandbox, **limits: int) -> Sandbox:
    return replace(sandbox, limits=replace(sandbox.limits, **limits))


def python_sandbox(*writes: Path) -> Sandbox:
    sandbox = read_sandbox(Path(__file__), also=(Path(sys.prefix), Path(sys.base_prefix)))
    return replace(sandbox, writes=writes)


async def run_python(code: str, sandbox: Sandbox | None) -> str:
    return (await run_tool(command([sys.executable, "-c", code], purpose="a guest", sandbox=sandbox))).stdout


def test_the_walls_are_built_in_order(golden: Golden) -> None:
    argv = ("/opt/ffmpeg", "-i", "file:/scratch/source.mov")
    sandbox = Sandbox(LIMITS, reads=(SOURCE,), writes=(Path("/scratch/pieces"),))
    golden.check_arguments("sandbox/writes_pieces", sandboxed_argv(argv, sandbox, WALLS))


def test_without_bubblewrap_the_limits_stay_and_other_processes_of_the_user_do_not_count() -> None:
    argv = sandboxed_argv(("/opt/ffmpeg",), Sandbox(LIMITS, reads=(SOURCE,)), replace(WALLS, bwrap=""))
    assert argv[:5] == [*WALLS.die_with_us, "/usr/bin/prlimit"]
    assert "--cpu=60:60" in argv
    assert not any(part.startswith("--nproc") for part in argv)


def test_what_reads_only_our_own_files_is_not_wrapped() -> None:
    assert sandboxed_argv(("/opt/ffmpeg", "-version"), None, WALLS) == [*WALLS.die_with_us, "/opt/ffmpeg", "-version"]


def test_a_probe_gets_less_than_a_decode_and_a_split_may_write_its_folder_only() -> None:
    probe, read, write = probe_sandbox(SOURCE), read_sandbox(SOURCE), write_sandbox(SOURCE, Path("/scratch/pieces"))
    assert probe.limits.cpu_s < read.limits.cpu_s < write.limits.cpu_s
    assert probe.limits.file_bytes < read.limits.file_bytes < write.limits.file_bytes
    assert (probe.writes, read.writes, write.writes) == ((), (), (Path("/scratch/pieces"),))


@needs_bwrap
async def test_a_guest_sees_no_network_and_no_file_that_it_was_not_shown(port: socket.socket, tmp_path: Path) -> None:
    canary = tmp_path / "canary.txt"
    canary.write_text("a secret")
    look = (
        "import os, socket, sys\n"
        f"try: print('connected', socket.create_connection(('127.0.0.1', {port.getsockname()[1]}), 1) and 1)\n"
        "except OSError: print('no network')\n"
        f"try: print(open({str(canary)!r}).read())\n"
        "except OSError: print('no file')\n"
        "print(sorted(os.environ), os.path.exists('/etc/passwd'), os.path.exists('/proc/1'), os.path.exists('/home'))\n"
    )
    inside = await run_python(look, python_sandbox())
    assert inside == "no network\nno file\n['LANG', 'PATH', 'PWD'] False False False"
    assert not was_hit(port)
    outside = await run_python(look, None)
    assert outside.startswith("connected 1\na secret\n")
    assert was_hit(port)


@needs_bwrap
async def test_a_guest_changes_nothing_but_its_own_folder(tmp_path: Path) -> None:
    mine, shown = tmp_path / "mine", tmp_path / "shown"
    mine.mkdir()
    shown.mkdir()
    write = (
        "import sys\n"
        f"for place in {[str(mine / 'new'), str(shown / 'new'), '/new', '/usr/new']!r}:\n"
        "    try: print(open(place, 'w').write('x'))\n"
        "    except OSError as error: print(error.strerror)\n"
    )
    sandbox = replace(python_sandbox(mine), reads=(*python_sandbox().reads, shown))
    refused = "Read-only file system"
    assert (await run_python(write, sandbox)).splitlines() == ["1", refused, refused, refused]
    assert (mine / "new").read_text() == "x"
    assert not list(shown.iterdir())


@needs_bwrap
async def test_a_source_inside_the_folder_that_is_written_to_stays_as_it_is(tmp_path: Path) -> None:
    source = tmp_path / "source.mov"
    source.write_text("as delivered")
    sandbox = replace(python_sandbox(tmp_path), reads=(*python_sandbox().reads, source))
    with pytest.raises(ToolFailed, match="Read-only file system"):
        await run_python(f"open({str(source)!r}, 'w')", sandbox)
    assert source.read_text() == "as delivered"


async def test_memory_is_bounded() -> None:
    limited = small(python_sandbox(), address_space_bytes=1 << 30)
    with pytest.raises(ToolFailed, match="MemoryError"):
        await run_python("bytes(4 << 30)", limited)
    assert await run_python("print(len(bytes(64 << 20)))", limited) == str(64 << 20)


async def test_cpu_time_is_bounded_and_a_loop_is_not_tried_again() -> None:
    with pytest.raises(ToolOverLimit, match="TOOL-006 a guest: more CPU time than a source may cost") as caught:
        await run_python("while True: pass", small(python_sandbox(), cpu_s=1))
    assert not caught.value.retryable


@pytest.mark.parametrize("policy", [SandboxPolicy.PREFER, SandboxPolicy.OFF])
async def test_files_are_bounded(policy: SandboxPolicy, tools: ToolPaths, tmp_path: Path) -> None:
    async def fill() -> None:
        use_sandbox(policy)
        await run_tool(command(argv, purpose="a flood", sandbox=sandbox))

    flood = ["-f", "lavfi", "-i", "testsrc2=s=640x360:d=2", "-c:v", "rawvideo", "-f", "rawvideo"]
    argv = [tools.ffmpeg, "-nostdin", "-v", "error", *flood, str(tmp_path / "flood.yuv")]
    sandbox = small(write_sandbox(Path(tools.ffmpeg), tmp_path), file_bytes=1 << 20)
    with pytest.raises(ToolOverLimit, match="more size of a file"):
        await asyncio.create_task(fill())
    assert (tmp_path / "flood.yuv").stat().st_size <= 1 << 20


CROWD = (
    "import os, time\n"
    "for n in range(60):\n"
    "    try: pid = os.fork()\n"
    "    except BlockingIOError: os.write(1, b'full'); break\n"
    "    if not pid: os.setsid(); time.sleep(600)\n"
    "os._exit(0)\n"
)
"""Children in sessions of their own, out of reach of a signal to the group; each would hold standard output open."""


@needs_bwrap
async def test_a_crowd_of_processes_dies_with_its_leader() -> None:
    assert await asyncio.wait_for(run_python(CROWD, python_sandbox()), 60) == ""


@needs_bwrap
@pytest.mark.skipif(os.getuid() == 0, reason="the kernel exempts root from the limit of processes")
async def test_a_crowd_of_processes_is_bounded() -> None:
    assert await run_python(CROWD, small(python_sandbox(), processes=20)) == "full"


async def test_input_output_exit_codes_and_cpu_seconds_pass_through() -> None:
    sandbox = python_sandbox()
    run = await run_tool(
        command([sys.executable, "-c", "print(input()[::-1])"], purpose="a guest", sandbox=sandbox), stdin=b"abc"
    )
    assert run.stdout == "cba"
    busy = command([sys.executable, "-c", "sum(range(6_000_000))"], purpose="a guest", sandbox=sandbox)
    assert (await run_tool(busy)).cpu_s > 0.05
    with pytest.raises(ToolFailed, match="exit code 7"):
        await run_python("raise SystemExit(7)", sandbox)
    with pytest.raises(ToolFailed, match="exit code -11"):
        await run_python("import ctypes; ctypes.string_at(0)", sandbox)


async def test_loopback_decoders_and_filters_work_inside(tools: ToolPaths) -> None:
    coded = ["-f", "lavfi", "-i", "testsrc2=s=320x192:d=0.2", "-c:v", "libx264", "-f", "null", "-", "-dec", "0:0"]
    argv = [
        tools.ffmpeg,
        "-nostdin",
        "-v",
        "error",
        *coded,
        "-filter_complex",
        "[dec:0]null[seen]",
        "-map",
        "[seen]",
        "-f",
        "framehash",
        "-",
    ]
    command_line = command(argv, purpose="loopback", sandbox=read_sandbox(Path(tools.ffmpeg)))
    assert len([line for line in (await run_tool(command_line)).stdout.splitlines() if line[0] != "#"]) == 5


async def test_a_reader_that_hangs_is_ended_with_all_its_name_spaces(tools: ToolPaths, tmp_path: Path) -> None:
    pipe = tmp_path / "source.mov"
    os.mkfifo(pipe)
    argv = [tools.ffmpeg, "-nostdin", "-v", "error", "-i", f"file:{pipe}", "-f", "null", "-"]
    hanging = command(argv, purpose="a hang", sandbox=read_sandbox(pipe))
    with pytest.raises(ToolStalled, match="TOOL-003 a hang: no progress"):
        await run_tool(hanging, on_line=lambda _line: None, stall_s=0.3)
    while has_reader(pipe):  # noqa: ASYNC110 - the kernel ends it a moment after its leader, and tells nobody
        await asyncio.sleep(0.01)


async def test_a_worker_that_must_have_a_sandbox_refuses_to_start_without(caplog: pytest.LogCaptureFixture) -> None:
    async def choose(policy: SandboxPolicy) -> None:
        use_sandbox(policy)

    if found_walls().bwrap:
        await asyncio.create_task(choose(SandboxPolicy.REQUIRE))
        assert not caplog.messages
    else:
        with pytest.raises(SandboxMissing, match="TOOL-005"):
            await asyncio.create_task(choose(SandboxPolicy.REQUIRE))
    await asyncio.create_task(choose(SandboxPolicy.OFF))
    assert [message for message in caplog.messages if message.startswith("NO SANDBOX (switched off)")]
