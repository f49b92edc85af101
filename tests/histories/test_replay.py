"""Replays recorded titles through today's workflows."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from domain.work import UnitKind
from tests.support.fake_title import FakeTitle
from workers.roles import FAILURES, WORKFLOWS, workflow_runner

HISTORIES = sorted(Path(__file__).parent.glob("*.json"))


def read_history(path: Path) -> WorkflowHistory:
    content = json.loads(path.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(content["workflow_id"], content["history"])


def replayer() -> Replayer:
    return Replayer(
        workflows=list(WORKFLOWS),
        workflow_runner=workflow_runner(),
        data_converter=pydantic_data_converter,
        workflow_failure_exception_types=list(FAILURES),
    )


@pytest.mark.parametrize("path", HISTORIES, ids=[path.stem for path in HISTORIES])
async def test_a_recorded_history_replays(path: Path) -> None:
    result = await replayer().replay_workflow(read_history(path), raise_on_replay_failure=False)
    assert result.replay_failure is None


def test_a_title_and_every_kind_of_batch_are_recorded() -> None:
    batches = {f"batch_{kind.value}" for kind in UnitKind}
    titles = {"encode_title", "encode_title_corrected", "encode_title_sdr"}
    assert {path.stem for path in HISTORIES} == {*titles, *batches}


def test_the_corrected_title_was_recorded_before_corrections_were_settled() -> None:
    """Made with the tests' fake title: that such titles go on as they were begun is what it is kept for."""
    text = (Path(__file__).parent / "encode_title_corrected.json").read_text(encoding="utf-8")
    assert text.count('"plan_measures"') == 2
    assert "settle_ladders" not in text
    assert "settled-corrections" not in text


async def test_a_history_with_a_missing_step_does_not_replay() -> None:
    """The check can fail: without one scheduled activity the workflow asks for what history does not hold."""
    path = next(path for path in HISTORIES if path.stem == "encode_title")
    content = json.loads(path.read_text(encoding="utf-8"))
    for event in content["history"]["events"]:
        attributes = event.get("activityTaskScheduledEventAttributes")
        if attributes and attributes["activityType"]["name"] == "split_source":
            attributes["activityType"]["name"] = "another_step"
    history = WorkflowHistory.from_json(content["workflow_id"], content["history"])
    result = await replayer().replay_workflow(history, raise_on_replay_failure=False)
    assert result.replay_failure is not None


def test_payloads_of_a_recorded_title_are_small() -> None:
    """References only: every input and result stays under 1 KB (the ladders' summary may have 600 characters more)."""
    for path in HISTORIES:
        for event in json.loads(path.read_text(encoding="utf-8"))["history"]["events"]:
            for payload in payloads_of(event):
                assert len(payload) < 2 * 1024, (path.stem, event["eventType"], payload[:200])


def payloads_of(content: object) -> list[str]:
    if isinstance(content, dict):
        found = [str(content["data"])] if set(content) == {"metadata", "data"} else []
        return found + [text for value in content.values() for text in payloads_of(value)]
    if isinstance(content, list):
        return [text for value in content for text in payloads_of(value)]
    return []


def test_fakes_cover_every_activity() -> None:
    names = {getattr(function, "__temporal_activity_definition").name for function in FakeTitle().activities()}
    assert len(names) == 32
