"""A title in HDR and SDR on a display of SDR: players show SDR, or have a manifest without HDR."""

from fractions import Fraction
from pathlib import Path

import pytest

from domain.recipe import PackagingRecipe
from domain.tracks import Rendition
from domain.video import Codec
from media.packaging.plan import PresentationPlan, TrackFile
from media.tools import ToolPaths
from tests.media.packaging.conftest import Packaged, make_rendition, package
from tests.players.browser import BrowserSession, chromium

pytestmark = pytest.mark.slow
NAME = "two_ranges"


@pytest.fixture(scope="module")
async def both(tools: ToolPaths, shelves: Path, tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """AV1 in PQ, and SDR in H.264 and AV1, all of one size."""
    chromium()  # nothing is encoded in vain
    folder, rate, size = tmp_path_factory.mktemp("clear"), Fraction(24), (640, 360)
    hdr = make_rendition(tools, folder, (Codec.AV1, *size), rate, transfer="smpte2084")
    sdr = [as_tone_mapped(make_rendition(tools, folder, (codec, *size), rate)) for codec in (Codec.H264, Codec.AV1)]
    plan = PresentationPlan((hdr, *sdr), (), PackagingRecipe(segment_s=2, scheme="clear"), rate)
    return await package(tools, plan, shelves / NAME)


def as_tone_mapped(item: TrackFile) -> TrackFile:
    assert isinstance(item.track, Rendition)
    name = item.name.replace("video_", "video_sdr_")
    return item._replace(track=item.track.model_copy(update={"tone_mapped": True, "name": name}))


@pytest.mark.parametrize(
    ("player", "manifest"),
    [
        ("shaka", "manifest.mpd"),
        ("shaka", "multivariant.m3u8"),
        # Left to itself it takes the codec that saves most, PQ or not, and leaves the rest to the browser.
        ("dashjs", "manifest.sdr.mpd"),
        ("hlsjs", "multivariant.m3u8"),
    ],
)
def test_sdr_is_played(browser: BrowserSession, both: Packaged, player: str, manifest: str) -> None:
    played = browser.plays(player, f"{both.folder.name}/{manifest}", ("open", {}), ("play", {"seconds": 0.5}))
    videos = {path.split("/")[-2] for path in played.fetched if "video_" in path and not path.endswith(".m3u8")}
    assert videos
    assert all(name.startswith("video_sdr_") for name in videos)
