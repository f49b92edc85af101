"""``attention``, ``decide``: what waits for a person, and what a person decides."""

import asyncio
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from temporalio.client import Client, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.service import RPCError

from client.commands import DEFAULT_STATE_DIR, JsonOption, StateOption, TitleArgument, reported
from client.output import show
from client.session import open_session
from client.titles import WORKFLOW, Handle, failure_record, find_title, innermost_cause
from domain.attention import Choice, DecisionRefused, WaitingItem, WaitingList


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (attention, decide):
        app.command(rich_help_panel="Titles")(command)


@reported
async def attention(
    title: Annotated[str | None, typer.Argument(metavar="ID", help="One title; default: all that run.")] = None,
    state: StateOption = DEFAULT_STATE_DIR,
    json_output: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Show what waits for a person's decision, and since when.

    Examples:
      pertitle attention
      pertitle attention film-s01e02 --json
    """
    session = await open_session(state)
    found = await waiting_titles(session.temporal, title)
    facts: dict[str, Any] = {
        "waiting": [
            {"title_id": title_id, **item.model_dump(mode="json")} for title_id, items in found for item in items
        ]
    }
    show(_table(found) if facts["waiting"] else "nothing waits", facts, as_json=json_output)


@reported
async def decide(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    title: TitleArgument,
    choice: Annotated[Choice, typer.Argument(help="What to do; `attention` shows what each item offers.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the title's history.")],
    item: Annotated[list[str] | None, typer.Option("--item", help="Which items; default: all that wait.")] = None,
    state: StateOption = DEFAULT_STATE_DIR,
    json_output: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Decide about what waits in a title: retry it, skip its rungs, override a finding, or fail the title.

    Examples:
      pertitle decide film-s01e02 retry --by kim --reason "worker had a bad disk"
      pertitle decide film-s01e02 fail --by kim --reason "studio sends a new file" --item encode-0001
    """
    session = await open_session(state)
    handle = await find_title(session.temporal, title)
    content = {"choice": choice.value, "name": by, "reason": reason, "items": item or []}
    settled = await send_decision(handle, title, content)
    words = f"{title}: {choice.value} {', '.join(settled)}"
    show(words, {"title_id": title, "choice": choice.value, "settled": list(settled)}, as_json=json_output)


async def send_decision(handle: Handle, title_id: str, content: dict[str, Any]) -> list[str]:
    """Sends a decision and returns the ids of the items that it settles.

    Raises:
        DecisionRefused: if it does not fit what waits.
    """
    try:
        settled: list[str] = await handle.execute_update("decide", content, result_type=list[str])
    except WorkflowUpdateFailedError as error:
        record = failure_record(innermost_cause(error.cause), title_id)
        raise DecisionRefused(
            record["where"], found=record["found"], expected=record["expected"], fix=record["fix"]
        ) from None
    return settled


async def waiting_titles(client: Client, title_id: str | None) -> list[tuple[str, tuple[WaitingItem, ...]]]:
    """Returns what waits, by title; in all titles that run, or in one."""
    if title_id is not None:
        return [(title_id, await _waiting_in(await find_title(client, title_id)))]
    query = f'WorkflowType = "{WORKFLOW}" AND ExecutionStatus = "Running"'
    running = [item async for item in client.list_workflows(query)]
    lists = await asyncio.gather(*(_waiting_in(client.get_workflow_handle(item.id)) for item in running))
    return [(item.id.split("/")[1], waiting) for item, waiting in zip(running, lists, strict=True)]


async def _waiting_in(handle: Handle) -> tuple[WaitingItem, ...]:
    try:
        answer = await handle.query("needs_attention", result_type=WaitingList)
    except (RPCError, WorkflowQueryFailedError):
        return ()
    return WaitingList.model_validate(answer).items


def _table(found: list[tuple[str, tuple[WaitingItem, ...]]]) -> Table:
    table = Table(title="waits for a decision", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in ("title", "item", "since", "choices", "why"):
        table.add_column(name)
    for title_id, items in found:
        for item in items:
            since = item.since.astimezone().strftime("%Y-%m-%d %H:%M") if item.since else ""
            choices = ", ".join(choice.value for choice in item.choices)
            table.add_row(title_id, item.item_id, since, choices, f"{item.code} {item.message}")
    return table
