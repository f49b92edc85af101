import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from workers.settings import PREFIX, Settings, available_cores, load_settings, settings_table

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "settings.md").read_text()


def test_the_document_holds_the_table_word_for_word() -> None:
    assert settings_table() in DOCUMENT


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_each_field_says_what_it_means_in_the_document(name: str) -> None:
    row = re.search(rf"^\| `{PREFIX}{name.upper()}` \| (.+) \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert row is not None
    assert len(row.group(2)) > 20


def test_given_variables_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTITLE_ENCODE_SLOTS", "9")
    assert load_settings().encode_slots == 9
    assert load_settings({"PERTITLE_ENCODE_SLOTS": "3"}).encode_slots == 3
    assert load_settings({}).encode_slots == available_cores()


def test_slots_below_one_are_refused() -> None:
    with pytest.raises(ValidationError, match="encode_slots"):
        load_settings({"PERTITLE_ENCODE_SLOTS": "0"})


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for room in (
            "domain",
            "media",
            "storage",
            "protection",
            "reports",
            "activities",
            "workflows",
            "workers",
            "client",
            "portal",
        )
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text())
    ]
    assert readers == ["workers/settings.py"]
