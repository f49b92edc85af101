"""What a coded file holds, read without decoding: packet sizes, key frames, decoder configuration."""

from dataclasses import dataclass
from pathlib import Path

import av

from media.errors import ToolOutputInvalid


@dataclass(frozen=True, slots=True)
class PacketTable:
    """The packets of a file's video track in presentation order."""

    sizes_bytes: tuple[int, ...]
    key_frames: tuple[int, ...]
    """Indices of frames whose packet is flagged as key."""
    configuration: bytes
    """Decoder configuration (avcC, hvcC or av1C)."""


def read_packets(path: Path) -> PacketTable:
    """Reads the packets of the first video track.

    Raises:
        ToolOutputInvalid: if the file does not open, or a packet has no time stamp.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            packets = [(p.pts, p.size, p.is_keyframe) for p in container.demux(stream) if p.size]
            configuration = bytes(stream.codec_context.extradata or b"")
    except (av.FFmpegError, IndexError) as error:
        raise ToolOutputInvalid(path.name, found=str(error), expected="a coded video file") from error
    if any(pts is None for pts, _, _ in packets):
        raise ToolOutputInvalid(path.name, found="a packet without time stamp", expected="a time stamp on each packet")
    ordered = sorted(packets, key=lambda packet: packet[0] or 0)
    return PacketTable(
        sizes_bytes=tuple(size for _, size, _ in ordered),
        key_frames=tuple(index for index, (_, _, key) in enumerate(ordered) if key),
        configuration=configuration,
    )


def check_packets(packets: PacketTable, *, where: str, frames: int, idr_frames: tuple[int, ...]) -> None:
    """Checks frame count and IDR positions.

    Raises:
        ToolOutputInvalid: if either differs from the plan.
    """
    if len(packets.sizes_bytes) != frames:
        raise ToolOutputInvalid(where, found=f"{len(packets.sizes_bytes)} frames encoded", expected=f"{frames} frames")
    if packets.key_frames != idr_frames:
        raise ToolOutputInvalid(
            where, found=f"IDR frames {list(packets.key_frames)}", expected=f"IDR frames {list(idr_frames)}"
        )
