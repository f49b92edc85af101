"""The places where key material could turn up while a title runs, gathered so that one scan sees all of them."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from temporalio.client import Client

from protection.leak_scan import Leak, LeakScanner
from storage.connection import Buckets
from storage.object_store import ObjectStore

SAMPLE_EVERY_S = 0.05


class ProcessSampler:
    """Reads command lines and environments of our processes, over and over, in a thread."""

    def __init__(self) -> None:
        self.commands: set[bytes] = set()
        self.environments: set[bytes] = set()
        self._stop = threading.Event()

    def sample(self) -> None:
        """Looks once. An environment is read when its command line is new: it stays as it was at the start."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                if not command or command in self.commands:  # empty: the kernel's own, or a process just being made
                    continue
                self.environments.add((folder / "environ").read_bytes())
                self.commands.add(command)
            except OSError:  # ended meanwhile, or not ours
                continue

    @contextmanager
    def running(self) -> Iterator["ProcessSampler"]:
        """Samples until the block ends."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_EVERY_S):
            self.sample()


def leaks_in(scanner: LeakScanner, texts: dict[str, list[bytes]]) -> list[Leak]:
    """Returns the leaks in named texts."""
    return [leak for where, parts in texts.items() for part in parts for leak in scanner.scan_bytes(part, where)]


async def exported_histories(client: Client) -> dict[str, list[bytes]]:
    """Returns the exported history of every workflow on a server, as the CLI and the UI export it and as it is sent."""
    found = {}
    async for item in client.list_workflows():
        history = await client.get_workflow_handle(item.id, run_id=item.run_id).fetch_history()
        events = [event.SerializeToString() for event in history.events]
        found[f"history {item.id}"] = [history.to_json().encode(), *events]
    return found


def stored_objects(store: ObjectStore, buckets: Buckets) -> dict[str, list[bytes]]:
    """Returns every object of every bucket by its address, read through the API: the server may compress its files."""
    found = {}
    for bucket in (buckets.work, buckets.releases, buckets.keys):
        pages = store._client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for key in [item["Key"] for page in pages for item in page.get("Contents", ())]:
            content = store._client.get_object(Bucket=bucket, Key=key)["Body"].read()
            found[f"s3://{bucket}/{key}"] = [key.encode(), content]
    return found


async def server_texts(client: Client, store: ObjectStore) -> dict[str, list[bytes]]:
    """Returns what the two servers of a stack hold: histories and objects."""
    histories = await exported_histories(client)
    return {**histories, **await asyncio.to_thread(stored_objects, store, store.buckets)}
