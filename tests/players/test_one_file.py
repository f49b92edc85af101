"""Every kind of track, each track in one file: byte ranges, text and thumbnails, protected as published."""

from dataclasses import replace
from pathlib import Path

import pytest

from domain.recipe import PackagingRecipe
from media.packaging.clearkey import with_clearkey
from media.packaging.plan import TrackFile
from media.tools import ToolPaths
from tests.media.packaging.conftest import package, plan_of
from tests.players.browser import BrowserSession
from tests.players.conftest import CLEARKEY_MPD, Shelf

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def files_shelf(tools: ToolPaths, tracks: tuple[TrackFile, ...], shelves: Path) -> Shelf:
    plan = replace(plan_of(tracks, "cbcs"), recipe=PackagingRecipe(segment_s=4, storage="file"))
    made = await package(tools, plan, shelves / "files")
    published = (made.folder / made.tree.dash).read_text("utf-8")
    (made.folder / CLEARKEY_MPD).write_text(with_clearkey(published), "utf-8")
    return Shelf("files", made.folder, made.plan)


@pytest.mark.parametrize(
    ("player", "manifest", "images"),
    [
        ("shaka", "manifest.mpd", ["160x90"]),
        ("shaka", "multivariant.m3u8", ["320x180"]),  # of HLS it tells the size of the sheet, of DASH that of a still
        ("dashjs", CLEARKEY_MPD, 1),
    ],
)
def test_byte_ranges_text_and_thumbnails_are_played(
    browser: BrowserSession, files_shelf: Shelf, player: str, manifest: str, images: object
) -> None:
    played = browser.plays(
        player,
        f"{files_shelf.name}/{manifest}",
        ("open", {"codec": "avc1"}),
        ("play", {}),
        ("rung", {"height": 720}),
        ("seek", {"time": 7.0}),
        ("play", {}),
        keys=files_shelf.keys,
    )
    opened = played.steps[0]
    assert opened["texts"] == ["en"]
    assert opened["images"] == images
    assert played.steps[2]["to"]["width"] == 1280
    assert any(path.endswith("video_h264_720p/track.mp4") for path in played.fetched)
