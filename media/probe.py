"""What a container says about itself: ffprobe on a local file, hardened, and its answer as values.

Nothing here is believed where it matters: frames, their times and combing come from a full decode (``decode_check``).
"""

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from media.command import Command, command
from media.errors import NoVideoTrack, UnreadableSource
from media.sandbox import probe_sandbox

DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mxf,avi,dv,ogg,ivf,nut,yuv4mpegpipe"
"""Containers that are opened. Playlists (hls, dash, concat) are not: they would make us read other files."""
MAX_PIXELS = 8192 * 4352
"""Largest picture that is decoded: 8K. A 750 kB PNG of 16,000² cost 784 MB without a limit (operations report §3.3)."""
MAX_TRACKS = 64
"""Most tracks of any kind; one more is opened, so that their number can be told."""
PROBE_S = 60.0
"""A probe that says nothing for so long hangs: it reads 50 MB of a local file at most."""
_PROBE_BYTES = 50_000_000
_ANALYZE_US = 30_000_000


@dataclass(frozen=True, slots=True)
class ProbedTrack:
    """One track as its container describes it."""

    index: int
    kind: str
    """``video``, ``audio``, ``subtitle``, ``data`` or ``attachment``."""
    codec_name: str
    fields: dict[str, Any]
    """All of ffprobe's fields."""

    def text(self, name: str, default: str = "") -> str:
        """Returns a field as text; absent and ``unknown`` give the default."""
        value = str(self.fields.get(name, default))
        return default if value in {"unknown", "N/A", "reserved"} else value

    def number(self, name: str) -> int:
        """Returns a field as a whole number; 0 if absent."""
        value = self.text(name, "0")
        return int(value) if value.lstrip("-").isdigit() else 0

    def ratio(self, name: str) -> Fraction:
        """Returns a field such as ``24000/1001`` or ``32:27``; 0 if absent or without sense."""
        top, _, bottom = self.text(name, "0").replace(":", "/").partition("/")
        try:
            return Fraction(int(top), int(bottom or "1"))
        except (ValueError, ZeroDivisionError):
            return Fraction(0)

    @property
    def pixels(self) -> int:
        """Pixels per picture."""
        return self.number("width") * self.number("height")

    @property
    def is_default(self) -> bool:
        """Whether the container marks the track as default."""
        return bool(self.fields.get("disposition", {}).get("default"))

    @property
    def is_cover(self) -> bool:
        """Whether the track is an attached picture (cover art), not moving pictures."""
        disposition = self.fields.get("disposition", {})
        return any(disposition.get(kind) for kind in ("attached_pic", "still_image", "timed_thumbnails"))

    @property
    def language(self) -> str:
        """Language tag, ``und`` if not said."""
        return self._tag("language") or "und"

    @property
    def title(self) -> str:
        """The track's own name, may be empty."""
        return self._tag("title")

    @property
    def rotation_deg(self) -> int:
        """Rotation that a player would apply, in degrees."""
        for entry in self.fields.get("side_data_list", ()):
            if "rotation" in entry:
                return int(float(entry["rotation"]))
        return 0

    @property
    def declared_duration_s(self) -> float:
        """Length of this track as the container states it, in seconds; 0 if it does not."""
        try:
            return float(self.text("duration", "0"))
        except ValueError:
            return 0.0

    def _tag(self, name: str) -> str:
        tags = self.fields.get("tags", {})
        return str(next((value for key, value in tags.items() if key.lower() == name), ""))


