"""Names come from the glossary: subjects, not roles; American spelling; no rooms for leftovers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.repository import rooms, syntax_trees

ROLE = re.compile(r"(Manager|Helper|Handler|Service)s?$|^(process|do|handle)_|_(manager|helper|handler|service)s?$")
VAGUE_MODULES = {"utils", "util", "helpers", "common", "shared", "models", "core", "misc"}
BRITISH = re.compile(
    r"colour|behaviour|normalis|optimis|analyse|(^|_)centre|favour|licence|cancell(ed|ing)", re.IGNORECASE
)
OURS = (*rooms(), "sample_media", "benchmarks", "infra")


def defined_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case _:
                pass


def our_names() -> list[tuple[Path, str]]:
    return [
        (path, name) for path, tree in syntax_trees().items() if path.parts[0] in OURS for name in defined_names(tree)
    ]


@pytest.mark.parametrize("name", ["ShotManager", "process_frames", "do_it", "retry_helper", "EncodeService"])
def test_a_name_of_a_role_would_be_found(name: str) -> None:
    assert ROLE.search(name)


def test_names_say_the_subject_and_not_a_role() -> None:
    assert [(path, name) for path, name in our_names() if ROLE.search(name)] == []


def test_identifiers_are_spelled_the_american_way() -> None:
    assert [(path, name) for path, name in our_names() if BRITISH.search(name)] == []


def test_no_module_is_a_place_for_leftovers() -> None:
    vague = [path for path in syntax_trees() if VAGUE_MODULES.intersection((*path.parent.parts, path.stem))]

    assert vague == []


def test_no_room_hides_a_module_of_the_standard_library() -> None:
    import sys  # noqa: PLC0415 - its list of modules is wanted here only

    assert sys.stdlib_module_names.isdisjoint(OURS)
