"""A shot's raw pictures, for programs that read the same shot one after the other.

A search reads a shot in a process for each of its rounds. Decoding lossless H.264 costs each of them 5 ms for a picture
of 720p, reading raw pictures 0.6 ms (48 frames of a film: 0.25 against 0.03 CPU-s). So the shot is decoded once. And
scaling it costs each of them 1.6 ms for a picture of 540p. So it is scaled once, too.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import av

from domain.video import Color, Resolution
from media.bench import Bench, ShotPiece
from media.command import Command, command
from media.encoders.arguments import delivered_format, scaling_filters
from media.errors import ToolOutputInvalid
from media.process import run_tool
from media.progress import OPENING_ARGUMENTS, PROGRESS_ARGUMENTS, frame_reader

MOST_RAW_BYTES = 1_000_000_000
"""Shots of more raw bytes stay as they are: 13 s of 1080p with 8 bits. Disks are not to be filled to save a decode. All
smaller sizes together take about as much again."""
_SDR = Color()
_FORM = ("pix_fmt", "width", "height")
_SAYINGS = {
    "color_range": "-color_range",
    "color_space": "-colorspace",
    "color_primaries": "-color_primaries",
    "color_transfer": "-color_trc",
    "chroma_location": "-chroma_sample_location",
}
"""What raw pictures do not say of themselves: ffprobe's name of it, and ffmpeg's option that says it of an input."""


@dataclass(frozen=True, slots=True)
class Unpacking:
    """What becomes of a shot, as far as its form tells. Sizes in bytes."""

    raw_bytes: int
    """Of its raw pictures; 0 if it stays as it is."""
    scaled: tuple[Resolution, ...]
    """The sizes at which its pictures lie there too, as encoders are given them."""
    scaled_bytes: int

    @classmethod
    def of(
        cls, pixel_format: str, size: Resolution, frames: int, sizes: Sequence[Resolution] = (), color: Color = _SDR
    ) -> "Unpacking":
        """Returns what becomes of a shot.

        Args:
            pixel_format: ffmpeg's name of it.
            size: of the pictures.
            frames: of the shot.
            sizes: that will be encoded.
            color: of the shot: it decides about the sample format that encoders are given.
        """
        whole_bytes = raw_bytes(pixel_format, size, frames)
        if whole_bytes > MOST_RAW_BYTES:
            return cls(0, (), 0)
        smaller = tuple(other for other in sizes if other.pixels < size.pixels)
        return cls(whole_bytes, smaller, sum(raw_bytes(delivered_format(color), other, frames) for other in smaller))


def raw_bytes(pixel_format: str, size: Resolution, frames: int) -> int:
    """Returns the size of raw pictures.

    Args:
        pixel_format: ffmpeg's name of it.
        size: of the pictures.
        frames: how many there are.
    """
    bits = av.VideoFormat(pixel_format, size.width_px, size.height_px).padded_bits_per_pixel
    return -(-bits * size.pixels * frames // 8)


async def unpack(
    bench: Bench, piece: ShotPiece, sizes: Sequence[Resolution] = (), color: Color = _SDR
) -> tuple[ShotPiece, float]:
    """Decodes a shot into raw pictures; returns the same shot to be read from there, and the CPU seconds.

    Programs that read it make the same bytes and scores as from the piece itself (tested for all codecs). A shot that
    is too large for that is returned as it is.

    Args:
        bench: Where the pictures are put; the caller removes them with its folder.
        piece: The lossless shot.
        sizes: What will be encoded: smaller ones than the shot's own are scaled now.
        color: What encodes of it say of their colors.

    Raises:
        ToolFailed, ToolStalled: if ffmpeg or ffprobe does.
        ToolOutputInvalid: if ffprobe finds no pictures in the piece.
    """
    looked = await run_tool(describe_command(bench.tools.ffprobe, piece))
    track = _track(looked.stdout, piece)
    size = Resolution(width_px=int(track["width"]), height_px=int(track["height"]))
    plan = Unpacking.of(track["pix_fmt"], size, piece.frames, sizes, color)
    if not plan.raw_bytes:
        return piece, looked.cpu_s
    scaled = {size: bench.scratch / f"raw_{size}.nut" for size in plan.scaled}
    raw = ShotPiece(bench.scratch / "raw.nut", piece.frames, piece.frame_rate, piece.label, _said(track), scaled)
    run = await run_tool(unpack_command(bench.tools.ffmpeg, piece, raw, color), on_line=frame_reader(bench.on_progress))
    return raw, looked.cpu_s + run.cpu_s


def describe_command(ffprobe: str, piece: ShotPiece) -> Command:
    """Builds the command that tells a piece's form and colors."""
    entries = ["-select_streams", "v:0", "-show_entries", f"stream={','.join((*_FORM, *_SAYINGS))}", "-of", "json"]
    return command(
        [ffprobe, "-v", "error", *entries, f"file:{piece.path}"], purpose=f"form and colors of {piece.label}"
    )


def unpack_command(ffmpeg: str, piece: ShotPiece, raw: ShotPiece, color: Color = _SDR) -> Command:
    """Builds the command that decodes a piece, and scales it. NUT holds raw pictures of every pixel format."""
    as_raw = ("-fps_mode", "passthrough", "-enc_time_base:v", "demux", "-c:v", "rawvideo", "-f", "nut")
    argv = [
        ffmpeg, *OPENING_ARGUMENTS, *PROGRESS_ARGUMENTS,
        "-threads", "1", "-filter_threads", "1", "-filter_complex_threads", "1", *piece.input_arguments,
    ]  # fmt: skip
    if raw.scaled:
        chains = (f"[0:v:0]{scaling_filters(size, color)}[s{place}]" for place, size in enumerate(raw.scaled))
        argv += ["-filter_complex", ";".join(chains)]
    argv += ["-map", "0:v:0", *as_raw, f"file:{raw.path}"]
    for place, path in enumerate(raw.scaled.values()):
        argv += ["-map", f"[s{place}]", *as_raw, f"file:{path}"]
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
