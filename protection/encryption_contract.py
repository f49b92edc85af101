"""Encryption contracts: which tracks share a key, by the names that AWS's products gave them.

Source: SPEKE 2.0, "Encryption contract"; AWS Elemental MediaPackage user guide, "SPEKE Version 2.0 presets" (limits in
pixels: SD to 1024x576, HD1 to 1280x720, HD2 and HD to 1920x1080, UHD1 to 4096x2160).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple

from domain.tracks import HD_PIXELS, SD_PIXELS, UHD1_PIXELS, KeyLabel
from protection.errors import ContractUnmet

HD1_PIXELS = 1280 * 720

VideoContract = Literal[
    "VIDEO-1", "VIDEO-2", "VIDEO-3", "VIDEO-4", "VIDEO-5", "VIDEO-6", "VIDEO-7", "VIDEO-8", "SHARED", "UNENCRYPTED"
]
AudioContract = Literal["AUDIO-1", "AUDIO-2", "AUDIO-3", "SHARED", "UNENCRYPTED"]


class Span(NamedTuple):
    """A range of sizes, both ends included: pixels of a picture, or channels of sound; 0 for no end."""

    least: int = 0
    most: int = 0

    def holds(self, other: "Span") -> bool:
        """Tells whether another range lies inside."""
        return self.least <= other.least and (self.most == 0 or 0 < other.most <= self.most)


@dataclass(frozen=True, slots=True)
class TrackType:
    """Tracks that share one key."""

    name: str
    """``intendedTrackType``; parts joined by ``+``."""
    video: tuple[Span, ...] = ()
    """One filter for each part of the name."""
    audio: tuple[Span, ...] = ()


_SD, _HD, _UHD = Span(0, SD_PIXELS), Span(SD_PIXELS + 1, HD_PIXELS), Span(HD_PIXELS + 1)
_HD1, _HD2 = Span(SD_PIXELS + 1, HD1_PIXELS), Span(HD1_PIXELS + 1, HD_PIXELS)
_UHD1, _UHD2 = Span(HD_PIXELS + 1, UHD1_PIXELS), Span(UHD1_PIXELS + 1)


def _video(**spans: Span) -> tuple[TrackType, ...]:
    return tuple(TrackType(name, video=(span,)) for name, span in spans.items())


_SD_AND_HD1 = TrackType("SD+HD1", video=(_SD, _HD1))
SHARED = (TrackType("ALL", video=(Span(),), audio=(Span(),)),)
VIDEO_CONTRACTS: dict[VideoContract, tuple[TrackType, ...]] = {
    "VIDEO-1": _video(VIDEO=Span()),
    "VIDEO-2": _video(SD=_SD, HD=Span(SD_PIXELS + 1)),
    "VIDEO-3": _video(SD=_SD, HD=_HD, UHD=_UHD),
    "VIDEO-4": _video(SD=_SD, HD=_HD, UHD1=_UHD1, UHD2=_UHD2),
    "VIDEO-5": _video(SD=_SD, HD1=_HD1, HD2=_HD2, UHD1=_UHD1, UHD2=_UHD2),
    "VIDEO-6": _video(SD=_SD, HD1=_HD1, HD2=_HD2, UHD=_UHD),
    "VIDEO-7": (_SD_AND_HD1, *_video(HD2=_HD2, UHD=_UHD)),
    "VIDEO-8": (_SD_AND_HD1, *_video(HD2=_HD2, UHD1=_UHD1, UHD2=_UHD2)),
    "SHARED": SHARED,
    "UNENCRYPTED": (),
}
AUDIO_CONTRACTS: dict[AudioContract, tuple[TrackType, ...]] = {
    "AUDIO-1": (TrackType("AUDIO", audio=(Span(),)),),
    "AUDIO-2": (
        TrackType("STEREO_AUDIO", audio=(Span(0, 2),)),
        TrackType("MULTICHANNEL_AUDIO", audio=(Span(3),)),
    ),
    "AUDIO-3": (
        TrackType("STEREO_AUDIO", audio=(Span(0, 2),)),
        TrackType("MULTICHANNEL_AUDIO_3_6", audio=(Span(3, 6),)),
        TrackType("MULTICHANNEL_AUDIO_7", audio=(Span(7),)),
    ),
    "SHARED": SHARED,
    "UNENCRYPTED": (),
}
_SPAN_OF: dict[KeyLabel, Span] = {"SD": _SD, "HD": _HD, "UHD1": _UHD1, "UHD2": _UHD2}


@dataclass(frozen=True, slots=True)
class EncryptionContract:
    """A contract for all tracks of a title.

    Raises:
        ContractUnmet: if the two halves do not go together.
    """

    video: VideoContract
    audio: AudioContract

    def __post_init__(self) -> None:
        """Checks what AWS states: SHARED is for both or none, and UNENCRYPTED not for both."""
        if (self.video == "SHARED") != (self.audio == "SHARED"):
            raise ContractUnmet(str(self), found="SHARED with another contract", expected="SHARED for video and audio")
        if self.video == self.audio == "UNENCRYPTED":
            raise ContractUnmet(str(self), found="nothing is encrypted", expected="the scheme `clear` in the recipe")

    def __str__(self) -> str:
        return f"encryption contract {self.video}, {self.audio}"

    @property
    def track_types(self) -> tuple[TrackType, ...]:
        """All groups of tracks that share a key; each has a key of its own."""
        video, audio = VIDEO_CONTRACTS[self.video], AUDIO_CONTRACTS[self.audio]
        return video if self.video == "SHARED" else (*video, *audio)

    def types_of(self, labels: Collection[KeyLabel]) -> dict[KeyLabel, TrackType]:
        """Returns the one group that each label belongs to.

        Raises:
            ContractUnmet: if a label's tracks belong to several groups, which one key of ours cannot serve, or to none.
        """
        return {label: self._type_of(label) for label in labels}

    def _type_of(self, label: KeyLabel) -> TrackType:
        for group in self.track_types:
            spans, wanted = (group.audio, Span()) if label == "AUDIO" else (group.video, _SPAN_OF[label])
            if any(span.holds(wanted) for span in spans):
                return group
        raise ContractUnmet(
            f"{self}, label {label}",
            found="its tracks have several keys there, or none",
            expected="one key for all tracks of a label: VIDEO-1 to VIDEO-4 with AUDIO-1, or SHARED",
            fix="set PERTITLE_SPEKE_VIDEO_CONTRACT and PERTITLE_SPEKE_AUDIO_CONTRACT to such contracts",
        )
