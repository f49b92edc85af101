"""Failures as people and the command read them: the root cause, with its code."""

from temporalio.exceptions import ApplicationError, FailureError

from domain.work import BatchOutcome, UnitFailure, WorkList


def root_cause(error: BaseException) -> BaseException:
    """Returns the innermost failure of a chain."""
    while isinstance(error, FailureError) and error.cause is not None:
        error = error.cause
    return error


def unit_failure(error: BaseException) -> UnitFailure:
    """Returns the root cause as a value, short enough for a payload."""
    cause = root_cause(error)
    record = cause.details[0] if isinstance(cause, ApplicationError) and cause.details else {}
    return UnitFailure(
        code=(cause.type or "PERT-000") if isinstance(cause, ApplicationError) else "PERT-000",
        message=shortened(str(cause), 300),
        record={name: shortened(str(text), 400) for name, text in record.items()} if isinstance(record, dict) else {},
    )


def shortened(text: str, most: int) -> str:
    """Returns a text of at most ``most`` characters: its beginning, and its end, where programs say why they died."""
    if len(text) <= most:
        return text
    head = most // 4
    return f"{text[:head]} … {text[-(most - head - 3) :]}"


def as_work_failure(outcome: BatchOutcome, work: WorkList) -> ApplicationError:
    """Returns the failure of a work list of which nothing may fail: the code of the first failed unit."""
    first = outcome.first_failure or UnitFailure(code="PERT-000", message="no reason given")
    message = f"{outcome.failed} of {work.count} {work.kind.value} units failed: {first.message}"
    return ApplicationError(message, first.record, type=first.code, non_retryable=True)


def as_title_failure(error: FailureError) -> ApplicationError:
    """Returns the failure of a title: the type is our code, the details hold where, found, expected and fix."""
    cause = root_cause(error)
    if isinstance(cause, ApplicationError):
        return ApplicationError(cause.message, *cause.details, type=cause.type, non_retryable=True)
    return ApplicationError(str(cause), type="PERT-000", non_retryable=True)
