"""The title that is disturbed, and its undisturbed run."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from domain.recipe import Recipe
from domain.release import ReleaseManifest
from domain.request import TitleRequest
from sample_media.clips import make_clip
from tests.support.fault_cases import REPORTS, FaultReport, print_reports, write_reports
from tests.support.stacks import TestStack, running_stack

RECIPE = {
    "codecs": [{"codec": "h264", "preset": "veryfast"}],
    "heights_px": [180],
    "policy": {"max_rungs": 2, "min_bitrate_bps": 20_000},
}
ONE_AT_A_TIME = {"PERTITLE_ENCODE_SLOTS": "1"}


@dataclass(frozen=True)
class Undisturbed:
    """A title that nobody disturbed."""

    clip: Path
    release: ReleaseManifest


def title_request(source: str) -> TitleRequest:
    """Returns the same request for any stack."""
    return TitleRequest(title_id="disturbed", source=source, recipe=Recipe.model_validate(RECIPE))


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


@pytest_asyncio.fixture(scope="session")
async def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Runs the title once in peace."""
    folder = tmp_path_factory.mktemp("undisturbed")
    clip = await make_clip("tiny_320x180p24", folder)
    async with running_stack(folder / "state", **ONE_AT_A_TIME) as stack:
        handle = await stack.submit(title_request(await stack.upload(clip)))
        receipt = await stack.finish(handle, "disturbed")
        return Undisturbed(clip, stack.release_of(receipt))


@pytest_asyncio.fixture
async def fresh_stack(tmp_path: Path) -> AsyncIterator[TestStack]:
    """A stack that has never seen the title."""
    async with running_stack(tmp_path / "state", **ONE_AT_A_TIME) as stack:
        yield stack


def objects_of(release: ReleaseManifest) -> str:
    """Returns path and digest of every object, to compare releases in full."""
    return json.dumps([(item.path, item.sha256, item.content_type) for item in release.objects])
