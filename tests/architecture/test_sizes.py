"""Small files and small functions, over the whole project."""

import ast
import statistics
from pathlib import Path

from tests.architecture.repository import ROOT, rooms, syntax_trees, tracked_files

LONGEST_FILE = 400
LONGEST_BODY = 50
MEDIAN_BODY = 8
NINETY_PERCENT_BODY = 30


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def bodies() -> list[tuple[int, Path, str]]:
    return [
        (body_lines(node), path, node.name)
        for path, tree in syntax_trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_no_python_file_is_longer_than_400_lines() -> None:
    lengths = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in syntax_trees()}

    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_function_body_is_longer_than_50_lines() -> None:
    assert [(path, name, lines) for lines, path, name in bodies() if lines > LONGEST_BODY] == []


def test_function_bodies_of_the_rooms_are_short() -> None:
    lines = sorted(count for count, path, _ in bodies() if path.parts[0] in rooms())

    assert len(lines) > 100
    assert statistics.median(lines) <= MEDIAN_BODY
    assert lines[int(0.9 * len(lines))] <= NINETY_PERCENT_BODY


def test_init_files_hold_a_docstring_and_nothing_else() -> None:
    for path, tree in syntax_trees().items():
        if path.name == "__init__.py":
            assert len(tree.body) <= 1, path
            assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in tree.body), path


def test_every_folder_with_tests_is_a_package() -> None:
    folders = {path.parent for path in tracked_files() if path.name.startswith("test_") and path.suffix == ".py"}

    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []
