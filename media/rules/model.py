"""A presentation as it lies on disk: one frozen model that every rule reads.

Times of media are ticks of the track's time scale on the presentation's axis, after the edit list; seconds are exact.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Literal, NamedTuple

from media.rules.hls_model import Multivariant, Playlist, PlaylistText
from media.rules.media_model import Segment, Span, Track


class Damage(NamedTuple):
    """A file that is not what it should be."""

    path: str
    found: str
    expected: str


class Mention(NamedTuple):
    """A manifest naming a file."""

    manifest: str
    uri: str
    path: str | None
    """Path in the presentation; ``None`` where the URI leads outside."""


class Protection(NamedTuple):
    """A ``ContentProtection`` element."""

    scheme: str
    """``schemeIdUri``, lower case."""
    value: str
    kid: str
    """``cenc:default_KID`` as 32 lower-case hexadecimal digits, or nothing."""
    pssh: str
    """Text of ``cenc:pssh``."""
    header: str
    """Text of ``mspr:pro``."""


class Reference(NamedTuple):
    """A segment that an MPD names."""

    span: Span
    start_s: Fraction
    duration_s: Fraction
    segment: Segment | None


@dataclass(frozen=True)
class Representation:
    """A Representation with what it inherits from its adaptation set."""

    where: str
    """MPD and id, for people."""
    attributes: Mapping[str, str]
    addressing: Literal["timeline", "duration", "base", "list", "single"]
    timescale: int
    element: ET.Element
    references: tuple[Reference, ...]
    track: Track | None

    @property
    def mime(self) -> str:
        """MIME type, in lower case."""
        return self.attributes.get("mimeType", "").lower()


@dataclass(frozen=True)
class AdaptationSet:
    """An adaptation set."""

    where: str
    kind: Literal["video", "audio", "text", "image", "other"]
    element: ET.Element
    attributes: Mapping[str, str]
    representations: tuple[Representation, ...]
    protections: tuple[Protection, ...]

    @property
    def is_trick(self) -> bool:
        """Whether the set is for trick play only."""
        schemes = [child.get("schemeIdUri", "") for child in self.element if child.tag.endswith("EssentialProperty")]
        return any("trickmode" in scheme for scheme in schemes)

    @property
    def tracks(self) -> list[Track]:
        """The tracks that could be read."""
        return [item.track for item in self.representations if item.track is not None]


@dataclass(frozen=True)
class Mpd:
    """One MPD."""

    path: str
    root: ET.Element
    duration_s: Fraction | None
    periods: int
    sets: tuple[AdaptationSet, ...]

    def sets_of(self, *kinds: str) -> list[AdaptationSet]:
        """Returns the ordinary (not trick-play) adaptation sets of some kinds."""
        return [item for item in self.sets if item.kind in kinds and not item.is_trick]


@dataclass(frozen=True)
class PresentationOnDisk:
    """All that rules may look at."""

    files: Mapping[str, int]
    """Path → size in bytes, of every file in the folder."""
    mentions: tuple[Mention, ...]
    damages: tuple[Damage, ...]
    mpds: tuple[Mpd, ...]
    multivariants: tuple[Multivariant, ...]
    playlists: Mapping[str, Playlist]
    tracks: tuple[Track, ...]
    """Every track once, however many manifests name it."""
    trick: frozenset[str] = frozenset()
    """Names of tracks that only trick-play sets and I-frame playlists name."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """WebVTT file → its first lines."""
    images: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Picture file → (width, height) in pixels."""

    @property
    def all_playlists(self) -> list[PlaylistText]:
        """Multivariant and media playlists."""
        return [*self.multivariants, *self.playlists.values()]

    def has(self, subject: str) -> bool:
        """Tells whether the presentation has what a rule is about."""
        wanted = {
            "dash": bool(self.mpds),
            "hls": bool(self.playlists),
            "both": bool(self.mpds) and bool(self.playlists),
            "encrypted": self.is_encrypted,
        }
        return all(wanted.get(word, True) for word in subject.split())

    @cached_property
    def is_encrypted(self) -> bool:
        """Whether any track is protected."""
        return any(track.init.protection for track in self.tracks)

    @cached_property
    def video(self) -> list[Track]:
        """The video tracks that are played, not those for trick play."""
        return [track for track in self.tracks if track.init.handler == "vide" and track.name not in self.trick]

    @cached_property
    def ordinary(self) -> dict[str, Playlist]:
        """The media playlists of audio, video and text: no I-frames, no pictures."""
        return {path: item for path, item in self.playlists.items() if item.kind == "media"}

    @cached_property
    def sounding(self) -> dict[str, Playlist]:
        """The media playlists of audio and video."""
        return {path: item for path, item in self.ordinary.items() if item.handler in {"vide", "soun"}}
