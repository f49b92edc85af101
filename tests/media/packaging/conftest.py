"""Small self-made tracks of known frames, IDRs and durations, and presentations made of them by the real packager."""

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import pytest

from domain.files import StoredFile
from domain.recipe import PackagingRecipe
from domain.tracks import EncodedAudio, KeyLabel, Rendition, TextTrack, Thumbnails
from domain.video import Codec, Resolution, TextRole
from media.packaging.package import PackagedTree, package_presentation
from media.packaging.plan import PresentationPlan, TrackFile, TrackKey
from media.tools import ToolPaths, find_tools

FRAMES = 250
# The 2 s grid of 24 and of 23.976 frames per second, a shot start inside a segment, and one a frame before the grid.
IDR_FRAMES = (0, 48, 84, 96, 143, 144, 192, 240)
LABELS: tuple[KeyLabel, ...] = ("SD", "HD", "AUDIO")
CONTENT_KEYS = {label: hashlib.sha256(label.encode()).digest()[:16] for label in LABELS}
KEYS = tuple(
    TrackKey(label, hashlib.sha256(f"kid {label}".encode()).hexdigest()[:32], CONTENT_KEYS[label], bytes(range(16)))
    for label in LABELS
)
SIZES: tuple[tuple[Codec, int, int], ...] = (
    (Codec.H264, 320, 180),
    (Codec.H264, 1280, 720),
    (Codec.HEVC, 320, 180),
    (Codec.AV1, 320, 180),
)
_ENCODERS = {
    Codec.H264: "-c:v libx264 -preset ultrafast -bf 3 -crf 35 "
    "-x264-params scenecut=0:open-gop=0:keyint=infinite:min-keyint=1",
    Codec.HEVC: "-c:v libx265 -preset ultrafast -crf 35 -tag:v hvc1 "
    "-x265-params scenecut=0:open-gop=0:keyint=-1:min-keyint=1:repeat-headers=0:log-level=none:pools=1",
    Codec.AV1: "-c:v libsvtav1 -preset 10 -crf 55 -g 9999 -svtav1-params irefresh-type=2:scd=0:lp=1",
}


@pytest.fixture(scope="session")
def tools() -> ToolPaths:
    return find_tools()


@pytest.fixture(scope="session")
def tracks_24(tools: ToolPaths, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrackFile, ...]:
    return make_tracks(tools, tmp_path_factory.mktemp("clear24"), Fraction(24))


@pytest.fixture(scope="session")
def tracks_23976(tools: ToolPaths, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrackFile, ...]:
    return make_tracks(tools, tmp_path_factory.mktemp("clear23976"), Fraction(24000, 1001))


@dataclass(frozen=True)
class Packaged:
    """A presentation made by the real packager."""

    plan: PresentationPlan
    folder: Path
    tree: PackagedTree


@pytest.fixture(scope="session")
async def cbcs(
    tools: ToolPaths, tracks_24: tuple[TrackFile, ...], tmp_path_factory: pytest.TempPathFactory
) -> Packaged:
    return await package(tools, plan_of(tracks_24, "cbcs"), tmp_path_factory.mktemp("cbcs"))


@pytest.fixture(scope="session")
async def cenc(
    tools: ToolPaths, tracks_23976: tuple[TrackFile, ...], tmp_path_factory: pytest.TempPathFactory
) -> Packaged:
    return await package(tools, plan_of(tracks_23976, "cenc"), tmp_path_factory.mktemp("cenc"))


@pytest.fixture(scope="session")
async def clear(
    tools: ToolPaths, tracks_24: tuple[TrackFile, ...], tmp_path_factory: pytest.TempPathFactory
) -> Packaged:
    return await package(tools, plan_of(tracks_24, "clear", segment_s=6), tmp_path_factory.mktemp("clear"))


@pytest.fixture(scope="session", params=["cbcs", "cenc"])
def packaged(request: pytest.FixtureRequest, cbcs: Packaged, cenc: Packaged) -> Packaged:
    return cbcs if request.param == "cbcs" else cenc


async def package(tools: ToolPaths, plan: PresentationPlan, folder: Path) -> Packaged:
    tree = await package_presentation(tools, plan, out_dir=folder, on_progress=lambda _: None)
    return Packaged(plan, folder, tree)


def plan_of(
    tracks: tuple[TrackFile, ...], scheme: Literal["cbcs", "cenc", "clear"], *, segment_s: Literal[2, 4, 6] = 2
) -> PresentationPlan:
    rate = next(item.track.frame_rate for item in tracks if isinstance(item.track, Rendition))
    keys = () if scheme == "clear" else KEYS
    return PresentationPlan(tracks, keys, PackagingRecipe(segment_s=segment_s, scheme=scheme), rate)


def make_tracks(tools: ToolPaths, folder: Path, rate: Fraction) -> tuple[TrackFile, ...]:
    """Two sizes of H.264 (so that SD and HD keys are used), one HEVC, one AV1, AAC in two languages."""
    videos = [make_rendition(tools, folder, shape, rate) for shape in SIZES]
    return (
        *videos,
        make_audio(tools, folder, "eng", 440, FRAMES / rate),
        make_audio(tools, folder, "fra", 660, FRAMES / rate),
    )


