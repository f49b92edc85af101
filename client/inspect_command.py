"""``inspect``: what is wrong with a file, before it is submitted; needs no stack."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich import box
from rich.console import Group
from rich.table import Table

from client.commands import JsonOption, reported
from client.errors import SourceNotFound, UnreadableRecipe
from client.exit_codes import ExitCode
from client.output import show
from domain.files import StoredFile
from domain.findings import Finding, InspectionReport
from domain.inspection_policy import InspectionPolicy
from media.findings import judge_source, judge_upload, stops_of, write_report
from media.inspection import inspect_source
from media.looks import look_order
from media.progress import ignore_progress
from media.tools import find_tools
from storage.digests import sha256_of_file

PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="JSON file with thresholds and levels: `inspection` of a request."),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="inspect", rich_help_panel="Titles")(inspect)


@reported
async def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A media file.")],
    policy: PolicyOption = None,
    json_output: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Inspect a file as a title's source would be: decode all of it, look and listen. Nothing is uploaded.

    Exits 3 if the file would be refused, or would stop until a person waves a finding through.

    Examples:
      pertitle inspect film.mov
      pertitle inspect film.mov --policy strict.json --json
    """
    expected = _read_policy(policy)
    if not file.is_file():
        raise SourceNotFound(str(file), found="no such file", expected="a media file", fix="check the path")
    report = await inspect_file(file, expected)
    show(_table(report), report, as_json=json_output)
    if any(finding.stops for finding in report.findings):
        raise typer.Exit(ExitCode.REFUSED)


async def inspect_file(path: Path, policy: InspectionPolicy) -> InspectionReport:
    """Inspects a local file.

    Raises:
        SourceError: if it cannot be encoded at all.
    """
    stored = await asyncio.to_thread(_describe, path)
    wrong = judge_upload(stored, policy)
    if stops_of(wrong):
        return _unopened(path.name, stored, wrong)
    with tempfile.TemporaryDirectory(prefix="pertitle-inspect-") as folder:
        source = await asyncio.to_thread(_under_our_name, path, Path(folder))
        found = await inspect_source(
            find_tools(),
            source,
            stored,
            on_progress=ignore_progress,
            looks=look_order(Path(folder), policy),
            repeats=policy.repeats,
        )
    findings = judge_source(found.description, found.start_s, found.looks, policy)
    return write_report(found.description, findings, found.looks, name=path.name)


def _unopened(name: str, file: StoredFile, wrong: tuple[Finding, ...]) -> InspectionReport:
    """What is wrong with another file than the one expected is nobody's business."""
    return InspectionReport(
        file=name,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        summary="not opened: it is not the file that is expected",
        findings=wrong,
        checks=("digest", "size"),
    )


def _describe(path: Path) -> StoredFile:
    sha256 = sha256_of_file(path)
    # In no store yet; the address is where an upload would put it.
    return StoredFile(uri=f"s3://not-uploaded/{sha256}", sha256=sha256, size_bytes=path.stat().st_size)


def _under_our_name(path: Path, folder: Path) -> Path:
    """Its own name could be taken for an option or a pattern."""
    source = folder / f"source{path.suffix if path.suffix[1:].isalnum() else ''}"
    source.symlink_to(path.resolve())
    return source


def _read_policy(path: Path | None) -> InspectionPolicy:
    if path is None:
        return InspectionPolicy()
    try:
        return InspectionPolicy.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError) as error:
        raise UnreadableRecipe(
            str(path), found=str(error)[:300], expected="the `inspection` of a request", fix="correct the file"
        ) from None


def _table(report: InspectionReport) -> Group:
    loudness = [
        f"audio track {track.stream_index}: "
        + ("silent" if track.integrated_lufs is None else f"{track.integrated_lufs:.1f} LUFS (not dialogue-gated)")
        for track in report.loudness
    ]
    words = "\n".join([f"{report.file}: {report.summary}", *loudness, f"looked for: {', '.join(report.checks)}"])
    if not report.findings:
        return Group(words, "nothing found")
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("code", "level", "where", "found", "how to fix"):
        table.add_column(name)
    for finding in report.findings:
        table.add_row(*_cells(finding))
    return Group(words, table)


def _cells(finding: Finding) -> tuple[str, ...]:
    return finding.code, finding.level.value, finding.where, finding.found, finding.fix
