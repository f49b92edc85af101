"""``encode``: one title from file to verified release in a folder, for CI and for a laptop without ceremony."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from client.commands import DEFAULT_STATE_DIR, JsonOption, StateOption, reported
from client.fetching import FetchedTitle, fetch_title
from client.local_stack.control import stack_status, start_stack, stop_stack
from client.output import notes, show
from client.requests import check_before_upload, read_recipe, request_content
from client.runs import SubmittedTitle, say_what_submission_did, upload_and_submit, watch_to_end
from client.session import Session, local_session, names_cluster, open_session
from client.stack_commands import PartNews
from client.tables import result_tables
from client.title_commands import BandwidthsOption, RecipeOption, SourceArgument, SubtitlesOption, TitleIdOption

_CANCEL_PATIENCE_S = 20.0


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(rich_help_panel="Titles")(encode)


@reported
async def encode(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    source: SourceArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to leave the release.")],
    recipe: RecipeOption = None,
    bandwidths: BandwidthsOption = None,
    title_id: TitleIdOption = None,
    subtitles: SubtitlesOption = None,
    state: StateOption = DEFAULT_STATE_DIR,
    json_output: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Encode one title and fetch its verified release into a folder: the whole thing in one command, for CI.

    Brings the local stack up if none runs, and down again if it did. Exits 0 only when every byte of the release was
    fetched and checked; then DIR holds result.json, report.html and presentation/. Ctrl-C cancels the title.

    Examples:
      pertitle encode film.mov --out release
      pertitle encode film.mov --out release --recipe recipe.json --json
    """
    content = request_content(
        source, recipe=read_recipe(recipe, bandwidths), title_id=title_id, priority="normal", subtitles=subtitles or ()
    )
    content["when_stuck"] = "fail"  # nobody stands by to decide
    # Before any server is started: a typing mistake costs a millisecond, not a start.
    await asyncio.to_thread(check_before_upload, source, content)
    async with stack_for_command(state) as session:
        submitted = await upload_and_submit(session, source, content)
        say_what_submission_did(submitted)
        fetched = await finish_title(session, submitted, out)
    facts = _facts(submitted, fetched)
    show(result_tables(fetched.result), facts, as_json=json_output)
    notes().print(f"release {fetched.result.release_id} is in {out}", markup=False)


@asynccontextmanager
async def stack_for_command(state: Path) -> AsyncIterator[Session]:
    """Gives a session; a local stack that had to be started for it is stopped afterwards, whatever happens.

    Raises:
        StackError: if the stack does not start, or the cluster does not answer.
    """
    if names_cluster():
        yield await open_session(state)
        return
    before = stack_status(state)
    ours = before is None or not before.is_running
    try:
        stack = await start_stack(state, on_change=PartNews().show)
        yield await local_session(stack)
    finally:
        if ours:
            await asyncio.shield(stop_stack(state))


async def finish_title(session: Session, submitted: SubmittedTitle, out: Path) -> FetchedTitle:
    """Watches a title to its end and fetches everything; if the command is interrupted, so is a title it started.

    Raises:
        TitleFailed: if it failed.
        TitleCanceled: if somebody canceled it.
        StorageError: if the release is not what it says.
    """
    handle = submitted.submission.handle
    try:
        receipt = await watch_to_end(session, handle, submitted.request.title_id)
    except asyncio.CancelledError:
        if submitted.submission.is_new:
            await asyncio.shield(_cancel(submitted))
        raise
    return await fetch_title(session, receipt, out)


async def _cancel(submitted: SubmittedTitle) -> None:
    notes().print(f"canceling {submitted.request.title_id}", markup=False)
    with suppress(Exception):
        await submitted.submission.handle.cancel()
        await asyncio.wait_for(submitted.submission.handle.result(), _CANCEL_PATIENCE_S)


def _facts(submitted: SubmittedTitle, fetched: FetchedTitle) -> dict[str, Any]:
    return {
        "title_id": submitted.request.title_id,
        "release_id": fetched.result.release_id,
        "release_uri": fetched.result.release_uri,
        "result": str(fetched.result_file),
        "report": str(fetched.report_file),
        "presentation": str(fetched.presentation_dir),
    }
