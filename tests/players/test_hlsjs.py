"""hls.js: clear HLS."""

import pytest

from tests.players.browser import BrowserSession, psnr_db, source_picture
from tests.players.conftest import CUES, RATE, Shelf

pytestmark = pytest.mark.slow


def test_every_rung_both_languages_and_a_seek_are_played(browser: BrowserSession, clear_shelf: Shelf) -> None:
    played = browser.plays(
        "hlsjs",
        f"{clear_shelf.name}/multivariant.m3u8",
        ("open", {"codec": "avc1"}),
        ("play", {}),
        ("rung", {"height": 360}),
        ("rung", {"height": 720}),
        ("language", {"language": "fr"}),
        ("seek", {"time": 8.0}),
        ("play", {}),
        *(("subtitle", {"language": "en", "time": (start + end) / 2}) for start, end, _ in CUES),
    )
    opened, _, low, high, spoken, _, last, *cues = played.steps
    assert [step["words"] for step in cues] == [[words] for _, _, words in CUES]
    assert (opened["heights"], opened["languages"]) == ([360, 720], ["en", "fr"])
    assert [step["to"]["width"] for step in (low, high)] == [640, 1280]
    assert spoken["language"] == "fr"
    assert any("audio_fra" in path for path in played.fetched)
    assert last["from"]["time"] == pytest.approx(8.0, abs=0.1)


def test_a_picture_of_av1_is_the_one_of_the_source(browser: BrowserSession, clear_shelf: Shelf) -> None:
    number = 107
    played = browser.plays(
        "hlsjs",
        f"{clear_shelf.name}/multivariant.m3u8",
        ("open", {"codec": "av01"}),
        ("rung", {"height": 360}),
        ("picture", {"time": float((number + 0.5) / RATE)}),
    )
    seen, clear = played.picture(), clear_shelf.clear_file("video_av1_360p")
    assert psnr_db(seen, source_picture(clear, number)) > 30
    assert psnr_db(seen, source_picture(clear, number + 1)) < 25
