"""Starting, stopping and asking about a stack, from outside its supervisor."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, SIGTERM

from client.local_stack.errors import PartNotReady, StackDiffers, StackStuck
from client.local_stack.locks import wait_for_lock
from client.local_stack.parts import ALL_PARTS
from client.local_stack.ports import are_free, choose_ports
from client.local_stack.processes import ProcessId, is_alive, signal_process
from client.local_stack.state import StackState, payload_key_file, read_stack, write_stack
from client.local_stack.supervisor import end_leftovers, prepare_folders
from protection.payload_keys import ensure_payload_keys

START_PATIENCE_S = 120.0
STOP_PATIENCE_S = 90.0
_MOST_FAILURES = 3
"""A part that ends so often in a row without having been ready will not recover by itself."""
_MOST_LAUNCHES = 3
"""A stack whose ports were taken while it started is started on others, so often in all."""
_LOOK_EVERY_S = 0.1
_LOCK_PATIENCE_S = 150.0

OnChange = Callable[[StackState], None]


async def start_stack(
    state_dir: Path,
    *,
    parts: Sequence[str] | None = None,
    worker_env: Mapping[str, str] | None = None,
    on_change: OnChange | None = None,
) -> StackState:
    """Starts the stack of a state folder, or joins the one that runs, and waits until every part is ready.

    Args:
        state_dir: The state folder; made if it is missing.
        parts: Names of the parts to start (default: all, see ``ALL_PARTS``).
        worker_env: Variables for the workers, beside those that describe the stack.
        on_change: Called with the state after each change.

    Raises:
        StackDiffers: if a stack with other parts or worker variables runs already.
        PartNotReady: if a part does not become ready; the stack is then stopped again.
        StackBusy: if another command works on the same folder for minutes.
        BrokenState: if the state file cannot be read.
    """
    state_dir = _made(state_dir)
    async with wait_for_lock(state_dir / "command.lock", _LOCK_PATIENCE_S):
        known = read_stack(state_dir)
        if known is not None and known.is_running:
            _refuse_other(known, parts, worker_env)
            return await _until_ready(state_dir, on_change)
        return await _start_new(state_dir, known, tuple(parts or ALL_PARTS), dict(worker_env or {}), on_change)


async def seal_payloads(state_dir: Path) -> None:
    """Makes the keys that seal what Temporal keeps, where there are none; from the next start on they are used.

    Raises:
        StackDiffers: if the stack runs without them: its workers could not read what clients seal.
        StackBusy: if another command works on the same folder for minutes.
    """
    state_dir = _made(state_dir)
    async with wait_for_lock(state_dir / "command.lock", _LOCK_PATIENCE_S):
        known = read_stack(state_dir)
        key_file = payload_key_file(state_dir)
        if known is not None and known.is_running and not key_file.exists():
            raise StackDiffers(
                str(state_dir),
                found="a stack that does not seal payloads",
                expected="none, or one that does",
                fix="stop it first: `pertitle down`",
            )
        key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(ensure_payload_keys, key_file)


async def stop_stack(state_dir: Path) -> bool:
    """Stops the stack of a state folder and waits until nothing of it runs.

    Returns:
        Whether there was something to stop.

    Raises:
        StackStuck: if it cannot be ended.
        StackBusy: if another command works on the same folder for minutes.
    """
    if read_stack(state_dir) is None:
        return False
    state_dir = _made(state_dir)
    async with wait_for_lock(state_dir / "command.lock", _LOCK_PATIENCE_S):
        return await _stop(state_dir)


def stack_status(state_dir: Path) -> StackState | None:
    """Returns the state of a folder's stack as it is now: processes that have ended have no number any more."""
    state = read_stack(state_dir)
    if state is None:
        return None
    parts = {
        name: part if is_alive(part.process) else part.model_copy(update={"process": None})
        for name, part in state.parts.items()
    }
    return state.model_copy(update={"parts": parts, "supervisor": state.supervisor if state.is_running else None})


