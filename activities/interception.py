"""What surrounds every activity: our errors become Temporal's."""

from typing import Any

from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.errors import as_application_error


class CodedErrors(Interceptor):
    """Translates the errors of the rooms, so that no activity does it itself."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's name
        """Wraps the next interceptor."""
        return _Translating(next)


class _Translating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - Temporal's name
        try:
            return await super().execute_activity(input)
        except Exception as error:
            translated = as_application_error(error)
            if translated is None:
                raise
            # Without a cause: clients look for the innermost failure, and that must be the one with the code.
            raise translated from None
