"""Connections and tools of a worker, made once at start from the settings."""

from pathlib import Path

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from activities.admission import Admission, MemoryRoom, ScratchRoom
from activities.toolbox import Toolbox
from media.tools import find_tools, read_versions, tools_digest
from protection.payload_codec import data_converter
from protection.payload_keys import load_payload_keys
from storage.connection import Buckets, StoreConnection, connect
from storage.local_cache import LocalCache
from storage.object_store import ObjectStore
from storage.results import ResultStore
from storage.sealed_records import SealedRecordStore
from storage.sources import SourceStore
from workers.key_providers import open_key_provider
from workers.settings import Settings


async def connect_temporal(settings: Settings) -> Client:
    """Connects to Temporal as the environment says (``TEMPORAL_ADDRESS``, ``TEMPORAL_NAMESPACE``, TLS, …).

    The Prometheus endpoint must exist before the first client does.
    """
    runtime = None
    if settings.metrics_port:
        metrics = PrometheusConfig(
            bind_address=f"127.0.0.1:{settings.metrics_port}",
            durations_as_seconds=True,
            unit_suffix=True,
            counters_total_suffix=True,
        )
        runtime = Runtime(telemetry=TelemetryConfig(metrics=metrics))
    config = ClientConfig.load_client_connect_config()
    converter = data_converter(load_payload_keys(settings.payload_key_file))
    return await Client.connect(**config, data_converter=converter, runtime=runtime)


async def open_toolbox(settings: Settings, scratch: Path, *, role: str) -> Toolbox:
    """Opens everything that activities of a role may touch.

    Raises:
        ToolMissing: if a program is not there.
        UnsafeKeyFile: if others can read a secret file.
        KeysNotConfigured: if a setting of the key provider is missing or wrong.
    """
    tools = find_tools()
    versions = await read_versions(tools)
    store = open_store(settings)
    results = ResultStore(store)
    cache = LocalCache(store, settings.cache_dir, max_bytes=settings.cache_max_bytes)
    return Toolbox(
        tools=tools,
        versions=versions,
        tools_digest=tools_digest(versions),
        store=store,
        results=results,
        sources=SourceStore(store, results),
        cache=cache,
        scratch=scratch,
        keys=open_key_provider(settings, SealedRecordStore(store)) if role == "io" else None,
        admission=Admission(ScratchRoom(scratch, cache=cache), MemoryRoom(settings.memory_bytes)),
        report_base_url=settings.report_base_url,
        heartbeat_timeout_s=settings.heartbeat_timeout_s,
    )


def open_store(settings: Settings) -> ObjectStore:
    """Opens the object store; credentials come from the standard AWS chain."""
    buckets = Buckets(
        work=settings.work_bucket,
        incoming=settings.incoming_bucket,
        releases=settings.releases_bucket,
        keys=settings.keys_bucket,
    )
    connection = StoreConnection(endpoint_url=settings.s3_endpoint_url, region=settings.s3_region)
    return ObjectStore(connect(connection), buckets)
