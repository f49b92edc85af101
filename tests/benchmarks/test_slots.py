"""How busy slots were, counted by hand."""

from pathlib import Path

import pytest

from benchmarks.slots import UnitSpan, main, slot_use
from domain.work import UnitKind


def test_slots_are_busy_where_programs_ran_between_the_first_and_the_last_search() -> None:
    spans = [
        UnitSpan(UnitKind.SEARCH, 10.0, 20.0, 9.0),
        UnitSpan(UnitKind.SEARCH, 15.0, 30.0, 12.0),
        # Half of it lies before the first search.
        UnitSpan(UnitKind.BASELINE, 5.0, 15.0, 8.0),
        UnitSpan(UnitKind.ENCODE, 31.0, 40.0, 9.0),
    ]
    use = slot_use(spans, slots=2)
    assert use.window_s == 20.0
    assert use.search_units == 2
    assert use.held_share == pytest.approx((10 + 15 + 5) / 40)
    assert use.busy_share == pytest.approx((9 + 12 + 4) / 40)
    assert use.busy_while_held == pytest.approx(25 / 30, abs=1e-4)


def test_a_title_without_searches_is_refused() -> None:
    with pytest.raises(ValueError, match="no search units"):
        slot_use([UnitSpan(UnitKind.TRIAL, 0.0, 1.0, 1.0)], slots=2)


def test_a_folder_without_a_stack_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["slots", "demo", "--state", str(tmp_path)])
    assert main() == 2
    assert capsys.readouterr().err.startswith("slots: STK-")
