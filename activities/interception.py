"""What surrounds every activity: our errors become Temporal's, tries are counted, and waits for room are not."""

from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from activities.errors import as_application_error
from activities.faults import NoRoom
from activities.patience import current_wait, is_last_try, remember_wait


class CodedErrors(Interceptor):
    """Translates the errors of the rooms and counts tries, so that no activity does it itself."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's name
        """Wraps the next interceptor."""
        return _Translating(next)


class _Translating(ActivityInboundInterceptor):
    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        super().init(_Remembering(outbound))

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - Temporal's name
        try:
            remember_wait()
            return await super().execute_activity(input)
        except NoRoom as error:
            after_s = current_wait().pause_s()
            current_wait().refusals += 1
            # The next attempt reads it there. A word that is lost costs a try.
            activity.heartbeat()
            raise as_application_error(error, after_s) or error from None
        except Exception as error:
            told = _told(error)
            if told is error:
                raise
            # Without a cause: clients look for the innermost failure, and that must be the one with the code.
            raise told from None


class _Remembering(ActivityOutboundInterceptor):
    def heartbeat(self, *details: Any) -> None:
        super().heartbeat(*details, *current_wait().details())


def _told(error: Exception) -> Exception:
    """Returns what Temporal is told: the tenth fault is the last."""
    translated = as_application_error(error) or error
    if not is_last_try():
        return translated
    if isinstance(translated, ApplicationError):
        return ApplicationError(translated.message, *translated.details, type=translated.type, non_retryable=True)
    return ApplicationError(str(error), type=type(error).__name__, non_retryable=True)
