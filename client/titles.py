"""Titles as workflows: submit, find, ask, cancel, and read how they ended."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.common import (
    Priority,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, CancelledError, FailureError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from client.errors import TitleCanceled, TitleFailed, UnknownTitle
from client.requests import workflow_id_of
from domain.release import TitleReceipt
from domain.request import PRIORITIES, TitleRequest, parse_title_request

WORKFLOW = "EncodeTitle"
TASK_QUEUE = "orchestrate"
_RPC_TIMEOUT = timedelta(seconds=30)

Handle = WorkflowHandle[Any, TitleReceipt]


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted title."""

    handle: Handle
    is_new: bool
    """This submission started the workflow; otherwise it joined one that runs or has succeeded."""


async def submit_title(client: Client, request: TitleRequest) -> Submission:
    """Starts a title, or joins the one that the same request has started before.

    A request whose workflow has succeeded starts nothing: its release stands.
    """
    workflow_id = workflow_id_of(request)
    before = await _describe(client, workflow_id)
    try:
        handle: Handle = await client.start_workflow(
            WORKFLOW,
            request.model_dump(mode="json", exclude_defaults=True),
            id=workflow_id,
            task_queue=TASK_QUEUE,
            result_type=TitleReceipt,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            static_summary=f"Encode {request.title_id}",
            static_details=_details(request),
            priority=Priority(priority_key=PRIORITIES[request.priority], fairness_key=request.fairness_key),
            search_attributes=_search_attributes(request),
            rpc_timeout=_RPC_TIMEOUT,
        )
    except WorkflowAlreadyStartedError:
        return Submission(_handle(client, workflow_id), is_new=False)
    now = await _describe(client, workflow_id)
    is_new = before is None or (now is not None and now.run_id != before.run_id)
    return Submission(_handle(client, handle.id), is_new=is_new)


async def find_title(client: Client, title_id: str) -> Handle:
    """Returns the workflow of a title: the one that runs, else the newest.

    Raises:
        BadTitleId: if the id breaks the rule.
        UnknownTitle: if there is none.
    """
    _require_title_id(title_id)
    query = f'WorkflowType = "{WORKFLOW}" AND TitleId = "{title_id}"'
    found = [item async for item in client.list_workflows(query)]
    if not found:
        raise UnknownTitle(
            title_id, found="no title of that name", expected="a submitted title", fix="see `pertitle status`"
        )
    newest = max(found, key=lambda item: (item.status == WorkflowExecutionStatus.RUNNING, item.start_time))
    return _handle(client, newest.id)


async def list_titles(client: Client, limit: int) -> list[WorkflowExecution]:
    """Returns the newest titles."""
    found = [item async for item in client.list_workflows(f'WorkflowType = "{WORKFLOW}"', limit=limit)]
    return sorted(found, key=lambda item: item.start_time, reverse=True)


async def receipt_of(handle: Handle, title_id: str) -> TitleReceipt:
    """Waits for a title and returns what it made.

    Raises:
        TitleFailed: if it failed; with the record of the cause.
        TitleCanceled: if somebody canceled it.
    """
    try:
        return await handle.result()
    except WorkflowFailureError as error:
        cause = innermost_cause(error)
        if isinstance(cause, CancelledError):
            raise TitleCanceled(
                title_id, found="the title was canceled", fix="submit it again; finished encodes are reused"
            ) from None
        raise TitleFailed(title_id, failure_record(cause, title_id)) from None


def innermost_cause(error: BaseException) -> BaseException:
    """Returns the deepest failure that carries one of our codes, else the deepest of all."""
    deepest: BaseException = error
    coded: BaseException | None = None
    current: BaseException | None = error
    while current is not None:
        deepest = current
        if isinstance(current, CancelledError) or (isinstance(current, ApplicationError) and _has_record(current)):
            coded = current
        current = current.cause if isinstance(current, FailureError | WorkflowFailureError) else None
    return coded or deepest


def failure_record(cause: BaseException, title_id: str) -> dict[str, str]:
    """Returns the error record of a failure; one is made up for failures that are not ours."""
    if isinstance(cause, ApplicationError) and _has_record(cause):
        return {str(key): str(value) for key, value in cause.details[0].items()}
    kind = cause.type if isinstance(cause, ApplicationError) else type(cause).__name__
    is_ours = re.fullmatch(r"[A-Z]{2,4}-\d{3}", kind or "") is not None
    return {
        "code": str(kind) if is_ours else TitleFailed.code,
        "where": title_id,
        "found": str(cause) if is_ours or not kind else f"{kind}: {cause}",
        "expected": "",
        "fix": "look at the workflow in the Temporal UI and at the workers' logs",
    }


def _has_record(error: ApplicationError) -> bool:
    return bool(error.details) and isinstance(error.details[0], dict) and "code" in error.details[0]


def _require_title_id(title_id: str) -> None:
    # The one place that knows the rule and its words is the request.
    parse_title_request({"title_id": title_id, "source": "s3://any-bucket/any-key"})


async def _describe(client: Client, workflow_id: str) -> WorkflowExecution | None:
    try:
        return await client.get_workflow_handle(workflow_id).describe(rpc_timeout=_RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


def _handle(client: Client, workflow_id: str) -> Handle:
    return client.get_workflow_handle(workflow_id, result_type=TitleReceipt)


def _search_attributes(request: TitleRequest) -> TypedSearchAttributes:
    keyword = SearchAttributeKey.for_keyword
    return TypedSearchAttributes(
        [
            SearchAttributePair(keyword("TitleId"), request.title_id),
            SearchAttributePair(keyword("Stage"), "submitted"),
            SearchAttributePair(keyword("Priority"), request.priority),
            SearchAttributePair(SearchAttributeKey.for_float("PercentDone"), 0.0),
            *([SearchAttributePair(keyword("Studio"), request.studio)] if request.studio else []),
        ]
    )


def _details(request: TitleRequest) -> str:
    codecs = ", ".join(item.codec.value for item in request.recipe.codecs)
    return f"**Source** `{request.source}`\n\n**Codecs** {codecs}\n\n**Priority** {request.priority}"
