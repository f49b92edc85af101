"""Heartbeats on real progress, from the event loop or from a thread."""

import asyncio
import contextvars
from collections.abc import Callable

from temporalio import activity


class Pulse:
    """Tells Temporal that work advances; made inside an activity, called from anywhere.

    Cancellation, pause and "you are timed out" reach a worker only in answers to heartbeats, so whoever works
    long must call this whenever something was really done, and only then.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()

    def __call__(self, done: int) -> None:
        """Reports how many frames, bytes or files are done."""
        self._loop.call_soon_threadsafe(self._context.run, activity.heartbeat, {"unit": self._unit, "done": done})

    def step(self) -> Callable[[str], None]:
        """Returns a callback for named steps, counted."""
        count = 0

        def note(_name: str) -> None:
            nonlocal count
            count += 1
            self(count)

        return note
