"""Loads: many titles at once, and one title of many shots; what each came to."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from benchmarks.load.ages import (
    QueueAge,
    StartedStep,
    children_of,
    longest_steps,
    overtakings,
    queue_ages,
    share_while_waiting,
    steps_of,
)
from benchmarks.load.memory import sampled_rss
from benchmarks.load.noop_workers import NoopWork, noop_workers
from client.local_stack.state import NAMESPACE, StackState
from client.titles import innermost_cause, submit_title
from domain.request import TitleRequest, parse_title_request
from workflows.task_queues import ENCODE_CPU, IO

URGENT = "day-of-broadcast"
AT_ONCE = 16
"""Requests to the server at once, while titles are submitted and histories are read."""
PATIENCE_S = 3600.0
"""A title that has not ended by then counts as stuck."""


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """What a load came to."""

    titles: int
    finished: int
    shots: int
    unit_s: float | None
    """Seconds that an encoding unit holds its slot; ``None`` for real encodes."""
    wall_s: float
    titles_a_minute: float
    activities: int
    activities_a_second: float
    events: int
    longest_history_events: int
    longest_history_bytes: int
    most_rss_bytes: dict[str, int]
    """Process → its largest resident size in bytes."""
    queue_ages: dict[str, QueueAge]
    urgent_overtaken: tuple[int, ...]
    """For each step of the urgent title, which came last: how many steps of others began while it waited."""
    small_studio_shares: dict[str, float]
    """Queue → share of its steps that the small studio had while it had any; it has a quarter of the titles."""
    urgent_ages: dict[str, QueueAge]
    """How long the steps of the urgent title waited."""
    longest_step_s: dict[str, float]
    """Queue → how long its longest step ran."""
    first_failure: str
    """Empty if all have finished."""


@dataclass(frozen=True, slots=True)
class _Histories:
    steps: list[StartedStep]
    events: int
    longest_events: int
    longest_bytes: int


def requests_of(name: str, titles: int, sources: Sequence[str] = (), **more: Any) -> list[TitleRequest]:
    """Returns the titles of a load: two studios, three to one, and an urgent one of a third, which comes last.

    Args:
        name: Their ids begin with it.
        titles: How many.
        sources: Address of the source of each; none for sources that nobody opens.
        more: What all requests also say.
    """
    many = [
        {
            "title_id": f"{name}-{number:04d}",
            "studio": "small" if number % 4 == 3 else "large",
            "priority": "normal" if number < titles * 4 // 5 else "backfill",
        }
        for number in range(titles - 1)
    ]
    every = [*many, {"title_id": f"{name}-{URGENT}", "studio": "news", "priority": "urgent"}]
    places = sources or [f"s3://pertitle-incoming/{one['title_id']}.mov" for one in every]
    return [parse_title_request({**one, "source": place, **more}) for one, place in zip(every, places, strict=True)]


async def run_load(stack: StackState, name: str, titles: int, work: NoopWork) -> LoadOutcome:
    """Submits titles at once, waits for all of them, and reads what they say.

    Args:
        stack: A running stack with a Temporal server.
        name: Different for each load on the same server.
        titles: How many, the urgent one among them.
        work: What a title is made of.
    """
    client = await Client.connect(stack.temporal_address, namespace=NAMESPACE, data_converter=pydantic_data_converter)
    with noop_workers(stack.temporal_address, work) as pid:
        return await run_requests(
            client, requests_of(name, titles), work, {"workers": pid, "temporal": stack.pids["temporal"]}
        )


async def run_requests(
    client: Client, requests: Sequence[TitleRequest], work: NoopWork | None, pids: Mapping[str, int]
) -> LoadOutcome:
    """Submits requests at once, the last one last, waits for all of them, and reads what they say.

    Args:
        client: Of the server.
        requests: As of ``requests_of``.
        work: What a title is made of; ``None`` for real ones of one shot.
        pids: Processes whose memory is looked at.
    """
    async with sampled_rss(pids) as rss:
        began = time.monotonic()
        ids = await _submit(client, requests)
        finished, first_failure = await _wait(client, ids)
        wall_s = time.monotonic() - began
    seen = await _read(client, requests, ids)
    urgent = requests[-1].title_id
    small = frozenset(
        request.title_id for request in requests if request.studio == "small" and request.priority == "normal"
    )
    return LoadOutcome(
        titles=len(requests),
        finished=finished,
        shots=work.shots if work else 1,
        unit_s=work.unit_s if work else None,
        wall_s=round(wall_s, 1),
        titles_a_minute=round(60 * finished / wall_s, 1),
        activities=len(seen.steps),
        activities_a_second=round(len(seen.steps) / wall_s, 1),
        events=seen.events,
        longest_history_events=seen.longest_events,
        longest_history_bytes=seen.longest_bytes,
        most_rss_bytes=dict(rss),
        queue_ages=queue_ages(seen.steps),
        urgent_overtaken=tuple(sorted(overtakings(seen.steps, urgent))),
        small_studio_shares={
            queue: round(share_while_waiting(seen.steps, queue, small), 3) for queue in (IO, ENCODE_CPU) if small
        },
        urgent_ages=queue_ages(step for step in seen.steps if step.title == urgent),
        longest_step_s=longest_steps(seen.steps),
        first_failure=first_failure,
    )


async def _submit(client: Client, requests: Sequence[TitleRequest]) -> list[str]:
    """Submits all side by side, and the last one when the others are in."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def submit(request: TitleRequest) -> str:
        async with gate:
            return (await submit_title(client, request)).handle.id

    ids = await asyncio.gather(*map(submit, requests[:-1]))
    return [*ids, await submit(requests[-1])]


async def _wait(client: Client, ids: Sequence[str]) -> tuple[int, str]:
    """Returns how many titles have finished well before our patience ends, and why the first other one has not."""
    results = [asyncio.ensure_future(client.get_workflow_handle(name).result()) for name in ids]
    ended, stuck = await asyncio.wait(results, timeout=PATIENCE_S)
    for result in stuck:
        result.cancel()
    failures = [innermost_cause(error) for result in ended if (error := result.exception())]
    return len(ended) - len(failures), str(failures[0]) if failures else f"{len(stuck)} stuck" if stuck else ""


async def _read(client: Client, requests: Sequence[TitleRequest], ids: Sequence[str]) -> _Histories:
    gate = asyncio.Semaphore(AT_ONCE)

    async def read(title: str, workflow_id: str) -> list[_Histories]:
        async with gate:
            events = (await client.get_workflow_handle(workflow_id).fetch_history()).events
        one = _Histories(steps_of(title, events), len(events), len(events), sum(event.ByteSize() for event in events))
        children = await asyncio.gather(*(read(title, child) for child in children_of(events)))
        return [one, *(found for several in children for found in several)]

    titles = zip(requests, ids, strict=True)
    every = [
        one for several in await asyncio.gather(*(read(r.title_id, name) for r, name in titles)) for one in several
    ]
    return _Histories(
        [step for one in every for step in one.steps],
        sum(one.events for one in every),
        max(one.longest_events for one in every),
        max(one.longest_bytes for one in every),
    )
