"""Presentations of one set of small encodes, and a browser over the folder that they lie in."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import pytest

from domain.video import Codec
from media.packaging.clearkey import with_clearkey
from media.packaging.plan import PresentationPlan, TrackFile
from media.tools import ToolPaths, find_tools
from tests.media.packaging.conftest import FRAMES, make_audio, make_rendition, package, plan_of
from tests.players.browser import BrowserSession, chromium, keys_of

RATE = Fraction(24)
CLEARKEY_MPD = "clearkey.mpd"
Scheme = Literal["clear", "cbcs", "cenc"]
SHAPES = ((Codec.H264, 640, 360), (Codec.H264, 1280, 720), (Codec.AV1, 640, 360))


@dataclass(frozen=True)
class Shelf:
    """A presentation where the browser finds it."""

    name: str
    folder: Path
    plan: PresentationPlan

    @property
    def kids(self) -> dict[str, str]:
        """Label → KID."""
        return {key.label: key.kid for key in self.plan.keys}

    @property
    def keys(self) -> dict[str, str]:
        """KID → content key."""
        return keys_of(self.kids)

    def clear_file(self, name: str) -> Path:
        """Returns the clear file of a track."""
        return next(item.path for item in self.plan.tracks if item.name == name)


@pytest.fixture(scope="session")
def tools() -> ToolPaths:
    return find_tools()


@pytest.fixture(scope="session")
def shelves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelves")


@pytest.fixture(scope="session")
def tracks(tools: ToolPaths, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrackFile, ...]:
    """Two sizes of H.264 with keys of their own, AV1, two languages; every picture differs from its neighbors."""
    chromium()  # nothing is encoded in vain
    folder = tmp_path_factory.mktemp("clear")
    sounds = [
        make_audio(tools, folder, language, hertz, FRAMES / RATE) for language, hertz in (("eng", 440), ("fra", 660))
    ]
    return (*(make_rendition(tools, folder, shape, RATE) for shape in SHAPES), *sounds)


@pytest.fixture(scope="session")
async def clear_shelf(tools: ToolPaths, tracks: tuple[TrackFile, ...], shelves: Path) -> Shelf:
    return await on_shelf(tools, tracks, shelves, "clear")


@pytest.fixture(scope="session")
async def cbcs_shelf(tools: ToolPaths, tracks: tuple[TrackFile, ...], shelves: Path) -> Shelf:
    return await on_shelf(tools, tracks, shelves, "cbcs")


@pytest.fixture(scope="session")
async def cenc_shelf(tools: ToolPaths, tracks: tuple[TrackFile, ...], shelves: Path) -> Shelf:
    return await on_shelf(tools, tracks, shelves, "cenc")


async def on_shelf(tools: ToolPaths, tracks: tuple[TrackFile, ...], shelves: Path, scheme: Scheme) -> Shelf:
    """Packages the tracks, and lays a copy of the MPD that names ClearKey beside the published one."""
    made = await package(tools, plan_of(tracks, scheme), shelves / scheme)
    published = (made.folder / made.tree.dash).read_text("utf-8")
    (made.folder / CLEARKEY_MPD).write_text(with_clearkey(published), "utf-8")
    return Shelf(scheme, made.folder, made.plan)


@pytest.fixture(scope="session", params=["clear", "cbcs", "cenc"])
def shelf(request: pytest.FixtureRequest, clear_shelf: Shelf, cbcs_shelf: Shelf, cenc_shelf: Shelf) -> Shelf:
    return {"clear": clear_shelf, "cbcs": cbcs_shelf, "cenc": cenc_shelf}[request.param]


@pytest.fixture(scope="session", params=["cbcs", "cenc"])
def protected(request: pytest.FixtureRequest, cbcs_shelf: Shelf, cenc_shelf: Shelf) -> Shelf:
    return cbcs_shelf if request.param == "cbcs" else cenc_shelf


@pytest.fixture(scope="session")
def browser(shelves: Path) -> Iterator[BrowserSession]:
    with BrowserSession(shelves) as session:
        yield session
