"""The page of ``pertitle play`` in Chromium, on a folder in the clear."""

import re
from pathlib import Path

import pytest

from tests.players.conftest import Shelf
from tests.players.preview import playing, visit

pytestmark = pytest.mark.slow


def test_the_page_plays_every_rung_of_a_folder_and_asks_nobody_else(clear_shelf: Shelf, tmp_path: Path) -> None:
    with playing(str(clear_shelf.folder), "--state", str(tmp_path)) as (_, said):
        seen = visit(said["url"])
    assert (seen["error"], seen["trouble"], seen["console"], seen["foreign"]) == (None, "", [], [])
    assert {(item["name"], item["height"]) for item in seen["seen"]} == {
        ("video_h264_360p", 360),
        ("video_h264_720p", 720),
        ("video_av1_360p", 360),
    }
    assert seen["audio"] == ["English", "French"]
    assert seen["licenses"] == 0
    assert seen["subtitles"] == ["off", "English"]
    assert re.fullmatch(r"\d+of [1-9]\d*", seen["facts"]["Frames dropped"])
    assert seen["nameless"] == []


def test_without_its_token_the_page_shows_nothing(clear_shelf: Shelf, tmp_path: Path) -> None:
    with playing(str(clear_shelf.folder), "--state", str(tmp_path)) as (_, said):
        bare = visit(said["url"].partition("#")[0])
        guessed = visit(said["url"][:-4] + "xxxx")
    assert "pertitle play" in bare["trouble"]
    assert "pertitle play" in guessed["trouble"]
    assert bare["heading"].strip() == guessed["heading"].strip() == ""
