"""Presentations of one set of small encodes, and a browser over the folder that they lie in."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import pytest

from domain.tracks import TextTrack, Thumbnails
from domain.video import Codec, Resolution
from media.packaging.clearkey import with_clearkey
from media.packaging.plan import PresentationPlan, TrackFile
from media.tools import ToolPaths, find_tools
from tests.media.packaging.conftest import FRAMES, make_audio, make_rendition, package, plan_of, stored
from tests.players.browser import BrowserSession, chromium, keys_of

RATE = Fraction(24)
CUES = ((0.5, 1.5, "first"), (2.5, 3.5, "second"), (5.5, 6.5, "over the border"), (9.0, 10.0, "last"))
"""(start, end, words) of each cue, in seconds."""
CLEARKEY_MPD = "clearkey.mpd"
Scheme = Literal["clear", "cbcs", "cenc"]
SEGMENT_STARTS: dict[Scheme, tuple[int, ...]] = {
    "clear": (0, 84, 143, 192, 240),
    "cbcs": (0, 84, 143, 192, 240),
    "cenc": (),
}
"""Frames at which segments start: following shots, of 3.5, 2.5, 2, 2 and 0.4 s; or of constant length."""
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
    """Two sizes of H.264 with keys of their own, AV1, two languages, text, stills; no picture is like the next."""
    chromium()  # nothing is encoded in vain
    folder = tmp_path_factory.mktemp("clear")
    sounds = [
        make_audio(tools, folder, language, hertz, FRAMES / RATE) for language, hertz in (("eng", 440), ("fra", 660))
    ]
    pictures = [make_rendition(tools, folder, shape, RATE) for shape in SHAPES]
    return (*pictures, *sounds, make_text(folder), make_thumbnails(tools, folder))


def make_text(folder: Path) -> TrackFile:
    """One cue in each of the first two segments, one over the border of two, and one near the end."""
    path = folder / "text_eng.vtt"
    cues = [f"{_clock(start)} --> {_clock(end)}\n{words}\n" for start, end, words in CUES]
    path.write_text("WEBVTT\n\n" + "\n".join(cues), "utf-8")
    track = TextTrack(file=stored(path), name="text_eng", language="eng", is_default=True, cues=len(CUES))
    return TrackFile(track, path)


def make_thumbnails(tools: ToolPaths, folder: Path) -> TrackFile:
    """A still every 2 s, 160x90, four on a sheet, made of the pictures that the renditions show."""
    sheets = folder / "thumbnails"
    sheets.mkdir()
    source = f"testsrc2=size=640x360:rate={RATE}:duration={float(FRAMES / RATE)}"
    picture = f"select='not(mod(n,{2 * RATE}))',setpts=N/TB,scale=160:90,tile=2x2,format=yuvj420p"
    command = [tools.ffmpeg, "-v", "error", "-f", "lavfi", "-i", source, "-vf", picture, "-fps_mode", "passthrough"]
    subprocess.run([*command, "-q:v", "3", str(sheets / "%05d.jpg")], check=True, stdin=subprocess.DEVNULL, timeout=120)
    track = Thumbnails(
        sheets=tuple(stored(path) for path in sorted(sheets.iterdir())),
        name="thumbnails_160x90",
        tile=Resolution(width_px=160, height_px=90),
        columns=2,
        rows=2,
        interval_s=Fraction(2),
        stills=6,
    )
    return TrackFile(track, sheets)


def _clock(seconds: float) -> str:
    return f"00:00:{seconds:06.3f}"


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
    plan = replace(plan_of(tracks, scheme), segment_starts=SEGMENT_STARTS[scheme])
    made = await package(tools, plan, shelves / scheme)
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
