"""Time-outs and retries for each kind of work, once, each with its reason. A canceled workflow gets none."""

import asyncio
from datetime import timedelta
from typing import TypedDict, Unpack

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.workflow import ActivityCancellationType

from domain.retries import LONGEST_ROOM_WAIT_S, MOST_ATTEMPTS
from domain.work import WorkList

RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
    # Ten tries that go wrong are the end, and the worker counts them: waiting for room is none.
    maximum_attempts=MOST_ATTEMPTS,
)


class ActivityOptions(TypedDict):
    """Options of ``workflow.execute_activity_method``."""

    task_queue: str
    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType
    priority: Priority
    summary: str


class _Who(TypedDict):
    queue: str
    silence_s: float
    priority: Priority
    summary: str


def light_options(**who: Unpack[_Who]) -> ActivityOptions:
    """Returns options for seconds of work without a process of its own; reading many results says how far it is."""
    return _options(timedelta(minutes=15), **who)


def title_options(**who: Unpack[_Who]) -> ActivityOptions:
    """Returns options for work on a whole title: hours are normal, a minute without progress is not."""
    return _options(timedelta(hours=24), **who)


def unit_options(work: WorkList, **who: Unpack[_Who]) -> ActivityOptions:
    """Returns options for one unit of a work list.

    A slow preset at 2160p may take a minute to its first frame, a 360p unit a second: the heartbeat time-out
    follows the estimate, because a killed worker is noticed only when it has passed. The wait for room counts as
    part of a try.
    """
    who["silence_s"] = min(180.0, max(who["silence_s"], work.longest_unit_s / 5))
    return _options(timedelta(seconds=10 * work.longest_unit_s + 600 + LONGEST_ROOM_WAIT_S), **who)


def require_not_canceled() -> None:
    """Lets nothing begin in a canceled workflow.

    We wait for what runs when a cancel comes, and a step that ends well nonetheless hides it: ``await`` just returns.
    Without this, such a title would go on to its release.

    Raises:
        asyncio.CancelledError: if the server has asked for the end.
    """
    if workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError


def _options(longest: timedelta, **who: Unpack[_Who]) -> ActivityOptions:
    require_not_canceled()
    return ActivityOptions(
        task_queue=who["queue"],
        start_to_close_timeout=longest,
        heartbeat_timeout=timedelta(seconds=who["silence_s"]),
        retry_policy=RETRIES,
        # Most activities own processes: the workflow goes on only when those are gone.
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        priority=who["priority"],
        summary=who["summary"],
    )
