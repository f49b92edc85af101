"""Media files, each read once: boxes, initialization segments, fragments, indexes, first lines of texts, picture sizes.

Source: ISO/IEC 14496-12:2022, 8.16.3 (sidx); ISO/IEC 10918-1, annex B (JPEG frame headers).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from media.errors import PresentationInvalid
from media.packaging.boxes import Box, read_boxes
from media.rules.fragment_facts import read_fragment
from media.rules.init_facts import read_init
from media.rules.media_model import Fragment, InitFacts, Segment, Span
from media.rules.model import Damage

_HEAD_BYTES = 2048
_PICTURE_BYTES = 1 << 16
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class IndexEntry(NamedTuple):
    """One reference of a segment index."""

    span: Span
    start: int
    duration: int
    """Both in ticks of the index's time scale."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """One ISO base media file."""

    size_bytes: int
    boxes: tuple[tuple[str, int, int], ...]
    """(kind, offset, size) of the top-level boxes."""
    init: InitFacts | None
    fragments: tuple[Fragment, ...]
    index: tuple[IndexEntry, ...]
    index_timescale: int


@dataclass
class MediaLibrary:
    """Reads the files of one folder on demand; what is damaged is written down, not raised."""

    root: Path
    files: dict[str, int]
    damages: dict[str, Damage] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    images: dict[str, tuple[int, int]] = field(default_factory=dict)
    _media: dict[str, MediaFile | None] = field(default_factory=dict)

    def init_of(self, span: Span | None) -> InitFacts | None:
        """Returns the initialization segment in a file (or at its beginning)."""
        found = self.media(span.path, None) if span is not None else None
        if span is not None and found is not None and found.init is None:
            self.damage(span.path, "no moov box", "an initialization segment")
        return found.init if found is not None else None

    def segment(self, span: Span, init: InitFacts | None) -> Segment | None:
        """Returns a media segment, with times after the edit list of its track."""
        found = self.media(span.path, init) if init is not None else None
        if found is None or init is None:
            return None
        end = found.size_bytes if span.length is None else span.offset + span.length
        fragments = tuple(item for item in found.fragments if span.offset <= item.offset < end)
        if not fragments:
            self.damage(span.path, f"no fragment in {span}", "a moof box in every segment")
            return None
        first = min(item.first_presented for item in fragments) - init.shift
        last = max(item.last_presented for item in fragments) - init.shift
        # What the edit list cuts away (AAC priming) is no part of the presentation.
        size = found.size_bytes - span.offset if span.length is None else span.length
        return Segment(span, size, max(0, first), max(0, last), fragments)

    def is_idr(self, segment: Segment, init: InitFacts) -> bool | None:
        """Tells whether the first sample of a segment is an IDR picture; NAL unit headers are clear in CENC."""
        entry, (offset, size) = init.entry, segment.fragments[0].first_sample
        if not entry.nal_length_bytes:
            return segment.fragments[0].starts_with_sync
        with (self.root / segment.span.path).open("rb") as file:
            file.seek(offset)
            return _starts_with_idr(file.read(min(size, _PICTURE_BYTES)), entry.nal_length_bytes, entry.format)

    def media(self, path: str, init: InitFacts | None) -> MediaFile | None:
        """Returns a media file, read at the first call; ``None`` where it is missing or damaged."""
        if path not in self._media:
            self._media[path] = self._read(path, init) if path in self.files else None
        return self._media[path]

    def read_text(self, path: str) -> str:
        """Returns a text file whole, nothing where it is missing or no UTF-8."""
        try:
            return (self.root / path).read_text("utf-8-sig") if path in self.files else ""
        except (OSError, UnicodeDecodeError):
            self.damage(path, "no UTF-8 text", "a text file in UTF-8")
            return ""

    def note(self, path: str) -> None:
        """Keeps the first lines of a WebVTT file, or the size of a picture."""
        if path not in self.files:
            return
        name = path.lower()
        if name.endswith((".vtt", ".webvtt")) and path not in self.texts:
            with (self.root / path).open("rb") as file:
                self.texts[path] = file.read(_HEAD_BYTES).decode("utf-8", "replace")
        elif name.endswith((".jpg", ".jpeg")) and path not in self.images:
            size = jpeg_size((self.root / path).read_bytes())
            if size is None:
                self.damage(path, "no frame header", "a JPEG picture")
            else:
                self.images[path] = size

    def damage(self, path: str, found: str, expected: str) -> None:
        """Writes down that a file is not what it should be; the first finding counts."""
        self.damages.setdefault(path, Damage(path, found, expected))

    def _read(self, path: str, init: InitFacts | None) -> MediaFile | None:
        try:
            return _read_media(self.root / path, path, init)
        except PresentationInvalid as error:
            self.damage(path, error.found, error.expected)
        except (OSError, UnicodeDecodeError, IndexError, ValueError) as error:
            self.damage(path, str(error) or type(error).__name__, "a readable media file")
        return None


