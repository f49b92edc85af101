"""``scrub``, ``janitor``: looking after what lies in the store."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from activities.upkeep import oldest_start
from client.commands import DEFAULT_STATE_DIR, JsonOption, StateOption, reported
from client.exit_codes import ExitCode
from client.output import notes, show
from client.session import open_session
from client.titles import WORKFLOW
from domain.request import parse_title_request
from storage.janitor import Leftovers, find_leftovers, remove_leftovers, safe_moment
from storage.object_store import ObjectStore
from storage.scrub import ScrubbedRelease, scrub_release, sealed_releases


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (scrub, janitor):
        app.command(rich_help_panel="More")(command)


@reported
async def scrub(
    title: Annotated[str | None, typer.Argument(metavar="ID", help="One title; default: all.")] = None,
    state: StateOption = DEFAULT_STATE_DIR,
    json_output: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Read every released object again and hold it against its seal. Exits 8 if something is damaged.

    What was found is kept as scrubs/ID/RELEASE.json in the work bucket. Run it every few weeks: disks forget.

    Examples:
      pertitle scrub
      pertitle scrub film-s01e02 --json
    """
    if title is not None:
        parse_title_request({"title_id": title, "source": "s3://any-bucket/any-key"})
    session = await open_session(state)
    found = await asyncio.to_thread(_scrub_all, session.store, title)
    damaged = [item for release in found for item in release.damaged]
    facts = {"releases": [release.model_dump(mode="json") for release in found], "damaged": len(damaged)}
    show(_scrub_table(found), facts, as_json=json_output)
    if damaged:
        raise typer.Exit(ExitCode.DAMAGED)


@reported
async def janitor(
    older_than_h: Annotated[float, typer.Option("--older-than-h", help="Hours; younger things stay.", min=0)] = 168.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,  # noqa: FBT002 - a flag
    state: StateOption = DEFAULT_STATE_DIR,
    json_output: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Remove what dead runs left in the store: open uploads, releases without a seal, objects that nothing speaks of.

    Nothing younger than the limit goes, and nothing that was written since the oldest running title began.

    Examples:
      pertitle janitor --dry-run
      pertitle janitor --older-than-h 24
    """
    session = await open_session(state)
    oldest = await oldest_start(session.temporal, WORKFLOW)
    before = safe_moment(datetime.now(UTC), timedelta(hours=older_than_h), oldest)
    left = await asyncio.to_thread(find_leftovers, session.store, before=before)
    if not dry_run:
        await asyncio.to_thread(remove_leftovers, session.store, left)
    show(_words(left, dry_run=dry_run), {"removed": not dry_run, **left.model_dump(mode="json")}, as_json=json_output)


def _scrub_all(store: ObjectStore, title: str | None) -> list[ScrubbedRelease]:
    found = []
    for reference in sealed_releases(store, title):
        release = scrub_release(store, reference)
        words = f"{len(release.damaged)} damaged" if release.damaged else "whole"
        notes().print(f"{reference.title_id} {reference.release_id}: {release.objects} objects, {words}", markup=False)
        found.append(release)
    return found


def _scrub_table(found: list[ScrubbedRelease]) -> Table:
    table = Table(title="scrubbed releases", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in ("title", "release", "current", "objects", "damaged", "blocks of 64 KiB"):
        table.add_column(name)
    for release in found:
        head = (release.title_id, release.release_id, "yes" if release.is_current else "no", str(release.objects))
        if not release.damaged:
            table.add_row(*head, "nothing", "")
        for item in release.damaged:
            table.add_row(*head, f"{item.path}: {item.found}", ", ".join(map(str, item.blocks)) or "unknown")
    return table


def _words(left: Leftovers, *, dry_run: bool) -> str:
    verb = "would remove" if dry_run else "removed"
    return (
        f"{verb} {len(left.uploads)} open uploads, {len(left.unsealed)} objects of unsealed releases and "
        f"{len(left.orphans)} orphaned objects, {left.size_bytes} bytes"
    )
