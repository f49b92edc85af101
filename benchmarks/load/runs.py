"""Loads: many titles at once, and one title of many shots; what each came to."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from benchmarks.load.ages import (
    QueueAge,
    StartedStep,
    children_of,
    overtakings,
    queue_ages,
    share_while_waiting,
    steps_of,
)
from benchmarks.load.memory import sampled_rss
from benchmarks.load.noop_workers import NoopWork, noop_workers
from client.local_stack.state import NAMESPACE, StackState
from client.titles import submit_title
from domain.request import TitleRequest, parse_title_request
from workflows.task_queues import ENCODE_CPU

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
    unit_s: float
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
    small_studio_share: float | None
    """Share of encoding steps that the small studio had while it had any; it has a quarter of the titles."""


@dataclass(frozen=True, slots=True)
class _Histories:
    steps: list[StartedStep]
    events: int
    longest_events: int
    longest_bytes: int


def requests_of(name: str, titles: int) -> list[TitleRequest]:
    """Returns the titles of a load: two studios, three to one, and an urgent one of a third, which comes last."""
    many = [
        _request(
            f"{name}-{number:04d}",
            studio="small" if number % 4 == 3 else "large",
            priority="normal" if number < titles * 4 // 5 else "backfill",
        )
        for number in range(titles - 1)
    ]
    return [*many, _request(f"{name}-{URGENT}", studio="news", priority="urgent")]


async def run_load(stack: StackState, name: str, titles: int, work: NoopWork) -> LoadOutcome:
    """Submits titles at once, waits for all of them, and reads what they say.

    Args:
        stack: A running stack with a Temporal server.
        name: Different for each load on the same server.
        titles: How many, the urgent one among them.
        work: What a title is made of.
    """
    client = await Client.connect(stack.temporal_address, namespace=NAMESPACE, data_converter=pydantic_data_converter)
    requests = requests_of(name, titles)
    with noop_workers(stack.temporal_address, work) as pid:
        async with sampled_rss({"workers": pid, "temporal": stack.pids["temporal"]}) as rss:
            began = time.monotonic()
            ids = await _submit(client, requests)
            finished = await _wait(client, ids)
            wall_s = time.monotonic() - began
    seen = await _read(client, requests, ids)
    small = frozenset(
        request.title_id for request in requests if request.studio == "small" and request.priority == "normal"
    )
    return LoadOutcome(
        titles=titles,
        finished=finished,
        shots=work.shots,
        unit_s=work.unit_s,
        wall_s=round(wall_s, 1),
        titles_a_minute=round(60 * finished / wall_s, 1),
        activities=len(seen.steps),
        activities_a_second=round(len(seen.steps) / wall_s, 1),
        events=seen.events,
        longest_history_events=seen.longest_events,
        longest_history_bytes=seen.longest_bytes,
        most_rss_bytes=dict(rss),
        queue_ages=queue_ages(seen.steps),
        urgent_overtaken=tuple(sorted(overtakings(seen.steps, requests[-1].title_id))),
        small_studio_share=round(share_while_waiting(seen.steps, ENCODE_CPU, small), 3) if small else None,
    )


def _request(title_id: str, **more: str) -> TitleRequest:
    return parse_title_request({"title_id": title_id, "source": f"s3://pertitle-incoming/{title_id}.mov", **more})


async def _submit(client: Client, requests: Sequence[TitleRequest]) -> list[str]:
    """Submits all side by side, and the last one when the others are in."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def submit(request: TitleRequest) -> str:
        async with gate:
            return (await submit_title(client, request)).handle.id

    ids = await asyncio.gather(*map(submit, requests[:-1]))
    return [*ids, await submit(requests[-1])]


async def _wait(client: Client, ids: Sequence[str]) -> int:
    """Returns how many titles have finished well."""
    ended = asyncio.gather(*(client.get_workflow_handle(name).result() for name in ids), return_exceptions=True)
    return sum(not isinstance(result, BaseException) for result in await asyncio.wait_for(ended, PATIENCE_S))


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
