"""The work lists of one title: run in batches, side by side; failed units wait for a person."""

import asyncio
from collections.abc import Awaitable, Callable

from temporalio import workflow
from temporalio.common import Priority
from temporalio.workflow import ChildWorkflowCancellationType, ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from domain.attention import Choice
    from domain.request import PRIORITIES, TitleRequest
    from domain.work import BatchOutcome, BatchTask, UnitKind, WorkList
    from workflows.activity_options import require_not_canceled
    from workflows.attention import WaitingRoom
    from workflows.failed_units import item_of, retry_of
    from workflows.failures import as_work_failure
    from workflows.shot_batch import UNITS_PER_BATCH, ShotBatch
    from workflows.side_by_side import side_by_side
    from workflows.title_log import TitleLog

OPEN_BATCHES = 16
"""Batches of one title that run at once: 16 windows of 64 are backlog enough for any number of workers."""
BASELINE_PRIORITY = 5
"""The fixed ladder goes last: nobody waits for it."""
RunBatch = Callable[[BatchTask], Awaitable[tuple[str, BatchOutcome]]]


class TitleWork:
    """Runs what the steps of a title have planned; owned by its workflow."""

    def __init__(self, log: TitleLog, room: WaitingRoom, *, lane: str = "", goes_first: bool = True) -> None:
        """Takes what counts, and where failed units wait.

        Args:
            log: What counts.
            room: Where failed units wait.
            lane: Name of work that runs beside the title's own: it stands in the ids of its batches.
            goes_first: Work with a lane goes before the title's own.
        """
        self._goes_first = bool(lane) and goes_first
        self._lane = lane
        self.request: TitleRequest | None = None
        """Set as soon as it has been checked."""
        self.silence_s = 60.0
        """Seconds without heartbeat after which a step counts as lost; a third of it for units."""
        self.skips = False
        """A person has decided to go on without failed units; whoever leaves them out takes it back."""
        self._log = log
        self._room = room
        self._batches = asyncio.Semaphore(OPEN_BATCHES)

    @property
    def title_id(self) -> str:
        """The title's id; empty as long as the request has not been checked."""
        return self.request.title_id if self.request else ""

    @property
    def priority(self) -> Priority:
        """For everything the title starts."""
        return Priority(priority_key=self._priority_key, fairness_key=self.request.fairness_key if self.request else "")

    async def run_all(self, stage: str, work: WorkList) -> None:
        """Runs a work list of which nothing may fail: failed units wait for a person while the rest goes on.

        Raises:
            ApplicationError: if a unit failed and the title is not to wait, or a person decided to fail it; carries
                the code and record of the first one.
        """
        outcome = await self.run(stage, work, self._run_whole_batch)
        if outcome.failed:
            raise as_work_failure(outcome, work)

    async def run(self, stage: str, work: WorkList, run_batch: RunBatch | None = None) -> BatchOutcome:
        """Runs a work list in batches and returns the sum of their outcomes."""
        self._log.expect(work)
        tasks = [
            BatchTask(
                title_id=self.title_id,
                work=work,
                first=first,
                count=min(UNITS_PER_BATCH, work.count - first),
                priority_key=BASELINE_PRIORITY if work.kind is UnitKind.BASELINE else self._priority_key,
                fairness_key=self.request.fairness_key if self.request else "",
                shortest_silence_s=self.silence_s / 3,
            )
            for first in range(0, work.count, UNITS_PER_BATCH)
        ]
        ended = await side_by_side(*((run_batch or self._run_batch)(task) for task in tasks))
        total = BatchOutcome()
        for _, outcome in ended:
            total = total.plus(outcome)
        self._log.spend(stage, total.cpu_s)
        return total

    async def _run_whole_batch(self, task: BatchTask) -> tuple[str, BatchOutcome]:
        """Runs a batch until none of its units has failed, or a person decides otherwise."""
        child_id, outcome = await self._run_batch(task)
        while outcome.failed and self._waits_when_stuck:
            decision = await self._room.wait_for(item_of(child_id, task, outcome))
            if decision.choice is Choice.SKIP:
                self.skips = True
                return child_id, outcome.model_copy(update={"failed": 0})
            task, cpu_s = retry_of(task, outcome), outcome.cpu_s
            child_id, outcome = await self._run_batch(task)
            outcome = outcome.model_copy(update={"cpu_s": outcome.cpu_s + cpu_s})
        return child_id, outcome

    async def _run_batch(self, task: BatchTask) -> tuple[str, BatchOutcome]:
        """Runs a batch and returns its workflow id and outcome."""
        work = task.work
        async with self._batches:
            number = self._log.next_batch(work.kind)
            lane = f"{self._lane}-" if self._lane else ""
            child_id = f"{workflow.info().workflow_id}/{lane}{work.kind.value}-{number:04d}"
            self._log.open_batch(child_id)
            require_not_canceled()
            outcome = await workflow.execute_child_workflow(
                ShotBatch.run,
                task,
                id=child_id,
                task_queue=workflow.info().task_queue,
                cancellation_type=ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
                parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
                priority=self.priority,
                static_summary=f"{self.title_id}: {work.kind.value} units {task.words}",
            )
            self._log.close_batch(child_id, work.kind, outcome)
            return child_id, outcome

    @property
    def _waits_when_stuck(self) -> bool:
        """Tells whether a failed unit waits for a person; a title that was begun without a waiting room fails."""
        return self.request is not None and self.request.when_stuck == "wait" and workflow.patched("waiting-room")

    @property
    def _priority_key(self) -> int:
        key = PRIORITIES[self.request.priority] if self.request else 3
        return max(1, key - 1) if self._goes_first else key
