"""Findings of inspection that stop a title: they wait for a named person, or end it."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.expectations import failure_of, record_of
    from domain.attention import Choice, Decision, WaitingItem
    from domain.findings import CATALOGUE, Level, Override
    from domain.request import TitleRequest
    from domain.steps import InspectedSource, InspectionOrder, OpenedTitle, SettledInspection, StoppingFinding
    from workflows.attention import WaitingRoom
    from workflows.side_by_side import side_by_side

_LONGEST_REASON = 200


async def settle_findings(inspected: InspectedSource, room: WaitingRoom, *, waits: bool) -> SettledInspection:
    """Waits until a person has waved through everything that stops the title; returns who did, and why.

    Args:
        inspected: What inspection found.
        room: The title's waiting room; each code is an item of its own, ``finding-VID-102``.
        waits: Whether the title may wait at all.

    Raises:
        ApplicationError: with the finding's code, if one is fatal, the title does not wait, or a person decides to
            fail it.
    """
    final = [stop for stop in inspected.stops if stop.level is Level.FATAL or not waits]
    if final:
        raise failure_of(final[0])
    decisions: list[Decision] = await side_by_side(*(room.wait_for(_item_of(stop)) for stop in inspected.stops))
    overrides = tuple(
        Override(code=stop.code, by=decision.name, reason=decision.reason[:_LONGEST_REASON])
        for stop, decision in zip(inspected.stops, decisions, strict=True)
    )
    return SettledInspection(report=inspected.report, overrides=overrides)


def order_of(request: TitleRequest, opened: OpenedTitle) -> InspectionOrder:
    """Returns what inspection is to look for: in words, or where they lie if they are many."""
    if opened.order is not None:
        return InspectionOrder(document=opened.order)
    return InspectionOrder(policy=request.inspection, overrides=request.overrides)


def _item_of(stop: StoppingFinding) -> WaitingItem:
    more = f" (and {stop.places - 1} places more)" if stop.places > 1 else ""
    return WaitingItem(
        item_id=f"finding-{stop.code}",
        code=stop.code,
        message=f"{CATALOGUE[stop.code].meaning} {stop.message}{more}"[:400],
        record=record_of(stop),
        choices=(Choice.OVERRIDE, Choice.FAIL),
    )
