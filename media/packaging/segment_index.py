"""What really lies in the segments: times, sizes, sync samples and encryption, read back from the files.

Sources: ISO/IEC 14496-12:2022 for times (8.4.2 mdhd, 8.6.6 elst, 8.8.3 trex, 8.8.7 tfhd, 8.8.8 trun, 8.8.12 tfdt);
ISO/IEC 23001-7:2023 for encryption (7.2 senc, 8.2 tenc), see ``track_header`` and ``fragments``.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from media.errors import PresentationInvalid
from media.packaging.boxes import Box, read_boxes
from media.packaging.fragments import Fragment, read_fragment
from media.packaging.track_header import TrackHeader, read_track_header

TRACK_FILE = "track.mp4"
"""Name of a track that is stored as one file."""


class ByteRange(NamedTuple):
    """Bytes of a file."""

    path: Path
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; times in ticks of the track on the presentation's time axis (after the edit list)."""

    name: str
    """Name of its file, which it shares with all others if the track is one file."""
    start: int
    duration: int
    size_bytes: int
    starts_with_sync: bool
    samples: int
    fragments: int
    clear_samples: int
    """Samples that are not encrypted although they are large enough to be."""
    protected_bytes: int
    fragments_without_senc: int
    offset: int
    """Where it begins in its file, in bytes."""
    iframe_offset: int
    """Where its first ``moof`` begins in the file."""
    iframe_bytes: int
    """Bytes that a player needs from there for the first picture."""


@dataclass(frozen=True)
class TrackIndex:
    """One track of the presentation as it lies on disk."""

    name: str
    header: TrackHeader
    segments: tuple[Segment, ...]
    init: ByteRange
    """The initialization segment."""
    sidx: ByteRange | None = None
    """The segment index box of a track that is one file; ``None`` for segment files."""

    @property
    def is_one_file(self) -> bool:
        """The segments are byte ranges of one file."""
        return self.sidx is not None

    def range_of(self, segment: Segment) -> ByteRange:
        """Returns where a segment lies on disk."""
        return ByteRange(self.init.path.parent / segment.name, segment.offset, segment.size_bytes)

    @property
    def timescale(self) -> int:
        """Ticks per second."""
        return self.header.timescale

    @cached_property
    def starts_s(self) -> tuple[Fraction, ...]:
        """Exact start of each segment in seconds."""
        return tuple(Fraction(segment.start, self.timescale) for segment in self.segments)

    @cached_property
    def durations_s(self) -> tuple[Fraction, ...]:
        """Exact duration of each segment in seconds."""
        return tuple(Fraction(segment.duration, self.timescale) for segment in self.segments)

    @property
    def duration_s(self) -> Fraction:
        """Exact duration of the track in seconds."""
        return sum(self.durations_s, Fraction(0))

    @property
    def starts_are_sync(self) -> bool:
        """Every segment starts with a sync sample: it decodes without the others."""
        return all(segment.starts_with_sync for segment in self.segments)

    @property
    def mean_bps(self) -> int:
        """Mean rate in bits per second, containers included."""
        return mean_rate_bps(self._weights())

    def peak_bps(self, target_s: int) -> int:
        """Returns the peak rate in bits per second, containers included; see ``peak_rate_bps``."""
        return peak_rate_bps(self._weights(), target_s)

    def _weights(self) -> list[tuple[int, Fraction]]:
        return [(item.size_bytes, duration) for item, duration in zip(self.segments, self.durations_s, strict=True)]


def mean_rate_bps(weights: Iterable[tuple[int, Fraction]]) -> int:
    """Returns the mean rate in bits per second of (bytes, seconds)."""
    total = list(weights)
    return round(8 * sum(size for size, _ in total) / sum((seconds for _, seconds in total), Fraction(0)))


def peak_rate_bps(weights: Sequence[tuple[int, Fraction]], target_s: int) -> int:
    """Returns the largest rate in bits per second of neighbors that last 0.5 to 1.5 target durations together.

    Source: RFC 8216bis, 4.1, "peak segment bit rate". What is too short for any window counts as a whole.
    """
    peak = Fraction(0)
    for first in range(len(weights)):
        size, duration = 0, Fraction(0)
        for bytes_, seconds in weights[first:]:
            size, duration = size + bytes_, duration + seconds
            if duration > Fraction(3, 2) * target_s:
                break
            if duration >= Fraction(1, 2) * target_s:
                peak = max(peak, 8 * size / duration)
    return math.ceil(peak) or mean_rate_bps(weights)


