"""The local stack with the real Temporal server and the real S3 server: killed, started again, side by side."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from mypy_boto3_s3 import S3Client
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from client.local_stack import control
from client.local_stack.control import stack_status, start_stack, stop_stack
from client.local_stack.credentials import read_access_keys
from client.local_stack.errors import StackDiffers
from client.local_stack.parts import SEARCH_ATTRIBUTES, SERVER_PARTS, find_program, temporal_command
from client.local_stack.ports import HOST, choose_ports
from client.local_stack.processes import identify_process
from client.local_stack.readiness import RETENTION
from client.local_stack.state import NAMESPACE, StackState
from client.local_stack.supervisor import prepare_folders

pytestmark = pytest.mark.slow
PATIENCE_S = 60.0


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    """A state folder whose stack is stopped after the test, however that ends."""
    yield tmp_path / "state"
    await stop_stack(tmp_path / "state")


async def _start(folder: Path) -> StackState:
    return await start_stack(folder, parts=SERVER_PARTS)


def _s3(state: StackState) -> S3Client:
    access_key, secret_key = read_access_keys(state.credentials_file)
    return boto3.session.Session().client(
        "s3",
        endpoint_url=state.s3_endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(s3={"addressing_style": "path"}),
    )


async def _until(folder: Path, condition: Callable[[StackState], bool]) -> StackState:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            state = stack_status(folder)
            if state is not None and condition(state):
                return state
            await asyncio.sleep(0.05)


def _numbers(state: StackState) -> list[int]:
    return [*state.pids.values(), *([state.supervisor.pid] if state.supervisor else [])]


async def test_a_stack_serves_keeps_its_data_through_every_kill_and_leaves_nothing(folder: Path) -> None:
    first = await _start(folder)
    client = _s3(first)
    assert {bucket["Name"] for bucket in client.list_buckets()["Buckets"]} >= {
        "pertitle-work",
        "pertitle-incoming",
        "pertitle-releases",
        "pertitle-keys",
    }
    client.put_object(Bucket="pertitle-keys", Key="kept", Body=b"through everything")
    temporal = await Client.connect(first.temporal_address, namespace=NAMESPACE)
    await temporal.start_workflow("NoWorkerServesThis", id="kept", task_queue="nobody")

    # A part dies: it comes back on the same port with its data.
    for part in SERVER_PARTS:
        os.kill(first.pids[part], signal.SIGKILL)
        await _until(folder, lambda state, part=part: state.is_ready and state.pids[part] != first.pids[part])  # type: ignore[misc]
    second = stack_status(folder)
    assert second is not None
    assert second.ports == first.ports

    # The supervisor dies: everything goes with it, and `up` starts again on the same ports with the data.
    assert second.supervisor is not None
    os.kill(second.supervisor.pid, signal.SIGKILL)
    await _until(folder, lambda state: not state.pids and not state.is_running)
    third = await _start(folder)
    assert third.ports == first.ports
    assert client.get_object(Bucket="pertitle-keys", Key="kept")["Body"].read() == b"through everything"
    described = await temporal.get_workflow_handle("kept").describe()
    assert described.workflow_type == "NoWorkerServesThis"

    # `down` leaves no process, twice is no error, and the data outlives it too.
    assert await stop_stack(folder)
    assert [identify_process(pid) for pid in _numbers(third)] == [None] * 3
    assert not await stop_stack(folder)
    await _start(folder)
    assert client.get_object(Bucket="pertitle-keys", Key="kept")["Body"].read() == b"through everything"


async def test_a_second_start_joins_and_another_kind_is_refused(folder: Path) -> None:
    first, again = await asyncio.gather(_start(folder), _start(folder))
    assert _numbers(first) == _numbers(again)
    assert _numbers(await start_stack(folder)) == _numbers(first)
    with pytest.raises(StackDiffers, match="STK-004"):
        await start_stack(folder, parts=("s3",))
    assert stack_status(folder) == again


async def test_two_stacks_run_side_by_side(folder: Path, tmp_path: Path) -> None:
    other_folder = tmp_path / "other"
    try:
        one, other = await asyncio.gather(_start(folder), _start(other_folder))
        assert not set(one.ports.values()) & set(other.ports.values())
        _s3(one).put_object(Bucket="pertitle-work", Key="mine", Body=b"1")
        assert "Contents" not in _s3(other).list_objects_v2(Bucket="pertitle-work")
        await stop_stack(other_folder)
        assert _s3(one).get_object(Bucket="pertitle-work", Key="mine")["Body"].read() == b"1"
    finally:
        await stop_stack(other_folder)


async def test_a_taken_port_is_replaced_and_the_data_found_again(folder: Path) -> None:
    first = await _start(folder)
    _s3(first).put_object(Bucket="pertitle-work", Key="kept", Body=b"x" * 100_000)
    await stop_stack(folder)
    taken = ("s3", "s3_volume", "s3_master", "s3_filer", "temporal")
    listeners = [socket.create_server((HOST, first.ports[name])) for name in taken]
    try:
        second = await _start(folder)
    finally:
        for listener in listeners:
            listener.close()
    assert {name for name in first.ports if first.ports[name] != second.ports[name]} == set(taken)
    assert _s3(second).get_object(Bucket="pertitle-work", Key="kept")["Body"].read() == b"x" * 100_000


async def test_a_port_that_is_taken_after_it_was_chosen_is_chosen_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers: list[socket.socket] = []

    def choose_and_lose(kept: Mapping[str, int]) -> dict[str, int]:
        """Chooses as ever; the first time, a stranger is quicker than the S3 server's metrics."""
        chosen = choose_ports(kept)
        if not strangers:
            strangers.append(socket.create_server((HOST, chosen["s3_metrics"])))
        return chosen

    monkeypatch.setattr(control, "choose_ports", choose_and_lose)
    try:
        state = await _start(folder)
        assert state.ports["s3_metrics"] != strangers[0].getsockname()[1]
        assert _s3(state).list_buckets()["Buckets"]
    finally:
        strangers[0].close()


async def test_an_old_database_gets_search_attributes_and_retention(folder: Path) -> None:
    # What an older pertitle would have left: a namespace without our search attributes.
    folder.mkdir()
    old = StackState(state_dir=folder, ports=choose_ports({}), part_names=("temporal",))
    prepare_folders(old)
    command = temporal_command(find_program("temporal"), old)
    bare = [
        part for part in command if part != "--search-attribute" and part.partition("=")[0] not in SEARCH_ATTRIBUTES
    ]
    server = subprocess.Popen(bare, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert await _attributes(old, patience_s=PATIENCE_S) == set()
    finally:
        server.kill()
        server.wait()

    state = await start_stack(folder, parts=("temporal",))
    assert await _attributes(state, patience_s=0) == set(SEARCH_ATTRIBUTES)
    client = await Client.connect(state.temporal_address, namespace=NAMESPACE)
    found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
    assert found.config.workflow_execution_retention_ttl.ToTimedelta() == RETENTION


async def _attributes(state: StackState, *, patience_s: float) -> set[str]:
    """Returns which of our search attributes the server has, once it answers."""
    until = asyncio.get_running_loop().time() + patience_s
    request = ListSearchAttributesRequest(namespace=NAMESPACE)
    while True:
        try:
            client = await Client.connect(state.temporal_address, namespace=NAMESPACE)
            found = await client.operator_service.list_search_attributes(request)
            return set(found.custom_attributes) & set(SEARCH_ATTRIBUTES)
        except (RuntimeError, RPCError):
            if asyncio.get_running_loop().time() > until:
                raise
        await asyncio.sleep(0.1)
