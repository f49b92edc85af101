"""Sources that would harm us, told from what they say before anything is decoded.

Two kinds: playlists under a video's name, which make ffmpeg open other files or addresses, and files that ask for far
more than any title is worth. The walls (``media.sandbox``) and the options of ``media.probe`` hold without this
module; it gives the harm a name and an end within seconds. Source: operations report §3.3, §5.2.
"""

import re
from fractions import Fraction
from pathlib import Path

from media.errors import DisguisedPlaylist, ResourceBomb, ToolFailed, UnreadableSource
from media.probe import MAX_PIXELS, MAX_TRACKS, Probe

MAX_HOURS = 24
"""Longest programme; the operations report's limit."""
_HEAD_BYTES = 65_536
_PLAYLISTS = {
    "an HLS playlist": re.compile(rb"\A[\s\xef\xbb\xbf]*#EXTM3U"),
    "an ffconcat script": re.compile(rb"\A[\s\xef\xbb\xbf]*ffconcat\s+version"),
    "a concat script": re.compile(rb"\A(?:\s*#[^\n]*\n|\s)*file\s+\S"),
    "a DASH manifest": re.compile(rb"<(?:\w+:)?MPD[\s>]"),
    "a Smooth Streaming manifest": re.compile(rb"<SmoothStreamingMedia[\s>]"),
    "an IMF composition": re.compile(rb"<(?:\w+:)?CompositionPlaylist[\s>]"),
    "an SDP description": re.compile(rb"\Av=0\r?\n"),
}
"""How the playlists that ffmpeg knows begin; XML ones are looked for in the whole head, behind comments."""


def refuse_disguise(path: Path, *, where: str) -> None:
    """Refuses what is no file, and files that are lists of other files; reads their first 64 KiB only.

    Raises:
        UnreadableSource: if it is no regular file: reading a pipe would wait for ever.
        DisguisedPlaylist: naming the kind.
    """
    if not path.is_file():
        raise UnreadableSource(where, found="no regular file", expected="a media file", fix="deliver a file")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if b"\0" in head[:1024]:
        return
    for kind, beginning in _PLAYLISTS.items():
        if beginning.search(head):
            raise DisguisedPlaylist(
                where,
                found=f"{kind}, which names other files; none of them was opened",
                expected="the media itself in one file",
                fix="deliver the media, not a list of it",
            )


def refuse_bomb(probe: Probe, *, where: str) -> None:
    """Refuses sizes, counts and lengths that no title has, as the container states them.

    Raises:
        ResourceBomb: naming the first.
    """
    largest = max((track.pixels for track in probe.of_kind("video")), default=0)
    if largest > MAX_PIXELS:
        raise _bomb(where, f"pictures of {largest:,} pixels", f"{MAX_PIXELS:,} pixels at most (8K)")
    if len(probe.tracks) > MAX_TRACKS:
        raise _bomb(where, f"more than {MAX_TRACKS} tracks", f"{MAX_TRACKS} at most")
    hours = max([probe.duration_s, *(track.declared_duration_s for track in probe.tracks)]) / 3600
    if hours > MAX_HOURS:
        raise _bomb(where, f"{hours:,.0f} hours", f"{MAX_HOURS} hours at most")


def refuse_long_clock(seconds: tuple[Fraction, ...], *, where: str) -> None:
    """Refuses pictures whose own times span more than any title: a header may state less, or nothing.

    Args:
        seconds: Time of each decoded picture, one at least.
        where: The track's name for people.

    Raises:
        ResourceBomb: with the span.
    """
    hours = float(max(seconds) - min(seconds)) / 3600
    if hours > MAX_HOURS:
        raise ResourceBomb(
            where,
            found=f"{len(seconds):,} pictures over {hours:,.0f} hours",
            expected=f"{MAX_HOURS} hours at most",
            fix="export the title again with a clock of its own length",
        )


def refuse_greed(error: ToolFailed, *, where: str) -> None:
    """Refuses a file for which the probe ran out of what it is given.

    Raises:
        ResourceBomb: if it did; ffprobe says so also when a container has more tracks than it may open.
    """
    if any(said in error.found for said in ("Out of memory", "Cannot allocate memory")):
        raise _bomb(where, f"more than {MAX_TRACKS} tracks, or more memory than a probe gets", f"{MAX_TRACKS} tracks")


def _bomb(where: str, found: str, expected: str) -> ResourceBomb:
    return ResourceBomb(where, found=found, expected=expected, fix="check the export; nothing of the file was decoded")
