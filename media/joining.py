"""Joining shots without re-encoding, and checking what came out."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av

from domain.hdr import HdrMetadata
from domain.video import Codec, Color
from media.bench import Bench
from media.command import Command, command
from media.encoders.arguments import track_timescale
from media.errors import ToolOutputInvalid
from media.hdr_check import check_hdr_output
from media.packets import PacketTable, check_packets, read_packets
from media.process import run_tool
from media.progress import OPENING_ARGUMENTS, PROGRESS_ARGUMENTS, frame_reader


@dataclass(frozen=True, slots=True)
class JoinPlan:
    """What a joined rendition must be."""

    codec: Codec
    frame_rate: Fraction
    idr_frames: tuple[int, ...]
    frames: int
    label: str
    """For people: ``video_h264_720p_2400k``."""
    color: Color = field(default_factory=Color)
    hdr: HdrMetadata | None = None
    """Static metadata that it must carry; ``None`` for SDR, which is not looked at."""


async def join_shots(bench: Bench, shots: Sequence[Path], plan: JoinPlan) -> tuple[Path, PacketTable, float]:
    """Joins the encodes of all shots into one file and checks it; returns file, packets and CPU seconds.

    Checked: one decoder configuration for all shots, frame count, IDR positions, every coded byte equal to the
    shots' own (so that what was measured shot by shot is what plays), and a strict decode of the whole.

    Raises:
        ToolFailed, ToolStalled: if ffmpeg does; a picture that does not decode clean counts.
        ToolOutputInvalid: if any check fails.
    """
    _check_configurations(shots, plan.label)
    joined = bench.scratch / f"{plan.label}.mp4"
    made = await run_tool(join_command(bench.tools.ffmpeg, write_list(bench.scratch, shots), joined, plan))
    packets = read_packets(joined)
    check_packets(packets, where=plan.label, frames=plan.frames, idr_frames=plan.idr_frames)
    if payload_digest([joined]) != payload_digest(shots):
        raise ToolOutputInvalid(plan.label, found="other coded bytes than in its shots", expected="the same bytes")
    if plan.hdr is not None:
        check_hdr_output(joined, plan.color, plan.hdr, where=plan.label)
    decoded_s = await check_decode(bench, joined, plan)
    return joined, packets, made.cpu_s + decoded_s


def join_command(ffmpeg: str, listing: Path, joined: Path, plan: JoinPlan) -> Command:
    """Builds the joining command line."""
    argv: list[str | int] = [ffmpeg, *OPENING_ARGUMENTS, "-y", "-f", "concat", "-safe", "0", "-i", f"file:{listing}"]
    argv += ["-map", "0:v:0", "-c", "copy", "-map_metadata", "-1", "-fflags", "+bitexact"]
    if plan.codec is Codec.H264:
        # The concat demuxer puts SPS and PPS back into the stream; an avc1 track has them in its sample entry only.
        argv += ["-bsf:v", "filter_units=remove_types=7-8"]
    if plan.codec is Codec.HEVC:
        argv += ["-bsf:v", "filter_units=remove_types=32-34", "-tag:v", "hvc1"]
    argv += ["-video_track_timescale", track_timescale(plan.frame_rate), f"file:{joined}"]
    return command(argv, purpose=f"joining {plan.label}")


async def check_decode(bench: Bench, path: Path, plan: JoinPlan) -> float:
    """Decodes a whole file strictly and counts its frames; returns CPU seconds.

    Raises:
        ToolFailed: if any picture does not decode clean.
        ToolOutputInvalid: if the number of decoded frames differs from the plan.
    """
    seen = 0

    def note(frames: int) -> None:
        nonlocal seen
        seen = frames
        bench.on_progress(frames)

    argv = [bench.tools.ffmpeg, *OPENING_ARGUMENTS, *PROGRESS_ARGUMENTS, "-threads", "1", "-xerror"]
    argv += ["-err_detect", "explode", "-i", f"file:{path}", "-fps_mode", "passthrough", "-f", "null", "-"]
    run = await run_tool(command(argv, purpose=f"strict decode of {plan.label}"), on_line=frame_reader(note))
    if seen != plan.frames:
        raise ToolOutputInvalid(plan.label, found=f"{seen} frames decoded", expected=f"{plan.frames} frames")
    return run.cpu_s


def payload_digest(paths: Sequence[Path]) -> str:
    """Returns the SHA-256 over all coded packets of the files' video tracks, in decoding order."""
    digest = hashlib.sha256()
    for path in paths:
        for payload in _payloads(path):
            digest.update(payload)
    return digest.hexdigest()


def _payloads(path: Path) -> Iterator[bytes]:
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                yield bytes(packet)


def _check_configurations(shots: Sequence[Path], label: str) -> None:
    first = read_packets(shots[0]).configuration
    for number, shot in enumerate(shots):
        if read_packets(shot).configuration != first:
            raise ToolOutputInvalid(
                f"{label}, shot {number}",
                found="another decoder configuration than shot 0",
                expected="one configuration for the whole rendition",
            )


def write_list(scratch: Path, files: Sequence[Path]) -> Path:
    """Writes a list for ffmpeg's concat demuxer.

    Source: https://ffmpeg.org/ffmpeg-formats.html#concat-1
    """
    listing = scratch / "shots.ffconcat"
    quoted = (str(path.resolve()).replace("'", "'\\''") for path in files)
    listing.write_text("ffconcat version 1.0\n" + "".join(f"file 'file:{path}'\n" for path in quoted), encoding="utf-8")
    return listing
