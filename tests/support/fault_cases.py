"""Faults as data: what is done, what is expected, and the table that ``make faults`` prints and writes."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest
from rich import box
from rich.console import Console
from rich.table import Table

SceneT = TypeVar("SceneT")
REPORTS = pytest.StashKey[list["FaultReport"]]()
_COLUMNS = ("case", "name", "expected", "seen", "lost", "again", "leaked", "time")


@dataclass
class FaultReport:
    """What one case came to."""

    case: str
    name: str
    done: str
    expected: str
    seen: str = "failed"
    lost: int = 0
    """Results, or tries of activities, that were made once more than without the fault."""
    again: int = 0
    """Results that were made although they had been made before."""
    leaked: list[str] = field(default_factory=list)
    """Processes, uploads and files that are left."""
    seconds: float = 0.0
    passed: bool = False


@dataclass(frozen=True)
class FaultCase(Generic[SceneT]):
    """One fault. Its id is the number in operations.md, so that a promise can be traced to its proof."""

    case: str
    name: str
    done: str
    expected: str
    act: Callable[[SceneT, FaultReport], Awaitable[None] | None]
    """Does it, asserts, and notes in the report what was seen."""
    is_sampled: bool = False
    """Runs in ``.ci/run`` too: one of each family, and all that cost less than a second."""

    def report(self) -> FaultReport:
        """Returns an empty report."""
        return FaultReport(self.case, self.name, self.done, self.expected)


def as_parameters(cases: "list[FaultCase[Any]]") -> list[Any]:
    """Returns the cases as pytest parameters; those that only ``make faults`` runs are marked ``full``."""
    marks = {True: (), False: (pytest.mark.full,)}
    return [pytest.param(case, id=case.case, marks=marks[case.is_sampled]) for case in cases]


async def play(case: FaultCase[SceneT], scene: SceneT, reports: list[FaultReport]) -> None:
    """Plays a case and keeps its report, whatever happens."""
    report = case.report()
    reports.append(report)
    began = time.monotonic()
    try:
        waiting = case.act(scene, report)
        if waiting is not None:
            await waiting
        assert not report.leaked
        report.passed = True
        if report.seen == "failed":
            report.seen = "as expected"
    except BaseException as error:
        report.seen = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise
    finally:
        report.seconds = round(time.monotonic() - began, 1)


def write_reports(reports: list[FaultReport], path: Path) -> None:
    """Writes the reports as JSON."""
    content = {
        "schema": "pertitle/faults/v1",
        "passed": sum(report.passed for report in reports),
        "failed": sum(not report.passed for report in reports),
        "cases": [asdict(report) for report in reports],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def print_reports(reports: list[FaultReport]) -> None:
    """Prints the table."""
    table = Table(title="faults", title_justify="left", box=box.SIMPLE_HEAD)
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name in {"lost", "again", "time"} else "left")
    for report in reports:
        style = "" if report.passed else "red"
        leaked = ", ".join(report.leaked) or "nothing"
        row = (report.case, report.name, report.expected, report.seen, str(report.lost), str(report.again), leaked)
        table.add_row(*row, f"{report.seconds:.1f} s", style=style)
    Console(width=180, highlight=False).print(table)
