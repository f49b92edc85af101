"""``demo``: the sample title end to end; what ``make demo`` runs."""

import asyncio
import time
from pathlib import Path

import typer

from client.commands import DEFAULT_STATE_DIR, StateOption, reported
from client.encode_command import finish_title
from client.fetching import FetchedTitle
from client.local_stack.control import start_stack
from client.output import notes, results
from client.requests import read_recipe, request_content
from client.runs import SubmittedTitle, say_what_submission_did, upload_and_submit
from client.session import Session, local_session
from client.stack_commands import PartNews
from client.tables import result_tables
from client.watching import encodes_made
from sample_media.clips import make_clip

CLIP = "demo_720p24"
TITLE_ID = "demo"
RECIPE_FILE = Path(__file__).parents[1] / "sample_media" / "demo_recipe.json"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(rich_help_panel="More")(demo)


@reported
async def demo(state: StateOption = DEFAULT_STATE_DIR) -> None:
    """Run the sample title end to end on the local stack: a few minutes, everything real.

    Leaves result.json, report.html and presentation/ in STATE/demo, and the stack running. The second time nothing has
    to be encoded again and the files are the same to the byte.

    Example:
      pertitle demo
    """
    began = time.monotonic()
    folder = state / "demo"
    notes().print(f"starting the local stack, and making the sample clip {CLIP}")
    stack, clip = await asyncio.gather(
        start_stack(state, on_change=PartNews().show), make_clip(CLIP, folder / "source")
    )
    session = await local_session(stack)
    recipe = await asyncio.to_thread(read_recipe, RECIPE_FILE)
    content = request_content(str(clip), recipe=recipe, title_id=TITLE_ID, priority="normal")
    content["when_stuck"] = "fail"  # nobody stands by to decide
    submitted = await upload_and_submit(session, str(clip), content)
    say_what_submission_did(submitted)
    fetched = await finish_title(session, submitted, folder)
    _say_what_was_made(session, submitted, fetched)
    made = await encodes_made(submitted.submission.handle) if submitted.submission.is_new else 0
    _say_what_it_cost(made, time.monotonic() - began)


def _say_what_was_made(session: Session, submitted: SubmittedTitle, fetched: FetchedTitle) -> None:
    print_line = results().print
    print_line(result_tables(fetched.result))
    print_line()
    for name, where in (
        ("report", fetched.report_file),
        ("report (portal)", session.report_url(submitted.request.title_id)),
        ("result", fetched.result_file),
        ("presentation", fetched.presentation_dir),
        ("published at", fetched.result.release_uri),
        ("Temporal UI", session.workflow_url(submitted.submission.handle.id)),
    ):
        print_line(f"{name:<16} {where}", markup=False)


def _say_what_it_cost(made: int | None, wall_s: float) -> None:
    if made == 0:
        results().print(f"\nNothing had to be encoded: everything was in the store ({wall_s:.0f} s).")
    else:
        results().print(f"\nDone in {wall_s:.0f} s. Run it again: nothing is encoded twice.")
    results().print("The stack goes on running; stop it with: pertitle down")
