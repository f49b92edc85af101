"""Decisions are numbered pages with context, choice and consequence."""

import re
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT

PAGES = sorted((ROOT / "docs" / "decisions").iterdir())


def test_decisions_have_numbers_of_their_own() -> None:
    """Gaps are numbers that were given out to work under way."""
    numbers = [int(page.name[:4]) for page in PAGES]

    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_decision_tells_context_choice_and_consequence(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name)
    assert text.startswith(f"# {page.name[:4]} ")
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == ["Context", "Choice", "Consequence"]


def test_decisions_named_in_code_and_documents_exist() -> None:
    numbers = {page.name[:4] for page in PAGES}
    named = {
        number
        for folder in ("media", "domain", "ladders", "activities", "workflows", "storage", "infra", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md"}
        for number in re.findall(r"decisions/(\d{4})", path.read_text(encoding="utf-8"))
    }

    assert named
    assert named <= numbers
