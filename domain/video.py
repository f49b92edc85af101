"""Pictures and sound as facts: codecs, sizes, colors, tracks, and what inspection found in a source.

Time on the picture axis is counted in frames over an exact ``Fraction`` rate; intervals are half-open.
"""

from enum import StrEnum
from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, model_validator

from domain.files import StoredFile
from domain.hdr import HDR_TRANSFERS, DynamicRange, HdrMetadata
from domain.normalization import Normalization
from domain.values import Value

AudioRole = Literal["main", "alternate", "dub", "commentary", "description"]
"""What a sound track is for.

Source: ISO/IEC 23009-1, 5.8.5.5 (``urn:mpeg:dash:role:2011``); ``description`` speaks what can be seen.
"""
TextRole = Literal["subtitle", "caption", "forced-subtitle"]
"""What a text track is for: translation of speech, also of sounds, or only what must be read (same clause)."""


class Codec(StrEnum):
    """A video codec that a rung can use."""

    H264 = "h264"
    HEVC = "hevc"
    AV1 = "av1"


class Resolution(Value):
    """A coded picture size with square samples."""

    width_px: int = Field(ge=16, le=16384)
    height_px: int = Field(ge=16, le=16384)

    @property
    def pixels(self) -> int:
        """Pixels per picture."""
        return self.width_px * self.height_px

    def __str__(self) -> str:
        return f"{self.width_px}x{self.height_px}"


class FrameRange(Value):
    """Frames ``[start_frame, end_frame)`` of a title."""

    start_frame: int = Field(ge=0)
    end_frame: int = Field(ge=1)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.end_frame <= self.start_frame:
            raise ValueError(f"empty range: [{self.start_frame}, {self.end_frame})")
        return self

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.end_frame - self.start_frame


class Color(Value):
    """Color description in ffmpeg's names (ITU-T H.273 code points behind them)."""

    primaries: str = "bt709"
    transfer: str = "bt709"
    matrix: str = "bt709"
    range: Literal["tv", "pc"] = "tv"

    @property
    def dynamic_range(self) -> DynamicRange:
        """SDR, PQ or HLG."""
        return HDR_TRANSFERS.get(self.transfer, DynamicRange.SDR)

    @property
    def delivered_bits(self) -> int:
        """Bits per sample of deliveries: 10 for HDR, in which 8 would show banding; 8 otherwise."""
        return 8 if self.dynamic_range is DynamicRange.SDR else 10


class VideoTrack(Value):
    """The video track that is encoded: its form as the file says; size, frames and rate as the mezzanine has them."""

    stream_index: int = Field(ge=0)
    codec_name: str
    width_px: int = Field(ge=1)
    """Width of the pictures of the mezzanine: upright, square samples, even."""
    height_px: int = Field(ge=1)
    """Their height."""
    frames: int = Field(ge=1)
    """Frames of the title: those that really decode, after ``normalization``."""
    frame_rate: Fraction
    """Exact frames per second of the title."""
    pixel_format: str
    """As the source has it."""
    bit_depth: int = Field(ge=8, le=16)
    sample_aspect_ratio: Fraction = Fraction(1)
    """As the source has it."""
    rotation_deg: int = 0
    """As the source has it: counterclockwise, in quarter turns."""
    field_order: str = "progressive"
    """As the source says it."""
    normalization: Normalization | None = Field(default=None, exclude_if=lambda done: done is None)
    """What was done to the decoded pictures; ``None`` if nothing (but see ``color.range``)."""
    color: Color
    hdr: HdrMetadata | None = Field(default=None, exclude_if=lambda said: said is None)
    """Static metadata of an HDR source (empty if it has none); ``None`` for SDR."""
    color_is_assumed: bool = False
    """The source did not say its colors; the values in ``color`` are the convention for its size."""

    @property
    def resolution(self) -> Resolution:
        """The size of the mezzanine's pictures."""
        return Resolution(width_px=self.width_px, height_px=self.height_px)

    @property
    def exact_duration_s(self) -> Fraction:
        """Length in seconds, exact."""
        return self.frames / self.frame_rate

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.exact_duration_s)


class AudioTrack(Value):
    """One audio track of a source."""

    stream_index: int = Field(ge=0)
    codec_name: str
    channels: int = Field(ge=1)
    channel_layout: str
    sample_rate_hz: int = Field(ge=1)
    language: str = "und"
    """BCP 47 or ISO 639-2 tag as found; ``und`` if not said."""
    title: str = ""
    role: AudioRole | None = None
    """What the container says it is for; ``None`` if it does not."""
    is_default: bool = False
    """Whether the container marks it as default."""


class SubtitleTrack(Value):
    """One subtitle track of a source: published if it is text, only reported if it is pictures."""

    stream_index: int = Field(ge=0)
    codec_name: str
    language: str = "und"
    title: str = ""
    role: TextRole = "subtitle"


class DamagedTrack(Value):
    """An audio track that opens, but does not decode to its end; it is left out of the title."""

    stream_index: int = Field(ge=0)
    codec_name: str
    language: str = "und"
    found: str
    """What the decoder said."""


class SourceDescription(Value):
    """Everything that inspection found in a source."""

    file: StoredFile
    container: str
    video: VideoTrack
    other_video_tracks: tuple[int, ...] = ()
    """Stream indices of video tracks that were not chosen."""
    audio: tuple[AudioTrack, ...] = ()
    """Those that decode."""
    damaged_audio: tuple[DamagedTrack, ...] = Field(default=(), exclude_if=lambda damaged: not damaged)
    subtitles: tuple[SubtitleTrack, ...] = ()
    notes: tuple[str, ...] = ()
    """What a person should know: assumed colors, skipped tracks."""
