"""Where a command works: the local stack of a state folder, or the cluster that the environment names."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from client.local_stack.control import stack_status
from client.local_stack.credentials import read_access_keys
from client.local_stack.errors import ClusterUnreachable, StackNotRunning
from client.local_stack.state import NAMESPACE, StackState
from protection.payload_codec import data_converter
from protection.payload_keys import PayloadKeys, load_payload_keys
from storage.connection import Buckets, StoreConnection, connect
from storage.object_store import ObjectStore
from storage.results import ResultStore
from storage.sources import SourceStore
from workers.settings import Settings, load_settings, read_variable

CONNECT_PATIENCE_S = 20.0
"""A server that was just killed is back in seconds: the supervisor sees to it."""


@dataclass(frozen=True)
class Session:
    """A Temporal connection and the store that belongs to it."""

    temporal: Client
    settings: Settings
    connection: StoreConnection
    stack: StackState | None
    """The local stack, ``None`` on a cluster."""

    @cached_property
    def store(self) -> ObjectStore:
        """The object store; made when first used, because not every command needs it."""
        return ObjectStore(connect(self.connection), buckets_of(self.settings))

    @property
    def sources(self) -> SourceStore:
        """The incoming bucket."""
        return SourceStore(self.store, ResultStore(self.store))

    def report_url(self, title_id: str) -> str | None:
        """Returns where a browser finds a title's report, ``None`` without a portal."""
        base = self.settings.report_base_url
        return f"{base}/titles/{title_id}/report" if base else None

    def workflow_url(self, workflow_id: str) -> str | None:
        """Returns where the local Temporal UI shows a workflow, ``None`` on a cluster."""
        if self.stack is None:
            return None
        return f"{self.stack.ui_url}/namespaces/{NAMESPACE}/workflows/{workflow_id.replace('/', '%2F')}"


def names_cluster() -> bool:
    """Tells whether the environment names a Temporal cluster; then the local stack has no say."""
    return bool(read_variable("TEMPORAL_ADDRESS") or read_variable("TEMPORAL_PROFILE"))


async def open_session(state_dir: Path) -> Session:
    """Connects to the cluster of the environment, or else to the local stack of a state folder.

    Raises:
        StackNotRunning: if there is neither.
        ClusterUnreachable: if the Temporal server does not answer.
    """
    if names_cluster():
        return await _cluster_session()
    stack = stack_status(state_dir)
    if stack is None or not stack.is_running:
        raise StackNotRunning(
            str(state_dir),
            found="no running local stack",
            expected="a running stack, or TEMPORAL_ADDRESS for a cluster",
            fix="start one with `pertitle up`",
        )
    return await local_session(stack)


async def local_session(stack: StackState) -> Session:
    """Connects to a running local stack.

    Raises:
        ClusterUnreachable: if its Temporal server does not answer.
    """
    settings = load_settings(stack.environment())
    access_key, secret_key = read_access_keys(stack.credentials_file)
    connection = StoreConnection.model_validate(
        {
            "endpoint_url": settings.s3_endpoint_url,
            "region": settings.s3_region,
            "access_key_id": access_key,
            "secret_access_key": secret_key,
        }
    )
    options = {"target_host": stack.temporal_address, "namespace": NAMESPACE}
    return Session(await _connect_temporal(options, settings), settings, connection, stack)


def buckets_of(settings: Settings) -> Buckets:
    """Returns the bucket names of the settings."""
    return Buckets(
        work=settings.work_bucket,
        incoming=settings.incoming_bucket,
        releases=settings.releases_bucket,
        keys=settings.keys_bucket,
    )


def store_of_environment() -> ObjectStore:
    """Returns the store that the environment describes, with credentials of the standard AWS chain."""
    settings = load_settings()
    return ObjectStore(connect(_connection_of(settings)), buckets_of(settings))


def payload_keys_of_environment() -> tuple[PayloadKeys, str]:
    """Returns the keys that open what Temporal keeps, and the address of the Temporal UI whose pages may ask for it.

    Raises:
        UnsafeKeyFile: if others can read the key file.
        KeysNotConfigured: if it holds something else.
    """
    settings = load_settings()
    return load_payload_keys(settings.payload_key_file), settings.temporal_ui_url


def _connection_of(settings: Settings) -> StoreConnection:
    return StoreConnection(endpoint_url=settings.s3_endpoint_url, region=settings.s3_region)


async def _cluster_session() -> Session:
    settings = load_settings()
    connection = _connection_of(settings)
    options = dict(ClientConfig.load_client_connect_config())
    options.setdefault("target_host", "localhost:7233")
    return Session(await _connect_temporal(options, settings), settings, connection, None)


async def _connect_temporal(options: Mapping[str, object], settings: Settings) -> Client:
    converter = data_converter(load_payload_keys(settings.payload_key_file))
    until = asyncio.get_running_loop().time() + CONNECT_PATIENCE_S
    while True:
        try:
            return await Client.connect(**options, data_converter=converter)  # type: ignore[arg-type]
        except (RuntimeError, RPCError) as error:
            if asyncio.get_running_loop().time() > until:
                raise ClusterUnreachable(
                    str(options["target_host"]),
                    found=str(error).splitlines()[0],
                    expected="a Temporal server",
                    fix="check TEMPORAL_ADDRESS, or `pertitle status` for the local stack",
                ) from None
        await asyncio.sleep(0.5)
