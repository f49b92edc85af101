"""``up``, ``down``, ``status``: the local stack."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from client.commands import DEFAULT_STATE_DIR, JsonOption, StateOption, reported
from client.local_stack import control
from client.local_stack.control import stack_status, start_stack, stop_stack
from client.local_stack.errors import StackNotRunning
from client.local_stack.state import PartStatus, StackState
from client.output import notes, print_json, results, show
from client.session import names_cluster, open_session
from client.tables import stack_table, titles_table
from client.titles import list_titles
from domain.errors import PertitleError
from protection.payload_keys import load_payload_keys

_TITLES_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command(rich_help_panel="Local stack")(up)
    app.command(rich_help_panel="Local stack")(down)
    app.command(rich_help_panel="Local stack")(status)
    app.command(rich_help_panel="Local stack")(codec)


@reported
async def up(
    state: StateOption = DEFAULT_STATE_DIR,
    seal_payloads: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--seal-payloads", help="Seal what Temporal keeps, from now on.")
    ] = False,
    json_output: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Start the local stack: Temporal, an S3 server, the workers, the portal. Safe to repeat.

    Everything listens on loopback ports that are chosen at the first start and kept, and keeps its data in the state
    folder. A part that dies is started again. After a crash or a reboot, say `up` again: titles go on where they were.

    Examples:
      pertitle up
      pertitle up --state /var/tmp/pertitle-2     (a second stack beside the first)
    """
    if seal_payloads:
        await control.seal_payloads(state)
    before = stack_status(state)
    was_ready = before is not None and before.is_ready
    stack = await start_stack(state, on_change=PartNews().show)
    if was_ready:
        notes().print("already running")
    show(stack_table(stack), status_content(stack), as_json=json_output)


@reported
async def down(state: StateOption = DEFAULT_STATE_DIR, json_output: JsonOption = False) -> None:  # noqa: FBT002 - as above
    """Stop the local stack. Data stays; running titles go on at the next `up`.

    Example:
      pertitle down
    """
    stopped = await stop_stack(state)
    if json_output:
        print_json({"stopped": stopped})
    else:
        results().print("stopped" if stopped else "nothing was running")


@reported
async def status(state: StateOption = DEFAULT_STATE_DIR, json_output: JsonOption = False) -> None:  # noqa: FBT002 - as above
    """Show what runs: the parts of the local stack, and the newest titles. Exits 5 if something does not run.

    Examples:
      pertitle status
      pertitle status --json
    """
    stack = None if names_cluster() else stack_status(state)
    content: dict[str, Any] = {"stack": status_content(stack) if stack else None, "titles": []}
    if stack is not None and not json_output:
        results().print(stack_table(stack))
    rows: list[tuple[str, str, str, str]] = []
    trouble: PertitleError | None = None
    try:
        rows = await _newest_titles(state)
    except PertitleError as error:
        trouble = error
    content["titles"] = [dict(zip(("workflow_id", "status", "stage", "submitted"), row, strict=True)) for row in rows]
    if json_output:
        print_json(content)
    elif rows:
        results().print(titles_table(rows))
    if trouble is not None:
        raise trouble
    if stack is not None and not stack.is_ready:
        raise typer.Exit(5)


@reported
async def codec(state: StateOption = DEFAULT_STATE_DIR) -> None:
    """Print the codec endpoint's address, a secret: with it the Temporal UI and CLI show sealed payloads.

    Paste it into the UI (the glasses at the top, "Codec Endpoint"), or give it to `temporal --codec-endpoint`.

    Example:
      pertitle codec
    """
    stack = stack_status(state)
    if stack is None or not stack.payload_key_file.exists():
        raise StackNotRunning(
            str(state),
            found="no stack that seals payloads",
            expected="one that does",
            fix="start one with `pertitle up --seal-payloads`",
        )
    keys = await asyncio.to_thread(load_payload_keys, stack.payload_key_file)
    typer.echo(f"{stack.portal_url}/codec/{keys.endpoint_token}")


class PartNews:
    """Says once on standard error that a part is ready, or that it is started again."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[PartStatus, int]] = {}

    def show(self, stack: StackState) -> None:
        """Says what has changed."""
        for name, part in stack.parts.items():
            news = (part.status, part.starts)
            if self._said.get(name) == news:
                continue
            self._said[name] = news
            if part.status is PartStatus.READY:
                notes().print(f"{name} is ready", style="dim", markup=False)
            elif part.status is PartStatus.RESTARTING:
                notes().print(f"{name} ended with {part.last_exit}; it is started again", style="yellow", markup=False)


def status_content(stack: StackState) -> dict[str, Any]:
    """Returns the facts of the stack's table."""
    return {
        "state_dir": str(stack.state_dir),
        "running": stack.is_running,
        "ready": stack.is_ready,
        "temporal_address": stack.temporal_address,
        "ui_url": stack.ui_url,
        "s3_endpoint_url": stack.s3_endpoint_url,
        "portal_url": stack.portal_url,
        "credentials_file": str(stack.credentials_file),
        "parts": {
            name: {"status": part.status.value, "pid": part.pid, "starts": part.starts}
            for name, part in stack.parts.items()
        },
    }


async def _newest_titles(state: Path) -> list[tuple[str, str, str, str]]:
    session = await open_session(state)
    found = await list_titles(session.temporal, _TITLES_SHOWN)
    return [
        (
            item.id,
            item.status.name.lower() if item.status else "",
            str(next((pair.value for pair in item.typed_search_attributes if pair.key.name == "Stage"), "")),
            item.start_time.astimezone().strftime("%Y-%m-%d %H:%M"),
        )
        for item in found
    ]
