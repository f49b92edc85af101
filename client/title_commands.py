"""``submit``, ``watch``, ``cancel``, ``result``, ``report``, ``schema``: titles."""

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from temporalio.client import WorkflowExecutionStatus

from client.commands import DEFAULT_STATE_DIR, JsonOption, StateOption, TitleArgument, reported
from client.errors import TitleUnfinished
from client.fetching import fetch_file, read_result
from client.output import notes, print_json, results, show
from client.requests import read_recipe, request_content
from client.runs import say_what_submission_did, upload_and_submit, watch_to_end
from client.session import Session, open_session
from client.tables import result_tables
from client.titles import Handle, find_title, receipt_of
from domain.release import TitleReceipt
from domain.request import PRIORITIES, TitleRequest

PriorityName = StrEnum("PriorityName", {name.upper(): name for name in PRIORITIES})  # type: ignore[misc]
SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="A media file, or s3://bucket/key.")]
RecipeOption = Annotated[
    Path | None, typer.Option("--recipe", metavar="FILE", help="JSON file with the recipe; without it: house defaults.")
]
TitleIdOption = Annotated[
    str | None, typer.Option("--title-id", metavar="ID", help="Name for the title; default: from the file name.")
]
SubtitlesOption = Annotated[
    list[str] | None,
    typer.Option("--subtitles", metavar="LANG[:ROLE]=FILE", help="SRT, WebVTT, SCC or TTML; may be repeated."),
]
BandwidthsOption = Annotated[
    Path | None,
    typer.Option(
        "--bandwidths", metavar="FILE", help="CSV of your viewers' bandwidths: lines of bits per second,weight."
    ),
]
PriorityOption = Annotated[PriorityName, typer.Option("--priority", help="Who goes first when workers are scarce.")]
StudioOption = Annotated[
    str | None, typer.Option("--studio", metavar="NAME", help="Whose title it is: studios share workers in turns.")
]
ProvisionalOption = Annotated[
    float | None,
    typer.Option(
        "--provisional-s", metavar="SECONDS", help="Publish the first so many seconds in two rungs before the rest."
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (submit, watch, cancel, result, report):
        app.command(rich_help_panel="Titles")(command)
    app.command(rich_help_panel="More")(schema)


@reported
async def submit(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    source: SourceArgument,
    recipe: RecipeOption = None,
    bandwidths: BandwidthsOption = None,
    title_id: TitleIdOption = None,
    priority: PriorityOption = PriorityName("normal"),  # noqa: B008 - a constant
    studio: StudioOption = None,
    subtitles: SubtitlesOption = None,
    provisional_s: ProvisionalOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Watch the title until it has ended.")] = False,  # noqa: FBT002 - a flag
    state: StateOption = DEFAULT_STATE_DIR,
    json_output: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Submit a title. The same request twice is one title; a finished one is not made again.

    A local file is uploaded under its digest (once). The request is checked before that.

    Examples:
      pertitle submit film.mov --wait
      pertitle submit s3://pertitle-incoming/film.mov --title-id film-s01e02 --priority high
      pertitle submit film.mov --recipe recipe.json --bandwidths viewers.csv --json
      pertitle submit film.mov --provisional-s 120
      pertitle submit film.mov --subtitles en=film.en.srt --subtitles en:caption=film.scc
    """
    session = await open_session(state)
    content = request_content(
        source,
        recipe=read_recipe(recipe, bandwidths),
        title_id=title_id,
        priority=priority.value,
        subtitles=subtitles or (),
    ) | ({"studio": studio} if studio else {})
    if provisional_s is not None:
        content["provisional"] = {"first_s": provisional_s}
    submitted = await upload_and_submit(session, source, content)
    say_what_submission_did(submitted)
    handle, name = submitted.submission.handle, submitted.request.title_id
    if wait:
        await _watch(session, handle, name, json_output=json_output)
        return
    facts = {"title_id": name, "workflow_id": handle.id, "new": submitted.submission.is_new}
    url = session.workflow_url(handle.id)
    show(f"watch it: pertitle watch {name}" + (f"\nTemporal UI: {url}" if url else ""), facts, as_json=json_output)


@reported
async def watch(title: TitleArgument, state: StateOption = DEFAULT_STATE_DIR, json_output: JsonOption = False) -> None:  # noqa: FBT002 - a flag
    """Watch a title until it has ended. Ctrl-C stops the watching, not the title.

    With --json: a line of JSON whenever something changes, then the receipt.

    Example:
      pertitle watch film-s01e02
    """
    session = await open_session(state)
    handle = await find_title(session.temporal, title)
    await _watch(session, handle, title, json_output=json_output)


@reported
async def cancel(title: TitleArgument, state: StateOption = DEFAULT_STATE_DIR, json_output: JsonOption = False) -> None:  # noqa: FBT002 - a flag
    """Cancel a title that runs. What is encoded stays in the store and is reused if it is submitted again.

    Example:
      pertitle cancel film-s01e02
    """
    session = await open_session(state)
    handle = await find_title(session.temporal, title)
    described = await handle.describe()
    runs = described.status is WorkflowExecutionStatus.RUNNING
    if runs:
        await handle.cancel()
    words = "cancel requested" if runs else f"has ended already ({_status_name(described.status)})"
    show(
        f"{title}: {words}",
        {"title_id": title, "workflow_id": handle.id, "cancel_requested": runs},
        as_json=json_output,
    )


@reported
async def result(title: TitleArgument, state: StateOption = DEFAULT_STATE_DIR, json_output: JsonOption = False) -> None:  # noqa: FBT002 - a flag
    """Show what a title's ladders promised and delivered. With --json: result.json as it was published.

    Example:
      pertitle result film-s01e02 --json > result.json
    """
    session, receipt = await _finished(state, title)
    if json_output:
        document = await asyncio.to_thread(session.store.read_bytes, receipt.result)
        results().print(document.decode(), markup=False)
        return
    found = await asyncio.to_thread(read_result, session.store, receipt)
    results().print(result_tables(found))
    results().print(f"release: {receipt.release.release_uri}", markup=False)


@reported
async def report(
    title: TitleArgument,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write it.")] = None,
    state: StateOption = DEFAULT_STATE_DIR,
    json_output: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Fetch a title's report: one HTML file that opens from disk.

    Example:
      pertitle report film-s01e02 --out film.html
    """
    session, receipt = await _finished(state, title)
    path = await asyncio.to_thread(fetch_file, session.store, receipt.report, out or Path(f"{title}-report.html"))
    url = session.report_url(title)
    facts: dict[str, Any] = {"title_id": title, "file": str(path), "url": url}
    show(f"{path}" + (f"\n{url}" if url else ""), facts, as_json=json_output)


@reported
async def schema() -> None:
    """Print the JSON Schema of a title request: what `submit` sends, and what you may paste into the Temporal UI.

    Example:
      pertitle schema > title-request.schema.json
    """
    results().print(json.dumps(TitleRequest.model_json_schema(), indent=2, ensure_ascii=False), markup=False)


async def _watch(session: Session, handle: Handle, title_id: str, *, json_output: bool) -> None:
    try:
        receipt = await watch_to_end(session, handle, title_id, json_lines=json_output)
    except asyncio.CancelledError:
        notes().print(f"{title_id} goes on; `pertitle watch {title_id}` or `pertitle cancel {title_id}`", markup=False)
        raise
    if json_output:
        print_json(receipt)
        return
    found = await asyncio.to_thread(read_result, session.store, receipt)
    results().print(result_tables(found))
    results().print(f"release: {receipt.release.release_uri}", markup=False)


async def _finished(state: Path, title_id: str) -> tuple[Session, TitleReceipt]:
    session = await open_session(state)
    handle = await find_title(session.temporal, title_id)
    described = await handle.describe()
    if described.status is WorkflowExecutionStatus.RUNNING:
        raise TitleUnfinished(
            title_id, found="the title still runs", expected="a finished title", fix=f"`pertitle watch {title_id}`"
        )
    return session, await receipt_of(handle, title_id)


def _status_name(status: WorkflowExecutionStatus | None) -> str:
    return status.name.lower() if status else "unknown"
