"""The model of HLS playlists."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from media.rules.media_model import Segment, Span, Track


class Tag(NamedTuple):
    """A tag line: ``#NAME:value``."""

    name: str
    """Without ``#``."""
    value: str
    attributes: Mapping[str, str]
    """Of an attribute list, without quotation marks; empty for other values."""


class Entry(NamedTuple):
    """A segment, an I-frame or a picture of a media playlist."""

    span: Span
    duration_s: Fraction
    has_discontinuity: bool
    keys: tuple[Mapping[str, str], ...]
    """Attributes of the EXT-X-KEY tags that apply; none where METHOD is NONE."""
    init: Span | None
    tiles: Mapping[str, str]
    """Attributes of EXT-X-TILES."""
    segment: Segment | None
    """As it lies on disk; of an I-frame the fragment that its range begins with."""
    is_idr: bool | None
    """Whether an I-frame's range begins with an IDR picture; ``None`` where it is no I-frame, or the codec hides it."""


@dataclass(frozen=True)
class PlaylistText:
    """What all playlists have."""

    path: str
    first_line: str
    tags: tuple[Tag, ...]

    def has_tag(self, name: str) -> bool:
        """Tells whether a tag is there."""
        return any(tag.name == name for tag in self.tags)


@dataclass(frozen=True)
class Playlist(PlaylistText):
    """A media playlist."""

    entries: tuple[Entry, ...]
    kind: Literal["media", "iframes", "images"]
    track: Track | None

    def values(self, name: str) -> list[str]:
        """Returns the values of all tags of a name, ``EXT-X-VERSION`` for example."""
        return [tag.value for tag in self.tags if tag.name == name]

    def number(self, name: str) -> int | None:
        """Returns the value of a tag with a whole number, ``None`` where it is missing or no number."""
        return next((int(value) for value in self.values(name) if value.isascii() and value.isdigit()), None)

    @property
    def handler(self) -> str:
        """``vide``, ``soun``, ``text`` or nothing."""
        if self.track is not None:
            return self.track.init.handler
        is_text = any(entry.span.path.lower().endswith((".vtt", ".webvtt")) for entry in self.entries)
        return "text" if is_text else ""

    @property
    def duration_s(self) -> Fraction:
        """Sum of all EXTINF."""
        return sum((entry.duration_s for entry in self.entries), Fraction(0))


class Stream(NamedTuple):
    """A variant stream, an HLS rendition, an I-frame or image stream of a multivariant playlist."""

    tag: str
    """``STREAM-INF``, ``MEDIA``, ``I-FRAME-STREAM-INF`` or ``IMAGE-STREAM-INF``."""
    attributes: Mapping[str, str]
    uri: str
    path: str | None
    """The playlist in the presentation; ``None`` where there is no URI or it leads outside."""

    def number(self, name: str) -> int:
        """Returns an attribute that is a whole number, 0 where it is missing."""
        value = self.attributes.get(name, "")
        return int(value) if value.isascii() and value.isdigit() else 0


@dataclass(frozen=True)
class Multivariant(PlaylistText):
    """A multivariant playlist."""

    streams: tuple[Stream, ...]

    def of(self, tag: str) -> list[Stream]:
        """Returns the streams of one kind, in order."""
        return [stream for stream in self.streams if stream.tag == tag]

    def group(self, kind: str, group_id: str) -> list[Stream]:
        """Returns the HLS renditions of a group."""
        return [
            stream
            for stream in self.of("MEDIA")
            if stream.attributes.get("TYPE") == kind and stream.attributes.get("GROUP-ID") == group_id
        ]
