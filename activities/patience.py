"""How long a step has waited for room, over all its attempts, and who is told.

A worker without room is no fault of the step: it must not use up the step's ten tries. So Temporal gives a step out
far more often than that, and the worker counts what went wrong. How often it was sent back for want of room, and since
when it waits, travels from attempt to attempt in the details of its heartbeats: not one event of history for it.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.service import RPCError

from activities.faults import NoRoom, TriesLost
from domain.attention import RoomAlarm
from domain.retries import LONGEST_ROOM_WAIT_S, REMINDERS, TRIES

logger = logging.getLogger("pertitle.worker")
GROWTH = 1.5
"""Factor from one wait to the next: first to another worker soon, then ever more calmly."""
FIRST_PAUSE_S = 5.0
_NAME = "room"


@dataclass(slots=True)
class RoomWait:
    """What a step remembers of its waiting."""

    refusals: int = 0
    """Attempts that ended for want of room."""
    since_s: float | None = None
    """When it first had to wait, in seconds since 1970; ``None`` while it never did, or has got its room."""
    alarms: int = 0
    """Ages in ``REMINDERS`` that have passed."""

    @classmethod
    def read(cls, details: Sequence[Any]) -> "RoomWait":
        """Returns what the last attempt remembered, from the details of its last heartbeat."""
        for detail in details:
            if isinstance(detail, dict) and isinstance(kept := detail.get(_NAME), dict):
                return cls(kept.get("refusals", 0), kept.get("since_s"), kept.get("alarms", 0))
        return cls()

    def details(self) -> tuple[dict[str, Any], ...]:
        """Returns what is added to the details of each heartbeat; nothing for a step that has never waited."""
        if not self.refusals and self.since_s is None:
            return ()
        return ({_NAME: {"refusals": self.refusals, "since_s": self.since_s, "alarms": self.alarms}},)

    def patience_s(self, first_s: float) -> float:
        """Returns how long to wait in this attempt, in seconds, if the first one waited ``first_s``."""
        return min(float(first_s * GROWTH**self.refusals), LONGEST_ROOM_WAIT_S)

    def pause_s(self) -> float:
        """Returns how long to pause before the next attempt, in seconds: another worker may have room at once."""
        return min(FIRST_PAUSE_S * GROWTH**self.refusals, NoRoom.retry_after_s or 0.0)

    async def go_on(self, what: str) -> None:
        """Notes that the step waits, and tells its title at each age in ``REMINDERS``."""
        now_s = time.time()
        if self.since_s is None:
            self.since_s = now_s
        age = timedelta(seconds=now_s - self.since_s)
        passed = sum(age >= reminder for reminder in REMINDERS)
        if passed > self.alarms:
            self.alarms = passed
            await self._tell_title(f"waits for {what} on a worker since {age.total_seconds() / 3600:.1f} h", passed)

    async def end(self) -> None:
        """Notes that the step has its room."""
        if self.alarms:
            await self._tell_title("has its room", 0)
        self.since_s, self.alarms = None, 0

    async def _tell_title(self, message: str, reminders: int) -> None:
        info = activity.info()
        since = datetime.fromtimestamp(self.since_s or time.time(), tz=UTC)
        title, item_id = place_of(info)
        logger.warning("%s of %s %s", item_id, title, message)
        handle = activity.client().get_workflow_handle(title)
        # A title that has ended needs no alarm, and a lost one must not stop the step.
        with suppress(RPCError):
            alarm = RoomAlarm(item_id=item_id, message=message, since=since, reminders=reminders)
            await handle.signal("wait_for_room", alarm)


_WAIT: ContextVar[RoomWait] = ContextVar("room_wait")


def remember_wait() -> RoomWait:
    """Takes over what the last attempt of this activity remembered; at the start of each.

    Raises:
        TriesLost: if ten tries are used up, none of which went wrong in a way that a worker could tell.
    """
    info = activity.info()
    wait = RoomWait.read(info.heartbeat_details)
    _WAIT.set(wait)
    if info.attempt - wait.refusals > TRIES:
        raise TriesLost(
            info.activity_type,
            found=f"{TRIES} tries, and the last ended without a word",
            expected="a result, or an error",
            fix="look for what kills the worker: memory, a supervisor, a machine that fails",
        )
    return wait


def current_wait() -> RoomWait:
    """Returns what the running activity remembers; nothing outside a worker."""
    return _WAIT.get(RoomWait())


def is_last_try() -> bool:
    """Tells whether no try is left if this one goes wrong."""
    return activity.info().attempt - current_wait().refusals >= TRIES


def place_of(info: activity.Info) -> tuple[str, str]:
    """Returns the workflow id of an activity's title, and how the activity is called in it."""
    workflow_id, name = info.workflow_id or "", f"{info.activity_type}/{info.activity_id}"
    if info.workflow_type == "ShotBatch":
        title, _, batch = workflow_id.rpartition("/")
        return title, f"{batch}/{info.activity_id}"
    return workflow_id, name
