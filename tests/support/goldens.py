"""Golden files: command lines and digests that must not change by accident, with one switch to accept a change.

``python -m pytest --update-golden`` writes what the code makes now; the difference is then read in the diff.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"


class Golden:
    """Compares text with a file of tests/golden/."""

    def __init__(self, *, update: bool) -> None:
        self._update = update

    def check_arguments(self, name: str, arguments: Iterable[str]) -> None:
        """Compares a command line, one argument a line, so that a diff names the argument."""
        self.check_text(f"{name}.argv", "".join(f"{argument}\n" for argument in arguments))

    def check_text(self, name: str, text: str) -> None:
        """Compares text, exact."""
        path = GOLDEN / name
        if self._update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"no golden {name}: run pytest --update-golden and read the diff"
        assert text == path.read_text(encoding="utf-8"), f"{name} changed: if that is meant, run pytest --update-golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/ anew instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The golden files."""
    return Golden(update=bool(request.config.getoption("--update-golden")))
