"""One batch of units: at most 200 of a work list, a window of 64 scheduled at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.delivery import DeliveryActivities
    from activities.measures import MeasureActivities
    from activities.searches import SearchActivities
    from activities.tone_mapping import ToneMapActivities
    from activities.trials import EncodeActivities
    from domain.progress import BatchProgress
    from domain.work import BatchOutcome, BatchTask, UnitFailure, UnitKind, UnitOutcome, UnitReference
    from workflows.activity_options import unit_options
    from workflows.failures import unit_failure
    from workflows.side_by_side import side_by_side
    from workflows.task_queues import QUEUE_OF

UNITS_PER_BATCH = 200
"""A batch stays under 700 events, and a title of 43,200 trial encodes under 50 batches."""
WINDOW = 64
"""Units scheduled at once: enough backlog for priorities and autoscaling, few enough to cancel quickly."""

_ACTIVITY_OF: dict[UnitKind, Callable[[Any, UnitReference], Awaitable[UnitOutcome]]] = {
    UnitKind.TONE_MAP: ToneMapActivities.run_tone_map_unit,
    UnitKind.TRIAL: EncodeActivities.run_trial_unit,
    UnitKind.SEARCH: SearchActivities.run_search_unit,
    UnitKind.ENCODE: EncodeActivities.run_encode_unit,
    UnitKind.BASELINE: EncodeActivities.run_baseline_unit,
    UnitKind.MEASURE: MeasureActivities.run_measure_unit,
    UnitKind.ASSEMBLE: DeliveryActivities.run_assemble_unit,
}


@workflow.defn
class ShotBatch:
    """Runs a slice of a work list and returns its counts; a failed unit is a count, not an end."""

    @workflow.init
    def __init__(self, task: BatchTask) -> None:
        self._task = task
        self._outcome = BatchOutcome()
        self._window = asyncio.Semaphore(WINDOW)

    @workflow.run
    async def run(self, task: BatchTask) -> BatchOutcome:
        """Runs the task's units of the work list."""
        await side_by_side(*(self._run_unit(index) for index in task.indices))
        return self._outcome

    @workflow.query
    def batch_progress(self) -> BatchProgress:
        """Tells how many units have ended."""
        return BatchProgress(
            kind=self._task.work.kind,
            done_units=self._outcome.units,
            units=self._task.count,
            made=self._outcome.made,
            reused=self._outcome.reused,
            failed=self._outcome.failed,
            trials=self._outcome.trials,
        )

    async def _run_unit(self, index: int) -> None:
        work = self._task.work
        options = unit_options(
            work,
            queue=QUEUE_OF[work.kind],
            silence_s=self._task.shortest_silence_s,
            priority=Priority(
                priority_key=self._task.priority_key, fairness_key=self._task.fairness_key or self._task.title_id
            ),
            summary=f"{work.kind.value} {index + 1} of {work.count}",
        )
        async with self._window:
            try:
                outcome = await workflow.execute_activity_method(
                    _ACTIVITY_OF[work.kind], UnitReference(plan=work.plan, index=index), **options
                )
                failure = None
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                outcome, failure = UnitOutcome(failed=1), unit_failure(error)
        self._add(index, outcome, failure)

    def _add(self, index: int, outcome: UnitOutcome, failure: UnitFailure | None) -> None:
        self._outcome = self._outcome.plus(
            BatchOutcome(
                units=1,
                made=outcome.made,
                reused=outcome.reused,
                failed=outcome.failed,
                trials=outcome.trials,
                trials_reused=outcome.trials_reused,
                cpu_s=outcome.cpu_s,
                first_failure=failure,
                failed_units=(index,) if failure else (),
            )
        )
        workflow.set_current_details(f"{self._outcome.units} of {self._task.count} units done")
