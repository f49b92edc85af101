"""npm packages are pinned and hashed as Python's are, and say nothing about where they come from."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.repository import ROOT, tracked_files

LOCKS = [path.relative_to(ROOT) for path in tracked_files() if path.name == "package-lock.json"]


def locked(lock: Path) -> dict[str, dict[str, Any]]:
    """Returns the packages of a lock file by folder, without the project itself."""
    packages: dict[str, dict[str, Any]] = json.loads((ROOT / lock).read_text(encoding="utf-8"))["packages"]
    return {folder: facts for folder, facts in packages.items() if folder}


def test_there_are_lock_files() -> None:
    assert Path("tests/players/package-lock.json") in LOCKS


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_npm_package_is_one_version_with_a_hash(lock: Path) -> None:
    broken = [
        folder
        for folder, facts in locked(lock).items()
        if not facts["version"] or not facts["integrity"].startswith("sha512-")
    ]

    assert locked(lock)
    assert broken == []


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_no_lock_file_names_an_address(lock: Path) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")

    assert '"resolved"' not in text
    assert "://" not in re.sub(r'"(url|funding)": *("[^"]*"|\{[^}]*\})', "", text)
    assert "ignore-scripts=true" in (ROOT / lock).with_name(".npmrc").read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_direct_npm_dependencies_are_exact_versions(lock: Path) -> None:
    wanted = json.loads((ROOT / lock).with_name("package.json").read_text(encoding="utf-8"))["dependencies"]

    assert wanted == {name: locked(lock)[f"node_modules/{name}"]["version"] for name in wanted}
