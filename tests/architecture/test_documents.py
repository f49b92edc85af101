"""Documents say what is there: verbs, commands, options, settings, codes, links."""

import json
import re
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from client.__main__ import app
from domain.request import TitleRequest
from infra.errors_table import REMEDIES, coded_errors, errors_page
from infra.faults_page import faults_page, merged
from infra.findings_table import findings_page
from infra.rules_table import page_with_table
from tests.architecture.repository import ROOT, configuration, documents, make_targets, rooms
from workers.settings import PREFIX, Settings

COMMAND_LINES = re.compile(r"(?:^ {4}|`|bin/|^\$ )pertitle ([a-z]+)([^`\n]*)", flags=re.MULTILINE)
MAKE_LINES = re.compile(r"(?:^ {4}|`)make (?:PYTHON=\S+ )?([a-z]+)", flags=re.MULTILINE)
LINKS = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADINGS = re.compile(r"^#+ (.+)$", flags=re.MULTILINE)
LARGEST_IMAGE_BYTES = {"report.png": 300_000, "temporal-ui.png": 200_000, "preview.png": 200_000}


def commands() -> dict[str, set[str]]:
    """Returns each command with its options."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return {
        name: {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for name, command in group.commands.items()
    }


def anchor(heading: str) -> str:
    """Returns the anchor that GitHub gives to a heading."""
    plain = re.sub(r"[`*]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@pytest.mark.parametrize("page", documents(), ids=str)
def test_every_make_verb_in_a_document_exists(page: Path) -> None:
    assert set(MAKE_LINES.findall(documents()[page])) <= set(make_targets())


@pytest.mark.parametrize("page", documents(), ids=str)
def test_every_command_and_option_in_a_document_exists(page: Path) -> None:
    known = commands()
    for name, rest in COMMAND_LINES.findall(documents()[page]):
        assert name in known, f"{page}: pertitle {name}"
        options = set(re.findall(r"(?<=\s)--[a-z-]+", rest.partition("#")[0]))
        assert options <= known[name], f"{page}: pertitle {name}{rest}"


def test_every_command_is_described() -> None:
    described = {name for name, _ in COMMAND_LINES.findall(documents()[Path("docs/cli.md")])}

    assert set(commands()) <= described


def test_the_readme_shows_the_two_commands() -> None:
    shown = MAKE_LINES.findall(documents()[Path("README.md")])

    assert shown[:2] == ["demo", "test"]


@pytest.mark.parametrize("page", documents(), ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, heading in LINKS.findall(documents()[page]):
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), f"{page}: {target}"
        if heading:
            anchors = {anchor(text) for text in HEADINGS.findall(path.read_text(encoding="utf-8"))}
            assert heading in anchors, f"{page}: {target}#{heading}"


def test_every_document_is_linked() -> None:
    linked = {
        ((ROOT / page).parent / target).resolve()
        for page, text in documents().items()
        for target, _ in LINKS.findall(text)
        if target
    }
    decisions = ROOT / "docs" / "decisions"
    pages = {ROOT / page for page in documents()} - {ROOT / "README.md"}

    assert {page for page in pages if page not in linked and page.parent != decisions} == set()


@pytest.mark.parametrize("name", LARGEST_IMAGE_BYTES)
def test_screenshots_are_small(name: str) -> None:
    assert 10_000 < (ROOT / "docs" / "images" / name).stat().st_size < LARGEST_IMAGE_BYTES[name]


def test_the_table_of_errors_is_current() -> None:
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == errors_page(), "say `make errors`"


def test_every_code_belongs_to_one_error() -> None:
    codes = [kind.code for kind in coded_errors()]

    assert len(codes) == len(set(codes))
    assert set(REMEDIES) == {*codes, "PERT-000", "PERT-001"}


def test_the_schema_of_a_request_is_current() -> None:
    written = json.loads((ROOT / "docs" / "title-request.schema.json").read_text(encoding="utf-8"))

    assert written == TitleRequest.model_json_schema(), "say `make schema`"


def test_requests_in_documents_are_valid() -> None:
    blocks = [
        json.loads(block)
        for text in documents().values()
        for block in re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)
        if '"title_id"' in block
    ]

    assert len(blocks) >= 2
    assert all(TitleRequest.model_validate(block).title_id for block in blocks)


@pytest.mark.parametrize("page", documents(), ids=str)
def test_every_setting_in_a_document_exists(page: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}

    assert set(re.findall(rf"{PREFIX}[A-Z0-9_]+", documents()[page])) <= known


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_the_map_has_every_room(page: str) -> None:
    assert [room for room in rooms() if f"`{room}/`" not in documents()[Path(page)]] == []


def test_the_changelog_begins_with_the_current_version() -> None:
    first = re.search(r"^## \[([^\]]+)\]", documents()[Path("CHANGELOG.md")], flags=re.MULTILINE)

    assert first is not None
    assert first.group(1) == configuration()["project"]["version"]


def test_the_table_of_rules_is_current() -> None:
    page = documents()[Path("docs/checks.md")]

    assert page == page_with_table(page), "say `make rules`"


def test_the_page_of_findings_is_current() -> None:
    assert (ROOT / "docs" / "error-codes.md").read_text(encoding="utf-8") == findings_page(), "say `make errors`"


def test_every_code_in_the_project_s_own_text_is_listed() -> None:
    """Codes that a source can get, raised or found anywhere in the rooms, stand on the page."""
    page = findings_page()
    named = {
        code
        for room in ("domain", "media", "activities", "workflows", "storage")
        for path in (ROOT / room).rglob("*.py")
        for code in re.findall(r"\b(?:UPL|CNT|VID|AUD|TXT|SEC|POL)-\d{3}\b", path.read_text(encoding="utf-8"))
    }
    assert named
    assert {code for code in named if f"| `{code}` |" not in page} == set()


def test_the_page_of_faults_shows_every_case_and_says_what_failed() -> None:
    cases = [
        {
            "case": "A1",
            "name": "kill",
            "done": "kill -9",
            "expected": "a|b",
            "seen": "lives",
            "lost": 2,
            "passed": True,
        },
        {
            "case": "A2",
            "name": "cut",
            "done": "off",
            "expected": "c",
            "seen": "Error:\ngone",
            "lost": 0,
            "passed": False,
        },
    ]
    older = {**cases[0], "seen": "died", "passed": False}
    page = faults_page(merged([{"cases": [cases[1], older]}, {"cases": [cases[0]]}]))
    assert "1 of 2 passed" in page
    assert page.index("| A1 |") < page.index("| A2 |")
    assert "died" not in page
    assert "| A1 | kill: kill -9 | a\\|b | lives | 2 |" in page
    assert "| A2 | cut: off | c | **failed**: Error: gone | 0 |" in page
