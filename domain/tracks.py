"""Encoded audio and assembled renditions, ready for the packager."""

from fractions import Fraction
from typing import Literal

from pydantic import Field

from domain.files import StoredFile
from domain.values import Value
from domain.video import Codec, Resolution

KeyLabel = Literal["SD", "HD", "UHD", "AUDIO"]
"""Which content key protects a track."""


def key_label(resolution: Resolution) -> KeyLabel:
    """Returns the key label of a video track.

    Source: SPEKE 2.0 contract VIDEO preset 3 (SD to 1024x576, HD to 1920x1080, UHD above).
    """
    if resolution.pixels <= 1024 * 576:
        return "SD"
    return "HD" if resolution.pixels <= 1920 * 1080 else "UHD"


class EncodedAudio(Value):
    """One audio track of the release."""

    file: StoredFile
    name: str
    """Folder and playlist name, unique in the presentation: ``audio_1_eng_stereo``."""
    language: str
    channels: int = Field(ge=1)
    bitrate_bps: int
    loudness_lufs: float | None
    """Measured integrated loudness of what is delivered; ``None`` for silence."""
    true_peak_dbtp: float | None
    is_default: bool
    cpu_s: float = 0.0


class Rendition(Value):
    """The whole title encoded at one rung: a file, with what was checked about it."""

    file: StoredFile
    name: str
    """Folder and playlist name, unique in the presentation: ``video_h264_720p_2400k``."""
    codec: Codec
    resolution: Resolution
    frame_rate: Fraction
    frames: int
    bitrate_bps: float
    peak_bitrate_bps: float
    """Largest rate of any window of one second."""
    cpu_s: float = 0.0
