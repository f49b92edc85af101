"""How far a title is, asked about once a second: the title's own answer plus its open batches'."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError

from client.titles import Handle
from domain.progress import STAGE_SHARES, STAGES, BatchProgress, TitleProgress
from domain.work import UnitKind

ASK_EVERY_S = 1.0
_COUNTED = {"trials": ("searches", "trials"), "encode": ("encodes",)}
"""Stages that tell how much of them is done: by the first of these counts whose total is known."""
_WINDOW_S = 60.0


async def watch_title(client: Client, handle: Handle, title_id: str) -> AsyncIterator[TitleProgress]:
    """Yields how far a title is about once a second, until its workflow has ended.

    A worker that is not there to answer (yet, or again) is no error: the last answer stands.
    """
    last = TitleProgress(title_id=title_id, stage="submitted")
    while True:
        last = await _ask(client, handle, last)
        yield last
        described = await _status(handle)
        if described is not None and described != WorkflowExecutionStatus.RUNNING:
            return
        await asyncio.sleep(ASK_EVERY_S)


def add_batches(title: TitleProgress, batches: list[BatchProgress]) -> TitleProgress:
    """Returns the title's progress with what its open batches have done so far."""
    done = dict.fromkeys(UnitKind, 0)
    for batch in batches:
        done[batch.kind] += batch.made + batch.reused + batch.failed
    return title.model_copy(
        update={
            "trials_done": title.trials_done + done[UnitKind.TRIAL] + sum(batch.trials for batch in batches),
            "searches_done": title.searches_done + done[UnitKind.SEARCH],
            "encodes_done": title.encodes_done + done[UnitKind.ENCODE] + done[UnitKind.BASELINE],
            "rungs_done": title.rungs_done + done[UnitKind.ASSEMBLE],
            "made": title.made + sum(batch.made for batch in batches),
            "reused": title.reused + sum(batch.reused for batch in batches),
            "failed": title.failed + sum(batch.failed for batch in batches),
        }
    )


def percent_done(progress: TitleProgress) -> float:
    """Returns how much of the work is done, ``[0, 100]``: stages by their usual share, counted ones by their count."""
    counted = 0.0
    for stage, share in STAGE_SHARES.items():
        if stage in progress.stages_done:
            counted += share
        elif stage == progress.stage and stage in _COUNTED:
            parts = [done / total for done, total in (counts_of(progress, what) for what in _COUNTED[stage]) if total]
            counted += share * min(1.0, parts[0]) if parts else 0.0
    return min(100.0, max(counted, progress.percent))


def counts_of(progress: TitleProgress, what: str) -> tuple[int, int]:
    """Returns (done, total) of ``searches``, ``trials``, ``encodes`` or ``rungs``."""
    return getattr(progress, f"{what}_done"), getattr(progress, f"{what}_total")


@dataclass(slots=True)
class RemainingTime:
    """Estimates what is left from how fast the last minute went; silent as long as it would only guess."""

    _samples: list[tuple[float, float]] = field(default_factory=list)

    def note(self, now_s: float, percent: float) -> None:
        """Takes how much is done now."""
        highest = max(percent, self._samples[-1][1]) if self._samples else percent
        self._samples.append((now_s, highest))
        while len(self._samples) > 2 and now_s - self._samples[1][0] >= _WINDOW_S:
            self._samples.pop(0)

    @property
    def seconds(self) -> float | None:
        """What is left in seconds; ``None`` while too little has been seen."""
        if len(self._samples) < 2:
            return None
        (began_s, began), (now_s, now) = self._samples[0], self._samples[-1]
        if now_s - began_s < 5.0 or now - began < 2.0:
            return None
        return (100.0 - now) * (now_s - began_s) / (now - began)


def remaining_text(seconds: float | None) -> str:
    """Returns the estimate as people say it, no finer than it is: ``about 2 min left``."""
    if seconds is None:
        return ""
    if seconds < 50:
        return "less than a minute left"
    if seconds < 90 * 60:
        return f"about {max(1, round(seconds / 60))} min left"
    return f"about {round(seconds / 3600)} h left"


def stage_number(progress: TitleProgress) -> int:
    """Returns the number of the stage that runs, from 1; 0 before the first."""
    return STAGES.index(progress.stage) + 1 if progress.stage in STAGES else len(progress.stages_done)


async def encodes_made(handle: Handle) -> int | None:
    """Returns how many encodes, scores and renditions a title made itself (the others it found in the store).

    ``None`` if no worker answers.
    """
    try:
        answer = await handle.query("progress", result_type=TitleProgress)
    except (RPCError, WorkflowQueryFailedError):
        return None
    return TitleProgress.model_validate(answer).made


async def _ask(client: Client, handle: Handle, last: TitleProgress) -> TitleProgress:
    try:
        title = await handle.query("progress", result_type=TitleProgress)
    except (RPCError, WorkflowQueryFailedError):
        return last
    batches = await asyncio.gather(*(_ask_batch(client, child) for child in title.open_children))
    now = add_batches(title, [batch for batch in batches if batch is not None])
    return now.model_copy(update={"percent": max(percent_done(now), last.percent)})


async def _ask_batch(client: Client, workflow_id: str) -> BatchProgress | None:
    try:
        answer = await client.get_workflow_handle(workflow_id).query("batch_progress", result_type=BatchProgress)
    except (RPCError, WorkflowQueryFailedError):
        return None
    return BatchProgress.model_validate(answer)


async def _status(handle: Handle) -> WorkflowExecutionStatus | None:
    try:
        return (await handle.describe()).status
    except RPCError:
        return None
