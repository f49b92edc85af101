"""What a track is for, as its container says: by flags, else by its own name.

Source: Matroska (RFC 9559, 5.1.4.1.5 to 5.1.4.1.11) and ISO/IEC 14496-12, 8.10.4 (``kind``), both read by ffprobe as
``disposition``.
"""

import re

from domain.video import AudioRole, AudioTrack, TextRole
from media.probe import ProbedTrack

_AUDIO_FLAGS: tuple[tuple[str, AudioRole], ...] = (
    ("comment", "commentary"),
    ("visual_impaired", "description"),
    ("descriptions", "description"),
    ("dub", "dub"),
    ("original", "main"),
)
_COMMENTARY = re.compile(r"\bcomment(ary|aire|ar)|\bkommentar", re.IGNORECASE)
_DESCRIPTION = re.compile(r"\b(audio.?)?descri(ption|bed|ptive)|\baudiodeskription", re.IGNORECASE)


def audio_role_of(track: ProbedTrack) -> AudioRole | None:
    """Returns the role of a sound track; ``None`` if neither flags nor name say it."""
    flags = track.fields.get("disposition", {})
    flagged = next((role for flag, role in _AUDIO_FLAGS if flags.get(flag)), None)
    if flagged is not None:
        return flagged
    if _COMMENTARY.search(track.title):
        return "commentary"
    return "description" if _DESCRIPTION.search(track.title) else None


def text_role_of(track: ProbedTrack) -> TextRole:
    """Returns the role of a text track; one that says nothing is a subtitle."""
    flags = track.fields.get("disposition", {})
    if flags.get("forced"):
        return "forced-subtitle"
    return "caption" if flags.get("hearing_impaired") or flags.get("captions") else "subtitle"


def default_track(tracks: tuple[AudioTrack, ...]) -> int:
    """Returns the place of the track that plays unless a person chooses: as flagged, but never a commentary.

    Raises:
        ValueError: if there is no track.
    """
    speech = [n for n, track in enumerate(tracks) if track.role not in {"commentary", "description"}]
    return min(speech or range(len(tracks)), key=lambda n: (not tracks[n].is_default, tracks[n].role == "dub", n))


def roles_of(tracks: tuple[AudioTrack, ...]) -> tuple[AudioRole, ...]:
    """Returns the role of every track: what is not said follows from the language of the default one."""
    if not tracks:
        return ()
    first = default_track(tracks)
    return tuple(_role(track, tracks[first], is_first=n == first) for n, track in enumerate(tracks))


def _role(track: AudioTrack, first: AudioTrack, *, is_first: bool) -> AudioRole:
    if track.role is not None:
        return track.role
    if is_first:
        return "main"
    return "alternate" if track.language == first.language else "dub"


def label_of(title: str) -> str:
    """Returns a track's own name as it may stand in a menu: one line, no quotation marks, at most 64 characters."""
    return " ".join("".join(mark if mark.isprintable() and mark not in '"\\' else " " for mark in title).split())[:64]
