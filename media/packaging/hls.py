"""HLS media playlists: written from the segments on disk; only the key tags and I-frame ranges come from the drafts.

Sources: RFC 8216bis (draft-pantos-hls-rfc8216bis-17); Apple HLS authoring specification, revision 2025-06-26.
"""

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction

from media.errors import PresentationInvalid
from media.packaging.playlists import lines_of, parse_attributes, parse_entries
from media.packaging.pssh import shorten_base64
from media.packaging.segment_index import TrackIndex

# EXT-X-MAP outside I-frame playlists needs 6 (RFC 8216bis, 8).
HEADER = ("#EXTM3U", "#EXT-X-VERSION:6")
_FAIRPLAY = "com.apple.streamingkeydelivery"
_WIDEVINE = "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"
_BASE64_DATA = re.compile(r'(URI="data:text/plain;base64,)([^"]+)"')
_URI = re.compile(r'URI="[^"]*"')
_MICROSECONDS = 10**6


def target_duration_s(indexes: Mapping[str, TrackIndex]) -> int:
    """Returns the one target duration of all playlists in seconds: the longest segment, rounded, at least 1.

    Source: RFC 8216bis, 4.4.3.1 (EXTINF rounded to the nearest second may not exceed it); Apple 8.2 (audio and
    video agree).
    """
    longest = max((duration for index in indexes.values() for duration in index.durations_s), default=Fraction(1))
    return max(1, int(longest + Fraction(1, 2)))


def media_playlist(draft: str, index: TrackIndex, *, kid: str | None, target_s: int) -> str:
    """Returns the final media playlist of a track.

    Args:
        draft: The packager's playlist.
        index: The track as it lies on disk.
        kid: The KID that protects it, 32 hexadecimal digits; ``None`` for a clear track.
        target_s: Target duration of all playlists in seconds.
    """
    entries = [[item.name] for item in index.segments]
    return _joined([*_head(draft, kid, target_s), *_entries(entries, index), "#EXT-X-ENDLIST"])


def iframe_playlist(draft: str, index: TrackIndex, *, kid: str | None, target_s: int) -> str:
    """Returns the final I-frame playlist of a track: the first IDR of each segment, shown as long as the segment.

    Raises:
        PresentationInvalid: if the draft does not have one I-frame for each segment.
    """
    frames = parse_entries(draft)
    if [frame.uri for frame in frames] != [item.name for item in index.segments]:
        raise PresentationInvalid(f"{index.name} I-frames", found=f"{len(frames)} I-frames", expected="one per segment")
    entries = [[f"#EXT-X-BYTERANGE:{frame.length}@{frame.offset}", frame.uri] for frame in frames]
    return _joined([*_head(draft, kid, target_s), *_entries(entries, index), "#EXT-X-ENDLIST"])


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _head(draft: str, kid: str | None, target_s: int) -> list[str]:
    return [
        *HEADER,
        f"#EXT-X-TARGETDURATION:{target_s}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        *lines_of(draft, "#EXT-X-I-FRAMES-ONLY"),
        *lines_of(draft, "#EXT-X-MAP"),
        *(_key_tags(draft, kid) if kid else []),
    ]


def _key_tags(draft: str, kid: str) -> Iterator[str]:
    """Yields the key tags of real DRM systems; an identity tag beside them makes players ask for a key that is none.

    Sources: RFC 8216bis, 4.4.4.4; Apple's article on EXT-X-KEY; shaka-packager issues #1439 and #470.
    """
    for line in lines_of(draft, "#EXT-X-KEY"):
        key_format = parse_attributes(line.partition(":")[2]).get("KEYFORMAT", "identity")
        if key_format == "identity":
            continue
        if key_format == _FAIRPLAY:
            # The draft's base64 has characters that a URI must escape; hexadecimal has none.
            yield _URI.sub(f'URI="skd://{kid}"', line)
        elif key_format == _WIDEVINE:
            yield _BASE64_DATA.sub(lambda match: f'{match[1]}{shorten_base64(match[2])}"', line)
        else:
            yield line


def _entries(entries: list[list[str]], index: TrackIndex) -> Iterator[str]:
    """Yields EXTINF and what follows it.

    Durations are differences of rounded ends, so that errors of rounding never add up (Apple 8.1).
    """
    end_s, written = Fraction(0), 0
    for lines, duration in zip(entries, index.durations_s, strict=True):
        end_s += duration
        microseconds = round(end_s * _MICROSECONDS) - written
        written += microseconds
        yield f"#EXTINF:{microseconds // _MICROSECONDS}.{microseconds % _MICROSECONDS:06d},"
        yield from lines
