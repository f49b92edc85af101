"""Every error of every room has a code of its own and a place in Temporal."""

import importlib
import pkgutil
import re
from collections import Counter

import pydantic
import pytest

from activities.errors import as_application_error
from domain.errors import PertitleError
from domain.work import UnitReference

ROOMS = (
    "domain", "ladders", "media", "storage", "protection", "reports",
    "activities", "workflows", "workers", "client", "portal",
)  # fmt: skip


def every_error() -> list[type[PertitleError]]:
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found, open_ends = [], [PertitleError]
    while open_ends:
        error = open_ends.pop()
        found.append(error)
        open_ends += error.__subclasses__()
    return sorted(
        {error for error in found if error.__module__.split(".")[0] in ROOMS}, key=lambda error: error.__qualname__
    )


def is_met_by_activities(error: type[PertitleError]) -> bool:
    """Errors of the outside (the command, the portal) never pass through an activity."""
    return error.__module__.split(".")[0] not in {"client", "portal"}


ERRORS = every_error()
CODED = [error for error in ERRORS if "code" in vars(error) and error is not PertitleError]
RAISED_WITHOUT_CODE = [error for error in ERRORS if "code" not in vars(error) and not error.__subclasses__()]


def test_there_are_errors_of_all_families() -> None:
    families = {error.code.split("-")[0] for error in CODED}
    assert {"REQ", "CNT", "VID", "AUD", "TOOL", "STO", "KEY", "PKG", "LAD", "PERT"} <= families


def test_no_code_is_used_twice() -> None:
    assert [code for code, count in Counter(error.code for error in CODED).items() if count > 1] == []


def test_every_concrete_error_has_a_code() -> None:
    assert RAISED_WITHOUT_CODE == []


@pytest.mark.parametrize(
    "error", [item for item in CODED if is_met_by_activities(item)], ids=lambda item: item.__name__
)
def test_an_error_becomes_temporals_with_type_record_and_retryability(error: type[PertitleError]) -> None:
    assert re.fullmatch(r"[A-Z]+-\d{3}", error.code)
    assert error.__doc__
    raised = error("shot 17", found="119 frames", expected="120 frames", fix="submit again")
    translated = as_application_error(raised)
    assert translated is not None
    assert translated.type == error.code
    assert translated.non_retryable is not error.retryable
    assert translated.details == (raised.as_record(),)
    assert translated.message == f"{error.code} shot 17: 119 frames. expected: 120 frames. fix: submit again."


def test_a_wrong_document_is_never_retried() -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        UnitReference.model_validate({"index": -1})
    translated = as_application_error(caught.value)
    assert translated is not None
    assert (translated.type, translated.non_retryable) == ("PERT-001", True)


def test_other_errors_are_left_to_temporal() -> None:
    assert as_application_error(OSError("disk")) is None
