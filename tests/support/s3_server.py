"""A real S3 server for tests: SeaweedFS from its wheel, on loopback, ended by its process id."""

import contextlib
import json
import secrets
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from client.local_stack.identities import IDENTITIES, KeyPair, server_identities
from client.local_stack.ports import find_port, is_free
from storage.connection import Buckets, StoreConnection, connect
from storage.object_store import ObjectStore

START_DEADLINE_S = 60.0
MOST_STARTS = 3


@dataclass(frozen=True)
class RunningS3Server:
    """A started server and what a client needs to talk to it."""

    connection: StoreConnection
    folder: Path
    process: "subprocess.Popen[bytes]"


def free_ports(count: int) -> list[int]:
    """Returns different free loopback ports; another process may still take one before it is used."""
    ports: list[int] = []
    while len(ports) < count:
        ports.append(find_port(avoid=ports))
    return ports


def s3_server_command(folder: Path, identities: Path, ports: list[int]) -> list[str]:
    """Returns the command of a server whose every port and socket is ours; see the fixture for the roles of ports."""
    (s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc) = ports
    return [
        str(Path(sysconfig.get_path("scripts")) / "weed"),
        "-logtostderr",
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        f"-master.port.grpc={master_grpc}",
        "-master.telemetry=false",  # on by default: it reports to the vendor
        "-master.volumeSizeLimitMB=256",
        f"-volume.port={volume}",
        f"-volume.port.grpc={volume_grpc}",
        "-volume.max=100",  # each bucket takes several volumes; the default of 8 runs out
        "-volume.preStopSeconds=0",
        f"-filer.port={filer}",
        f"-filer.port.grpc={filer_grpc}",
        f"-filer.localSocket={folder / 'filer.sock'}",
        "-s3",
        f"-s3.port={s3}",
        f"-s3.port.grpc={s3_grpc}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",  # on by default for admins, and no other S3 server does it
        f"-s3.localSocket={folder / 's3.sock'}",
        f"-s3.config={identities}",
    ]


@contextlib.contextmanager
def running_s3_server(folder: Path) -> Iterator[RunningS3Server]:
    """Starts a server over an empty folder, waits until it takes a bucket, and ends it by its process id."""
    identities = folder / "identities.json"
    connection = StoreConnection(
        endpoint_url="", access_key_id=secrets.token_hex(8), secret_access_key=secrets.token_hex(16)
    )
    identities.write_text(json.dumps(_identities(connection)), encoding="utf-8")
    server, ports = _started(folder, identities, connection)
    try:
        yield server
    finally:
        _end(server.process)
        _remove_sockets(ports)


def _started(folder: Path, identities: Path, connection: StoreConnection) -> tuple[RunningS3Server, list[int]]:
    """Starts it; where another test took one of its ports meanwhile, once more on others."""
    tries = 0
    while True:
        tries += 1
        shutil.rmtree(folder / "data", ignore_errors=True)
        (folder / "data").mkdir()
        ports = free_ports(8)
        at = connection.model_copy(update={"endpoint_url": f"http://127.0.0.1:{ports[0]}"})
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                s3_server_command(folder / "data", identities, ports),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,
            )
        try:
            _wait_until_ready(process, at, folder)
        except BaseException as error:
            _end(process)
            _remove_sockets(ports)
            if tries == MOST_STARTS or not isinstance(error, RuntimeError) or all(is_free(port) for port in ports):
                raise
        else:
            return RunningS3Server(at, folder, process), ports


def _identities(connection: StoreConnection) -> dict[str, Any]:
    secret = connection.secret_access_key
    admin = KeyPair(connection.access_key_id or "", secret.get_secret_value() if secret else "")
    return server_identities(admin, {name: KeyPair(name, f"{name}-secret") for name in IDENTITIES})


def _wait_until_ready(process: "subprocess.Popen[bytes]", connection: StoreConnection, folder: Path) -> None:
    """Polls with a first bucket: the port opens before the parts behind it can store anything."""
    client = connect(connection)
    deadline = time.monotonic() + START_DEADLINE_S
    while True:
        try:
            client.create_bucket(Bucket="readiness")
            client.put_object(Bucket="readiness", Key="probe", Body=b"ready" * 2000)
        except Exception as error:
            if process.poll() is not None or time.monotonic() > deadline:
                tail = (folder / "server.log").read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"the S3 server is not ready: {error}\n{tail}") from error
            time.sleep(0.2)
        else:
            return


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kills the server: an orderly end takes it ten seconds, and nothing in its folder is wanted any more."""
    process.kill()
    process.wait()


def _remove_sockets(ports: list[int]) -> None:
    """Removes the gRPC sockets that the server leaves in the temporary folder, named after our ports."""
    for port in ports:
        for left in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
            left.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningS3Server]:
    """One server for all tests of the session; tests keep apart by random bytes and titles of their own."""
    folder = tmp_path_factory.mktemp("s3")
    with running_s3_server(folder) as server:
        yield server
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def buckets() -> Buckets:
    """The bucket names that the tests use."""
    return Buckets(
        work="pertitle-work", incoming="pertitle-incoming", releases="pertitle-releases", keys="pertitle-keys"
    )


@pytest.fixture(scope="session")
def store(s3_server: RunningS3Server, buckets: Buckets) -> ObjectStore:
    """The object store over the real server, with its buckets."""
    opened = ObjectStore(connect(s3_server.connection), buckets)
    opened.ensure_buckets()
    return opened
