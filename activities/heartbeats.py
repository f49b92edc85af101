"""Heartbeats on real progress, from the event loop or from a thread, and threads that end with their activity."""

import asyncio
import contextvars
import time
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

from temporalio import activity

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
EVERY_S = 0.5
"""The SDK throttles heartbeats to one in two seconds; more calls would only cost."""


class WorkStopped(Exception):
    """Raised inside a thread whose activity has been canceled, at its next report of progress."""


class Pulse:
    """Tells Temporal that work advances; made inside an activity, called from anywhere.

    Cancellation, pause and "you are timed out" reach a worker only in answers to heartbeats, so whoever works
    long must call this whenever something was really done, and only then.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._told_at = float("-inf")
        self._is_stopped = False

    def __call__(self, done: int) -> None:
        """Reports how many frames, bytes or files are done.

        Raises:
            WorkStopped: if the activity was canceled meanwhile.
        """
        if self._is_stopped:
            raise WorkStopped(self._unit)
        now = time.monotonic()
        if now - self._told_at >= EVERY_S:
            self._told_at = now
            details = {"unit": self._unit, "done": done}
            self._loop.call_soon_threadsafe(self._context.run, activity.heartbeat, details)

    def step(self) -> Callable[[str], None]:
        """Returns a callback for named steps, counted."""
        count = 0

        def note(_name: str) -> None:
            nonlocal count
            count += 1
            self(count)

        return note

    async def run(self, function: Callable[P, ResultT], *args: P.args, **kwargs: P.kwargs) -> ResultT:
        """Calls a blocking function in a thread that does not outlive the activity.

        When the activity is canceled, the function is stopped at its next report of progress to this pulse (which
        aborts an upload and leaves nothing of it), and only when it has ended the cancellation goes on.
        """
        running = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._is_stopped = True
            with suppress(Exception):
                await running
            raise
