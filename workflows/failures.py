"""Failures as people and the command read them: the root cause, with its code."""

from temporalio.exceptions import ApplicationError, FailureError


def root_cause(error: BaseException) -> BaseException:
    """Returns the innermost failure of a chain."""
    while isinstance(error, FailureError) and error.cause is not None:
        error = error.cause
    return error


def reason_of(error: BaseException) -> str:
    """Returns the root cause in at most 300 characters."""
    return str(root_cause(error))[:300]


def as_title_failure(error: FailureError) -> ApplicationError:
    """Returns the failure of a title: the type is our code, the details hold where, found, expected and fix."""
    cause = root_cause(error)
    if isinstance(cause, ApplicationError):
        return ApplicationError(cause.message, *cause.details, type=cause.type, non_retryable=True)
    return ApplicationError(str(cause), type="PERT-000", non_retryable=True)
