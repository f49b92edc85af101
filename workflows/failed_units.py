"""Units that failed after all their tries: a poison shot waits for a person while the rest of the title goes on."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.attention import Choice, WaitingItem
    from domain.work import BatchOutcome, BatchTask, UnitFailure, UnitKind


SKIPPABLE = frozenset({UnitKind.ENCODE})
"""Kinds whose failed units cost rungs at worst: without a search there is no curve, without scores no promise, and a
rendition that does not join is a defect."""


def item_of(batch_id: str, task: BatchTask, outcome: BatchOutcome) -> WaitingItem:
    """Returns what waits for a person when units of a batch have failed.

    Args:
        batch_id: The batch's workflow id; its last part names the item, for example ``encode-0001``.
        task: What the batch was to do.
        outcome: Of which at least one unit failed.
    """
    first = outcome.first_failure or UnitFailure(code="PERT-000", message="no reason given")
    kind = task.work.kind
    skip = (Choice.SKIP,) if kind in SKIPPABLE else ()
    return WaitingItem(
        item_id=batch_id.rpartition("/")[2],
        code=first.code,
        message=f"{outcome.failed} of {task.count} {kind.value} units failed: {first.message}"[:400],
        record=first.record,
        units=outcome.failed_units,
        choices=(Choice.RETRY, *skip, Choice.FAIL),
    )


def retry_of(task: BatchTask, outcome: BatchOutcome) -> BatchTask:
    """Returns the task that runs the failed units again: all of the batch where they are too many to be listed.

    Units of it that were made are found in the store.
    """
    if len(outcome.failed_units) < outcome.failed:
        return task
    return task.model_copy(update={"units": outcome.failed_units, "count": len(outcome.failed_units)})
