"""Nothing in the repository tells of the machine it was written on, and nothing is left half done."""

import re
import subprocess
import sys
from pathlib import Path

from tests.architecture.repository import ROOT, text_files

# Written so that this file does not hold what it looks for.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("proxy", "golang", "org"),
        ("index", "crates", "io"),
    )
)
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK|NotImplemented" + r"Error)\b")
HOMES = re.compile(r"(?<![\w.])/(home|Users)/[a-z]\w*/|(?<![\w.])/ro" + r"ot/")


def test_no_file_names_a_package_registry() -> None:
    assert [(path, name) for path, text in text_files() for name in REGISTRIES if name in text] == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    here = f"{ROOT}/"

    assert [path for path, text in text_files() if here in text or HOMES.search(text)] == []


def test_nothing_is_left_for_later_in_code() -> None:
    found = [
        (path, match.group())
        for path, text in text_files()
        if path.suffix == ".py" or path.name in {"Makefile", "run"}
        for match in UNFINISHED.finditer(text)
    ]

    assert found == []


def test_import_rules_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    assert run.returncode == 0, run.stdout
    assert "0 broken" in run.stdout
