"""A track as one file: the same segments, one behind the other, behind an index of them.

One object for each track instead of thousands; players ask for byte ranges. Source: ISO/IEC 14496-12:2022, 8.16.3
(sidx); ISO/IEC 23009-1, 5.3.9.2 (SegmentBase); RFC 8216bis, 4.4.4.2 (EXT-X-BYTERANGE).
"""

import shutil
from collections.abc import Callable

from media.packaging.box_writer import full_box, u16, u32, u64
from media.packaging.boxes import read_boxes
from media.packaging.segment_index import TRACK_FILE, TrackIndex

_SAP_TYPE_1 = 0b1001 << 28
"""The segment starts with a stream access point of type 1 (14496-12, 8.16.3.3)."""
# The file has one index for all, so those of the segments and their type boxes would only be in the way.
_LEFT_OUT = frozenset({"styp", "sidx"})


def join_segments(index: TrackIndex, on_progress: Callable[[str], None]) -> None:
    """Makes one file of a folder's initialization segment and segments, which are removed.

    Args:
        index: The track, in segments.
        on_progress: Called after each segment.
    """
    folder = index.init.path.parent
    sizes = [_kept_bytes(index, number) for number in range(len(index.segments))]
    partial = folder / f"{TRACK_FILE}.part"
    with partial.open("wb") as joined:
        joined.write(index.init.path.read_bytes())
        joined.write(segment_index_box(index, sizes))
        for segment in index.segments:
            path = folder / segment.name
            with path.open("rb") as source:
                for start, size in _kept_ranges(index, segment.name):
                    source.seek(start)
                    joined.write(source.read(size))
            path.unlink()
            on_progress(f"{index.name}/{segment.name} joined")
    index.init.path.unlink()
    shutil.move(partial, folder / TRACK_FILE)


def segment_index_box(index: TrackIndex, sizes: list[int]) -> bytes:
    """Returns the sidx box of a track; the first segment follows it.

    Args:
        index: The track.
        sizes: Bytes of each segment.
    """
    references = [
        u32(size, segment.duration, _SAP_TYPE_1 if segment.starts_with_sync else 0)
        for size, segment in zip(sizes, index.segments, strict=True)
    ]
    start = index.segments[0].start if index.segments else 0
    return full_box(
        "sidx", u32(1, index.timescale), u64(start, 0), u16(0, len(references)), b"".join(references), version=1
    )


def _kept_bytes(index: TrackIndex, number: int) -> int:
    return sum(size for _, size in _kept_ranges(index, index.segments[number].name))


def _kept_ranges(index: TrackIndex, name: str) -> list[tuple[int, int]]:
    """Returns (offset, size) of the boxes of a segment file that go into the track file."""
    path = index.init.path.parent / name
    boxes = [(offset, found.kind) for offset, found in read_boxes(path, skip=frozenset({"mdat", "moof"}))]
    ends = [*(offset for offset, _ in boxes[1:]), path.stat().st_size]
    return [(offset, end - offset) for (offset, kind), end in zip(boxes, ends, strict=True) if kind not in _LEFT_OUT]
