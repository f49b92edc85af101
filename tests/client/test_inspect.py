"""``pertitle inspect``: a file's findings without a stack."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.__main__ import app
from client.exit_codes import ExitCode
from sample_media.faults import make_plain, write_text

run = CliRunner().invoke


@pytest.fixture
async def clip(tmp_path: Path) -> Path:
    return await make_plain(tmp_path, "-y clip.mp4")


@pytest.fixture
def strict(tmp_path: Path) -> str:
    path = tmp_path / "strict.json"
    path.write_text('{"captions": "required"}')
    return str(path)


def test_a_file_that_would_pass_ends_well_and_json_holds_the_whole_report(clip: Path) -> None:
    shown = run(app, ["inspect", str(clip), "--json"])
    assert shown.exit_code == ExitCode.OK
    report = json.loads(shown.stdout)
    assert report["schema"] == "pertitle/inspection/v1"
    assert {finding["code"] for finding in report["findings"]} >= {"VID-107", "AUD-103", "TXT-101"}
    assert str(clip.parent) not in shown.stdout


def test_a_file_that_would_stop_is_refused_with_its_findings(clip: Path, strict: str) -> None:
    shown = run(app, ["inspect", str(clip), "--policy", strict])
    assert shown.exit_code == ExitCode.REFUSED
    assert "TXT-102" in shown.stdout


@pytest.mark.parametrize(("expected", "code"), [({"size_bytes": 5}, "UPL-102"), ({"sha256": "a" * 64}, "UPL-101")])
def test_another_file_than_the_one_expected_is_told_so_even_if_it_is_no_media(
    expected: dict[str, object], code: str, tmp_path: Path
) -> None:
    policy = tmp_path / "expected.json"
    policy.write_text(json.dumps(expected))
    shown = run(app, ["inspect", str(write_text(tmp_path)), "--policy", str(policy)])
    assert shown.exit_code == ExitCode.REFUSED
    assert code in shown.stdout


def test_what_is_no_media_is_refused_by_code(tmp_path: Path) -> None:
    shown = run(app, ["inspect", str(write_text(tmp_path))])
    assert shown.exit_code == ExitCode.REFUSED
    assert "CNT-002" in shown.stderr


def test_a_policy_that_is_none_is_refused_before_anything_is_read(clip: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"blak_s": 3}')
    shown = run(app, ["inspect", str(clip), "--policy", str(wrong)])
    assert shown.exit_code == ExitCode.REFUSED
    assert "blak_s" in shown.stderr
