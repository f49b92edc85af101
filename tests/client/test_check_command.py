"""``pertitle check``: what it prints and what it ends with."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.__main__ import app
from client.exit_codes import ExitCode
from domain.checks import CheckReport

run = CliRunner().invoke
PLAYLIST = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:2.0,\n1.vtt\n"
END = "#EXT-X-ENDLIST\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "text.m3u8").write_text(PLAYLIST + END, "utf-8")
    (tmp_path / "1.vtt").write_text("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n", "utf-8")
    return tmp_path


def test_a_presentation_without_fault_ends_with_0(folder: Path) -> None:
    shown = run(app, ["check", str(folder)])
    assert shown.exit_code == ExitCode.OK
    assert "0 MUST and 0 SHOULD broken" in shown.output


def test_a_broken_must_is_shown_with_place_and_remedy_and_ends_with_7(folder: Path) -> None:
    (folder / "1.vtt").unlink()
    shown = run(app, ["check", str(folder)])
    assert shown.exit_code == ExitCode.RULE_BROKEN
    for words in ("FILE-001", "MUST broken", "1.vtt", "no such file", "fix: "):
        assert words in shown.output


def test_a_broken_should_ends_with_0(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")
    shown = run(app, ["check", str(folder)])
    assert shown.exit_code == ExitCode.OK
    assert "FILE-004" in shown.output


def test_json_is_the_whole_report(folder: Path) -> None:
    (folder / "text.m3u8").write_text(PLAYLIST, "utf-8")
    shown = run(app, ["check", str(folder), "--json"])
    assert shown.exit_code == ExitCode.RULE_BROKEN
    report = CheckReport.model_validate(json.loads(shown.stdout))
    assert [rule.rule for rule in report.broken("must")] == ["HLS-001"]
    assert report.broken("must")[0].findings[0].where == "text.m3u8"


def test_no_presentation_is_one_paragraph_with_a_code(tmp_path: Path) -> None:
    shown = run(app, ["check", str(tmp_path)])
    assert shown.exit_code == ExitCode.REFUSED
    assert "PKG-003" in shown.stderr
    assert "Traceback" not in shown.output


def test_kept_rules_are_listed_on_request(folder: Path) -> None:
    shown = run(app, ["check", str(folder), "--all"])
    assert re.search("HLS-001 +passed", shown.output)
    assert "HLS-001" not in run(app, ["check", str(folder)]).output
