"""What is to be packaged: tracks, their keys, and how long a segment is, checked before anything starts."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from domain.drm import DrmSignal
from domain.recipe import PackagingRecipe
from domain.shots import grid_frames
from domain.tracks import EncodedAudio, KeyLabel, Rendition, TextTrack, Thumbnails, key_label
from domain.video import Codec
from media.errors import PresentationInvalid

MANIFEST = "manifest.mpd"
"""Path of the MPD in the presentation."""
MULTIVARIANT = "multivariant.m3u8"
"""Path of the multivariant playlist in the presentation."""
# The stream descriptor of the packager is split at commas and has $Number$ templates: neither may stand in a path.
_SAFE_NAME = re.compile(r"[a-z0-9_]+\Z", re.IGNORECASE | re.ASCII)
_UNSAFE_PATH = re.compile(r"[,$\n]")
_IV_BYTES = {"cbcs": 16, "cenc": 8, "clear": 0}


class TrackFile(NamedTuple):
    """A track and its clear file on this machine."""

    track: Rendition | EncodedAudio | TextTrack | Thumbnails
    path: Path
    """MP4 of a rendition or of sound, WebVTT of text; of thumbnails a folder with the sheets, in order of name."""
    vmaf: float | None = None
    """Measured mean VMAF of a rendition, in [0, 100]; ``None`` if it is not known."""

    @property
    def name(self) -> str:
        """Folder of the track in the presentation."""
        return self.track.name

    @property
    def is_media(self) -> bool:
        """Picture or sound: what is muxed by the packager, and encrypted unless the title is clear."""
        return isinstance(self.track, Rendition | EncodedAudio)

    @property
    def label(self) -> KeyLabel | None:
        """Which content key protects the track; ``None`` for text and thumbnails, which are never encrypted."""
        if isinstance(self.track, Rendition):
            return key_label(self.track.resolution)
        return "AUDIO" if isinstance(self.track, EncodedAudio) else None


@dataclass(frozen=True, slots=True)
class TrackKey:
    """A content key for one label; its secret parts never show in ``repr``, logs or errors."""

    label: KeyLabel
    kid: str
    """Public key identifier, 32 lower-case hexadecimal digits."""
    key: bytes = field(repr=False)
    """The content key, 16 bytes."""
    iv: bytes = field(repr=False)
    """Seed of the initialization vectors, at least 8 bytes. Each track gets an IV of its own from it."""
    signals: tuple[DrmSignal, ...] = ()
    """What the key's provider wants to be said for a license system; ours stands in for what it leaves empty."""

    def __post_init__(self) -> None:
        """Checks the sizes here, because the packager would repeat a wrong key in its error message."""
        if not re.fullmatch(r"[0-9a-f]{32}", self.kid):
            raise PresentationInvalid(f"key {self.label}", found="a malformed KID", expected="32 hexadecimal digits")
        if len(self.key) != 16 or len(self.iv) < 8:
            found = f"{len(self.key)} bytes of key, {len(self.iv)} bytes of IV"
            raise PresentationInvalid(f"key {self.label}", found=found, expected="16 bytes of key, 8 or more of IV")


