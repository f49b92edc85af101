"""A reader of HLS playlists: tags, attribute lists, entries.

Source: RFC 8216bis, 4.1 (lines), 4.2 (attribute lists), 4.4 (tags).
"""

import re
from fractions import Fraction
from typing import NamedTuple

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",\s]*)')


_STREAM_TAGS = {"#EXT-X-MEDIA", "#EXT-X-STREAM-INF", "#EXT-X-I-FRAME-STREAM-INF", "#EXT-X-IMAGE-STREAM-INF"}
MICROSECONDS = 10**6
"""A second, as exact as playlists tell it."""


class StreamTag(NamedTuple):
    """A tag with an attribute list and, for ``EXT-X-STREAM-INF``, the URI on the next line."""

    tag: str
    attributes: dict[str, str]
    uri: str


class Entry(NamedTuple):
    """One segment, or one I-frame, of a media playlist."""

    uri: str
    duration_s: Fraction
    length: int | None
    """Bytes of a byte range; ``None`` for the whole file."""
    offset: int


def parse_attributes(text: str) -> dict[str, str]:
    """Returns the attributes of a list, without quotation marks."""
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(text)}


def raw_attributes(text: str) -> dict[str, str]:
    """Returns the attributes of a list as they are written, with quotation marks."""
    return dict(_ATTRIBUTE.findall(text))


def parse_stream_tags(text: str) -> list[StreamTag]:
    """Returns the tags of a multivariant playlist that have an attribute list and a URI, in order."""
    found = []
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        tag, _, rest = line.partition(":")
        if tag in _STREAM_TAGS:
            attributes = parse_attributes(rest)
            uri = following if tag == "#EXT-X-STREAM-INF" else attributes.get("URI", "")
            found.append(StreamTag(tag.removeprefix("#EXT-X-"), attributes, uri))
    return found


def parse_entries(text: str) -> list[Entry]:
    """Returns the entries of a media playlist."""
    entries = []
    duration, length, offset = Fraction(0), None, 0
    for line in text.splitlines():
        if line.startswith("#EXTINF:"):
            duration = Fraction(line.removeprefix("#EXTINF:").split(",")[0])
        elif line.startswith("#EXT-X-BYTERANGE:"):
            size, _, start = line.removeprefix("#EXT-X-BYTERANGE:").partition("@")
            length, offset = int(size), int(start or 0)
        elif line and not line.startswith("#"):
            entries.append(Entry(line, duration, length, offset))
            length, offset = None, 0
    return entries


def lines_of(text: str, tag: str) -> list[str]:
    """Returns the lines of a tag, ``#EXT-X-KEY`` for example."""
    return [line for line in text.splitlines() if line == tag or line.startswith(f"{tag}:")]


def seconds_text(seconds: Fraction) -> str:
    """Returns seconds with six decimals."""
    microseconds = round(seconds * MICROSECONDS)
    return f"{microseconds // MICROSECONDS}.{microseconds % MICROSECONDS:06d}"
