"""How long work waited, and who went first: read from histories, which tell when each step was asked for and begun."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent


@dataclass(frozen=True, slots=True)
class StartedStep:
    """One activity."""

    title: str
    queue: str
    scheduled_s: float
    """Seconds since 1970, by the server's clock."""
    started_s: float
    ended_s: float | None = None
    """``None`` if it has not ended."""

    @property
    def age_s(self) -> float:
        """Seconds in the queue."""
        return self.started_s - self.scheduled_s


@dataclass(frozen=True, slots=True)
class QueueAge:
    """How long the steps of one queue waited, in seconds."""

    steps: int
    median_s: float
    p95_s: float
    longest_s: float


def steps_of(title: str, events: Iterable[HistoryEvent]) -> list[StartedStep]:
    """Returns the activities of a history that began."""
    listed = list(events)
    ends = dict(filter(None, map(_end_of, listed)))
    asked: dict[int, tuple[str, float]] = {}
    steps = []
    for event in listed:
        now_s = event.event_time.ToNanoseconds() / 1e9
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            asked[event.event_id] = (event.activity_task_scheduled_event_attributes.task_queue.name, now_s)
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            queue, scheduled_s = asked[event.activity_task_started_event_attributes.scheduled_event_id]
            steps.append(StartedStep(title, queue, scheduled_s, now_s, ends.get(event.event_id)))
    return steps


def _end_of(event: HistoryEvent) -> tuple[int, float] | None:
    """Returns the number of the event with which an activity started, and when it ended."""
    for kind in ("completed", "failed", "timed_out", "canceled"):
        name = f"activity_task_{kind}_event_attributes"
        if event.HasField(name):  # type: ignore[arg-type] # one of the four
            return getattr(event, name).started_event_id, event.event_time.ToNanoseconds() / 1e9
    return None


def longest_steps(steps: Iterable[StartedStep]) -> dict[str, float]:
    """Returns how long the longest step of each queue ran, in seconds: who comes first in line waits no longer."""
    longest: dict[str, float] = {}
    for step in steps:
        if step.ended_s is not None:
            longest[step.queue] = max(longest.get(step.queue, 0.0), round(step.ended_s - step.started_s, 3))
    return longest


def children_of(events: Iterable[HistoryEvent]) -> list[str]:
    """Returns the workflow ids of the children that a history started."""
    return [
        event.child_workflow_execution_started_event_attributes.workflow_execution.workflow_id
        for event in events
        if event.event_type == EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED
    ]


def queue_ages(steps: Iterable[StartedStep]) -> dict[str, QueueAge]:
    """Returns the ages by queue."""
    by_queue: dict[str, list[float]] = {}
    for step in steps:
        by_queue.setdefault(step.queue, []).append(step.age_s)
    return {queue: _age(sorted(ages)) for queue, ages in sorted(by_queue.items())}


def overtakings(steps: Sequence[StartedStep], title: str) -> list[int]:
    """Returns, for each step of a title, how many steps of others in its queue began while it waited."""
    return [
        sum(
            other.title != title and other.queue == step.queue and step.scheduled_s < other.started_s < step.started_s
            for other in steps
        )
        for step in steps
        if step.title == title
    ]


def share_while_waiting(steps: Iterable[StartedStep], queue: str, titles: frozenset[str]) -> float:
    """Returns which share of a queue's steps were some titles' own while they had any left, from 0 to 1.

    Raises:
        ValueError: the titles have no step there.
    """
    ours = [step for step in steps if step.queue == queue]
    last_s = max((step.started_s for step in ours if step.title in titles), default=None)
    first_s = min((step.scheduled_s for step in ours if step.title in titles), default=None)
    if last_s is None or first_s is None:
        raise ValueError(f"no step of these titles on {queue}")
    seen = [step.title in titles for step in ours if first_s <= step.started_s <= last_s]
    return sum(seen) / len(seen)


def _age(ages_s: Sequence[float]) -> QueueAge:
    def at(share: float) -> float:
        return round(ages_s[min(len(ages_s) - 1, int(share * len(ages_s)))], 3)

    return QueueAge(len(ages_s), at(0.5), at(0.95), round(ages_s[-1], 3))
