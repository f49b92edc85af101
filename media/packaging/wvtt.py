"""WebVTT in fragmented MP4, as DASH plays it: never a gap, because an empty sample stands where nothing is said.

Written here and not by the packager, which ends a text track with its last cue: ours has the segments of the picture.

Sources: ISO/IEC 14496-30:2018, chapters 6 and 7 (``wvtt``, ``vttc``, ``vtte``); ISO/IEC 14496-12:2022;
ISO/IEC 23000-19, 11 (CMAF text, brand ``cwvt``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from media.packaging.box_writer import box, full_box, u16, u32, u64
from media.packaging.webvtt import Cue, Subtitles

_NO_CUE = box("vtte")
_IDENTITY_MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_TRACK_ID = 1
_DEFAULT_BASE_IS_MOOF = 0x020000
_DURATION_AND_SIZE = 0x000301
"""The run gives data offset, and duration and size of each sample (8.8.8)."""
_TEXT_FORMAT_UNDETERMINED = "und"


@dataclass(frozen=True, slots=True)
class TextSample:
    """What shows from one moment on; times in ticks."""

    duration: int
    content: bytes


def text_init(subtitles: Subtitles, timescale: int, language: str) -> bytes:
    """Returns the initialization segment of a text track.

    Args:
        subtitles: The track; its header goes into the sample entry.
        timescale: Ticks per second.
        language: ISO 639-2 code of three letters; anything else is written as undetermined.
    """
    entry = box("wvtt", bytes(6), u16(1), box("vttC", subtitles.header.encode()))
    tables = [full_box(kind, u32(0)) for kind in ("stts", "stsc", "stco")]
    stbl = box("stbl", full_box("stsd", u32(1), entry), *tables, full_box("stsz", u32(0, 0)))
    dinf = box("dinf", full_box("dref", u32(1), full_box("url ", flags=1)))
    media = box(
        "mdia",
        full_box("mdhd", u32(0, 0, timescale, 0), u16(_packed_language(language), 0)),
        full_box("hdlr", u32(0), b"text", bytes(12), b"TextHandler\0"),
        box("minf", full_box("nmhd"), dinf, stbl),
    )
    # 8.3.2: enabled and in the movie; no size, no volume.
    tkhd = full_box("tkhd", u32(0, 0, _TRACK_ID, 0, 0), bytes(16), _IDENTITY_MATRIX, u32(0, 0), flags=3)
    mvhd = full_box(
        "mvhd", u32(0, 0, timescale, 0, 0x10000), u16(0x100), bytes(10), _IDENTITY_MATRIX, bytes(24), u32(_TRACK_ID + 1)
    )
    trex = full_box("trex", u32(_TRACK_ID, 1, 0, 0, 0))
    moov = box("moov", mvhd, box("trak", tkhd, media), box("mvex", trex))
    return box("ftyp", b"cmfc", u32(0), b"iso6cmfccwvt") + moov


def text_segment(samples: list[TextSample], number: int, start: int) -> bytes:
    """Returns one segment.

    Args:
        samples: What shows in it, one after the other.
        number: Its number, from 1.
        start: Its start in ticks.
    """
    runs = b"".join(u32(sample.duration, len(sample.content)) for sample in samples)

    def moof(data_offset: int) -> bytes:
        trun = full_box("trun", u32(len(samples), data_offset), runs, flags=_DURATION_AND_SIZE)
        tfhd = full_box("tfhd", u32(_TRACK_ID), flags=_DEFAULT_BASE_IS_MOOF)
        traf = box("traf", tfhd, full_box("tfdt", u64(start), version=1), trun)
        return box("moof", full_box("mfhd", u32(number)), traf)

    content = b"".join(sample.content for sample in samples)
    styp = box("styp", b"cmfs", u32(0), b"iso6cmfscwvt")
    return styp + moof(len(moof(0)) + 8) + box("mdat", content)


def text_samples(subtitles: Subtitles, start_s: Fraction, end_s: Fraction, timescale: int) -> list[TextSample]:
    """Returns the samples of [start, end): a new one wherever a cue comes or goes (14496-30, 6.2)."""
    start, end = round(start_s * timescale), round(end_s * timescale)
    timed = [(_ticks(cue.start_ms, timescale), _ticks(cue.end_ms, timescale), cue) for cue in subtitles.cues]
    shown = [(first, last, cue) for first, last, cue in timed if first < end and last > start]
    borders = sorted({start, end, *(at for first, last, _ in shown for at in (first, last) if start < at < end)})
    samples = []
    for first, last in pairwise(borders):
        cues = [cue for begins, ends, cue in shown if begins < last and ends > first]
        content = b"".join(b"".join(_cue_boxes(cue)) for cue in cues) or _NO_CUE
        samples.append(TextSample(last - first, content))
    return samples


def _cue_boxes(cue: Cue) -> Iterator[bytes]:
    parts = (("iden", cue.identifier), ("sttg", cue.settings), ("payl", cue.payload))
    yield box("vttc", *(box(kind, text.encode()) for kind, text in parts if text))


def _ticks(milliseconds: int, timescale: int) -> int:
    return round(Fraction(milliseconds * timescale, 1000))


def _packed_language(language: str) -> int:
    """Returns three letters in five bits each (8.4.2.3)."""
    code = language if len(language) == 3 and language.isascii() and language.islower() else _TEXT_FORMAT_UNDETERMINED
    packed = 0
    for letter in code:
        packed = packed << 5 | ord(letter) - 0x60
    return packed