def read_track(folder: Path) -> TrackIndex:
    """Reads the initialization segment and all segments of one track folder, in either form of storage.

    Raises:
        PresentationInvalid: if a file is missing or malformed.
    """
    init = folder / "init.mp4"
    if (folder / TRACK_FILE).is_file():
        return _read_track_file(folder / TRACK_FILE)
    if not init.is_file():
        raise PresentationInvalid(folder.name, found="no init.mp4", expected="an initialization segment")
    header = read_track_header(init)
    segments = tuple(
        _segment(ByteRange(path, 0, path.stat().st_size), read_boxes(path), header)
        for path in sorted(folder.glob("*.m4s"))
    )
    return TrackIndex(folder.name, header, segments, ByteRange(init, 0, init.stat().st_size))


def _read_track_file(path: Path) -> TrackIndex:
    """Reads a track that is one file: what the sidx box refers to, and what really lies there (8.16.3)."""
    header, boxes = read_track_header(path), list(read_boxes(path))
    number = next((at for at, (_, found) in enumerate(boxes) if found.kind == "sidx"), None)
    if number is None or number + 1 >= len(boxes):
        raise PresentationInvalid(path.parent.name, found="no sidx with segments behind", expected="a segment index")
    sidx_at, first_at = boxes[number][0], boxes[number + 1][0]
    segments = []
    for offset, size in sidx_ranges(boxes[number][1], first_at):
        inside = [(at, found) for at, found in boxes if offset <= at < offset + size]
        segments.append(_segment(ByteRange(path, offset, size), inside, header))
    if not segments or segments[-1].offset + segments[-1].size_bytes != path.stat().st_size:
        raise PresentationInvalid(path.parent.name, found="a sidx of other bytes", expected="all of the file")
    init, sidx = ByteRange(path, 0, sidx_at), ByteRange(path, sidx_at, first_at - sidx_at)
    return TrackIndex(path.parent.name, header, tuple(segments), init, sidx)


def sidx_ranges(sidx: Box, anchor: int) -> Iterator[tuple[int, int]]:
    """Yields (offset, size) of each segment that an index box refers to.

    Args:
        sidx: The box (14496-12, 8.16.3).
        anchor: Offset of the first byte behind it.
    """
    at = 28 if sidx.version else 20
    offset = anchor + (sidx.integer(at - 8, 8) if sidx.version else sidx.integer(at - 4))
    for number in range(sidx.integer(at + 2, 2)):
        size = sidx.integer(at + 4 + 12 * number) & 0x7FFFFFFF
        yield offset, size
        offset += size


def _segment(place: ByteRange, boxes: Iterable[tuple[int, Box]], header: TrackHeader) -> Segment:
    found = [(offset, read_fragment(box, header)) for offset, box in boxes if box.kind == "moof"]
    if not found:
        raise PresentationInvalid(place.path.name, found="no fragment", expected="a moof box in every segment")
    fragments = [fragment for _, fragment in found]
    start = min(fragment.first_presented for fragment in fragments) - header.media_time
    end = max(fragment.last_presented for fragment in fragments) - header.media_time
    # What the edit list cuts away (AAC priming) is no part of the presentation.
    start, end = max(0, start), max(0, end)
    return Segment(
        name=place.path.name,
        start=start,
        duration=end - start,
        size_bytes=place.size,
        starts_with_sync=fragments[0].starts_with_sync,
        samples=_total(fragments, "samples"),
        fragments=len(fragments),
        clear_samples=_total(fragments, "clear_samples"),
        protected_bytes=_total(fragments, "protected_bytes"),
        fragments_without_senc=sum(not fragment.has_senc for fragment in fragments),
        offset=place.offset,
        iframe_offset=found[0][0],
        iframe_bytes=fragments[0].first_sample_end,
    )


def _total(fragments: list[Fragment], field: str) -> int:
    return sum(int(getattr(fragment, field)) for fragment in fragments)
