"""Presentations to check: ours, and raw output of the real packager as people make it without knowing its traps.

Two runs of the packager show all defects that can be seen in files (list: docs/checks.md).
"""

from fractions import Fraction
from pathlib import Path

import pytest

from domain.video import Codec
from media.command import command
from media.packaging.plan import TrackFile
from media.process import run_tool
from media.rules.model import PresentationOnDisk
from media.rules.reader import read_presentation
from media.tools import ToolPaths
from tests.media.packaging.conftest import (
    IDR_FRAMES,
    KEYS,
    Packaged,
    cbcs,
    cenc,
    clear,
    make_rendition,
    tools,
    tracks_24,
    tracks_23976,
)

__all__ = ["cbcs", "cenc", "clear", "tools", "tracks_24", "tracks_23976"]
_LABELS = {"video_h264_180p": "SD", "video_h264_720p": "HD", "audio_eng_2ch": "AUDIO"}
_SUBTITLES = """WEBVTT

00:00:00.500 --> 00:00:01.500
one

00:00:04.000 --> 00:00:07.500
two

00:00:08.000 --> 00:00:10.000
three
"""


@pytest.fixture(scope="session")
def ours(cbcs: Packaged) -> PresentationOnDisk:
    return read_presentation(cbcs.folder)


@pytest.fixture(scope="session")
async def raw(tools: ToolPaths, tracks_24: tuple[TrackFile, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cbcs with a clear lead, CommonSystem, one key URI, trick play, raw WebVTT segments: nothing mended."""
    folder = tmp_path_factory.mktemp("raw")
    subtitles = tmp_path_factory.mktemp("subtitles") / "en.vtt"
    subtitles.write_text(_SUBTITLES, "utf-8")
    chosen = [item for item in tracks_24 if item.name in _LABELS]
    trick = f"{_stream(chosen[0], folder, 'trick')},trick_play_factor=1"
    text = (
        f"in={subtitles},stream=text,segment_template={folder}/text/$Number$.vtt,playlist_name=text/playlist.m3u8,"
        "hls_group_id=text,hls_name=English,lang=en"
    )
    scheme = ("--protection_scheme", "cbcs", "--protection_systems", "Widevine,PlayReady,FairPlay,CommonSystem")
    extra = ("--hls_key_uri", "skd://example/asset", "--clear_lead", "2", "--per_playlist_target_duration")
    streams = [*(_stream(item, folder) for item in chosen), trick, text]
    await _package(tools, folder, streams, [*scheme, *extra])
    return folder


@pytest.fixture(scope="session")
async def raw_misaligned(
    tools: ToolPaths, tracks_24: tuple[TrackFile, ...], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Cenc with CommonSystem alone; one of two renditions has its IDRs a frame late."""
    folder, clear = tmp_path_factory.mktemp("misaligned"), tmp_path_factory.mktemp("late")
    idr = tuple(frame + 1 if frame == 96 else frame for frame in IDR_FRAMES)
    late = make_rendition(tools, clear, (Codec.H264, 160, 90), Fraction(24), idr=idr)
    streams = [_stream(tracks_24[0], folder), _stream(late, folder, label="SD")]
    scheme = ("--protection_scheme", "cenc", "--protection_systems", "CommonSystem", "--clear_lead", "0")
    await _package(tools, folder, streams, scheme)
    return folder


def _stream(item: TrackFile, folder: Path, name: str = "", label: str = "") -> str:
    out = name or item.name
    kind = item.name.partition("_")[0]
    parts = [
        f"in={item.path},stream={kind},init_segment={folder}/{out}/init.mp4",
        f"segment_template={folder}/{out}/$Number%05d$.m4s,playlist_name={out}/playlist.m3u8",
        f"drm_label={label or _LABELS[item.name]}",
    ]
    if kind == "audio":
        parts.append("hls_group_id=audio,hls_name=English,lang=en")
    elif not name:
        parts.append(f"iframe_playlist_name={out}/iframes.m3u8")
    return ",".join(parts)


async def _package(tools: ToolPaths, folder: Path, streams: list[str], flags: "list[str] | tuple[str, ...]") -> None:
    keys = ",".join(f"label={key.label}:key_id={key.kid}:key={key.key.hex()}" for key in KEYS)
    await run_tool(
        command(
            [
                *(tools.packager, *streams, "--flagfile=/dev/stdin", *flags, "--segment_duration", "2"),
                *("--mpd_output", f"{folder}/manifest.mpd", "--generate_static_live_mpd"),
                *("--hls_master_playlist_output", f"{folder}/master.m3u8", "--hls_playlist_type", "VOD"),
                *("--default_language", "en", "--quiet"),
            ],
            purpose="raw presentation",
        ),
        stdin=f"--enable_raw_key_encryption\n--keys={keys}\n".encode(),
    )
