"""The model of media files: spans, initialization segments, fragments, segments, tracks."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple


class Span(NamedTuple):
    """A file, or bytes of it."""

    path: str
    offset: int = 0
    length: int | None = None
    """``None``: to the end of the file."""

    def __str__(self) -> str:
        return self.path if self.length is None else f"{self.path}@{self.offset}+{self.length}"


class Pssh(NamedTuple):
    """A protection-system specific header."""

    system: str
    """System id, 32 lower-case hexadecimal digits."""
    kids: tuple[str, ...]
    """KIDs that it names; none where it names none or is not understood."""
    version: str
    """Version of a PlayReady header, ``4.3.0.0`` for example."""


class SampleProtection(NamedTuple):
    """How samples of a sample entry are encrypted (ISO/IEC 23001-7, 8.2)."""

    scheme: str
    kid: str
    is_protected: bool
    pattern: tuple[int, int]
    iv_bytes: int
    constant_iv: bytes


class SampleEntry(NamedTuple):
    """A sample entry."""

    kind: str
    """As it stands: ``encv``, ``avc1`` …."""
    format: str
    """Without encryption: ``avc1`` …."""
    codec: str
    """RFC 6381 name made from the decoder configuration; the format alone where it is not understood."""
    width_px: int
    height_px: int
    channels: int
    sample_rate_hz: int
    nal_length_bytes: int
    """Size of the length before each NAL unit; 0 where there are none."""
    protection: SampleProtection | None


@dataclass(frozen=True)
class InitFacts:
    """An initialization segment."""

    brands: tuple[str, ...]
    tracks: int
    handler: str
    timescale: int
    shift: int
    """Ticks that the edit list subtracts from composition times."""
    edit_s: Fraction
    """The same in seconds."""
    has_mvex: bool
    defaults: tuple[int, int, int]
    """Default duration, size and flags of samples (trex)."""
    entries: tuple[SampleEntry, ...]
    pssh: tuple[Pssh, ...]
    language: str

    @property
    def entry(self) -> SampleEntry:
        """The first sample entry."""
        return self.entries[0]

    @property
    def protection(self) -> SampleProtection | None:
        """Protection of the first sample entry that has one."""
        return next((entry.protection for entry in self.entries if entry.protection), None)


@dataclass(frozen=True, slots=True)
class Fragment:
    """One movie fragment; times in ticks, before the edit list."""

    offset: int
    """Where its moof stands in the file."""
    decode_start: int
    duration: int
    first_presented: int
    last_presented: int
    samples: int
    syncs: int
    starts_with_sync: bool
    first_sample: tuple[int, int]
    """Position in the file and size in bytes."""
    entry_index: int
    """1-based index of its sample entry."""
    has_base_is_moof: bool
    senc_samples: int | None
    saiz_samples: int | None
    saio_is_right: bool | None
    """Whether the auxiliary offset leads to the first entry of senc; ``None`` without both boxes."""
    first_iv: bytes
    clear_samples: int
    """Samples of a protected track that are not encrypted although they are large enough to be."""


@dataclass(frozen=True)
class Segment:
    """One media segment; times in ticks after the edit list."""

    span: Span
    size_bytes: int
    start: int
    end: int
    fragments: tuple[Fragment, ...]

    @property
    def samples(self) -> int:
        """Samples in all fragments."""
        return sum(fragment.samples for fragment in self.fragments)


@dataclass(frozen=True)
class Track:
    """One track as it lies on disk."""

    name: str
    """Path of its initialization segment."""
    init: InitFacts
    segments: tuple[Segment, ...]

    @cached_property
    def starts_s(self) -> tuple[Fraction, ...]:
        """Exact start of each segment in seconds."""
        return tuple(Fraction(segment.start, self.init.timescale) for segment in self.segments)

    @cached_property
    def durations_s(self) -> tuple[Fraction, ...]:
        """Exact duration of each segment in seconds."""
        return tuple(Fraction(segment.end - segment.start, self.init.timescale) for segment in self.segments)

    @cached_property
    def end_s(self) -> Fraction:
        """Exact end in seconds."""
        return Fraction(self.segments[-1].end, self.init.timescale) if self.segments else Fraction(0)

    @cached_property
    def weights(self) -> list[tuple[int, Fraction]]:
        """Returns (bytes, seconds) of each segment."""
        sizes = (segment.size_bytes for segment in self.segments)
        return [(size, duration) for size, duration in zip(sizes, self.durations_s, strict=True) if duration > 0]

    @cached_property
    def frame_rate(self) -> Fraction:
        """Mean samples per second."""
        fragments = [fragment for segment in self.segments for fragment in segment.fragments]
        ticks = sum(fragment.duration for fragment in fragments)
        return Fraction(self.init.timescale * sum(item.samples for item in fragments), ticks) if ticks else Fraction(0)

    @cached_property
    def is_all_sync(self) -> bool:
        """Whether every sample is a sync sample, and there is more than one in a segment or only one everywhere."""
        return all(fragment.syncs == fragment.samples for item in self.segments for fragment in item.fragments)

    @property
    def kid(self) -> str:
        """The KID that protects it, or nothing."""
        protection = self.init.protection
        return protection.kid if protection else ""
