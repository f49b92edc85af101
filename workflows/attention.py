"""The waiting room of a title: what cannot go on without a person waits here, seen, reminded of, never forgotten.

How to use it from a title's steps::

    class EncodeTitle(Attended):                     # brings the Update `decide` and the query `needs_attention`
        def __init__(self) -> None:
            self._log = TitleLog()
            self._room = WaitingRoom(self._log.attend)

    decision = await self._room.wait_for(
        WaitingItem(
            item_id="finding-VID-102",
            code="VID-102",
            message="nearly all pictures are black",
            choices=(Choice.OVERRIDE, Choice.FAIL),
        )
    )

``wait_for`` returns when a person has decided, with the choice, the name and the reason (to be kept in the release);
``fail`` never returns: it raises the item's code. Several items may wait side by side. Whoever adds a call to a step
that running titles may have passed guards it with ``workflow.patched("name")``.

What is seen while something waits: ``Stage`` is ``needs_attention``, the current details list the items, the query
``needs_attention`` returns them, and at each age in ``REMINDERS`` an alarm is logged (``Stage`` becomes
``attention_overdue``). After the last one the item fails by itself: a title always ends.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.attention import (
        Choice,
        Decision,
        DecisionRefused,
        RoomAlarm,
        WaitingItem,
        WaitingList,
        parse_decision,
    )
    from domain.retries import REMINDERS

LONGEST_WAIT = timedelta(days=30)
"""Age at which an item that nobody decided fails its title (a namespace keeps ended runs for about as long)."""
NEEDS_ATTENTION = "needs_attention"
OVERDUE = "attention_overdue"
_STAGE = SearchAttributeKey.for_keyword("Stage")

OnChange = Callable[[Sequence[WaitingItem]], str]
"""Is told all that waits after each change, and returns the stage to show when nothing does."""


class WaitingRoom:
    """What waits in one title; owned by its workflow."""

    def __init__(self, on_change: OnChange) -> None:
        """Takes what shows the waiting items to people."""
        self._on_change = on_change
        self._waiting: dict[str, WaitingItem] = {}
        self._decided: dict[str, Decision] = {}

    @property
    def waiting(self) -> tuple[WaitingItem, ...]:
        """All that waits, oldest first."""
        return tuple(self._waiting.values())

    async def wait_for(self, item: WaitingItem) -> Decision:
        """Waits until a person has decided about an item.

        Raises:
            ApplicationError: with the item's code and record, if the decision is to fail, or nobody decides within
                ``LONGEST_WAIT``.
        """
        began = workflow.now()
        self._waiting[item.item_id] = item.model_copy(update={"since": began})
        self._show()
        try:
            decision = await self._until_decided(item.item_id)
        finally:
            del self._waiting[item.item_id]
            self._show()
        waited_s = (workflow.now() - began).total_seconds()
        if decision is None:
            raise _failure(item, f"nobody decided within {waited_s / 86400:.0f} days")
        workflow.logger.info("%s: %s by %s: %s", item.item_id, decision.choice, decision.name, decision.reason)
        if decision.choice is Choice.FAIL:
            raise _failure(item, f"{decision.name} decided to fail the title: {decision.reason}")
        return decision

    def check(self, content: Any) -> Decision:
        """Returns the checked decision about what waits now.

        Raises:
            ApplicationError: if it does not fit; its type is the code.
        """
        try:
            return parse_decision(content, [self._waiting[name] for name in self._undecided()])
        except DecisionRefused as error:
            raise ApplicationError(str(error), error.as_record(), type=error.code, non_retryable=True) from None

    def decide(self, decision: Decision) -> tuple[str, ...]:
        """Takes a checked decision; returns the ids of the items that it settles."""
        meant = tuple(decision.items) or self._undecided()
        for item_id in meant:
            self._decided[item_id] = decision
        return meant

    def alarm(self, alarm: RoomAlarm) -> None:
        """Shows a step that waits for room on a worker, or takes it away when the wait is over."""
        if not alarm.reminders:
            self._waiting.pop(alarm.item_id, None)
        else:
            self._waiting[alarm.item_id] = alarm.as_item()
            workflow.logger.warning("%s waits for room since %s: %s", alarm.item_id, alarm.since, alarm.message)
        self._show()

    def _undecided(self) -> tuple[str, ...]:
        return tuple(name for name, item in self._waiting.items() if item.choices and name not in self._decided)

    async def _until_decided(self, item_id: str) -> Decision | None:
        began = workflow.now()
        for number, age in enumerate((*REMINDERS, LONGEST_WAIT), start=1):
            try:
                await workflow.wait_condition(
                    lambda: item_id in self._decided,
                    timeout=age - (workflow.now() - began),
                    timeout_summary=f"age alarm {number} of {item_id}",
                )
                return self._decided.pop(item_id)
            except TimeoutError:
                if age < LONGEST_WAIT:
                    self._remind(item_id, age, number)
        return None

    def _remind(self, item_id: str, age: timedelta, number: int) -> None:
        item = self._waiting[item_id].model_copy(update={"reminders": number})
        self._waiting[item_id] = item
        workflow.logger.warning("%s waits for a decision since %s: %s %s", item_id, age, item.code, item.message)
        self._show()

    def _show(self) -> None:
        stage = self._on_change(self.waiting)
        if self._waiting:
            stage = OVERDUE if any(item.reminders for item in self.waiting) else NEEDS_ATTENTION
        workflow.upsert_search_attributes([_STAGE.value_set(stage)])


class Attended:
    """Base of a workflow with a waiting room in ``_room``: people decide by Update, and see what waits by query."""

    _room: WaitingRoom

    @workflow.update
    def decide(self, content: Any) -> tuple[str, ...]:
        """Takes a person's decision and returns the ids of the items that it settles.

        Args:
            content: ``{"choice": "retry", "name": "Kim", "reason": "worker replaced", "items": ["encode-0001"]}``;
                without ``items`` all that wait are meant.
        """
        return self._room.decide(self._room.check(content))

    @decide.validator
    def _check_decision(self, content: Any) -> None:
        """Refuses what does not fit; a refused decision leaves no trace in the history."""
        self._room.check(content)

    @workflow.signal
    def wait_for_room(self, alarm: RoomAlarm) -> None:
        """Takes the word of a step that has waited for room on a worker for very long, or no longer waits."""
        self._room.alarm(alarm)

    @workflow.query
    def needs_attention(self) -> WaitingList:
        """Tells what waits for a decision."""
        return WaitingList(items=self._room.waiting)


def _failure(item: WaitingItem, why: str) -> ApplicationError:
    record = {"code": item.code, "where": item.item_id, "found": item.message, "expected": "", "fix": "", **item.record}
    return ApplicationError(f"{item.message} ({why})", record, type=item.code, non_retryable=True)
