"""Reads HLS playlists into the model.

Source: RFC 8216bis, 4.1 (lines), 4.2 (attribute lists), 4.4 (tags).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from media.rules.addresses import resolve
from media.rules.hls_model import Entry, Multivariant, Playlist, Stream, Tag
from media.rules.media_library import MediaLibrary
from media.rules.media_model import Segment, Span, Track
from media.rules.model import Mention

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",\s]*)')
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,12})?\Z")
_STREAM_TAGS = ("EXT-X-MEDIA", "EXT-X-STREAM-INF", "EXT-X-I-FRAME-STREAM-INF", "EXT-X-IMAGE-STREAM-INF")


def parse_tags(text: str) -> list[Tag | str]:
    """Returns tags and URI lines in order; comments and empty lines are left out."""
    found: list[Tag | str] = []
    for line in text.splitlines():
        if line.startswith("#EXT"):
            name, _, value = line[1:].partition(":")
            attributes = {key: said.strip('"') for key, said in _ATTRIBUTE.findall(value)}
            found.append(Tag(name, value, attributes))
        elif line.strip() and not line.startswith("#"):
            found.append(line.strip())
    return found


def decimal(text: str) -> Fraction:
    """Returns a decimal number, 0 where it is none."""
    return Fraction(text) if _NUMBER.match(text) else Fraction(0)


def _kind_of(names: set[str]) -> Literal["media", "iframes", "images"]:
    if "EXT-X-I-FRAMES-ONLY" in names:
        return "iframes"
    return "images" if "EXT-X-IMAGES-ONLY" in names else "media"


def is_multivariant(text: str) -> bool:
    """Tells whether a playlist names playlists."""
    return "#EXT-X-STREAM-INF" in text or "#EXT-X-MEDIA:" in text


@dataclass
class PlaylistReader:
    """Reads the playlists of one folder; every file that they name is noted."""

    library: MediaLibrary
    mentions: list[Mention] = field(default_factory=list)

    def multivariant(self, path: str, text: str) -> Multivariant:
        """Returns a multivariant playlist."""
        lines = parse_tags(text)
        streams = []
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            if isinstance(line, Tag) and line.name in _STREAM_TAGS:
                said = following if line.name == "EXT-X-STREAM-INF" and isinstance(following, str) else None
                uri = said if said is not None else line.attributes.get("URI", "")
                target = self._mention(path, uri) if uri else None
                streams.append(Stream(line.name.removeprefix("EXT-X-"), line.attributes, uri, target))
        tags = tuple(line for line in lines if isinstance(line, Tag))
        return Multivariant(path, text.partition("\n")[0].strip(), tags, tuple(streams))

    def playlist(self, path: str, text: str) -> Playlist:
        """Returns a media playlist with its segments as they lie on disk."""
        lines = parse_tags(text)
        tags = tuple(line for line in lines if isinstance(line, Tag))
        names = {tag.name for tag in tags}
        kind = _kind_of(names)
        state = _State(path, self._mention, self.library, kind=kind)
        for line in lines:
            state.take(line)
        track = state.track()
        return Playlist(path, text.partition("\n")[0].strip(), tags, tuple(state.entries), kind, track)

    def _mention(self, manifest: str, uri: str) -> str | None:
        path = resolve(manifest, uri)
        self.mentions.append(Mention(manifest, uri, path))
        if path is not None:
            self.library.note(path)
        return path


@dataclass
class _State:
    """What applies at a place of a media playlist."""

    path: str
    mention: Callable[[str, str], str | None]
    library: MediaLibrary
    kind: Literal["media", "iframes", "images"]
    entries: list[Entry] = field(default_factory=list)
    keys: dict[str, Mapping[str, str]] = field(default_factory=dict)
    init: Span | None = None
    tiles: Mapping[str, str] = field(default_factory=dict)
    duration_s: Fraction = Fraction(0)
    range_: str = ""
    has_discontinuity: bool = False
    last: Span = field(default_factory=lambda: Span(""))

    def take(self, line: Tag | str) -> None:
        """Takes the next tag or URI."""
        if isinstance(line, str):
            self._take_uri(line)
        elif line.name == "EXTINF":
            self.duration_s = decimal(line.value.partition(",")[0].strip())
        elif line.name == "EXT-X-BYTERANGE":
            self.range_ = line.value
        elif line.name == "EXT-X-DISCONTINUITY":
            self.has_discontinuity = True
        elif line.name == "EXT-X-TILES":
            self.tiles = line.attributes
        elif line.name == "EXT-X-KEY":
            self._take_key(line.attributes)
        elif line.name == "EXT-X-MAP":
            path = self.mention(self.path, line.attributes.get("URI", ""))
            self.init = self._span(path or "", line.attributes.get("BYTERANGE", "")) if path else None

    def track(self) -> Track | None:
        """Returns the track of the playlist, of its first initialization segment."""
        first = next((entry.init for entry in self.entries if entry.init), None)
        facts = self.library.init_of(first)
        if first is None or facts is None:
            return None
        segments: list[Segment] = [entry.segment for entry in self.entries if entry.segment is not None]
        return Track(first.path, facts, tuple(segments))

    def _take_key(self, attributes: Mapping[str, str]) -> None:
        """Keys of one KEYFORMAT replace each other; METHOD=NONE ends them all (4.4.4.4)."""
        if attributes.get("METHOD") == "NONE":
            self.keys = {}
        else:
            self.keys = {**self.keys, attributes.get("KEYFORMAT", "identity"): attributes}

    def _take_uri(self, uri: str) -> None:
        path = self.mention(self.path, uri)
        span = self._span(path or uri, self.range_)
        facts = self.library.init_of(self.init) if self.kind != "images" and path else None
        segment = self.library.segment(span, facts) if facts is not None else None
        keys = tuple(self.keys.values())
        is_idr = self.library.is_idr(segment, facts) if segment and facts and self.kind == "iframes" else None
        entry = Entry(span, self.duration_s, self.has_discontinuity, keys, self.init, self.tiles, segment, is_idr)
        self.entries.append(entry)
        self.last, self.range_, self.has_discontinuity, self.duration_s = span, "", False, Fraction(0)

    def _span(self, path: str, text: str) -> Span:
        """Returns a byte range ``length@offset``; without an offset it follows the range before (4.4.4.2)."""
        length, _, offset = text.partition("@")
        if not (length.isascii() and length.isdigit()):
            return Span(path)
        follows = self.last.offset + (self.last.length or 0) if self.last.path == path else 0
        return Span(path, int(offset) if offset.isascii() and offset.isdigit() else follows, int(length))
