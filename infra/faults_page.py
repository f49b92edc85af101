"""Writes docs/faults.md from what the faults came to: ``python -m infra.faults_page faults.json [newer.json ...]``."""

import json
import re
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "faults.md"
_HEAD = """# Faults

What was done to a running pertitle on purpose, on real processes and servers, and what came of it: each case of
`make faults`, as it was last played. {passed} of {cases} passed. *Lost* counts tries of a step that were lost and made
anew: never more than Temporal had under way on what was struck. *Again* counts results that were made although they had
been made before: none more often than something was killed. After every case nothing was left (processes, open
uploads, scratch files), and a release was byte for byte that of an undisturbed run. How it works:
[decision 0025](decisions/0025-faults-on-real-processes.md) and [0029](decisions/0029-the-janitor-and-unfit-workers.md).

This page is written by `make faults`.

"""


def faults_page(run: dict[str, Any]) -> str:
    """Returns docs/faults.md from the content of faults.json (``pertitle/faults/v1``)."""
    cases = run["cases"]
    rows = [
        "| case | fault | expected | seen | lost | again |\n|---|---|---|---|---|---|\n",
        *(
            f"| {case['case']} | {_fault(case)} | {_cell(case['expected'])} | {_seen(case)} | {case['lost']} |"
            f" {case.get('again', 0)} |\n"
            for case in cases
        ),
    ]
    return _HEAD.format(passed=run["passed"], cases=len(cases)) + "".join(rows)


def merged(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns one run in which each case is as the newest of some runs, oldest first, has it; in order of families."""
    newest = {case["case"]: case for run in runs for case in run["cases"]}
    cases = sorted(newest.values(), key=_order)
    passed = sum(case["passed"] for case in cases)
    return {"passed": passed, "failed": len(cases) - passed, "cases": cases}


def _order(case: dict[str, Any]) -> tuple[str, int, str]:
    family, number, letters = re.findall(r"^([A-Z])(\d+)(.*)$", case["case"])[0]
    return family, int(number), letters


def _fault(case: dict[str, Any]) -> str:
    return _cell(f"{case['name']}: {case['done']}")


def _seen(case: dict[str, Any]) -> str:
    return _cell(case["seen"]) if case["passed"] else f"**failed**: {_cell(case['seen'])}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(
        faults_page(merged([json.loads(Path(path).read_text("utf-8")) for path in sys.argv[1:]])), encoding="utf-8"
    )