@dataclass(frozen=True, slots=True)
class Probe:
    """A container's own description."""

    container: str
    tracks: tuple[ProbedTrack, ...]
    duration_s: float = 0.0
    """As the container states it; 0 if it does not."""

    def of_kind(self, kind: str) -> tuple[ProbedTrack, ...]:
        """Returns the tracks of a kind, in file order."""
        return tuple(track for track in self.tracks if track.kind == kind)


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A probed source on local disk, and the one demuxer that may read it from then on.

    A file can be two things at once (a whole MPEG stream in a box of a MOV): what was checked is what is read.
    """

    path: Path
    demuxer: str
    """One of ``DEMUXERS``."""

    @classmethod
    def of_container(cls, path: Path, container: str, *, where: str = "source") -> "LocalSource":
        """Returns a source as its probe named it.

        Args:
            path: The file.
            container: ffprobe's name, which may have several parts: ``mov,mp4,m4a,3gp,3g2,mj2``.
            where: The source's name for people.

        Raises:
            UnreadableSource: if that is no container that is opened.
        """
        demuxer = container.partition(",")[0]
        if demuxer not in DEMUXERS.split(","):
            raise UnreadableSource(
                where, found=f"container {container[:80]!r}", expected=f"one of {DEMUXERS}", fix="export it as MOV"
            )
        return cls(path, demuxer)


def hardened_options(demuxer: str = "") -> dict[str, str]:
    """Returns the options that open untrusted media: local files only, known containers, bounded sizes.

    Args:
        demuxer: The only one that may read the file; any of ``DEMUXERS`` while it is not known.

    Source: operations report §5.2.
    """
    expected = {"f": demuxer} if demuxer else {}
    return expected | {
        "protocol_whitelist": "file",
        "format_whitelist": demuxer or DEMUXERS,
        "max_pixels": str(MAX_PIXELS),
        "max_streams": str(MAX_TRACKS + 1),
        "probesize": str(_PROBE_BYTES),
        "analyzeduration": str(_ANALYZE_US),
    }


def local_name(path: Path) -> str:
    """Returns a path that can be taken neither for an option nor for another protocol."""
    return f"file:{path}"


def hardened_input(path: Path, demuxer: str = "") -> list[str]:
    """Returns the arguments that open one local file as untrusted media."""
    options = [part for name, value in hardened_options(demuxer).items() for part in (f"-{name}", value)]
    return [*options, "-i", local_name(path)]


def source_input(source: LocalSource) -> list[str]:
    """Returns the arguments that open a probed source."""
    return hardened_input(source.path, source.demuxer)


def probe_command(ffprobe: str, path: Path) -> Command:
    """Builds the command that describes a file as JSON."""
    shown = ["-show_format", "-show_streams", "-of", "json"]
    return command(
        [ffprobe, "-hide_banner", "-v", "error", *shown, *hardened_input(path)],
        purpose="probe of the source",
        sandbox=probe_sandbox(path),
    )


def parse_probe(text: str, *, where: str) -> Probe:
    """Returns what ffprobe said.

    Args:
        text: ffprobe's JSON.
        where: The source's name for people.

    Raises:
        UnreadableSource: if it describes no media.
    """
    try:
        document = json.loads(text)
        container = str(document["format"]["format_name"])
        duration_s = float(document["format"].get("duration") or 0)
    except (ValueError, KeyError, TypeError):
        raise UnreadableSource(
            where, found="ffprobe describes no container", expected="a media file", fix="export the title again"
        ) from None
    tracks = tuple(
        ProbedTrack(
            index=int(stream["index"]),
            kind=str(stream.get("codec_type", "data")),
            codec_name=str(stream.get("codec_name", "unknown")),
            fields=stream,
        )
        for stream in document.get("streams", ())
    )
    return Probe(container=container, tracks=tracks, duration_s=duration_s)


def choose_video_track(probe: Probe, *, where: str) -> ProbedTrack:
    """Returns the best video track: the largest picture, then the default one, then the first; never cover art.

    Raises:
        NoVideoTrack: if there is none.
    """
    moving = [track for track in probe.of_kind("video") if not track.is_cover and track.pixels]
    if not moving:
        kinds = ", ".join(f"{track.kind} ({track.codec_name})" for track in probe.tracks) or "no track at all"
        raise NoVideoTrack(
            where, found=f"tracks: {kinds}", expected="one video track", fix="deliver a file with moving pictures"
        )
    return max(moving, key=lambda track: (track.pixels, track.is_default, -track.index))
