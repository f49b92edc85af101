"""What was probed is what is read: no later reader takes a source for another container."""

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from domain.recipe import AudioRecipe
from domain.shots import ShotList
from domain.video import AudioTrack, Color, SubtitleTrack, VideoTrack
from media.audio import Order, Programme, measure_command, versions_of
from media.command import Command
from media.decode_check import (
    decode_audio_command,
    decode_video_command,
    field_motion_command,
    hash_normalized_command,
)
from media.errors import ToolFailed, UnreadableSource
from media.hdr import first_picture_command
from media.probe import DEMUXERS, LocalSource, parse_probe, probe_command
from media.process import run_tool
from media.shot_detection import scan_command
from media.shot_list import LengthLimits, list_shots
from media.split import split_command
from media.text.embedded import extract_command
from media.tools import ToolPaths
from sample_media.faults import make_plain
from tests.media.conftest import opened

VIDEO = VideoTrack(
    stream_index=0, codec_name="h264", width_px=320, height_px=180, frames=25, frame_rate=Fraction(25),
    pixel_format="yuv420p", bit_depth=8, color=Color(),
)  # fmt: skip
SOUND = AudioTrack(stream_index=1, codec_name="aac", channels=2, channel_layout="stereo", sample_rate_hz=48000)
OUT = Path("/out/file")


def shots() -> ShotList:
    return list_shots((), (0.0,) * 25, LengthLimits(min_frames=1, max_frames=100, grid_frames=1))


def sound_order() -> Order:
    recipe = AudioRecipe()
    return Order(SOUND, versions_of(SOUND, recipe)[0], Programme(Fraction(0), Fraction(1)), recipe, 1)


Build = Callable[[LocalSource], Command]
READERS: dict[str, Build] = {
    "decode": lambda source: decode_video_command("ffmpeg", source, stream_index=0, filters="null"),
    "normalized": lambda source: hash_normalized_command("ffmpeg", source, video=VIDEO, filters="null"),
    "fields": lambda source: field_motion_command("ffmpeg", source, stream_index=0, order="tff", look="rows"),
    "sound": lambda source: decode_audio_command("ffmpeg", source, stream_index=1),
    "side data": lambda source: first_picture_command("ffprobe", source, stream_index=0),
    "split": lambda source: split_command("ffmpeg", source, video=VIDEO, shots=shots(), out_dir=Path("/out")),
    "loudness": lambda source: measure_command("ffmpeg", source, sound_order()),
    "text": lambda source: extract_command("ffmpeg", source, SubtitleTrack(stream_index=2, codec_name="srt"), OUT),
}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_names_the_demuxer_of_the_probe_and_allows_no_other(reader: str) -> None:
    argv = READERS[reader](LocalSource(Path("/in/source"), "mxf")).argv
    opening = argv[: argv.index("-i")]
    assert opening[opening.index("-f") + 1] == "mxf"
    assert opening[opening.index("-format_whitelist") + 1] == "mxf"


def test_a_container_is_read_by_its_first_name_and_unknown_ones_by_none() -> None:
    assert LocalSource.of_container(Path("a"), "mov,mp4,m4a,3gp,3g2,mj2").demuxer == "mov"
    assert LocalSource.of_container(Path("a"), "matroska,webm").demuxer in DEMUXERS.split(",")
    for container in ("hls", "", "concat,mov", "mo"):
        with pytest.raises(UnreadableSource, match="CNT-002 source: container"):
            LocalSource.of_container(Path("a"), container)


async def test_a_file_that_is_two_things_is_read_as_what_the_probe_said(tools: ToolPaths, tmp_path: Path) -> None:
    """A whole transport stream in a box of a MOV: either reader finds pictures in it."""
    movie = await make_plain(tmp_path, "movie.mov")
    stream = await make_plain(tmp_path, "stream.ts", filters="crop=300:180")
    hidden = stream.read_bytes()
    both = tmp_path / "both.ts"
    both.write_bytes(movie.read_bytes() + (8 + len(hidden)).to_bytes(4, "big") + b"free" + hidden)
    said = parse_probe((await run_tool(probe_command(tools.ffprobe, both))).stdout, where="source")
    source = LocalSource.of_container(both, said.container)
    assert source.demuxer == "mov"
    for demuxer, width_px in (("mov", 320), ("mpegts", 300)):
        shown = (await run_tool(_sizes(tools, LocalSource(both, demuxer)))).stdout
        assert f", {width_px * 180 * 3 // 2}, " in " ".join(shown.split())


def _sizes(tools: ToolPaths, source: LocalSource) -> Command:
    return decode_video_command(tools.ffmpeg, source, stream_index=0, filters="format=yuv420p")


@pytest.mark.parametrize("reader", ["ffmpeg", "PyAV"])
async def test_a_source_that_became_another_container_is_not_read_again(
    reader: str, tools: ToolPaths, tmp_path: Path
) -> None:
    source = opened(await make_plain(tmp_path, "source.mov"))
    look = _sizes(tools, source) if reader == "ffmpeg" else scan_command(sys.executable, source, stream_index=0)
    await run_tool(look)
    (await make_plain(tmp_path, "other.mkv")).rename(source.path)
    with pytest.raises(ToolFailed):
        await run_tool(look)
