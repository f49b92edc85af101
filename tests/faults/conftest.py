"""What each fault came to: collected, printed as a table, written as JSON."""

from pathlib import Path

import pytest

from tests.support.fault_cases import REPORTS, FaultReport, print_reports, write_reports


def pytest_addoption(parser: pytest.Parser) -> None:
    """``make faults`` names the file."""
    parser.addoption("--faults-json", type=Path, default=None, help="write what each fault came to")


@pytest.fixture(scope="session")
def fault_reports(pytestconfig: pytest.Config) -> list[FaultReport]:
    """Collects what each fault comes to."""
    return pytestconfig.stash.setdefault(REPORTS, [])


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Prints and writes the table of faults."""
    reports, path = config.stash.get(REPORTS, []), config.getoption("--faults-json")
    if path is not None:
        print_reports(reports)
        write_reports(reports, path)
