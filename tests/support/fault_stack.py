"""A real local stack that is disturbed, a title that is run on it again and again, and the oracle that judges it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from temporalio.service import RPCError

from client.local_stack.control import start_stack, stop_stack
from client.local_stack.parts import SERVER_PARTS, WORKER_ROLES
from client.local_stack.state import read_stack
from client.requests import workflow_id_of
from client.session import local_session
from client.titles import TASK_QUEUE, WORKFLOW, Handle
from domain.progress import TitleProgress
from domain.recipe import Recipe
from domain.release import ReleaseManifest, TitleReceipt
from domain.request import TitleRequest
from storage.connection import connect
from storage.errors import StorageError, StorageUnavailable
from storage.object_store import ObjectStore
from storage.release_reader import read_current, verify_release
from tests.support import title_ledger as ledger
from tests.support.fault_cases import FaultReport
from tests.support.s3_fault_proxy import S3FaultProxy, running_proxy
from tests.support.stacks import TestStack, children_of, known_keys, wait_for, wait_for_answer

RECIPE = {
    "codecs": [{"codec": "h264", "preset": "ultrafast"}],
    "heights_px": [180],
    "policy": {"max_rungs": 2, "min_bitrate_bps": 20_000},
    "search": {"method": "grid"},
}
PARTS = (*SERVER_PARTS, *WORKER_ROLES)
TITLE_ID = "disturbed"
SETTINGS = {"PERTITLE_ENCODE_SLOTS": "1", "PERTITLE_HEARTBEAT_TIMEOUT_S": "18", "PERTITLE_JANITOR_OLDER_THAN_H": "0"}
"""One encode at a time, so that there is a middle; a dead worker is missed after 6 s in a unit and 18 s in a step."""

RESULTS_OF_A_TRY = 8
"""Results that one try makes at most: four trials, encode and scores each."""


@dataclass
class DisturbedTitle:
    """A title under way, and what was seen of its pointer meanwhile."""

    handle: Handle
    watcher: "asyncio.Task[None] | None" = None
    faults: list[str] = field(default_factory=list)
    """Moments at which ``current.json`` pointed to something that is not whole."""


@dataclass
class FaultStack:
    """The stack of all cases: its store is wiped before each title, so that every title does all of its work."""

    stack: TestStack
    proxy: S3FaultProxy
    """Through it the workers reach the store."""
    clip: Path
    recipe: dict[str, Any] = field(default_factory=lambda: RECIPE)
    undisturbed: ReleaseManifest | None = None
    _count: int = 0

    @property
    def store(self) -> ObjectStore:
        """The store, not through the proxy."""
        return self.stack.session.store

    @property
    def release_id(self) -> str:
        """The release of the undisturbed run."""
        assert self.undisturbed is not None
        return self.undisturbed.release_id

    async def with_title(self, clip: Path, recipe: dict[str, Any]) -> "FaultStack":
        """Returns the same stack with another title, which was run undisturbed first."""
        other = replace(self, clip=clip, recipe=recipe, undisturbed=None)
        peace = FaultReport("peace", "undisturbed", "nothing", "a release")
        other.undisturbed = await other.judge(await other.begin(), peace, tries=0, kills=0)
        return other

    async def cut_power(self) -> None:
        """Kills supervisor and all parts at once: what a power cut does, short of the disk."""
        state = read_stack(self.stack.folder)
        assert state is not None
        assert state.supervisor is not None
        for pid in (state.supervisor.pid, *state.pids.values()):
            # The supervisor goes first, and its parts die with it: one may be gone before its turn.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await wait_for(lambda: not state.is_running, "the end of the supervisor")

    async def go_on(self) -> None:
        """What a person does after it: ``up``."""
        stack = self.stack
        stack.state = await start_stack(stack.folder, parts=PARTS, worker_env=stack.state.worker_env)
        stack.session = await local_session(stack.state)

    async def until_whole(self) -> None:
        """Waits until all parts run again."""

        def is_ready() -> bool:
            state = read_stack(self.stack.folder)
            return state is not None and state.is_ready

        await wait_for(is_ready, "all parts", 120)

    async def begin(self, *, waits: bool = False) -> DisturbedTitle:
        """Forgets all that was ever made, and starts the title anew.

        The same title each time, because initialization vectors hang on its name; so its workflow needs other ids.
        """
        request = await self.prepare()
        if waits:
            request = request.model_copy(update={"when_stuck": "wait"})
        self._count += 1
        handle: Handle = await self.stack.session.temporal.start_workflow(
            WORKFLOW,
            request.model_dump(mode="json", exclude_defaults=True),
            id=f"{workflow_id_of(request)}/run-{self._count}",
            task_queue=TASK_QUEUE,
            result_type=TitleReceipt,
        )
        return self.watch(handle)

    async def prepare(self) -> TitleRequest:
        """Forgets all that was ever made, uploads the source, and returns the request."""
        await asyncio.to_thread(self._wipe)
        source = await self.stack.upload(self.clip)
        request = TitleRequest(
            title_id=TITLE_ID, source=source, recipe=Recipe.model_validate(self.recipe), when_stuck="fail"
        )
        await known_keys(self.stack.session, self.stack.state, request)
        self.proxy.seen.clear()
        return request

    def watch(self, handle: Handle) -> DisturbedTitle:
        """Begins to watch what is published of a title."""
        title = DisturbedTitle(handle)
        title.watcher = asyncio.create_task(self._watch_pointer(title))
        return title

    async def kill(self, title: DisturbedTitle, *parts: str) -> int:
        """``kill -9`` of parts; returns how many tries of the title's steps died with them: what may be lost."""
        state = read_stack(self.stack.folder)
        assert state is not None
        pids = {state.pids[part] for part in parts if part in state.pids}
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        def are_gone() -> bool:
            now = read_stack(self.stack.folder)
            return now is not None and not pids & set(now.pids.values())

        await wait_for(are_gone, "the end of the killed parts", 60)
        # A poll of theirs may be given a step while the server has not yet noticed; steps are missed after 6 s or more.
        seen = [await self.under_way(title, pids)]
        for _ in range(10):
            await asyncio.sleep(0.3)
            seen.append(await self.under_way(title, pids))
        return max(seen)

    async def under_way(self, title: DisturbedTitle, pids: Collection[int] | None = None) -> int:
        """Returns how many tries of the title's steps some workers, or all, have now."""
        return await ledger.tries_under_way(self.stack.session.temporal, title.handle.id, pids)

    async def judge(
        self, title: DisturbedTitle, report: FaultReport, *, tries: int | Callable[[], int], kills: int
    ) -> ReleaseManifest:
        """The oracle: waits for the title's end and holds every invariant against it.

        Args:
            title: Which.
            report: Is told what was lost and what is left.
            tries: How many tries may be lost at most: those that were under way when it struck. It may be known only
                at the end.
            kills: How many things were killed: no result is made more than so many times more than once.
        """
        receipt = await self.stack.finish(title.handle, TITLE_ID)
        await self._end_watcher(title)
        release = await asyncio.to_thread(verify_release, self.store, receipt.release)
        report.lost = await ledger.lost_tries(self.stack.session.temporal, title.handle.id)
        again = ledger.made_again(self.proxy.seen)
        report.again = again.total()
        report.leaked = await self.leftovers()
        assert await asyncio.to_thread(read_current, self.store, TITLE_ID) == receipt.release
        if self.undisturbed is not None:
            assert release.release_id == self.undisturbed.release_id
            assert release.objects == self.undisturbed.objects
        assert report.lost <= (tries if isinstance(tries, int) else tries())
        assert max(again.values(), default=0) <= kills
        # A try that finds what one before it has made does not make it again; two at once may.
        assert report.again <= report.lost * RESULTS_OF_A_TRY + kills
        return release

    async def judge_ended(self, title: DisturbedTitle, report: FaultReport) -> None:
        """The oracle for titles that did not finish: nothing is left, nothing was published."""
        await self._end_watcher(title)
        report.leaked = await self.leftovers()
        assert await asyncio.to_thread(read_current, self.store, TITLE_ID) is None

    async def reach(self, title: DisturbedTitle, stage: str) -> None:
        """Waits until a title is in a stage."""

        async def is_there() -> bool:
            with suppress(RPCError):
                progress = TitleProgress.model_validate(await title.handle.query("progress"))
                return progress.stage == stage
            return False

        await wait_for_answer(is_there, f"stage {stage}")

    async def encoding(self) -> list[int]:
        """Waits until a program encodes, and returns its pids."""
        return list(await wait_for(lambda: children_of(self.stack.pid_of("encode-cpu")), "an encode"))

    async def leftovers(self) -> list[str]:
        """Returns what is left of the title when its workers have had time to notice: nothing, one hopes."""
        left = ["not looked yet"]

        async def is_clean() -> bool:
            left[:] = await asyncio.to_thread(self._leftovers)
            return not left

        with suppress(AssertionError):
            await wait_for_answer(is_clean, "nothing left", 40.0)
        return left

    def _leftovers(self) -> list[str]:
        state = read_stack(self.stack.folder)
        assert state is not None
        workers = [state.pids[role] for role in WORKER_ROLES if role in state.pids]
        scratch = self.stack.folder / "scratch"
        return [
            *(f"process {pid}" for worker in workers for pid in children_of(worker)),
            *(f"upload of {upload.key}" for upload in self.store.list_open_uploads()),
            *(f"scratch {path.name}" for path in scratch.glob("*/*")),
            *(f"held {path.name}" for path in (self.stack.folder / "cache").glob("held-*/*")),
            *(f"part {role} is away" for role in WORKER_ROLES if role not in state.pids),
        ]

    async def _watch_pointer(self, title: DisturbedTitle) -> None:
        """Looks at ``current.json`` all the time; whatever it points to must be whole."""
        seen = None
        while True:
            with suppress(StorageUnavailable):
                try:
                    current = await asyncio.to_thread(read_current, self.store, TITLE_ID)
                    if current is not None and current != seen:
                        await asyncio.to_thread(verify_release, self.store, current)
                        seen = current
                except StorageUnavailable:
                    raise
                except StorageError as error:
                    title.faults.append(str(error))
            await asyncio.sleep(0.1)

    @staticmethod
    async def _end_watcher(title: DisturbedTitle) -> None:
        if title.watcher is not None:
            title.watcher.cancel()
            with suppress(asyncio.CancelledError):
                await title.watcher
        assert title.faults == []

    def _wipe(self) -> None:
        client = connect(self.stack.session.connection)
        for bucket in (self.store.buckets.work, self.store.buckets.releases):
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
                if keys:
                    client.delete_objects(Bucket=bucket, Delete={"Objects": keys})  # type: ignore[typeddict-item]


@asynccontextmanager
async def running_fault_stack(folder: Path, clip: Path) -> AsyncIterator[FaultStack]:
    """Runs a stack whose workers reach the store through a fault proxy."""

    def s3_port() -> int:
        state = read_stack(folder)
        assert state is not None
        return state.ports["s3"]

    with running_proxy(s3_port) as proxy:
        worker_env = {**SETTINGS, "PERTITLE_S3_ENDPOINT_URL": proxy.url}
        state = await start_stack(folder, parts=PARTS, worker_env=worker_env)
        try:
            yield FaultStack(TestStack(folder, state, await local_session(state)), proxy, clip)
        finally:
            await stop_stack(folder)
