"""What all units share: reading their plan, adding up their outcomes."""

import asyncio
from collections.abc import Iterable
from typing import TypeVar

from activities.faults import BrokenPlan
from activities.toolbox import Toolbox
from domain.mezzanine import Mezzanine
from domain.work import (
    AssembleUnit,
    BaselineUnit,
    EncodeUnit,
    MeasureUnit,
    TrialUnit,
    UnitOutcome,
    UnitReference,
    WorkPlan,
)

UnitT = TypeVar("UnitT", TrialUnit, EncodeUnit, BaselineUnit, MeasureUnit, AssembleUnit)


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
            cpu_s=total.cpu_s + outcome.cpu_s,
        )
    return total