def _read_media(file: Path, path: str, init: InitFacts | None) -> MediaFile:
    size = file.stat().st_size
    boxes = list(read_boxes(file))
    ends = [offset for offset, _ in boxes[1:]] + [size]
    ftyp, moov, sidx = (_first(boxes, kind) for kind in ("ftyp", "moov", "sidx"))
    own = read_init(ftyp[1] if ftyp else None, moov[1]) if moov else None
    known = own or init
    fragments = [read_fragment(box, offset, known) for offset, box in boxes if box.kind == "moof" and known]
    sidx_end = next((end for (offset, _), end in zip(boxes, ends, strict=True) if sidx and offset == sidx[0]), 0)
    return MediaFile(
        size_bytes=size,
        boxes=tuple((box.kind, offset, end - offset) for (offset, box), end in zip(boxes, ends, strict=True)),
        init=own,
        fragments=tuple(fragments),
        index=tuple(_index_entries(path, sidx[1], sidx_end)) if sidx else (),
        index_timescale=sidx[1].integer(8) if sidx else 0,
    )


def _starts_with_idr(sample: bytes, length_bytes: int, format_: str) -> bool | None:
    """Looks at NAL units up to the first of a picture (ISO/IEC 14496-10, table 7-1; ISO/IEC 23008-2, table 7-1)."""
    is_hevc, at = format_ in {"hvc1", "hev1"}, 0
    while at + length_bytes < len(sample):
        size, head = int.from_bytes(sample[at : at + length_bytes], "big"), sample[at + length_bytes]
        kind = head >> 1 & 63 if is_hevc else head & 31
        if kind < 32 if is_hevc else 1 <= kind <= 5:
            return kind in {19, 20} if is_hevc else kind == 5
        at += length_bytes + size
    return None


def _first(boxes: list[tuple[int, Box]], kind: str) -> tuple[int, Box] | None:
    return next(((offset, box) for offset, box in boxes if box.kind == kind), None)


def _index_entries(path: str, sidx: Box, end: int) -> list[IndexEntry]:
    """Returns the segments that a segment index names; sub-indexes are not followed."""
    wide = 8 if sidx.version else 4
    start, position = sidx.integer(12, wide), end + sidx.integer(12 + wide, wide)
    at, entries = 12 + 2 * wide + 4, []
    for number in range(sidx.integer(at - 2, 2)):
        size, duration = sidx.integer(at + 12 * number) & 0x7FFFFFFF, sidx.integer(at + 12 * number + 4)
        entries.append(IndexEntry(Span(path, position, size), start, duration))
        position, start = position + size, start + duration
    return entries


def jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Returns (width, height) in pixels from the frame header, ``None`` where there is none."""
    at = 2
    while content[:2] == b"\xff\xd8" and at + 9 <= len(content) and content[at] == 0xFF:
        if content[at + 1] in _FRAME_HEADERS:
            height, width = (int.from_bytes(content[at + place : at + place + 2], "big") for place in (5, 7))
            return width, height
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None
