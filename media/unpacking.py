"""A shot's raw pictures, for programs that read the same shot one after the other.

A search reads a shot in a process for each of its rounds. Decoding lossless H.264 costs each of them 5 ms for a picture
of 720p, reading raw pictures 0.6 ms (48 frames of a film: 0.25 against 0.03 CPU-s). So the shot is decoded once.
"""

import json

import av

from domain.video import Resolution
from media.bench import Bench, ShotPiece
from media.command import Command, command
from media.errors import ToolOutputInvalid
from media.process import run_tool
from media.progress import OPENING_ARGUMENTS, PROGRESS_ARGUMENTS, frame_reader

MOST_RAW_BYTES = 1_000_000_000
"""Shots of more raw bytes stay as they are: 14 s of 1080p with 8 bits. Disks are not to be filled to save a decode."""
_FORM = ("pix_fmt", "width", "height")
_SAYINGS = {
    "color_range": "-color_range",
    "color_space": "-colorspace",
    "color_primaries": "-color_primaries",
    "color_transfer": "-color_trc",
    "chroma_location": "-chroma_sample_location",
}
"""What raw pictures do not say of themselves: ffprobe's name of it, and ffmpeg's option that says it of an input."""


def raw_bytes(pixel_format: str, size: Resolution, frames: int) -> int:
    """Returns the size of a shot's raw pictures.

    Args:
        pixel_format: ffmpeg's name of it.
        size: of the pictures.
        frames: of the shot.
    """
    bits = av.VideoFormat(pixel_format, size.width_px, size.height_px).padded_bits_per_pixel
    return -(-bits * size.pixels * frames // 8)


def is_unpacked(pixel_format: str, size: Resolution, frames: int) -> bool:
    """Tells whether a shot is small enough to lie there raw."""
    return raw_bytes(pixel_format, size, frames) <= MOST_RAW_BYTES


async def unpack(bench: Bench, piece: ShotPiece) -> tuple[ShotPiece, float]:
    """Decodes a shot into raw pictures; returns the same shot to be read from there, and the CPU seconds.

    Programs that read it make the same bytes and scores as from the piece itself (tested for all codecs). A shot that
    is too large for that is returned as it is.

    Args:
        bench: Where the pictures are put; the caller removes them with its folder.
        piece: The lossless shot.

    Raises:
        ToolFailed, ToolStalled: if ffmpeg or ffprobe does.
        ToolOutputInvalid: if ffprobe finds no pictures in the piece.
    """
    looked = await run_tool(describe_command(bench.tools.ffprobe, piece))
    track = _track(looked.stdout, piece)
    size = Resolution(width_px=int(track["width"]), height_px=int(track["height"]))
    if not is_unpacked(track["pix_fmt"], size, piece.frames):
        return piece, looked.cpu_s
    raw = ShotPiece(bench.scratch / "raw.nut", piece.frames, piece.frame_rate, piece.label, _said(track))
    run = await run_tool(unpack_command(bench.tools.ffmpeg, piece, raw), on_line=frame_reader(bench.on_progress))
    return raw, looked.cpu_s + run.cpu_s


def describe_command(ffprobe: str, piece: ShotPiece) -> Command:
    """Builds the command that tells a piece's form and colors."""
    entries = ["-select_streams", "v:0", "-show_entries", f"stream={','.join((*_FORM, *_SAYINGS))}", "-of", "json"]
    return command(
        [ffprobe, "-v", "error", *entries, f"file:{piece.path}"], purpose=f"form and colors of {piece.label}"
    )


def unpack_command(ffmpeg: str, piece: ShotPiece, raw: ShotPiece) -> Command:
    """Builds the command that decodes a piece. NUT holds raw pictures of every pixel format."""
    argv = [
        ffmpeg, *OPENING_ARGUMENTS, *PROGRESS_ARGUMENTS, "-threads", "1", *piece.input_arguments,
        "-map", "0:v:0", "-fps_mode", "passthrough", "-enc_time_base:v", "demux", "-c:v", "rawvideo",
        "-f", "nut", f"file:{raw.path}",
    ]  # fmt: skip
    return command(argv, purpose=f"raw pictures of {piece.label}")


def _track(text: str, piece: ShotPiece) -> dict[str, str]:
    try:
        track = {name: str(value) for name, value in json.loads(text)["streams"][0].items()}
    except (ValueError, KeyError, IndexError) as error:
        raise ToolOutputInvalid(piece.label, found=f"ffprobe's answer: {error!r}", expected="a video track") from error
    if missing := [name for name in _FORM if name not in track]:
        raise ToolOutputInvalid(piece.label, found=f"no {', '.join(missing)}", expected="a video track")
    return track


def _said(track: dict[str, str]) -> tuple[str, ...]:
    said = {option: track.get(name, "unknown") for name, option in _SAYINGS.items()}
    return tuple(word for option, value in said.items() if value != "unknown" for word in (option, value))
