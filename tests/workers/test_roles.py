"""What workflows call is registered where it is called."""

import ast
import inspect
from pathlib import Path
from typing import Any, cast

import pytest
from temporalio.activity import _Definition

from activities.toolbox import Toolbox
from domain.work import UnitKind
from workers.__main__ import main
from workers.roles import ROLES, activities_of, slots_of
from workers.settings import load_settings
from workflows import (
    encode_title,
    provisional,
    sdr_ladders,
    shot_batch,
    task_queues,
    title_ladders,
    title_tracks,
)
from workflows.task_queues import ORCHESTRATE, QUEUE_OF

NO_TOOLS = cast("Toolbox", None)  # activities are only named here, never run


def registered(role: str) -> set[str]:
    return {name_of(function) for function in activities_of(role, NO_TOOLS)}


def name_of(function: Any) -> str:
    definition = _Definition.from_callable(function)
    assert definition is not None
    assert definition.name is not None
    return definition.name


def calls_of_a_title() -> list[tuple[str, str]]:
    """Returns (activity, queue) of each call in the source of the workflow and of the modules that hold its steps."""
    found = []
    for module in (encode_title, title_ladders, sdr_ladders, provisional, title_tracks):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if not is_call or node.func.attr != "execute_activity_method":  # type: ignore[attr-defined]  # see above
                continue
            method = node.args[0]  # type: ignore[attr-defined]  # see above
            options: Any = next(word.value for word in node.keywords if word.arg is None)  # type: ignore[attr-defined]
            function = getattr(getattr(module, method.value.id), method.attr)
            lightly = getattr(options.func, "attr", "") == "_lightly"
            queue = ORCHESTRATE if lightly else getattr(task_queues, options.args[0].id)
            found.append((name_of(function), queue))
    return sorted(set(found))


def test_the_source_shows_all_calls() -> None:
    calls = calls_of_a_title()
    assert len(calls) >= 12
    assert ("open_title", "io") in calls
    assert ("plan_trials", "orchestrate") in calls


@pytest.mark.parametrize(("activity", "queue"), calls_of_a_title())
def test_what_a_title_calls_is_registered_on_its_queue(activity: str, queue: str) -> None:
    assert activity in registered(queue)


@pytest.mark.parametrize("kind", UnitKind)
def test_what_a_batch_calls_is_registered_on_its_queue(kind: UnitKind) -> None:
    assert name_of(shot_batch._ACTIVITY_OF[kind]) in registered(QUEUE_OF[kind])


def test_every_queue_has_a_role_and_every_activity_one_place() -> None:
    assert set(QUEUE_OF.values()) | {queue for _, queue in calls_of_a_title()} == set(ROLES)
    names = [name for role in ROLES for name in registered(role)]
    assert len(names) == len(set(names))
    called = {name for name, _ in calls_of_a_title()} | {name_of(item) for item in shot_batch._ACTIVITY_OF.values()}
    assert called | {"clean_store"} == set(names), "nothing is registered that nobody calls"


def test_slots_come_from_the_settings_of_the_role(tmp_path: Path) -> None:
    settings = load_settings({
        "PERTITLE_ORCHESTRATE_SLOTS": "3", "PERTITLE_IO_SLOTS": "4",
        "PERTITLE_ENCODE_SLOTS": "5", "PERTITLE_MEASURE_SLOTS": "6",
    })  # fmt: skip
    assert {role: slots_of(role, settings) for role in ROLES} == {
        "orchestrate": 3, "io": 4, "encode-cpu": 5, "measure": 6,
    }  # fmt: skip


def test_a_role_that_does_not_exist_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["workers", "bake"])
    assert main() == 2
    assert "orchestrate|io|encode-cpu|measure" in capsys.readouterr().err
