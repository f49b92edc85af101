"""One place where our errors become Temporal's: the type is our code, the details hold the record."""

import random
from datetime import timedelta

import pydantic
from temporalio.exceptions import ApplicationError

from domain.errors import PertitleError


def as_application_error(error: Exception, after_s: float | None = None) -> ApplicationError | None:
    """Returns the Temporal error for one of ours, or ``None`` for anything else.

    Args:
        error: What went wrong.
        after_s: Pause before another try, in seconds; default: as its class says.

    Temporal retries by itself what may succeed the next time; the source's and the request's faults cannot.
    """
    if isinstance(error, PertitleError):
        after_s = error.retry_after_s if after_s is None else after_s
        after = _pause(after_s) if after_s is not None else None
        return ApplicationError(
            str(error), error.as_record(), type=error.code, non_retryable=not error.retryable, next_retry_delay=after
        )
    if isinstance(error, pydantic.ValidationError):
        record = {"code": "PERT-001", "where": error.title, "found": str(error), "expected": "", "fix": ""}
        return ApplicationError(str(error), record, type="PERT-001", non_retryable=True)
    return None


def _pause(after_s: float) -> timedelta:
    """Returns a pause of about so many seconds: what failed together must not come back together."""
    return timedelta(seconds=after_s * random.uniform(0.75, 1.25))  # noqa: S311 - spreads load, guards nothing