@dataclass(frozen=True, slots=True)
class PresentationPlan:
    """A presentation before it exists.

    Raises:
        PresentationInvalid: if the tracks cannot make one presentation; says every reason.
    """

    tracks: tuple[TrackFile, ...]
    keys: tuple[TrackKey, ...]
    recipe: PackagingRecipe
    frame_rate: Fraction
    """Exact frames per second of every rendition."""
    segment_starts: tuple[int, ...] = ()
    """Frames at which segments start, rising, the first 0, each an IDR frame of every rendition; empty: all segments
    but the last have ``recipe.segment_s`` seconds, rounded to whole frames."""

    def __post_init__(self) -> None:
        """Takes plain pairs as tracks, then checks."""
        object.__setattr__(self, "tracks", tuple(TrackFile(*pair) for pair in self.tracks))
        if broken := [*self._broken_tracks(), *self._broken_keys()]:
            raise PresentationInvalid("presentation plan", found="; ".join(broken))

    @property
    def scheme(self) -> Literal["cbcs", "cenc", "clear"]:
        """Common Encryption scheme, or ``clear``."""
        return self.recipe.scheme

    @property
    def is_encrypted(self) -> bool:
        """Picture and sound are encrypted."""
        return self.scheme != "clear"

    @property
    def media(self) -> tuple[TrackFile, ...]:
        """Renditions and sound, in the order given."""
        return tuple(item for item in self.tracks if item.is_media)

    @property
    def text(self) -> tuple[TextTrack, ...]:
        """The text tracks, the default one first, else in the order given."""
        found = [item.track for item in self.tracks if isinstance(item.track, TextTrack)]
        return tuple(sorted(found, key=lambda track: not track.is_default))

    @property
    def thumbnails(self) -> tuple[Thumbnails, ...]:
        """The thumbnails, in the order given."""
        return tuple(item.track for item in self.tracks if isinstance(item.track, Thumbnails))

    @property
    def renditions(self) -> tuple[Rendition, ...]:
        """The video tracks, in the order given."""
        return tuple(item.track for item in self.tracks if isinstance(item.track, Rendition))

    @property
    def audio(self) -> tuple[EncodedAudio, ...]:
        """The audio tracks, the default one first, else in the order given."""
        found = [item.track for item in self.tracks if isinstance(item.track, EncodedAudio)]
        return tuple(sorted(found, key=lambda track: not track.is_default))

    @property
    def frames(self) -> int:
        """Frames of the title."""
        return self.renditions[0].frames

    @property
    def segment_starts_frames(self) -> tuple[int, ...]:
        """The frames at which segments start."""
        step = grid_frames(self.frame_rate, Fraction(self.recipe.segment_s))
        return self.segment_starts or tuple(range(0, self.frames, step))

    @property
    def duration_s(self) -> Fraction:
        """Exact length of the title in seconds."""
        return self.frames / self.frame_rate

    def segment_times_s(self) -> list[tuple[Fraction, Fraction]]:
        """Returns (start, end) of each segment in seconds."""
        borders = [frame / self.frame_rate for frame in (*self.segment_starts_frames, self.frames)]
        return list(pairwise(borders))

    @property
    def trick_tracks(self) -> dict[str, TrackFile]:
        """Folder → rendition whose IDRs alone are packaged for fast play: the smallest of each codec, SDR and HDR."""
        smallest: dict[tuple[Codec, bool], TrackFile] = {}
        for item in self.media:
            if isinstance(item.track, Rendition):
                kind = (item.track.codec, item.track.tone_mapped)
                best = smallest.setdefault(kind, item)
                if _cost(item) < _cost(best):
                    smallest[kind] = item
        return {f"trick_{item.name}": item for item in smallest.values()}

    def key_of(self, item: TrackFile) -> TrackKey:
        """Returns the content key of a track.

        Raises:
            PresentationInvalid: if it has none: the title is clear, or the track is text or thumbnails.
        """
        found = next((key for key in self.keys if self.is_encrypted and key.label == item.label), None)
        if found is None:
            raise PresentationInvalid(item.name, found="no key", expected="an encrypted track")
        return found

    def iv_of(self, item: TrackFile, folder: str = "") -> bytes:
        """Returns the IV of a track: 16 bytes for cbcs, 8 for cenc.

        Args:
            item: The track.
            folder: Folder that its segments lie in, if it is not that of its name.

        Tracks of one label share the content key. With one IV for both, ``cenc`` (AES-CTR) would cover two tracks with
        one key stream, and their difference could be read; hence an IV per key, track and *content*: the same
        tracks packaged again give the same bytes, other tracks never meet the same IV.

        Source: NIST SP 800-38A, appendix B: counter blocks must be unique across all messages under one key.
        """
        content = "" if isinstance(item.track, Thumbnails) else item.track.file.sha256
        facts = f"{self.scheme}|{folder or item.name}|{content}|".encode()
        return hashlib.sha256(facts + self.key_of(item).iv).digest()[: _IV_BYTES[self.scheme]]

    def _broken_tracks(self) -> list[str]:
        renditions = self.renditions
        names = [item.name for item in self.tracks]
        names += self.trick_tracks
        broken = [f"name {name!r} {count} times" for name, count in Counter(names).items() if count > 1]
        broken += [f"unsafe name {name!r}" for name in names if not _SAFE_NAME.match(name)]
        broken += [f"unsafe path {item.path}" for item in self.tracks if _UNSAFE_PATH.search(str(item.path))]
        if not renditions:
            return [*broken, "no rendition"]
        if self.segment_starts and (self.segment_starts[0], *sorted(set(self.segment_starts))) != (
            0,
            *self.segment_starts,
        ):
            broken.append("segment starts that do not rise from 0")
        broken += [
            f"{item.name} has {item.frames} frames, {renditions[0].name} has {renditions[0].frames}"
            for item in renditions
            if item.frames != renditions[0].frames
        ]
        return broken + [
            f"{item.name} has {item.frame_rate} frames per second, {self.frame_rate} expected"
            for item in renditions
            if item.frame_rate != self.frame_rate
        ]

    def _broken_keys(self) -> list[str]:
        if not self.is_encrypted:
            return ["keys for a clear title"] if self.keys else []
        labels = Counter(key.label for key in self.keys)
        broken = [f"{count} keys for label {label}" for label, count in labels.items() if count > 1]
        needed = sorted({item.label for item in self.tracks if item.label is not None})
        return broken + [f"no key for label {label}" for label in needed if label not in labels]


def _cost(item: TrackFile) -> tuple[int, float]:
    track = item.track
    return (track.resolution.pixels, track.bitrate_bps) if isinstance(track, Rendition) else (0, 0.0)
