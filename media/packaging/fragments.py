"""One fragment: the times, sizes and sync flags of its samples, and how much of each is encrypted.

Sources: ISO/IEC 14496-12:2022 (8.8.7 tfhd, 8.8.8 trun, 8.8.12 tfdt, 8.8.3.1 sample flags);
ISO/IEC 23001-7:2023 (7.2 senc).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from media.errors import PresentationInvalid
from media.packaging.boxes import Box
from media.packaging.track_header import TrackHeader

SMALL_SAMPLE_BYTES = 256
"""A sample up to this size may be all headers: less than a block of 16 bytes remains of each slice, and stays clear.

Measured on still pictures, where samples are smallest: 132 bytes at most (AV1, 3840x2160, ``cenc``).
Source: ISO/IEC 23001-7, 9.5 and 10.4.2 (headers stay clear, only whole blocks of a slice are encrypted).
"""
_BLOCK_BYTES = 16
_NON_SYNC = 1 << 16


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a run."""

    duration: int
    size_bytes: int
    is_sync: bool
    offset: int
    """Composition offset in ticks."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a segment needs to know of one ``moof``."""

    first_presented: int
    """Smallest composition time in ticks, before the edit list."""
    last_presented: int
    """End of the sample presented last, in ticks, before the edit list."""
    starts_with_sync: bool
    samples: int
    first_sample_end: int
    """End of the first sample in bytes after the start of ``moof``; the packager's bases are there (8.8.7)."""
    has_senc: bool
    clear_samples: int
    """Samples that are not encrypted although they are large enough to be."""
    protected_bytes: int


def read_fragment(moof: Box, header: TrackHeader) -> Fragment:
    """Reads one movie fragment of one track.

    Raises:
        PresentationInvalid: if it is malformed.
    """
    traf = moof.require("traf")
    samples = [sample for box in traf.children() if box.kind == "trun" for sample in _run(box, traf, header)]
    if not samples:
        raise PresentationInvalid("fragment", found="no sample", expected="a track run (14496-12, 8.8.8)")
    tfdt = traf.require("tfdt")
    decoded = tfdt.integer(4, 8 if tfdt.version else 4)
    first, last = None, 0
    for sample in samples:
        presented = decoded + sample.offset
        first = presented if first is None else min(first, presented)
        last = max(last, presented + sample.duration)
        decoded += sample.duration
    senc = traf.find("senc")
    protected = _protected_bytes(senc, samples, header) if senc else []
    return Fragment(
        first_presented=first or 0,
        last_presented=last,
        starts_with_sync=samples[0].is_sync,
        samples=len(samples),
        first_sample_end=_data_offset(traf) + samples[0].size_bytes,
        has_senc=senc is not None and senc.integer(4) == len(samples),
        clear_samples=_clear_samples(protected, samples),
        protected_bytes=sum(protected),
    )


def _data_offset(traf: Box) -> int:
    trun = traf.require("trun")
    return trun.integer(8) if trun.flags & 0x1 else 0


def _run(trun: Box, traf: Box, header: TrackHeader) -> Iterator[Sample]:
    """Yields the samples of a track run; fields left out come from tfhd, and from trex where tfhd leaves them out."""
    duration, size, flags = _defaults(traf.require("tfhd"), header)
    at = 8 + 4 * bool(trun.flags & 0x1)
    first_flags = None
    if trun.flags & 0x4:
        first_flags, at = trun.integer(at), at + 4
    for number in range(trun.integer(4)):
        fields: dict[int, int] = {}
        for bit in (0x100, 0x200, 0x400, 0x800):
            if trun.flags & bit:
                fields[bit], at = trun.integer(at), at + 4
        own_flags = fields.get(0x400, first_flags if number == 0 and first_flags is not None else flags)
        offset = fields.get(0x800, 0)
        if trun.version and offset >= 1 << 31:
            offset -= 1 << 32
        yield Sample(fields.get(0x100, duration), fields.get(0x200, size), not own_flags & _NON_SYNC, offset)


def _defaults(tfhd: Box, header: TrackHeader) -> tuple[int, int, int]:
    """Returns default duration, size and flags of the fragment."""
    at = 8 + 8 * bool(tfhd.flags & 0x1) + 4 * bool(tfhd.flags & 0x2)
    values = [header.default_duration, header.default_size, header.default_flags]
    for position, bit in enumerate((0x8, 0x10, 0x20)):
        if tfhd.flags & bit:
            values[position], at = tfhd.integer(at), at + 4
    return values[0], values[1], values[2]


def _protected_bytes(senc: Box, samples: list[Sample], header: TrackHeader) -> list[int]:
    """Returns how many bytes of each sample are protected; without subsamples all are (23001-7, 7.2.3).

    What is shorter than a block counts as clear: cbcs leaves it so.
    """
    iv_bytes = header.protection.iv_bytes if header.protection else 0
    has_subsamples = bool(senc.flags & 0x2)
    at, protected = 8, []
    for sample in samples[: senc.integer(4)]:
        at += iv_bytes
        if not has_subsamples:
            protected.append(_in_blocks(sample.size_bytes))
            continue
        count, at = senc.integer(at, 2), at + 2
        protected.append(sum(_in_blocks(senc.integer(at + 6 * entry + 2)) for entry in range(count)))
        at += 6 * count
    return protected


def _in_blocks(size_bytes: int) -> int:
    return size_bytes if size_bytes >= _BLOCK_BYTES else 0


def _clear_samples(protected: list[int], samples: list[Sample]) -> int:
    missing = [0] * (len(samples) - len(protected))
    return sum(
        amount == 0 and sample.size_bytes > SMALL_SAMPLE_BYTES
        for amount, sample in zip([*protected, *missing], samples, strict=True)
    )
