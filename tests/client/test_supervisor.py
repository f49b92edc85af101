"""The supervisor with small parts that are real processes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from client.local_stack.parts import Part
from client.local_stack.ports import choose_ports
from client.local_stack.processes import ProcessId, identify_process
from client.local_stack.state import PartState, PartStatus, StackState, read_stack
from client.local_stack.supervisor import Supervisor, end_leftovers, prepare_folders

PATIENCE_S = 20.0
POLITE = """
import signal, sys, time
signal.signal(15, lambda *_: ({said}, sys.exit(0)))
open({name!r}, 'w').close()
time.sleep(600)
"""
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); open({name!r}, 'w').close(); time.sleep(600)"
SAY = "open('order', 'a').write({name!r} + ' ')"


def _part(folder: Path, name: str, code: str = POLITE, **options: object) -> Part:
    """A part that is ready when it has made a file of its name."""
    text = code.format(name=name, said=SAY.format(name=name))

    async def is_ready() -> bool:
        return (folder / name).exists()

    return Part(name, (sys.executable, "-c", text), is_ready, **options)  # type: ignore[arg-type]


def _state(folder: Path) -> StackState:
    state = StackState(state_dir=folder, ports=choose_ports({}), part_names=())
    prepare_folders(state)
    return state


async def _until(folder: Path, condition: Callable[[StackState], bool]) -> StackState:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            state = read_stack(folder)
            if state is not None and condition(state):
                return state
            await asyncio.sleep(0.02)


def _all_ready(state: StackState) -> bool:
    return bool(state.parts) and all(part.status is PartStatus.READY for part in state.parts.values())


async def test_parts_start_after_and_end_before_what_they_need(tmp_path: Path) -> None:
    parts = [_part(tmp_path, "server"), _part(tmp_path, "worker", needs=("server",))]
    supervisor = Supervisor(_state(tmp_path), parts)
    run = asyncio.create_task(supervisor.run())
    state = await _until(tmp_path, _all_ready)
    assert (tmp_path / "server").stat().st_mtime_ns <= (tmp_path / "worker").stat().st_mtime_ns
    pids = state.pids
    supervisor.stop()
    await run
    assert (tmp_path / "order").read_text().split() == ["worker", "server"]
    assert [identify_process(pid) for pid in pids.values()] == [None, None]


async def test_a_killed_part_is_started_again(tmp_path: Path) -> None:
    supervisor = Supervisor(_state(tmp_path), [_part(tmp_path, "server")])
    run = asyncio.create_task(supervisor.run())
    first = (await _until(tmp_path, _all_ready)).pids["server"]
    os.kill(first, signal.SIGKILL)
    again = await _until(tmp_path, lambda state: _all_ready(state) and state.pids["server"] != first)
    assert again.parts["server"].starts == 2
    supervisor.stop()
    await run
    assert identify_process(again.pids["server"]) is None


async def test_a_part_that_ends_at_once_is_counted_as_failing(tmp_path: Path) -> None:
    supervisor = Supervisor(_state(tmp_path), [_part(tmp_path, "server", "raise SystemExit(3)")])
    run = asyncio.create_task(supervisor.run())
    state = await _until(tmp_path, lambda state: state.parts["server"].failures >= 2)
    assert state.parts["server"].last_exit == 3
    supervisor.stop()
    await run


async def test_a_part_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    supervisor = Supervisor(_state(tmp_path), [_part(tmp_path, "server", STUBBORN, grace_s=0.2)])
    run = asyncio.create_task(supervisor.run())
    state = await _until(tmp_path, _all_ready)
    supervisor.stop()
    await run
    assert identify_process(state.pids["server"]) is None
    ended = read_stack(tmp_path)
    assert ended is not None
    assert ended.parts["server"].status is PartStatus.STOPPED
    assert ended.parts["server"].last_exit == -signal.SIGKILL


async def test_parts_get_only_the_environment_that_they_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for parts")
    code = (
        "import os, time; open('seen', 'w').write(repr(dict(os.environ))); open({name!r}, 'w').close(); time.sleep(600)"
    )
    supervisor = Supervisor(
        _state(tmp_path), [_part(tmp_path, "server", code, environment={"ONE": "1", "LC_ALL": "C"})]
    )
    run = asyncio.create_task(supervisor.run())
    await _until(tmp_path, _all_ready)
    supervisor.stop()
    await run
    seen = (tmp_path / "seen").read_text()
    assert "'ONE': '1'" in seen
    assert "not for parts" not in seen


def test_parts_die_with_their_supervisor(tmp_path: Path) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from tests.client.test_supervisor import Supervisor, _part, _state
folder = Path(sys.argv[1])
asyncio.run(Supervisor(_state(folder), [_part(folder, "server")]).run())
"""
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=Path(__file__).parents[2])
    try:
        state = asyncio.run(_until(tmp_path, _all_ready))
    finally:
        process.kill()
        process.wait()
    asyncio.run(_until(tmp_path, lambda _: identify_process(state.pids["server"]) is None))
    assert not state.is_running


def test_leftovers_are_ended_and_strangers_are_not(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    mine = identify_process(child.pid)
    assert mine is not None
    stranger = mine.model_copy(update={"started_ticks": mine.started_ticks + 1})
    base = StackState(state_dir=tmp_path, ports={}, part_names=())
    end_leftovers(base.model_copy(update={"parts": {"s3": _noted(stranger)}}))
    assert identify_process(child.pid) == mine
    end_leftovers(base.model_copy(update={"parts": {"s3": _noted(mine)}}))
    assert child.wait(PATIENCE_S) == -signal.SIGKILL


def _noted(process: ProcessId) -> PartState:
    return PartState.model_validate({"name": "s3", "process": process})
