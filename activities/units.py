"""What all units share: reading their plan, adding up their outcomes."""

import asyncio
import time
from collections.abc import Awaitable, Iterable
from typing import TypeVar

from activities.faults import BrokenPlan
from activities.toolbox import Toolbox
from domain.mezzanine import Mezzanine
from domain.work import (
    AssembleUnit,
    BaselineUnit,
    EncodeUnit,
    MeasureUnit,
    SearchUnit,
    ToneMapUnit,
    TrialUnit,
    UnitOutcome,
    UnitReference,
    WorkPlan,
)

ResultT = TypeVar("ResultT")
UnitT = TypeVar("UnitT", ToneMapUnit, TrialUnit, SearchUnit, EncodeUnit, BaselineUnit, MeasureUnit, AssembleUnit)


async def load_unit(toolbox: Toolbox, reference: UnitReference, kind: type[UnitT]) -> tuple[Mezzanine, UnitT]:
    """Returns the mezzanine and the unit that a reference points at.

    Raises:
        BrokenPlan: if the plan has no such unit, or one of another kind.
        ToolMissing: if this worker has another build than the title was begun with.
    """
    plan = await asyncio.to_thread(toolbox.results.read_document, reference.plan, WorkPlan)
    if reference.index >= len(plan.units) or not isinstance(unit := plan.units[reference.index], kind):
        raise BrokenPlan(
            f"unit {reference.index} of {reference.plan.uri}", found="no such unit", expected=f"a {kind.__name__}"
        )
    return await asyncio.to_thread(toolbox.read_mezzanine, plan.mezzanine), unit


def add_up(outcomes: Iterable[UnitOutcome]) -> UnitOutcome:
    """Returns the sum of outcomes."""
    total = UnitOutcome()
    for outcome in outcomes:
        total = UnitOutcome(
            made=total.made + outcome.made,
            reused=total.reused + outcome.reused,
            failed=total.failed + outcome.failed,
            trials=total.trials + outcome.trials,
            trials_reused=total.trials_reused + outcome.trials_reused,
            cpu_s=total.cpu_s + outcome.cpu_s,
            tool_s=total.tool_s + outcome.tool_s,
        )
    return total


async def stopped(work: Awaitable[ResultT]) -> tuple[ResultT, float]:
    """Waits for programs and returns what they made, with the wall seconds that they took."""
    began = time.monotonic()
    return await work, time.monotonic() - began
