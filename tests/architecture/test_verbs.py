"""The verbs of the house: the Makefile, and what CI says."""

import os
import re
import subprocess

from tests.architecture.repository import ROOT, make_targets

CI = ROOT / ".ci" / "run"


def test_ci_runs_the_linters_and_the_tests_that_the_readme_names() -> None:
    said = re.findall(r"^make ([a-z]+)$", CI.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert said == ["lint", "test"]
    assert os.access(CI, os.X_OK)


def test_ci_stops_at_the_first_failure() -> None:
    assert "set -euo pipefail" in CI.read_text(encoding="utf-8")
    assert subprocess.run(["bash", "-n", CI], check=False, timeout=60).returncode == 0


def test_check_is_what_ci_runs_without_the_slow_tests() -> None:
    needs = {verb: need.split() for verb, need in make_targets().items()}

    assert needs["check"] == ["lint", "fast"]
    assert needs["test"] == ["fast", "slow"]


def test_every_verb_sets_up_first_and_is_explained() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    needs = {verb: need.split() for verb, need in make_targets().items()}

    for verb in needs:
        assert re.search(rf"^{verb}:.*## \S", text, flags=re.MULTILINE), verb
    assert needs["slow"] == ["setup", "players"]
    for verb in ("demo", "lint", "fast", "players", "format", "requirements", "schema", "errors"):
        assert needs[verb] == ["setup"], verb
