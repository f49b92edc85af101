"""HLS media playlists, written from the segments on disk.

Sources: RFC 8216bis (draft-pantos-hls-rfc8216bis-17); Apple HLS authoring specification, revision 2025-06-26.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from media.packaging.playlists import MICROSECONDS
from media.packaging.segment_index import ByteRange, TrackIndex

# EXT-X-MAP outside I-frame playlists needs 6 (RFC 8216bis, 8).
HEADER = ("#EXTM3U", "#EXT-X-VERSION:6")


def target_duration_s(indexes: Mapping[str, TrackIndex]) -> int:
    """Returns the one target duration of all playlists in seconds: the longest segment, rounded, at least 1.

    Source: RFC 8216bis, 4.4.3.1 (EXTINF rounded to the nearest second may not exceed it); Apple 8.2 (audio and
    video agree).
    """
    longest = max((duration for index in indexes.values() for duration in index.durations_s), default=Fraction(1))
    return max(1, int(longest + Fraction(1, 2)))


def media_playlist(index: TrackIndex, keys: Sequence[str], *, target_s: int) -> str:
    """Returns the media playlist of a track.

    Args:
        index: The track as it lies on disk.
        keys: Its ``EXT-X-KEY`` tags.
        target_s: Target duration of all playlists in seconds.
    """
    head = _head(index, target_s)
    entries = [_place(index, index.range_of(segment)) for segment in index.segments]
    return _joined([*head, _map_tag(index), *keys, *_entries(entries, index), "#EXT-X-ENDLIST"])


def iframe_playlist(index: TrackIndex, keys: Sequence[str], *, target_s: int) -> str:
    """Returns the I-frame playlist of a track: the first IDR of each segment, shown as long as the segment.

    Source: RFC 8216bis, 4.4.3.6; Apple 6.10 (from ``moof`` to the end of the picture).
    """
    head = [*_head(index, target_s), "#EXT-X-I-FRAMES-ONLY"]
    entries = [[f"#EXT-X-BYTERANGE:{item.iframe_bytes}@{item.iframe_offset}", item.name] for item in index.segments]
    return _joined([*head, _map_tag(index), *keys, *_entries(entries, index), "#EXT-X-ENDLIST"])


def subtitle_playlist(index: TrackIndex, *, target_s: int) -> str:
    """Returns the playlist of a text track: its WebVTT segments, as long as those for DASH beside them."""
    head = [*HEADER, f"#EXT-X-TARGETDURATION:{target_s}", "#EXT-X-PLAYLIST-TYPE:VOD"]
    entries = [[f"{number:05d}.vtt"] for number in range(1, len(index.segments) + 1)]
    return _joined([*head, *_entries(entries, index), "#EXT-X-ENDLIST"])


def iframe_weights(index: TrackIndex) -> list[tuple[int, Fraction]]:
    """Returns (bytes, seconds) of each I-frame."""
    return [(item.iframe_bytes, seconds) for item, seconds in zip(index.segments, index.durations_s, strict=True)]


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _head(index: TrackIndex, target_s: int) -> list[str]:
    independent = ["#EXT-X-INDEPENDENT-SEGMENTS"] if index.starts_are_sync else []
    return [*HEADER, f"#EXT-X-TARGETDURATION:{target_s}", "#EXT-X-PLAYLIST-TYPE:VOD", *independent]


def _map_tag(index: TrackIndex) -> str:
    place = f',BYTERANGE="{index.init.size}@{index.init.offset}"' if index.is_one_file else ""
    return f'#EXT-X-MAP:URI="{index.init.path.name}"{place}'


def _place(index: TrackIndex, where: ByteRange) -> list[str]:
    ranged = [f"#EXT-X-BYTERANGE:{where.size}@{where.offset}"] if index.is_one_file else []
    return [*ranged, where.path.name]


def _entries(entries: list[list[str]], index: TrackIndex) -> Iterator[str]:
    """Yields EXTINF and what follows it.

    Durations are differences of rounded ends, so that errors of rounding never add up (Apple 8.1).
    """
    end_s, written = Fraction(0), 0
    for lines, duration in zip(entries, index.durations_s, strict=True):
        end_s += duration
        microseconds = round(end_s * MICROSECONDS) - written
        written += microseconds
        yield f"#EXTINF:{microseconds // MICROSECONDS}.{microseconds % MICROSECONDS:06d},"
        yield from lines
