"""What waits for a person, and what a person decides: the waiting room of a title."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError

from domain.errors import PertitleError
from domain.values import StrictValue, Value


class Choice(StrEnum):
    """What a person may decide."""

    RETRY = "retry"
    """Try what failed again, with a fresh number of attempts."""
    SKIP = "skip"
    """Go on without the rungs that it belongs to."""
    OVERRIDE = "override"
    """Go on as if it had not been found."""
    FAIL = "fail"
    """End the title with the item's code."""


class WaitingItem(Value):
    """Something that cannot go on before a person has decided."""

    item_id: str = Field(max_length=60)
    """Unique in its title: ``encode-0001`` (a batch), ``findings``."""
    code: str
    """The code of what went wrong or was found."""
    message: str = Field(max_length=400)
    """In one sentence, for people."""
    record: dict[str, str] = {}
    """Where, found, expected and fix; ``found`` of a crashed program ends with the end of its standard error."""
    units: tuple[int, ...] = ()
    """Numbers of the failed units in their work list, as far as they are listed."""
    choices: tuple[Choice, ...] = ()
    """What may be decided; nothing about what goes on by itself, such as a step that waits for room on a worker."""
    since: datetime | None = None
    """Since when it waits; filled in by the waiting room."""
    reminders: int = Field(default=0, ge=0)
    """How often the age alarm went off."""


class RoomAlarm(Value):
    """A step of a title has waited for room on a worker for very long: the signal ``wait_for_room``."""

    item_id: str = Field(max_length=60)
    """Which step: ``encode-0001/17`` (a batch, and an activity of it), ``package_title/40``."""
    message: str = Field(max_length=400)
    """What it waits for."""
    since: datetime
    """Since when."""
    reminders: int = Field(ge=0)
    """How often the age alarm went off; 0 when the wait is over."""

    def as_item(self) -> WaitingItem:
        """Returns what is shown to people, who need not decide anything."""
        return WaitingItem(
            item_id=self.item_id, code="STO-022", message=self.message, since=self.since, reminders=self.reminders
        )


class WaitingList(Value):
    """All that waits in one title: the answer to the query ``needs_attention`` of ``EncodeTitle``."""

    items: tuple[WaitingItem, ...] = ()


class Decision(StrictValue):
    """What a person decides about waiting items: the input of the Update ``decide``, as JSON."""

    choice: Choice
    """``retry``, ``skip``, ``override`` or ``fail``; each item says which of them it offers."""
    name: Annotated[str, Field(pattern=r"^\S.{0,79}$")]
    """Who decides: it is kept in the history."""
    reason: Annotated[str, Field(pattern=r"^\S.{2,399}$")]
    """Why, in 3 to 400 characters."""
    items: tuple[str, ...] = Field(default=(), max_length=50)
    """Ids of the items that are meant; none means all that wait."""


class DecisionRefused(PertitleError):
    """A decision does not fit what waits; nothing has changed."""

    code: ClassVar[str] = "REQ-010"


def parse_decision(content: Any, waiting: Sequence[WaitingItem]) -> Decision:
    """Returns the checked decision.

    Args:
        content: The decoded JSON.
        waiting: What waits now.

    Raises:
        DecisionRefused: if a field is wrong, nothing waits, an item does not wait, or does not offer this choice.
    """
    try:
        decision = content if isinstance(content, Decision) else Decision.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "decision"
        raise DecisionRefused(
            where,
            found=fault["msg"],
            expected="choice (retry, skip, override, fail), name, reason, perhaps items",
            fix='send for example {"choice": "retry", "name": "Kim", "reason": "worker replaced"}',
        ) from None
    meant = _meant(decision, waiting)
    for item in meant:
        if decision.choice not in item.choices:
            raise DecisionRefused(
                item.item_id,
                found=decision.choice.value,
                expected=" or ".join(choice.value for choice in item.choices),
                fix="choose what the item offers",
            )
    return decision


def _meant(decision: Decision, waiting: Sequence[WaitingItem]) -> list[WaitingItem]:
    known = {item.item_id: item for item in waiting}
    unknown = [item_id for item_id in decision.items if item_id not in known]
    if unknown or not known:
        raise DecisionRefused(
            "items",
            found=", ".join(unknown)[:200] or "nothing waits for a decision",
            expected=", ".join(known)[:200] or "something that waits",
            fix="look at what waits: query needs_attention, or `pertitle attention`; it may have been decided already",
        )
    return [known[item_id] for item_id in decision.items or known]
