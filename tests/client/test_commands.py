"""The command line without servers: parsing, help, errors, exit codes, documents."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from client.__main__ import app
from client.commands import DEFAULT_STATE_DIR
from client.errors import SourceNotFound, TitleCanceled, TitleFailed
from client.exit_codes import ExitCode, exit_code_of
from client.local_stack.errors import StackNotRunning
from client.requests import (
    check_before_upload,
    read_recipe,
    read_subtitle_option,
    request_content,
    title_id_for,
    workflow_id_of,
)
from domain.request import BadRequest, ProvisionalOrder, TitleRequest, parse_title_request
from storage.errors import SourceMissing, StorageUnavailable

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "up",
    "down",
    "status",
    "submit",
    "watch",
    "cancel",
    "result",
    "report",
    "encode",
    "inspect",
    "schema",
    "demo",
    "check",
)
run = CliRunner().invoke


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.delenv("TEMPORAL_PROFILE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_an_example_on_a_line_of_its_own(command: str) -> None:
    shown = run(app, [command, "--help"])
    assert shown.exit_code == 0
    assert re.search(rf"^\s+pertitle {command}\b", shown.output, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_documented(command: str) -> None:
    assert f"`pertitle {command}" in (ROOT / "docs" / "cli.md").read_text()


@pytest.mark.parametrize("code", list(ExitCode))
def test_each_exit_code_is_documented(code: ExitCode) -> None:
    assert re.search(rf"^\| {code.value} \| .+ \|$", (ROOT / "docs" / "cli.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadRequest("x", found="y"), ExitCode.REFUSED),
        (SourceMissing("x", found="y"), ExitCode.REFUSED),
        (StackNotRunning("x", found="y"), ExitCode.STACK),
        (StorageUnavailable("x", found="y"), ExitCode.STACK),
        (TitleCanceled("x", found="y"), ExitCode.CANCELED),
        (TitleFailed("x", {"code": "VID-002", "found": "y"}), ExitCode.REFUSED),
        (TitleFailed("x", {"code": "TOOL-002", "found": "y"}), ExitCode.TITLE_FAILED),
        (TitleFailed("x", {"code": "STO-003", "found": "y"}), ExitCode.TITLE_FAILED),
        (TitleFailed("x", {}), ExitCode.TITLE_FAILED),
    ],
)
def test_errors_become_exit_codes(error: BadRequest, code: ExitCode) -> None:
    assert exit_code_of(error) is code


def test_a_failed_title_shows_the_code_of_its_cause() -> None:
    error = TitleFailed(
        "film", {"code": "CNT-002", "where": "source", "found": "text", "expected": "media", "fix": "x"}
    )
    assert str(error) == "CNT-002 source: text. expected: media. fix: x."
    assert error.as_record() == {
        "code": "CNT-002",
        "where": "source",
        "found": "text",
        "expected": "media",
        "fix": "x",
        "title_id": "film",
    }


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["submit"], ["encode", "x.mov"], ["submit", "x", "--priority", "now"]]
)
def test_a_wrong_command_line_is_exit_code_2(arguments: list[str]) -> None:
    assert run(app, arguments).exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    "arguments", [["watch", "x"], ["submit", "x.mov"], ["result", "x"], ["status"], ["cancel", "x"]]
)
def test_without_a_stack_the_command_says_how_to_start_one(arguments: list[str]) -> None:
    ended = run(app, arguments)
    assert ended.exit_code == ExitCode.STACK
    assert "STK-001" in ended.stderr
    assert "pertitle up" in ended.stderr
    assert "Traceback" not in ended.output


def test_an_error_is_a_json_record_on_request() -> None:
    ended = run(app, ["result", "x", "--json"])
    assert json.loads(ended.stdout)["error"]["code"] == "STK-001"


def test_down_with_nothing_there_is_no_error() -> None:
    ended = run(app, ["down", "--json"])
    assert ended.exit_code == 0
    assert json.loads(ended.stdout) == {"stopped": False}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nowhere.mov"], "REQ-008"),
        (["s3://x/../y"], "REQ-004"),
        (["film.mov", "--title-id", "../x"], "REQ-003"),
        (["film.mov", "--recipe", "text.json"], "REQ-007"),
        (["film.mov", "--recipe", "missing.json"], "REQ-007"),
        (["film.mov", "--recipe", "codec.json"], "REQ-002"),
    ],
)
def test_encode_refuses_before_it_starts_anything(tmp_path: Path, arguments: list[str], code: str) -> None:
    (tmp_path / "film.mov").write_bytes(b"not opened yet")
    (tmp_path / "text.json").write_text("codecs: h264")
    (tmp_path / "codec.json").write_text('{"codecs": [{"codec": "vp9"}]}')
    ended = run(app, ["encode", *arguments, "--out", "out", "--json"])
    assert ended.exit_code == ExitCode.REFUSED
    assert json.loads(ended.stdout)["error"]["code"] == code
    assert not (tmp_path / DEFAULT_STATE_DIR).exists()


def test_the_schema_is_that_of_the_request() -> None:
    assert json.loads(run(app, ["schema"]).stdout) == TitleRequest.model_json_schema()


@pytest.mark.parametrize(
    ("source", "title_id"),
    [("/x/My Film (v2).mov", "my-film-v2"), ("s3://b/k/Ärger.mkv", "rger"), ("…", "title"), ("-a_b-.mp4", "a_b")],
)
def test_a_title_id_is_made_from_a_file_name(source: str, title_id: str) -> None:
    assert title_id_for(source) == title_id
    parse_title_request({"title_id": title_id, "source": "s3://bucket/key"})


def test_the_same_request_is_the_same_workflow_whatever_its_priority() -> None:
    content = {**request_content("film.mov", recipe={}, title_id="a", priority="low"), "source": "s3://bucket/key"}
    low = parse_title_request(content)
    high = parse_title_request({**content, "priority": "high"})
    other = parse_title_request({**content, "recipe": {"baseline": "netflix-2015"}})
    assert workflow_id_of(low) == workflow_id_of(high)
    assert workflow_id_of(low) == workflow_id_of(low.model_copy(update={"provisional": ProvisionalOrder()}))
    assert re.fullmatch(r"title/a/[0-9a-f]{16}", workflow_id_of(low))
    assert workflow_id_of(low) != workflow_id_of(other)


def test_no_recipe_file_means_the_house_defaults() -> None:
    assert read_recipe(None) == {}


def test_bandwidths_of_a_file_become_the_policy_s(tmp_path: Path) -> None:
    recipe, table = tmp_path / "recipe.json", tmp_path / "viewers.csv"
    recipe.write_text('{"policy": {"preset": "mobile"}}')
    table.write_text("\ufeffbandwidth_bps,weight\n5000000,0.75\n2000000,0.25\n", encoding="utf-8")
    content = {"title_id": "a", "source": "s3://bucket/key", "recipe": read_recipe(recipe, table)}
    policy = parse_title_request(content).recipe.policy
    assert policy.preset == "mobile"
    assert policy.bandwidth_histogram == ((2_000_000, 0.25), (5_000_000, 0.75))
    assert read_recipe(None, table) == {"policy": {"bandwidth_histogram": ((2_000_000, 0.25), (5_000_000, 0.75))}}


@pytest.mark.parametrize(
    ("recipe", "table", "code"),
    [
        ({"policy": {"bandwidth_histogram": [[1_000_000, 1]]}}, b"2000000,1", "REQ-001"),
        ({}, b"fast,1\n2000000,1,1", "REQ-009"),
        ({}, b"\xff\xfe2", "REQ-009"),
        ({}, None, "REQ-009"),
    ],
)
def test_bandwidths_that_cannot_be_are_refused_before_a_server_is_asked(
    tmp_path: Path, recipe: dict[str, object], table: bytes | None, code: str
) -> None:
    (tmp_path / "film.mov").write_bytes(b"not opened yet")
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    if table is not None:
        (tmp_path / "viewers.csv").write_bytes(table)
    options = ["--recipe", str(tmp_path / "recipe.json"), "--bandwidths", str(tmp_path / "viewers.csv"), "--json"]
    ended = run(app, ["encode", str(tmp_path / "film.mov"), "--out", str(tmp_path / "out"), *options])
    assert ended.exit_code == ExitCode.REFUSED
    assert json.loads(ended.stdout)["error"]["code"] == code


def test_the_process_ends_with_the_command_s_code(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "client", "watch", "x", "--state", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == ExitCode.STACK
    assert ended.stderr.startswith("STK-001 ")


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("en=film.en.srt", {"source": "film.en.srt", "language": "en"}),
        ("pt-BR:caption=a=b.scc", {"source": "a=b.scc", "language": "pt-BR", "role": "caption"}),
    ],
)
def test_a_subtitle_option_names_language_role_and_file(option: str, told: dict[str, str]) -> None:
    assert read_subtitle_option(option) == told


@pytest.mark.parametrize("option", ["film.srt", "=film.srt", "en=", "en:caption"])
def test_a_subtitle_option_of_another_form_is_refused(option: str) -> None:
    with pytest.raises(BadRequest, match="LANGUAGE=FILE"):
        read_subtitle_option(option)


def test_subtitles_are_checked_before_anything_is_uploaded(tmp_path: Path) -> None:
    film, text = tmp_path / "film.mov", tmp_path / "film.srt"
    film.write_bytes(b"not opened yet")

    def content(option: str) -> dict[str, Any]:
        return request_content(str(film), recipe={}, title_id="a", priority="low", subtitles=[option])

    with pytest.raises(SourceNotFound, match=r"film\.srt"):
        check_before_upload(str(film), content(f"en={text}"))
    text.write_text("")
    check_before_upload(str(film), content(f"en={text}"))
    with pytest.raises(BadRequest, match=r"subtitles\.0\.role"):
        check_before_upload(str(film), content(f"en:song={text}"))
