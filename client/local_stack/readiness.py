"""When a part counts as ready: it answers a real question, not only a knock on its port."""

import asyncio
import re
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from client.local_stack.credentials import read_access_keys
from client.local_stack.ports import HOST
from client.local_stack.state import REGION
from workers.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RETENTION = timedelta(days=30)
"""How long closed workflows stay; the development server's own default is 24 hours."""
_PROBE_BUCKET = "local-stack-ready"
_PROBE_KEY = "probe"


async def temporal_is_ready(address: str, namespace: str, attributes: dict[str, str]) -> bool:
    """Tells whether the server serves our namespace, and gives it our search attributes and retention.

    The server's own switches for these are ignored on an existing database.
    """
    try:
        client = await Client.connect(address, namespace=namespace)
        await _ensure_retention(client)
        await _ensure_search_attributes(client, attributes)
    except (RPCError, RuntimeError):
        return False
    return True


async def _ensure_retention(client: Client) -> None:
    found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    wanted = Duration()
    wanted.FromTimedelta(RETENTION)
    if found.config.workflow_execution_retention_ttl != wanted:
        config = NamespaceConfig(workflow_execution_retention_ttl=wanted)
        await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(namespace=client.namespace, config=config)
        )


async def _ensure_search_attributes(client: Client, attributes: dict[str, str]) -> None:
    found = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {
        name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
        for name, kind in attributes.items()
        if name not in found.custom_attributes
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )


async def s3_is_ready(endpoint_url: str, credentials_file: Path) -> bool:
    """Tells whether the server has our buckets and really stores: an object goes in and comes out.

    After a crash the server lists buckets seconds before it finds the volumes in which their objects lie.
    """
    return await asyncio.to_thread(_s3_is_ready, endpoint_url, credentials_file)


def _s3_is_ready(endpoint_url: str, credentials_file: Path) -> bool:
    try:
        client = _probe_client(endpoint_url, credentials_file)
        present = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
        settings = Settings.model_fields
        ours = [str(settings[f"{name}_bucket"].default) for name in ("work", "incoming", "releases", "keys")]
        for bucket in (*ours, _PROBE_BUCKET):
            if bucket not in present:
                client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=_PROBE_BUCKET, Key=_PROBE_KEY, Body=b"ready")
        return client.get_object(Bucket=_PROBE_BUCKET, Key=_PROBE_KEY)["Body"].read() == b"ready"
    except (BotoCoreError, ClientError):
        return False


def _probe_client(endpoint_url: str, credentials_file: Path) -> "S3Client":
    access_key, secret_key = read_access_keys(credentials_file)
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(
            connect_timeout=2,
            read_timeout=10,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            proxies={},
        ),
    )


async def worker_is_ready(port: int) -> bool:
    """Tells whether a worker asks the Temporal server for work or is at work, by its own metrics.

    The endpoint alone proves less: it answers before the worker has tried its tools.
    """
    return polls_or_works(await asyncio.to_thread(_fetch, f"http://{HOST}:{port}/metrics"))


def polls_or_works(metrics: str) -> bool:
    """Tells whether a Prometheus page counts at least one poller, or one slot in use, of a Temporal worker.

    A worker whose slots are all in use does not poll: one that was given a long unit at once never would.
    """
    return (
        re.search(r"^temporal_(num_pollers|worker_task_slots_used)\{[^}]*\} [1-9]", metrics, re.MULTILINE) is not None
    )


async def portal_is_ready(port: int) -> bool:
    """Tells whether the portal says that it is well."""
    return await asyncio.to_thread(_fetch, f"http://{HOST}:{port}/healthz") == "ok\n"


def _fetch(url: str) -> str:
    # Loopback is never reached through a proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as response:
        return str(response.read().decode())
