"""``python -m workers ROLE``: one worker process; ends on SIGTERM after its running activities."""

import asyncio
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from domain.errors import PertitleError
from media.process import use_sandbox
from media.sandbox import SandboxPolicy
from media.tools import probe_capabilities
from workers.connection import connect_temporal, open_toolbox
from workers.errors import FolderUnusable
from workers.janitor_schedule import keep_janitor_schedule
from workers.roles import ROLES, activities_of, make_worker, slots_of
from workers.settings import Settings, load_settings
from workflows.task_queues import ORCHESTRATE

logger = logging.getLogger("pertitle.worker")
_ENCODING_ROLES = ("encode-cpu", "measure")


async def run_worker(role: str, settings: Settings) -> None:
    """Runs the worker of a role until SIGTERM or SIGINT.

    Raises:
        ToolMissing: if a program, or libvmaf with our model, does not work on this machine.
        SandboxMissing: if the settings require a sandbox and it does not work here.
        FolderUnusable: if scratch or cache cannot be written: such a worker would fail every unit it takes.
    """
    use_sandbox(SandboxPolicy(settings.sandbox))
    scratch = settings.scratch_dir / role
    _empty(scratch)
    for folder in (scratch, settings.cache_dir):
        _prove_writable(folder)
    # The default has cores + 4 threads; store transfers of all slots and their nested calls must not starve.
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(max_workers=8 + 4 * slots_of(role, settings)))
    client = await connect_temporal(settings)
    toolbox = await open_toolbox(settings, scratch, role=role)
    if role == ORCHESTRATE:
        await keep_janitor_schedule(client, settings)
    if role in _ENCODING_ROLES:
        codecs = await probe_capabilities(toolbox.tools)
        logger.info("worker %s encodes %s with ffmpeg %s", role, ", ".join(codecs), toolbox.versions["ffmpeg"])
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with make_worker(client, role, settings, activities_of(role, toolbox)):
        logger.info("worker %s polls with %d slots", role, slots_of(role, settings))
        await stop.wait()
        logger.info("worker %s stops polling and lets running activities end", role)
    toolbox.cache.close()
    _empty(scratch)


def _empty(scratch: Path) -> None:
    """Removes what a killed predecessor left; nobody else uses this folder."""
    shutil.rmtree(scratch, ignore_errors=True)


def _prove_writable(folder: Path) -> None:
    """Makes a folder and a file in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"worker")
    except OSError as error:
        raise FolderUnusable(
            str(folder),
            found=str(error),
            expected="a folder that this worker can write into",
            fix="make it writable, or set PERTITLE_SCRATCH_DIR and PERTITLE_CACHE_DIR",
        ) from None


def main() -> int:
    """Starts the worker that the command line names."""
    role = sys.argv[1] if len(sys.argv) == 2 else ""
    if role not in ROLES:
        sys.stderr.write(f"usage: python -m workers {{{'|'.join(ROLES)}}}\n")
        return 2
    settings = load_settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(run_worker(role, settings))
    except PertitleError as error:
        logger.error("%s", error)  # noqa: TRY400 - the message says all; a stack trace would hide it
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    # The SDK's threads may abort the interpreter while it finalizes (sdk-python issue 300): leave at once.
    sys.stdout.flush()
    sys.stderr.flush()
    time.sleep(0.1)
    os._exit(code)
