"""dash.js: DASH, clear and protected. It wants an MPD that names ClearKey, which only test copies do."""

import pytest

from tests.players.browser import BrowserSession, keys_of, psnr_db, source_picture
from tests.players.conftest import CLEARKEY_MPD, CUES, RATE, Shelf

pytestmark = pytest.mark.slow


def test_every_rung_both_languages_and_a_seek_are_played(browser: BrowserSession, shelf: Shelf) -> None:
    played = browser.plays(
        "dashjs",
        f"{shelf.name}/{CLEARKEY_MPD}",
        ("open", {"codec": "avc1"}),
        ("play", {}),
        ("rung", {"height": 720}),
        ("rung", {"height": 360}),
        ("language", {"language": "fr"}),
        ("seek", {"time": 8.0}),
        ("play", {}),
        keys=shelf.keys,
    )
    opened, _, high, low, spoken, _, last = played.steps
    assert (opened["heights"], opened["languages"]) == ([360, 720], ["en", "fr"])
    assert [step["to"]["width"] for step in (high, low)] == [1280, 640]
    assert spoken["language"] == "fr"
    assert any("audio_fra" in path for path in played.fetched)
    assert last["from"]["time"] == pytest.approx(8.0, abs=0.1)


def test_a_decrypted_picture_of_av1_is_the_one_of_the_source(browser: BrowserSession, protected: Shelf) -> None:
    number = 107
    played = browser.plays(
        "dashjs",
        f"{protected.name}/{CLEARKEY_MPD}",
        ("open", {"codec": "av01"}),
        ("play", {"seconds": 0.1}),
        ("picture", {"time": float((number + 0.5) / RATE)}),
        keys=protected.keys,
    )
    seen, clear = played.picture(), protected.clear_file("video_av1_360p")
    assert psnr_db(seen, source_picture(clear, number)) > 30
    assert psnr_db(seen, source_picture(clear, number + 1)) < 25


def test_wrong_keys_show_nothing(browser: BrowserSession, protected: Shelf) -> None:
    played = browser.play(
        "dashjs",
        f"{protected.name}/{CLEARKEY_MPD}",
        ("open", {"codec": "avc1"}),
        ("refusal", {}),
        keys=keys_of(protected.kids, wrong=True),
    )
    assert played.error is None
    assert "media error 3" in played.steps[1]["said"]
    assert played.steps[1]["time"] == 0


def test_subtitles_and_stills_are_there(browser: BrowserSession, clear_shelf: Shelf) -> None:
    played = browser.plays(
        "dashjs",
        f"{clear_shelf.name}/manifest.mpd",
        ("open", {"codec": "avc1"}),
        ("play", {}),
        *(("subtitle", {"language": "en", "time": (start + end) / 2}) for start, end, _ in CUES),
        ("still", {"time": 8.5}),
    )
    opened, _, *cues, _ = played.steps
    assert (opened["texts"], opened["images"]) == (["en"], 1)
    assert [step["words"] for step in cues] == [[words] for _, _, words in CUES]
    clear = clear_shelf.clear_file("video_h264_360p")
    assert psnr_db(played.still(), source_picture(clear, 8 * 24, width_px=160)) > 25
    assert psnr_db(played.still(), source_picture(clear, 6 * 24, width_px=160)) < 22
