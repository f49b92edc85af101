"""A worker as a process: it starts, polls, and ends when asked."""

import asyncio
import os
import signal
import sys
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

ROOT = Path(__file__).parents[2]
TEMPORAL = Path(sysconfig.get_path("scripts")) / "temporal"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    """The real server, in memory."""
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=str(TEMPORAL)) as environment:
        yield environment


@pytest.mark.parametrize("role", ["orchestrate", "encode-cpu"])
async def test_sigterm_ends_a_worker_in_order(temporal: WorkflowEnvironment, tmp_path: Path, role: str) -> None:
    left = tmp_path / "scratch" / role / "left-by-a-killed-worker"
    left.mkdir(parents=True)
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workers", role),
        cwd=ROOT,
        env=_environment(temporal, tmp_path),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert worker.stderr is not None
        said = [(await worker.stderr.readuntil(b"slots\n")).decode()]
        assert f"worker {role} polls with" in said[0]
        assert not left.exists()
        worker.send_signal(signal.SIGTERM)
        said.append((await worker.stderr.read()).decode())
        assert await worker.wait() == 0
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    assert "lets running activities end" in said[1]
    assert "Traceback" not in said[1]
    assert not (tmp_path / "scratch" / role).exists()


def _environment(temporal: WorkflowEnvironment, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "TEMPORAL_ADDRESS": str(temporal.client.service_client.config.target_host),
        "PERTITLE_S3_ENDPOINT_URL": "http://127.0.0.1:9",
        "PERTITLE_SCRATCH_DIR": str(folder / "scratch"),
        "PERTITLE_CACHE_DIR": str(folder / "cache"),
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
