"""What Temporal and the store know of a title's work: tries under way, tries lost, results made again."""

from collections import Counter
from collections.abc import Collection, Iterable

from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.client import Client

from tests.support.s3_fault_proxy import Seen


async def tries_under_way(client: Client, workflow_id: str, pids: Collection[int] | None = None) -> int:
    """Returns how many tries of a title's activities, its batches' too, some workers have; without pids, all have.

    A try stays with its worker until the server has missed the heartbeats, also if the worker is dead.
    """
    count, runs = 0, [workflow_id]
    for run in runs:
        described = (await client.get_workflow_handle(run).describe()).raw_description
        runs += [child.workflow_id for child in described.pending_children]
        for activity in described.pending_activities:
            is_started = activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
            # The SDK names a worker ``pid@host``.
            pid = activity.last_worker_identity.partition("@")[0]
            count += is_started and (pids is None or pid in map(str, pids))
    return count


async def steps_pending(client: Client, workflow_id: str) -> int:
    """Returns how many activities of a title and its batches are under way or wait for a worker."""
    count, runs = 0, [workflow_id]
    for run in runs:
        described = (await client.get_workflow_handle(run).describe()).raw_description
        runs += [child.workflow_id for child in described.pending_children]
        count += len(described.pending_activities)
    return count


async def lost_tries(client: Client, workflow_id: str) -> int:
    """Returns how many tries of a title's activities were lost."""
    lost, runs = 0, [workflow_id]
    for run in runs:
        history = await client.get_workflow_handle(run).fetch_history()
        for event in history.events:
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                lost += event.activity_task_started_event_attributes.attempt - 1
            if event.event_type == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
                runs.append(event.start_child_workflow_execution_initiated_event_attributes.workflow_id)
    return lost


def made_again(requests: Iterable[Seen]) -> Counter[str]:
    """Returns how many times more than once each result was made, whether the store took it or had it already (412)."""
    made = Counter(
        seen.key
        for seen in requests
        if seen.method == "PUT" and "/results/" in seen.key and seen.status in {200, 412} and not seen.is_fault
    )
    return Counter({key: count - 1 for key, count in made.items() if count > 1})