def make_rendition(
    tools: ToolPaths,
    folder: Path,
    shape: tuple[Codec, int, int],
    rate: Fraction,
    *,
    idr: tuple[int, ...] = IDR_FRAMES,
    picture: str = "testsrc2",
    transfer: str = "bt709",
) -> TrackFile:
    """Makes a rendition: SDR in 8 bits, or PQ or HLG in 10 by ffmpeg's name of the transfer."""
    codec, width, height = shape
    is_hdr = transfer != "bt709"
    name = f"video_{'hdr_' if is_hdr else ''}{codec.value}_{height}p"
    path = folder / f"{name}.mp4"
    times = ",".join(f"{max(0.0, float((frame - Fraction(1, 2)) / rate)):.6f}" for frame in idr)
    primaries, matrix = ("bt2020", "bt2020nc") if is_hdr else ("bt709", "bt709")
    color = f"setparams=range=tv:color_primaries={primaries}:color_trc={transfer}:colorspace={matrix}"
    timescale = rate.numerator * (1000 if rate.denominator == 1 else 1)
    run(
        [
            *(tools.ffmpeg, "-y", "-v", "error", "-f", "lavfi", "-i", f"{picture}=size={width}x{height}:rate={rate}"),
            *(
                "-frames:v",
                str(FRAMES),
                "-vf",
                f"format=yuv420p{'10le' if is_hdr else ''},setsar=1,{color}",
                *_ENCODERS[codec].split(),
            ),
            *("-force_key_frames", times, "-video_track_timescale", str(timescale), str(path)),
        ]
    )
    size = path.stat().st_size
    rendition = Rendition(
        file=stored(path),
        name=name,
        codec=codec,
        resolution=Resolution(width_px=width, height_px=height),
        frame_rate=rate,
        frames=FRAMES,
        bitrate_bps=float(8 * size * rate / FRAMES),
        peak_bitrate_bps=float(8 * size * rate / FRAMES),
    )
    return TrackFile(rendition, path)


def make_audio(
    tools: ToolPaths, folder: Path, language: str, hertz: int, seconds: Fraction, channels: int = 2
) -> TrackFile:
    path = folder / f"audio_{language}_{channels}.mp4"
    run(
        [
            *(tools.ffmpeg, "-y", "-v", "error", "-f", "lavfi", "-i", f"sine=f={hertz}:r=48000:d={float(seconds)}"),
            *("-ac", str(channels), "-c:a", "aac", "-b:a", "96k", "-metadata:s:a:0", f"language={language}", str(path)),
        ]
    )
    audio = EncodedAudio(
        file=stored(path),
        name=f"audio_{language}_{channels}ch",
        language=language,
        channels=channels,
        bitrate_bps=96_000,
        loudness_lufs=-23.0,
        true_peak_dbtp=-1.0,
        is_default=language == "eng" and channels == 2,
    )
    return TrackFile(audio, path)


def stored(path: Path) -> StoredFile:
    content = path.read_bytes()
    return StoredFile(uri=f"s3://test/{path.name}", sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def run(argv: list[str]) -> None:
    subprocess.run(argv, check=True, env={"SVT_LOG": "0"}, stdin=subprocess.DEVNULL, timeout=120)


def tree_digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def with_key(plan: PresentationPlan, label: KeyLabel, change: Callable[[TrackKey], TrackKey]) -> PresentationPlan:
    return replace(plan, keys=tuple(change(key) if key.label == label else key for key in plan.keys))


SUBTITLES = """WEBVTT

STYLE
::cue { color: yellow }

1
00:00:00.500 --> 00:00:01.500 line:80%
Good evening.

00:00:03.500 --> 00:00:06.250
<i>Across</i> two borders

00:00:05.000 --> 00:00:05.500
at the same time & after
two lines
"""


def make_text(folder: Path, language: str, role: TextRole = "subtitle", *, is_default: bool = False) -> TrackFile:
    path = folder / f"text_{language}_{role}.vtt"
    path.write_text(SUBTITLES, "utf-8")
    name = f"text_{language}_{role.replace('-', '_')}"
    text = TextTrack(file=stored(path), name=name, language=language, role=role, is_default=is_default, cues=3)
    return TrackFile(text, path)


def make_thumbnails(tools: ToolPaths, folder: Path) -> TrackFile:
    """A still every second, four to a sheet: three sheets of a title of 10.4 s, the last with empty tiles."""
    sheets = folder / "sheets"
    sheets.mkdir()
    run(
        [
            *(tools.ffmpeg, "-y", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=1:duration=11"),
            *("-vf", "scale=160:90,tile=2x2", "-q:v", "5", str(sheets / "%03d.jpg")),
        ]
    )
    thumbnails = Thumbnails(
        sheets=tuple(stored(path) for path in sorted(sheets.iterdir())),
        name="thumbnails_160x90",
        tile=Resolution(width_px=160, height_px=90),
        columns=2,
        rows=2,
        interval_s=Fraction(1),
        stills=11,
    )
    return TrackFile(thumbnails, sheets)
