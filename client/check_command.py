"""``check``: the rules on any presentation on disk."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from client.commands import JsonOption, reported
from client.exit_codes import ExitCode
from client.output import show
from domain.checks import CheckReport, RuleVerdict
from media.rules.check import check_folder

_SHOWN_FINDINGS = 5
_STYLES = {"must": "red", "should": "yellow"}
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder with an MPD or HLS playlists.")]
AllOption = Annotated[bool, typer.Option("--all", help="Show the rules that are kept, too.")]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(rich_help_panel="More")(check)


@reported
async def check(
    folder: FolderArgument,
    show_all: AllOption = False,  # noqa: FBT002 - a flag
    json_output: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Check a presentation on disk, whoever made it, against the rules of docs/checks.md.

    Ends with 0 if no MUST is broken, else with 7.

    Examples:
      pertitle check presentation/
      pertitle check presentation/ --json
    """
    report = await asyncio.to_thread(check_folder, folder)
    show(check_tables(report, show_all=show_all), report, as_json=json_output)
    if report.broken("must"):
        raise typer.Exit(ExitCode.RULE_BROKEN)


def check_tables(report: CheckReport, *, show_all: bool = False) -> Group:
    """Returns the broken rules with place, found and expected, then remedies, then one line that counts."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("rule", "verdict"):
        table.add_column(name, no_wrap=True)
    for name in ("where", "found", "expected"):
        table.add_column(name, overflow="fold")
    broken = [*report.broken("must"), *report.broken("should")]
    for rule in broken:
        _add_findings(table, rule)
    for rule in report.rules if show_all else ():
        if rule.verdict != "broken":
            table.add_row(rule.rule, rule.verdict, Text(rule.title, style="dim"))
    words = (
        f"{report.files} files, {report.segments} segments: {len(report.broken('must'))} MUST and "
        f"{len(report.broken('should'))} SHOULD broken, {len(report.passed())} of {len(report.rules)} rules kept"
    )
    remedies = [Text(f"{rule.rule} {rule.title} ({rule.source}). fix: {rule.fix}") for rule in broken]
    return Group(*([table] if table.row_count else []), *remedies, Text(words))


def _add_findings(table: Table, rule: RuleVerdict) -> None:
    verdict = Text(f"{rule.severity.upper()} broken", style=_STYLES[rule.severity])
    for number, finding in enumerate(rule.findings[:_SHOWN_FINDINGS]):
        head = ("", "") if number else (rule.rule, verdict)
        table.add_row(*head, Text(finding.where), Text(finding.found), Text(finding.expected))
    if rule.count > _SHOWN_FINDINGS:
        table.add_row("", "", Text(f"… {rule.count} in all", style="dim"))
