"""What really lies in the segments: times, sizes, sync samples and encryption, read back from the files.

Sources: ISO/IEC 14496-12:2022 for times (8.4.2 mdhd, 8.6.6 elst, 8.8.3 trex, 8.8.7 tfhd, 8.8.8 trun, 8.8.12 tfdt);
ISO/IEC 23001-7:2023 for encryption (7.2 senc, 8.2 tenc), see ``track_header`` and ``fragments``.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from media.errors import PresentationInvalid
from media.packaging.boxes import read_boxes
from media.packaging.fragments import Fragment, read_fragment
from media.packaging.track_header import TrackHeader, read_track_header


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment file; times in ticks of the track on the presentation's time axis (after the edit list)."""

    name: str
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


@dataclass(frozen=True)
class TrackIndex:
    """One track of the presentation as it lies on disk."""

    name: str
    header: TrackHeader
    segments: tuple[Segment, ...]

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
    """Reads the initialization segment and all segments of one track folder.

    Raises:
        PresentationInvalid: if a file is missing or malformed.
    """
    init = folder / "init.mp4"
    if not init.is_file():
        raise PresentationInvalid(folder.name, found="no init.mp4", expected="an initialization segment")
    header = read_track_header(init)
    return TrackIndex(folder.name, header, tuple(_read_segment(path, header) for path in sorted(folder.glob("*.m4s"))))


def _read_segment(path: Path, header: TrackHeader) -> Segment:
    fragments = [read_fragment(box, header) for _, box in read_boxes(path) if box.kind == "moof"]
    if not fragments:
        raise PresentationInvalid(str(path.name), found="no fragment", expected="a moof box in every segment")
    start = min(fragment.first_presented for fragment in fragments) - header.media_time
    end = max(fragment.last_presented for fragment in fragments) - header.media_time
    # What the edit list cuts away (AAC priming) is no part of the presentation.
    start, end = max(0, start), max(0, end)
    return Segment(
        name=path.name,
        start=start,
        duration=end - start,
        size_bytes=path.stat().st_size,
        starts_with_sync=fragments[0].starts_with_sync,
        samples=_total(fragments, "samples"),
        fragments=len(fragments),
        clear_samples=_total(fragments, "clear_samples"),
        protected_bytes=_total(fragments, "protected_bytes"),
        fragments_without_senc=sum(not fragment.has_senc for fragment in fragments),
    )


def _total(fragments: list[Fragment], field: str) -> int:
    return sum(int(getattr(fragment, field)) for fragment in fragments)
