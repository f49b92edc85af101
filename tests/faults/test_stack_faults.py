"""A whole title on a real stack, disturbed by every case of ``stack_cases``, judged by one oracle."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sample_media.clips import make_clip
from tests.faults.second_worker_cases import SECOND_WORKER_CASES
from tests.faults.stack_cases import STACK_CASES
from tests.faults.upkeep_cases import UPKEEP_CASES
from tests.support.fault_cases import FaultCase, FaultReport, as_parameters, play
from tests.support.fault_stack import FaultStack, running_fault_stack

# The monkey lets a title of minutes take three times as long.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest_asyncio.fixture(scope="module")
async def fault_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FaultStack]:
    """One stack for all cases, and the undisturbed run that they are compared with."""
    folder = tmp_path_factory.mktemp("faults")
    clip = await make_clip("tiny_320x180p24", folder)
    async with running_fault_stack(folder / "state", clip) as running:
        peace = FaultReport("peace", "undisturbed", "nothing", "a release")
        running.undisturbed = await running.judge(await running.begin(), peace, tries=0, kills=0)
        yield running


@pytest.mark.parametrize("case", as_parameters([*STACK_CASES, *SECOND_WORKER_CASES, *UPKEEP_CASES]))
async def test_a_title_survives(
    case: FaultCase[FaultStack], fault_stack: FaultStack, fault_reports: list[FaultReport]
) -> None:
    await fault_stack.until_whole()
    await play(case, fault_stack, fault_reports)
