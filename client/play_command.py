"""``play``: a published title in the browser, on loopback."""

import asyncio
import json
import socket
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from client.commands import DEFAULT_STATE_DIR, JsonOption, StateOption, reported
from client.errors import ClientError
from client.fetching import read_result
from client.local_stack.player_runtime import ensure_player
from client.output import notes, print_json, results
from client.session import Session, open_session
from client.titles import find_title, receipt_of
from domain.request import parse_title_request
from domain.result import TitleResult
from portal.preview.app import Preview, create_preview
from portal.preview.shelves import Shelf, folder_shelf, holds_presentation, release_shelf
from storage.release_reader import current_reference, read_release

TitleOrFolder = Annotated[
    str, typer.Argument(metavar="ID", help="The title's id; or a folder with a presentation in the clear.")
]
NoBrowserOption = Annotated[bool, typer.Option("--no-browser", help="Print the address and open nothing.")]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(rich_help_panel="Titles")(play)


@reported
async def play(
    title: TitleOrFolder,
    no_browser: NoBrowserOption = False,  # noqa: FBT002 - a flag
    state: StateOption = DEFAULT_STATE_DIR,
    json_output: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Look at a published title: a player page on loopback, until Ctrl-C.

    Shows the current release. Content keys are opened with the key file of the stack, and given to that page only. The
    player (shaka-player) is fetched by npm the first time.

    Examples:
      pertitle play film-s01e02
      pertitle play film-s01e02 --no-browser --json
      pertitle play release/presentation
    """
    with tempfile.TemporaryDirectory(prefix="pertitle-play-") as scratch, _listening() as listener:
        shelf = await _shelf_of(title, state, Path(scratch))
        player = await ensure_player(state)
        preview = Preview(shelf.facts, shelf.files, shelf.keys, player, port=listener.getsockname()[1])
        _say_where(preview, as_json=json_output)
        if not no_browser:
            _open_browser(preview, Path(scratch))
        await _serve(preview, listener)


async def _shelf_of(title: str, state: Path, scratch: Path) -> Shelf:
    folder = Path(title)
    if await asyncio.to_thread(holds_presentation, folder):
        return await asyncio.to_thread(folder_shelf, folder)
    parse_title_request({"title_id": title, "source": "s3://any-bucket/any-key"})
    session = await open_session(state)
    reference = await asyncio.to_thread(current_reference, session.store, title)
    manifest = await asyncio.to_thread(read_release, session.store, reference)
    result = await _result_of(session, title, manifest.release_id)
    return await asyncio.to_thread(
        release_shelf, session.store, manifest, key_file=session.settings.kek_file, folder=scratch, result=result
    )


async def _result_of(session: Session, title: str, release_id: str) -> TitleResult | None:
    """Returns what was measured on exactly this release; ``None`` while only another run of the title has a result."""
    try:
        handle = await find_title(session.temporal, title)
        described = await handle.describe()
        if described.close_time is None:
            return None
        receipt = await receipt_of(handle, title)
    except ClientError:
        return None
    if receipt.release.release_id != release_id:
        return None
    return await asyncio.to_thread(read_result, session.store, receipt)


@contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


def _say_where(preview: Preview, *, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "title_id": preview.facts.heading,
        "release_id": preview.facts.release_id,
        "url": preview.address,
    }
    if as_json:
        print_json(facts)
    else:
        results().print(preview.address, markup=False)
        notes().print("Ctrl-C ends the preview", style="dim")


def _open_browser(preview: Preview, scratch: Path) -> None:
    """Opens the page through a private file: a browser's command line is readable by every user of the machine."""
    page = scratch / "open.html"
    page.touch(mode=0o600)
    page.write_text(f"<!doctype html><script>location.replace({json.dumps(preview.address)})</script>", "utf-8")
    if not webbrowser.open(page.as_uri()):
        notes().print("no browser could be started; open the address by hand", style="yellow")


async def _serve(preview: Preview, listener: socket.socket) -> None:
    config = uvicorn.Config(
        create_preview(preview), log_level="warning", access_log=False, timeout_graceful_shutdown=2, lifespan="off"
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        # Ctrl-C is how a preview ends: no failure.
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """Leaves signals to the command, which ends in one way for Ctrl-C and SIGTERM."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes over no signal."""
        yield
