"""Encoded audio, assembled renditions, subtitles and thumbnails, ready for the packager."""

from fractions import Fraction
from typing import Literal

from pydantic import Field

from domain.files import StoredFile
from domain.values import Value
from domain.video import AudioRole as AudioRole
from domain.video import Codec, Resolution, TextRole

KeyLabel = Literal["SD", "HD", "UHD1", "UHD2", "AUDIO"]
"""Which content key protects a track."""

RecordedLabel = Literal["SD", "HD", "UHD", "UHD1", "UHD2", "AUDIO"]
"""A label as it may stand in a record; ``UHD`` is all above HD in records before 0.2."""

SD_PIXELS = 1024 * 576
HD_PIXELS = 1920 * 1080
UHD1_PIXELS = 4096 * 2160


def key_label(resolution: Resolution) -> KeyLabel:
    """Returns the key label of a video track; only the number of pixels counts, not the shape.

    Source: SPEKE 2.0, encryption contract preset VIDEO-4 (``maxPixels`` 589824, 2073600, 8847360, none).
    """
    if resolution.pixels <= SD_PIXELS:
        return "SD"
    if resolution.pixels <= HD_PIXELS:
        return "HD"
    return "UHD1" if resolution.pixels <= UHD1_PIXELS else "UHD2"


class EncodedAudio(Value):
    """One audio track of the release."""

    file: StoredFile
    name: str
    """Folder and playlist name, unique in the presentation: ``audio_1_eng_stereo``."""
    language: str
    channels: int = Field(ge=1)
    codec: Literal["aac", "eac3"] = "aac"
    bitrate_bps: int
    loudness_lufs: float | None
    """Measured integrated loudness of what is delivered; ``None`` for silence."""
    true_peak_dbtp: float | None
    is_default: bool
    role: AudioRole | None = None
    """``None``: ``main`` for the default track, ``alternate`` in its language, ``dub`` in others."""
    label: str = ""
    """The source's own name of the track, for menus; may be empty."""
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
    tone_mapped: bool = Field(default=False, exclude_if=lambda is_so: not is_so)
    """An SDR version of an HDR title."""
    cpu_s: float = 0.0


class TextTrack(Value):
    """One subtitle track of the release: WebVTT in UTF-8, cues sorted and inside the title."""

    file: StoredFile
    name: str
    """Folder and playlist name, unique in the presentation: ``text_1_eng``."""
    language: str
    role: TextRole = "subtitle"
    label: str = ""
    """Its name for menus; may be empty."""
    is_default: bool = False
    cues: int = Field(ge=0)
    cpu_s: float = 0.0


class Thumbnails(Value):
    """Still pictures of the title for seeking, tiled on JPEG sheets."""

    sheets: tuple[StoredFile, ...] = Field(min_length=1)
    """In order of time; the last one may have empty tiles at its end."""
    name: str
    """Folder name, unique in the presentation: ``thumbnails_320x180``."""
    tile: Resolution
    """Size of one still."""
    columns: int = Field(ge=1)
    rows: int = Field(ge=1)
    interval_s: Fraction
    """Seconds from one still to the next; the first shows the first picture."""
    stills: int = Field(ge=1)
    cpu_s: float = 0.0
