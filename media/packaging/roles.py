"""What sound tracks are for, and which of them belong together."""

from domain.tracks import EncodedAudio
from domain.video import AudioRole
from media.packaging.languages import language_tag
from media.packaging.plan import PresentationPlan


def audio_group(track: EncodedAudio) -> str:
    """Returns the HLS audio group: one per codec and channel count, because all members must suit a variant's CODECS.

    Source: Apple HLS authoring specification (2025-06-26), 8.19 and RFC 8216bis, 4.4.6.1.1.
    """
    return f"audio_{track.codec}_{track.channels}ch"


def audio_role(plan: PresentationPlan, track: EncodedAudio) -> AudioRole:
    """Returns the role of a sound track: what it says itself, else what follows from the languages.

    Source: ISO/IEC 23009-1, 5.8.5.5, ``urn:mpeg:dash:role:2011``.
    """
    if track.role is not None:
        return track.role
    first = plan.audio[0]
    if language_tag(track) != language_tag(first):
        return "dub"
    # The same sound in another layout is no other programme.
    return "main" if track == first or audio_group(track) != audio_group(first) else "alternate"
