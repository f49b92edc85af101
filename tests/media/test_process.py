"""Starting programs: real ones, ended in every way."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from media import process
from media.command import Command, command
from media.errors import OutOfMemory, ToolFailed, ToolMissing, ToolStalled
from media.process import WORK_S, run_tool

ROOT = Path(__file__).parents[2]
STUBBORN = (
    "import os, signal, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = os.fork()\n"
    "if child: print(os.getpid(), child, flush=True)\n"
    "while True: time.sleep(60)\n"
)
"""A program and its child that both ignore the polite end."""


def python(code: str) -> Command:
    return command([sys.executable, "-c", code], purpose="a small program")


def is_running(pid: int) -> bool:
    """Tells whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def until(condition: Callable[[], bool]) -> None:
    """Waits for something that the kernel does and tells nobody; the test's time limit ends a wait in vain."""
    while not condition():  # noqa: ASYNC110 - /proc has no events
        await asyncio.sleep(0.01)


def waiting_children() -> set[int]:
    """Processes whose parent we are."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split()}


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_a_program_that_ends_well_gives_its_output() -> None:
    run = await run_tool(python("import sys; print('one'); print('two'); print('hint', file=sys.stderr)"))
    assert run.stdout == "one\ntwo"
    assert run.stderr_tail == "hint"


async def test_a_bad_end_carries_exit_code_and_the_end_of_standard_error() -> None:
    code = "import sys\nfor n in range(100): print('line', n, file=sys.stderr)\nsys.exit(3)"
    with pytest.raises(ToolFailed) as caught:
        await run_tool(python(code))
    assert caught.value.found.startswith("exit code 3: line 60\n")
    assert caught.value.found.endswith("line 99")
    assert caught.value.where == "a small program"
    assert caught.value.fix.endswith(python(code).shell_line())


async def test_a_long_command_is_shown_in_part_and_logged_whole(caplog: pytest.LogCaptureFixture) -> None:
    long = python(f"import sys; sys.exit(1)  # {'x' * 2_000}")
    with pytest.raises(ToolFailed) as caught:
        await run_tool(long)
    assert len(caught.value.fix) < 800
    assert long.shell_line() in caplog.text


async def test_a_program_that_dies_of_a_signal_has_failed() -> None:
    with pytest.raises(ToolFailed, match="exit code -11: nothing on standard error"):
        await run_tool(python("import os; os.kill(os.getpid(), 11)"))


@pytest.mark.parametrize(
    "code", ["import os; os.kill(os.getpid(), 9)", "raise SystemExit('x264 [error]: malloc of size 1 failed')"]
)
async def test_a_program_that_is_killed_or_refused_memory_is_tried_again(code: str) -> None:
    with pytest.raises(OutOfMemory, match=r"TOOL-008 .*memory") as caught:
        await run_tool(python(code))
    assert caught.value.retryable


@pytest.mark.parametrize("program", ["/no/such/program", "no-such-program", "/etc"])
async def test_a_program_that_is_not_there_is_named(program: str) -> None:
    with pytest.raises(ToolMissing, match=f"TOOL-001 version: no program {program}"):
        await run_tool(command([program], purpose="version"))


async def test_lines_go_to_whoever_listens_and_are_not_kept() -> None:
    heard: list[str] = []
    run = await run_tool(python("print('frame=1'); print('frame=2')"), on_line=heard.append)
    assert heard == ["frame=1", "frame=2"]
    assert not run.stdout


async def test_a_listener_that_fails_ends_the_program() -> None:
    def refuse(_line: str) -> None:
        raise ValueError("no such line expected")

    before = waiting_children()
    with pytest.raises(ValueError, match="no such line expected"):
        await run_tool(python("import time; print('?', flush=True); time.sleep(600)"), on_line=refuse)
    assert waiting_children() == before


async def test_standard_input_is_delivered_and_stands_in_no_argument() -> None:
    secret = b"00112233445566778899aabbccddeeff"
    code = "import sys; s = sys.stdin.read(); print(open('/proc/self/cmdline').read().count(s)); print(s)"
    run = await run_tool(python(code), stdin=secret)
    assert run.stdout == f"0\n{secret.decode()}"


async def test_more_input_and_output_than_pipes_hold_does_not_block() -> None:
    text = b"x" * 999 + b"\n"
    run = await run_tool(command(["cat"], purpose="echo"), stdin=text * 2000)
    assert len(run.stdout) == 2_000_000 - 1


async def test_a_program_that_does_not_read_its_input_may_end_well() -> None:
    run = await run_tool(command(["true"], purpose="nothing"), stdin=b"x" * 2_000_000)
    assert not run.stdout


async def test_without_input_there_is_nothing_to_read() -> None:
    assert (await run_tool(python("import sys; print(repr(sys.stdin.read()))"))).stdout == "''"


async def test_tools_get_no_environment_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    run = await run_tool(python("import os; print(sorted(os.environ))"))
    assert run.stdout == "['LANG', 'PATH']"


async def test_cpu_seconds_count_the_program_and_its_children() -> None:
    busy = "import os, time\nchild = os.fork()\nwhile time.process_time() < 0.25: pass\nif child: os.wait()"
    run = await run_tool(python(busy))
    assert run.cpu_s >= 0.5


async def test_a_sleeping_program_costs_wall_time_and_no_cpu() -> None:
    run = await run_tool(command(["sleep", 0.2], purpose="sleep"))
    assert run.wall_s >= 0.2
    assert run.cpu_s < 0.1


async def test_cancel_ends_the_whole_group_also_where_it_is_stubborn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.1)
    heard: asyncio.Queue[str] = asyncio.Queue()
    running = asyncio.create_task(run_tool(python(STUBBORN), on_line=heard.put_nowait))
    leader, child = map(int, (await heard.get()).split())
    assert is_running(leader)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not is_running(leader) and not is_running(child))


async def test_a_second_cancel_cuts_the_grace_short_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_S", 600.0)
    heard: asyncio.Queue[str] = asyncio.Queue()
    running = asyncio.create_task(run_tool(python(STUBBORN), on_line=heard.put_nowait))
    leader, child = map(int, (await heard.get()).split())
    running.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not is_running(leader) and not is_running(child))


async def test_a_grandchild_that_outlives_its_parent_is_ended_too() -> None:
    code = (
        "import os, time\nchild = os.fork()\n"
        "if child: print(child, flush=True); os._exit(0)\n"
        "while True: time.sleep(60)"
    )
    run = await run_tool(python(code))
    await until(lambda: not is_running(int(run.stdout)))


async def test_a_silent_program_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    before = waiting_children()
    heard: list[str] = []
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(ToolStalled, match="TOOL-003 a small program: no progress for"):
        await run_tool(python(code), on_line=heard.append, stall_s=0.3)
    assert not is_running(int(heard[0]))
    assert waiting_children() == before


async def test_a_program_that_keeps_talking_is_not_ended() -> None:
    code = "import time\nfor n in range(10): print(n, flush=True); time.sleep(0.1)"
    heard: list[str] = []
    await run_tool(python(code), on_line=heard.append, stall_s=0.7)
    assert heard == [str(number) for number in range(10)]


async def test_nothing_is_left_after_many_runs_side_by_side() -> None:
    before, files = waiting_children(), open_files()
    await asyncio.gather(*(run_tool(command(["true"], purpose="nothing"), stdin=b"x") for _ in range(20)))
    assert waiting_children() == before
    assert open_files() <= files


def test_a_killed_parent_takes_its_tool_with_it() -> None:
    code = (
        "import asyncio, sys\n"
        "from media.command import command\n"
        "from media.process import run_tool\n"
        "tool = 'import os, time; print(os.getpid(), flush=True); time.sleep(600)'\n"
        "say = lambda line: print(line, flush=True)\n"
        "asyncio.run(run_tool(command([sys.executable, '-c', tool], purpose='tool'), on_line=say))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        tool = int(parent.stdout.readline())
        try:
            assert is_running(tool)
            parent.kill()
            parent.wait()
            while is_running(tool):  # the test's time limit ends a wait in vain
                time.sleep(0.01)
        finally:
            with suppress(ProcessLookupError):
                os.kill(tool, signal.SIGKILL)
    assert not is_running(tool)


async def test_work_is_told_before_there_is_anything_to_show() -> None:
    told: list[int] = []
    busy = "import time\nwhile time.process_time() < 1.0: pass"
    run = await run_tool(
        python(busy),
        watch_threads=True,
        on_work=lambda: told.append(1),
    )
    assert run.stdout == ""
    assert 1 <= len(told) <= 1.0 / WORK_S + 1


async def test_a_program_that_only_waits_tells_no_work() -> None:
    told: list[int] = []
    await run_tool(command(["sleep", "0.5"], purpose="wait"), watch_threads=True, on_work=lambda: told.append(1))
    assert told == []
