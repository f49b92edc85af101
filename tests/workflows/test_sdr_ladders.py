"""SDR ladders beside those of an HDR title, on a real Temporal server, with fake activities under the real names."""

import uuid
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from domain.progress import TitleProgress
from tests.support.fake_title import BOTH, FILE, RECEIPT, FakeTitle
from tests.support.title_workers import title_workers
from workflows.encode_title import EncodeTitle

ASKED = {"search": {"method": "grid"}, "hdr": {"sdr_rungs": True}}


async def run_title(temporal: WorkflowEnvironment, fake: FakeTitle, recipe: Any, **more: Any) -> TitleProgress:
    request = {"title_id": "fake", "source": "s3://pertitle-incoming/sources/fake.mov", "recipe": recipe, **more}
    async with title_workers(temporal.client, fake.activities()):
        handle = await temporal.client.start_workflow(
            EncodeTitle.run, request, id=f"title/fake/{uuid.uuid4()}", task_queue="orchestrate"
        )
        assert await handle.result() == RECEIPT
        return await handle.query(EncodeTitle.progress)


@pytest.mark.parametrize("method", ["grid", "adaptive"])
async def test_sdr_pictures_go_the_way_of_a_title_and_meet_the_hdr_ladders_in_the_package(
    temporal: WorkflowEnvironment, method: str
) -> None:
    fake = FakeTitle()
    progress = await run_title(temporal, fake, {**ASKED, "search": {"method": method}, "codecs": [{"codec": "av1"}]})
    trials = ["plan_trials sdr"] if method == "grid" else ["plan_searches h264 0 sdr", "plan_searches h264 1 sdr"]
    order = [
        "plan_tone_mapping", "run_tone_map_unit 3", "gather_sdr_mezzanine", "check_pairing sdr", *trials,
        "plan_ladders sdr", "run_encode_unit 0 sdr", "plan_measures sdr", "run_measure_unit 0 sdr", "judge_ladders sdr",
        "plan_assembly sdr", "run_assemble_unit 0 sdr", "add_sdr_ladders", "plan_assembly", "package_title",
    ]  # fmt: skip
    assert [fake.calls.index(name) for name in order] == sorted(fake.calls.index(name) for name in order)
    assert ("plan_searches av1 0 sdr" in fake.calls) == (method == "adaptive")
    assert fake.result is not None
    assert (fake.result.mezzanine, fake.result.ladders) == (FILE, BOTH)
    assert fake.result.cpu_s.tone_mapping == pytest.approx(4 * 123.456)
    assert progress.rungs_total == 2 * 16


async def test_an_sdr_title_has_nothing_to_map(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle(is_hdr=False)
    await run_title(temporal, fake, ASKED)
    assert not [name for name in fake.calls if name.endswith(" sdr") or name == "add_sdr_ladders"]
    assert fake.result is not None
    assert fake.result.ladders == FILE


async def test_a_title_that_does_not_ask_has_the_steps_it_always_had(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle()
    await run_title(temporal, fake, {"search": {"method": "grid"}})
    assert not [name for name in fake.calls if "sdr" in name or "tone" in name]


async def test_a_shot_that_cannot_be_mapped_fails_the_title_by_its_code(temporal: WorkflowEnvironment) -> None:
    fake = FakeTitle(poison={"run_tone_map_unit 2": "TOOL-002"})
    with pytest.raises(WorkflowFailureError) as failure:
        await run_title(temporal, fake, ASKED, when_stuck="fail")
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "TOOL-002"
    assert "package_title" not in fake.calls
