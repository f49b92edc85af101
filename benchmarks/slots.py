"""How busy encoding slots are while shots are searched: ``python -m benchmarks.slots TITLE [--state DIR]``.

Reads the histories of a finished title beside its stack. Between the start of the first and the end of the last search
unit, the share of the slots' time in which a program encoded or measured; the rest is start and end of activities,
decisions, the store, and waiting for a wave's last shot. One worker is assumed. Prints JSON.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from client.local_stack.state import DEFAULT_STATE
from client.session import Session, open_session
from client.titles import find_title
from domain.errors import PertitleError
from domain.work import UnitKind, UnitOutcome
from workflows.task_queues import ENCODE_CPU, QUEUE_OF

KINDS = tuple(kind for kind in UnitKind if QUEUE_OF[kind] == ENCODE_CPU)
"""Units that share the slots."""


@dataclass(frozen=True, slots=True)
class UnitSpan:
    """One unit as it ran: its last try."""

    kind: UnitKind
    start_s: float
    end_s: float
    tool_s: float
    """Wall seconds in which a program ran."""

    def inside(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Returns (slot seconds, seconds with a program) inside a window; programs count as evenly spread."""
        held_s = max(0.0, min(self.end_s, end_s) - max(self.start_s, start_s))
        length_s = self.end_s - self.start_s
        return held_s, self.tool_s * held_s / length_s if length_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class SlotUse:
    """What slots did while shots were searched."""

    slots: int
    window_s: float
    """From the start of the first to the end of the last search unit."""
    search_units: int
    held_share: float
    """Part of the slots' time in which a unit held the slot."""
    busy_share: float
    """Part of the slots' time in which a program encoded or measured."""
    busy_while_held: float
    """Part of the units' own time in which a program ran: what rounds, store and decisions leave."""


def slot_use(spans: Sequence[UnitSpan], slots: int) -> SlotUse:
    """Returns how busy slots were while shots were searched.

    Raises:
        ValueError: no search unit is among the spans.
    """
    searches = [span for span in spans if span.kind is UnitKind.SEARCH]
    if not searches:
        raise ValueError("no search units: the title was planned from a grid, or everything was found in the store")
    start_s, end_s = min(span.start_s for span in searches), max(span.end_s for span in searches)
    parts = [span.inside(start_s, end_s) for span in spans]
    held_s, busy_s = sum(held for held, _ in parts), sum(busy for _, busy in parts)
    all_s = slots * (end_s - start_s)
    return SlotUse(
        slots=slots,
        window_s=round(end_s - start_s, 3),
        search_units=len(searches),
        held_share=round(held_s / all_s, 4),
        busy_share=round(busy_s / all_s, 4),
        busy_while_held=round(busy_s / held_s, 4),
    )


def spans_of(kind: UnitKind, events: Iterable[HistoryEvent]) -> list[UnitSpan]:
    """Returns the units of a batch that ended well."""
    started_s: dict[int, float] = {}
    spans = []
    for event in events:
        now_s = event.event_time.ToNanoseconds() / 1e9
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started_s[event.event_id] = now_s
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            ended = event.activity_task_completed_event_attributes
            outcome = UnitOutcome.model_validate_json(ended.result.payloads[0].data)
            spans.append(UnitSpan(kind, started_s[ended.started_event_id], now_s, outcome.tool_s))
    return spans


async def read_spans(session: Session, workflow_id: str) -> list[UnitSpan]:
    """Returns the units of a title's newest run that share the encoding slots."""
    began = (await session.temporal.get_workflow_handle(workflow_id).describe()).start_time
    spans: list[UnitSpan] = []
    for kind in KINDS:
        prefix = f"{workflow_id}/{kind.value}-"
        async for batch in session.temporal.list_workflows(f'WorkflowId STARTS_WITH "{prefix}"'):
            if batch.start_time >= began:
                history = await session.temporal.get_workflow_handle(batch.id, run_id=batch.run_id).fetch_history()
                spans += spans_of(kind, history.events)
    return spans


async def measure_slots(state_dir: Path, title_id: str) -> SlotUse:
    """Returns how busy the slots of a stack's encoding worker were during a title's searches.

    Raises:
        UnknownTitle: no title has this id.
        PertitleError: no stack runs there.
        ValueError: the title's newest run searched nothing.
    """
    session = await open_session(state_dir)
    handle = await find_title(session.temporal, title_id)
    return slot_use(await read_spans(session, handle.id), session.settings.encode_slots)


def main() -> int:
    """Reads the arguments and prints what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slots", description=__doc__)
    parser.add_argument("title", help="id of a finished title, as in its request")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help="folder of the local stack")
    arguments = parser.parse_args()
    try:
        use = asyncio.run(measure_slots(arguments.state, arguments.title))
    except (PertitleError, ValueError) as error:
        sys.stderr.write(f"slots: {error}\n")
        return 2
    sys.stdout.write(json.dumps(asdict(use), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # The SDK's threads may abort the interpreter while it finalizes (sdk-python issue 300): leave at once.
    os._exit(code)
