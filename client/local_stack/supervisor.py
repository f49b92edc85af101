"""The supervisor: one detached process per state folder that starts the parts, keeps them running, and ends them.

Parts die with it (``PR_SET_PDEATHSIG``): a ``kill -9`` of the supervisor leaves nothing that the next ``up`` would
have to fight with. Start it as ``python -m client.local_stack.supervisor STATE_DIR``.
"""

import asyncio
import logging
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from client.local_stack.credentials import ensure_secrets
from client.local_stack.errors import StackBusy, StackNotRunning
from client.local_stack.locks import hold_lock
from client.local_stack.parts import Part, build_parts
from client.local_stack.processes import identify_process, signal_process
from client.local_stack.state import PartState, PartStatus, StackState, read_stack, write_stack

logger = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
"""Pause before a part is started again: doubles with each failure in a row."""
_ASK_EVERY_S = 0.1
_FOLDERS = ("logs", "secrets", "temporal", "s3", "scratch", "cache", "home")


class Supervisor:
    """Keeps the parts of one stack running until it is told to stop."""

    def __init__(self, state: StackState, parts: Sequence[Part]) -> None:
        self._parts = list(parts)
        self._was_ready = {part.name: asyncio.Event() for part in parts}
        self._stop = asyncio.Event()
        self._state = state.model_copy(
            update={
                "supervisor": identify_process(os.getpid()),
                "parts": {part.name: PartState(name=part.name) for part in parts},
            }
        )

    def stop(self) -> None:
        """Asks for the end; ``run`` returns when all parts have ended."""
        self._stop.set()

    async def run(self) -> None:
        """Starts the parts and keeps them running until ``stop``, then ends them in reverse order."""
        write_stack(self._state)
        keepers = {part.name: asyncio.create_task(self._keep(part)) for part in self._parts}
        stopping = asyncio.create_task(self._stop.wait())
        try:
            # A keeper ends only by an error of ours: then the whole stack goes, loudly.
            await asyncio.wait({stopping, *keepers.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await self._end_all(keepers)
        for keeper in keepers.values():
            if not keeper.cancelled():
                await keeper

    async def _end_all(self, keepers: dict[str, asyncio.Task[None]]) -> None:
        """Ends parts before those that they need."""
        left = list(self._parts)
        while left:
            needed = {name for part in left for name in part.needs}
            now = [part for part in left if part.name not in needed] or left
            for part in now:
                keepers[part.name].cancel()
            await asyncio.wait([keepers[part.name] for part in now])
            left = [part for part in left if part not in now]

    async def _keep(self, part: Part) -> None:
        """Runs a part again and again until canceled."""
        for name in part.needs:
            if name in self._was_ready:
                await self._was_ready[name].wait()
        pause_s = FIRST_PAUSE_S
        while True:
            became_ready = await self._run_once(part)
            if became_ready:
                pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _run_once(self, part: Part) -> bool:
        """Runs a part from start to exit.

        Returns:
            Whether it was ready at some time.
        """
        process = await self._start(part)
        exited = asyncio.create_task(process.wait())
        became_ready = False
        try:
            became_ready = await self._until_ready(part, exited)
            if became_ready:
                self._note(part, status=PartStatus.READY, failures=0)
                self._was_ready[part.name].set()
                logger.info("%s is ready (pid %d)", part.name, process.pid)
                await asyncio.shield(exited)
        except asyncio.CancelledError:
            await _end_process(process, exited, part)
            self._note(part, status=PartStatus.STOPPED, process=None, last_exit=process.returncode)
            raise
        await _end_process(process, exited, part)
        failures = 0 if became_ready else self._state.parts[part.name].failures + 1
        logger.warning("%s ended with %s; it is started again", part.name, process.returncode)
        self._note(part, status=PartStatus.RESTARTING, process=None, last_exit=process.returncode, failures=failures)
        return became_ready

    async def _start(self, part: Part) -> asyncio.subprocess.Process:
        with self._state.log_of(part.name).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *_dies_with_us(),
                *part.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=part.environment,
                cwd=self._state.state_dir,
                start_new_session=True,
            )
        starts = self._state.parts[part.name].starts + 1
        self._note(part, status=PartStatus.STARTING, process=identify_process(process.pid), starts=starts)
        return process

    @staticmethod
    async def _until_ready(part: Part, exited: asyncio.Task[int]) -> bool:
        until = asyncio.get_running_loop().time() + part.patience_s
        while not exited.done() and asyncio.get_running_loop().time() < until:
            with suppress(OSError):
                if await part.is_ready():
                    # An answer may come from a stranger on the same port while ours has just ended.
                    return not exited.done()
            await asyncio.wait([exited], timeout=_ASK_EVERY_S)
        return False

    def _note(self, part: Part, **changes: object) -> None:
        changed = self._state.parts[part.name].model_copy(update=changes)
        self._state = self._state.model_copy(update={"parts": {**self._state.parts, part.name: changed}})
        write_stack(self._state)


async def _end_process(process: asyncio.subprocess.Process, exited: asyncio.Task[int], part: Part) -> None:
    """Asks a process to end, waits, then kills what is left of its group. Not interruptible: it always ends."""
    if not exited.done():
        with suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait([exited], timeout=part.grace_s)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await exited
    for path in part.leaves:
        path.unlink(missing_ok=True)


def _dies_with_us() -> tuple[str, ...]:
    """A prefix that ends a part when this process ends, however that happens.

    Source: prctl(2), PR_SET_PDEATHSIG; setpriv(1) of util-linux sets it without Python code after fork.
    """
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


def end_leftovers(state: StackState) -> None:
    """Kills parts that a dead supervisor left behind: exactly those processes, known by number and start time."""
    for part in state.parts.values():
        if part.process and signal_process(part.process, signal.SIGKILL, group=True):
            logger.warning("%s was left behind by an earlier supervisor: killed (pid %d)", part.name, part.process.pid)


def prepare_folders(state: StackState) -> None:
    """Makes the folders and secrets of a stack."""
    for name in _FOLDERS:
        (state.state_dir / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    ensure_secrets(state)


async def supervise(state: StackState, parts: Sequence[Part]) -> None:
    """Runs a stack until SIGTERM or SIGINT."""
    supervisor = Supervisor(state, parts)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    await supervisor.run()


def _known_state(state_dir: Path) -> StackState:
    state = read_stack(state_dir)
    if state is None:
        raise StackNotRunning(str(state_dir), found="no stack.json", fix="start it with `pertitle up`")
    return state


def main(state_dir: Path) -> int:
    """Runs the supervisor of a state folder.

    Returns:
        The exit code.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        with hold_lock(state_dir / "supervisor.lock"):
            state = _known_state(state_dir)
            end_leftovers(state)
            prepare_folders(state)
            asyncio.run(supervise(state, build_parts(state)))
    except StackBusy:
        logger.info("another supervisor looks after %s", state_dir)
    except Exception:
        logger.exception("the supervisor ends")
        return 1
    return 0


if __name__ == "__main__":
    code = main(Path(sys.argv[1]).resolve())
    logging.shutdown()
    # The Temporal library may abort the interpreter's regular end (sdk-python issue 300).
    os._exit(code)
