"""The repository as these tests see it: its files, its rooms, its documents."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NOT_OURS = {
    ".git", ".venv", ".pertitle", "__pycache__", "node_modules", ".mypy_cache", ".ruff_cache", ".hypothesis",
    ".pytest_cache",
}  # fmt: skip


@cache
def tracked_files() -> tuple[Path, ...]:
    """Returns the files that belong to the project: those that git knows, or all where there is no git."""
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=False, text=True, timeout=60
    )
    if listing.returncode == 0 and listing.stdout:
        return tuple(path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file())
    found = (path for path in ROOT.rglob("*") if not NOT_OURS.intersection(path.relative_to(ROOT).parts))
    return tuple(sorted(path for path in found if path.is_file() and ".egg-info" not in str(path)))


def text_files() -> Iterator[tuple[Path, str]]:
    """Yields every file of the project that is text."""
    for path in tracked_files():
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@cache
def configuration() -> dict[str, Any]:
    """Returns pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def rooms() -> tuple[str, ...]:
    """Returns the names of the rooms."""
    return tuple(configuration()["tool"]["importlinter"]["root_packages"])


@cache
def syntax_trees() -> dict[Path, ast.Module]:
    """Returns the parsed Python files of the project."""
    python = (path for path in tracked_files() if path.suffix == ".py")
    return {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in python}


@cache
def documents() -> dict[Path, str]:
    """Returns README and everything under docs/, by path from the root."""
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in pages}


@cache
def make_targets() -> dict[str, str]:
    """Returns the Makefile's targets and what they need."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z]+):([^#=\n]*)", text, flags=re.MULTILINE))