def log_tail(state: StackState, part: str, lines: int = 15) -> str:
    """Returns the end of a part's log."""
    try:
        with state.log_of(part).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 65_536))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _made(state_dir: Path) -> Path:
    """Returns the full path of a state folder that now exists."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return state_dir.resolve()


def _refuse_other(running: StackState, parts: Sequence[str] | None, worker_env: Mapping[str, str] | None) -> None:
    other_parts = parts is not None and set(parts) != set(running.part_names)
    other_env = worker_env is not None and dict(worker_env) != running.worker_env
    if other_parts or other_env:
        raise StackDiffers(
            str(running.state_dir),
            found=f"a stack with parts {', '.join(running.part_names)} and worker settings {running.worker_env}",
            expected="none, or one with the same parts and worker settings",
            fix="stop it first: `pertitle down`",
        )


def _launch(state_dir: Path, known: StackState | None, parts: tuple[str, ...], worker_env: dict[str, str]) -> None:
    """Chooses ports and starts a detached supervisor."""
    if known is not None:
        end_leftovers(known)
    state = StackState(
        state_dir=state_dir,
        ports=choose_ports(known.ports if known else {}),
        part_names=parts,
        worker_env=worker_env,
    )
    prepare_folders(state)
    write_stack(state)
    with (state_dir / "logs" / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "client.local_stack.supervisor", str(state_dir)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=state_dir,
            env={"LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(state_dir / "home")},
            start_new_session=True,
        )
    # It outlives us; while we live, somebody must take note of its end, or it would stay as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()


async def _start_new(
    state_dir: Path,
    known: StackState | None,
    parts: tuple[str, ...],
    worker_env: dict[str, str],
    on_change: OnChange | None,
) -> StackState:
    """Starts a stack and waits until it is ready; where a stranger took one of its ports meanwhile, once more."""
    launches = 0
    while True:
        await asyncio.to_thread(_launch, state_dir, known, parts, worker_env)
        launches += 1
        try:
            return await _until_ready(state_dir, on_change)
        except (PartNotReady, asyncio.CancelledError) as error:
            # Whether it fails or somebody presses Ctrl-C: what was started here is not left half up.
            await asyncio.shield(_stop(state_dir))
            known = read_stack(state_dir)
            if isinstance(error, asyncio.CancelledError) or launches == _MOST_LAUNCHES or not _lost_a_port(known):
                raise


def _lost_a_port(ended: StackState | None) -> bool:
    """Tells whether a stranger has taken a port between our choice and the start of the part that wanted it."""
    return ended is not None and not are_free(ended.ports)


async def _until_ready(state_dir: Path, on_change: OnChange | None) -> StackState:
    seen: StackState | None = None
    until = asyncio.get_running_loop().time() + START_PATIENCE_S
    appeared = False
    while True:
        state = read_stack(state_dir)
        if state is not None:
            if on_change and state != seen:
                on_change(state)
            seen = state
            if state.is_ready:
                return state
            appeared = appeared or state.is_running
            late = asyncio.get_running_loop().time() > until
            _raise_if_hopeless(state, late=late or (appeared and not state.is_running))
        await asyncio.sleep(_LOOK_EVERY_S)


def _raise_if_hopeless(state: StackState, *, late: bool) -> None:
    failing = [part.name for part in state.parts.values() if part.failures >= _MOST_FAILURES]
    waiting = [name for name in state.part_names if name not in state.parts or not is_alive(state.parts[name].process)]
    if not failing and not late:
        return
    name = (failing or waiting or ["supervisor"])[0]
    if not state.is_running:
        name = "supervisor"
    raise PartNotReady(
        name,
        found=log_tail(state, name) or "nothing in its log",
        expected="a part that becomes ready",
        fix=f"read {state.log_of(name)}",
    )


async def _stop(state_dir: Path) -> bool:
    state = read_stack(state_dir)
    if state is None:
        return False
    left = [process for process in (state.supervisor, *(part.process for part in state.parts.values())) if process]
    was_running = any(is_alive(process) for process in left)
    if state.supervisor is not None and signal_process(state.supervisor, SIGTERM):
        await _until_ended(state.supervisor, STOP_PATIENCE_S)
        signal_process(state.supervisor, SIGKILL)
    state = read_stack(state_dir) or state
    end_leftovers(state)
    for process in left:
        if not await _until_ended(process, 10.0):
            raise StackStuck(str(state_dir), found=f"process {process.pid} does not end", fix=f"kill -9 {process.pid}")
    return was_running


async def _until_ended(process: ProcessId, patience_s: float) -> bool:
    until = asyncio.get_running_loop().time() + patience_s
    while is_alive(process):
        if asyncio.get_running_loop().time() > until:
            return False
        await asyncio.sleep(0.05)
    return True
