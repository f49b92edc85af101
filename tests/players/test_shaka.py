"""shaka-player: DASH and HLS, clear and protected."""

import pytest

from tests.media.packaging.conftest import FRAMES
from tests.players.browser import BrowserSession, Played, keys_of, psnr_db, source_picture
from tests.players.conftest import CUES, RATE, Shelf

pytestmark = pytest.mark.slow
MANIFESTS = ("manifest.mpd", "multivariant.m3u8")


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_every_rung_both_languages_and_a_seek_are_played(browser: BrowserSession, shelf: Shelf, manifest: str) -> None:
    played = browser.plays(
        "shaka",
        f"{shelf.name}/{manifest}",
        ("open", {"codec": "avc1"}),
        ("play", {}),
        ("rung", {"height": 360}),
        ("rung", {"height": 720}),
        ("rung", {"height": 360}),
        ("language", {"language": "fr"}),
        ("seek", {"time": 8.0}),
        ("play", {}),
        keys=shelf.keys,
    )
    opened, _, low, high, _, spoken, _, last = played.steps
    assert (opened["heights"], opened["languages"]) == ([360, 720], ["en", "fr"])
    assert [step["to"]["width"] for step in (low, high)] == [640, 1280]
    assert spoken["language"] == "fr"
    assert any("audio_fra" in path for path in played.fetched)
    assert last["from"]["time"] == pytest.approx(8.0, abs=0.1)


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_subtitles_stills_and_fast_play_are_there(
    browser: BrowserSession, clear_shelf: Shelf, cbcs_shelf: Shelf, manifest: str
) -> None:
    """Fast play fetches the IDRs alone where the manifest offers them to browsers, which is the MPD."""
    shelf = cbcs_shelf if manifest == "manifest.mpd" else clear_shelf
    played = browser.plays(
        "shaka",
        f"{shelf.name}/{manifest}",
        ("open", {"codec": "avc1"}),
        ("play", {}),
        *(("subtitle", {"language": "en", "time": (start + end) / 2}) for start, end, _ in CUES),
        ("still", {"time": 8.5}),
        ("seek", {"time": 0.5}),
        ("fast", {"rate": 4, "time": 6.0}),
        ("play", {}),
        keys=shelf.keys,
    )
    opened, _, *cues, still, _, fast, last = played.steps
    assert (opened["texts"], len(opened["images"])) == (["en"], 1)
    assert [step["words"] for step in cues] == [[words] for _, _, words in CUES]
    shown = Played((still,), None, (), ()).still()
    clear = shelf.clear_file("video_h264_360p")
    assert psnr_db(shown, source_picture(clear, 8 * 24, width_px=160)) > 25
    assert psnr_db(shown, source_picture(clear, 6 * 24, width_px=160)) < 22
    assert fast["time"] >= 6.0
    assert any("trick_" in path for path in played.fetched) == (manifest == "manifest.mpd")
    assert last["to"]["time"] > last["from"]["time"]


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_av1_is_decrypted_and_played(browser: BrowserSession, shelf: Shelf, manifest: str) -> None:
    played = browser.plays(
        "shaka",
        f"{shelf.name}/{manifest}",
        ("open", {"codec": "av01"}),
        ("play", {}),
        keys=shelf.keys,
    )
    assert all(codec.startswith("av01") for codec in played.steps[0]["codecs"])
    assert played.steps[1]["to"]["height"] == 360


@pytest.mark.parametrize(("codec", "track"), [("avc1", "video_h264_360p"), ("av01", "video_av1_360p")])
def test_a_decrypted_picture_is_the_one_of_the_source(
    browser: BrowserSession, shelf: Shelf, codec: str, track: str
) -> None:
    """Seen as a person sees it: a screenshot of the element, against FFmpeg's decode of the clear file."""
    number = 131
    played = browser.plays(
        "shaka",
        f"{shelf.name}/manifest.mpd",
        ("open", {"codec": codec}),
        ("play", {"seconds": 0.2}),
        ("rung", {"height": 360}),
        ("picture", {"time": float((number + 0.5) / RATE)}),
        keys=shelf.keys,
    )
    seen, clear = played.picture(), shelf.clear_file(track)
    right = psnr_db(seen, source_picture(clear, number))
    wrong = max(psnr_db(seen, source_picture(clear, other)) for other in (number - 1, number + 1, number + 24))
    found = {name: value for name, value in played.steps[-1].items() if name != "png"}
    assert right > 30, (right, wrong, found)
    assert right > wrong + 6, (right, wrong, found)


def test_wrong_keys_show_nothing(browser: BrowserSession, protected: Shelf) -> None:
    played = browser.play(
        "shaka",
        f"{protected.name}/manifest.mpd",
        ("open", {"codec": "avc1"}),
        ("refusal", {}),
        keys=keys_of(protected.kids, wrong=True),
    )
    assert played.error is None
    assert "3016" in played.steps[1]["said"]
    assert played.steps[1]["time"] == 0


def test_without_the_hd_key_the_sd_rung_plays(browser: BrowserSession, protected: Shelf) -> None:
    played = browser.plays(
        "shaka",
        f"{protected.name}/manifest.mpd",
        ("open", {"codec": "avc1"}),
        ("play", {}),
        ("tracks", {}),
        ("seek", {"time": float(FRAMES / RATE) - 2}),
        ("play", {}),
        keys=keys_of(protected.kids, without="HD"),
    )
    assert played.steps[2]["heights"] == [360]
    assert played.steps[-1]["to"]["height"] == 360
    assert not any("720p" in path and path.endswith(".m4s") for path in played.fetched)
