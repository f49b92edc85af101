"""Where the preview's player comes from, and what is said where it cannot be had."""

import json
import shutil
from pathlib import Path

import pytest

from client.local_stack.errors import PlayerMissing
from client.local_stack.player_runtime import LOCK_DIR, ensure_player, player_file


async def test_a_player_that_lies_there_needs_no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    there = player_file(tmp_path)
    there.parent.mkdir()
    there.write_text("// from another machine")
    assert await ensure_player(tmp_path) == there


async def test_without_npm_the_error_names_what_to_install_or_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PlayerMissing) as caught:
        await ensure_player(tmp_path)
    assert caught.value.code == "STK-009"
    assert str(player_file(tmp_path)) in str(caught.value)


@pytest.mark.slow
async def test_without_a_network_the_error_says_what_npm_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not on this machine")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    with pytest.raises(PlayerMissing, match=r"STK-009.*ECONNREFUSED"):
        await ensure_player(tmp_path / "state")
    assert not player_file(tmp_path / "state").exists()


def test_the_preview_and_the_player_tests_use_the_same_player() -> None:
    tested = Path(__file__).parents[1] / "players" / "package.json"
    versions = {
        json.loads(path.read_text("utf-8"))["dependencies"]["shaka-player"]
        for path in (tested, LOCK_DIR / "package.json")
    }
    assert len(versions) == 1
