"""Writes docs/faults.md from what a whole run of the faults came to: ``python -m infra.faults_page faults.json``."""

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "faults.md"
_HEAD = """# Faults

What was done to a running pertitle on purpose, on real processes and servers, and what came of it: the last whole run
of `make faults`. {passed} of {cases} cases passed. *Lost* counts tries of a step that were lost and made again. After
every case nothing was left (processes, open uploads, scratch files), and a release was byte for byte that of an
undisturbed run. How it works: [decision 0025](decisions/0025-faults-on-real-processes.md) and
[0029](decisions/0029-the-janitor-and-unfit-workers.md).

This page is written by `make faults`.

"""


def faults_page(run: dict[str, Any]) -> str:
    """Returns docs/faults.md from the content of faults.json (``pertitle/faults/v1``)."""
    cases = run["cases"]
    rows = [
        "| case | fault | expected | seen | lost |\n|---|---|---|---|---|\n",
        *(
            f"| {case['case']} | {_fault(case)} | {_cell(case['expected'])} | {_seen(case)} | {case['lost']} |\n"
            for case in cases
        ),
    ]
    return _HEAD.format(passed=run["passed"], cases=len(cases)) + "".join(rows)


def _fault(case: dict[str, Any]) -> str:
    return _cell(f"{case['name']}: {case['done']}")


def _seen(case: dict[str, Any]) -> str:
    return _cell(case["seen"]) if case["passed"] else f"**failed**: {_cell(case['seen'])}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(faults_page(json.loads(Path(sys.argv[1]).read_text("utf-8"))), encoding="utf-8")
