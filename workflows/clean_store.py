"""The workflow that the janitor's schedule starts."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.upkeep import UpkeepActivities
    from domain.upkeep import CleanReport, CleanTask
    from workflows.task_queues import ORCHESTRATE


@workflow.defn
class CleanStore:
    """Removes what dead runs have left in the store; one step, so that its end and its numbers are seen."""

    @workflow.run
    async def run(self, task: CleanTask) -> CleanReport:
        """Cleans once. A large store has many documents to read; the schedule comes again if it fails."""
        return await workflow.execute_activity_method(
            UpkeepActivities.clean_store,
            task,
            task_queue=ORCHESTRATE,
            start_to_close_timeout=timedelta(hours=6),
            retry_policy=RetryPolicy(maximum_attempts=3),
            priority=Priority(priority_key=5),
            summary=f"what is older than {task.older_than_h:g} h and belongs to nobody",
        )
