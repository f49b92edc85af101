"""Encodes of shots: what decides their bits, what they weigh, how they score."""

from enum import StrEnum
from fractions import Fraction

from pydantic import Field

from domain.cpu import CpuSplit
from domain.files import StoredFile
from domain.hdr import HdrMetadata
from domain.values import Sha256, Value, digest_of
from domain.video import Codec, Color, Resolution


class Encoder(StrEnum):
    """An encoder by its ffmpeg name."""

    X264 = "libx264"
    X265 = "libx265"
    SVT_AV1 = "libsvtav1"


ENCODER_OF = {Codec.H264: Encoder.X264, Codec.HEVC: Encoder.X265, Codec.AV1: Encoder.SVT_AV1}
"""The encoder of each codec."""


class RateCap(Value):
    """A leaky bucket that an encode must fit (capped CRF)."""

    maxrate_bps: int = Field(gt=0)
    buffer_bits: int = Field(gt=0)


class EncodeRecipe(Value):
    """Every parameter that changes the coded bits of one shot; part of its content key."""

    codec: Codec
    preset: str
    resolution: Resolution
    crf: float = Field(ge=0, le=63)
    frame_rate: Fraction
    idr_frames: tuple[int, ...]
    """Frames that start a closed GOP, counted from the shot's first frame; the first is 0."""
    color: Color
    rate_cap: RateCap | None = None
    hdr: HdrMetadata | None = Field(default=None, exclude_if=lambda said: said is None)
    """Static metadata that the encode carries; absent from the key of an SDR encode."""


class EncodedShot(Value):
    """One shot, encoded and counted: a result document of the content-addressed store."""

    key: Sha256
    """Digest of (pictures, recipe, tools)."""
    file: StoredFile
    resolution: Resolution
    codec: Codec
    crf: float | None
    """``None`` for an encode that was not made by CRF (a baseline rung)."""
    frame_rate: Fraction
    packet_sizes_bytes: tuple[int, ...]
    """Coded size of each frame in presentation order; its length is the number of frames."""
    cpu_s: float = 0.0
    """Its own encoding, and its share of the process that made it."""
    cpu: CpuSplit = CpuSplit()
    """``cpu_s`` by what it was spent on; known of trial encodes only."""

    @property
    def frames(self) -> int:
        """Number of coded frames."""
        return len(self.packet_sizes_bytes)

    @property
    def size_bits(self) -> int:
        """Bits of coded pictures, without container."""
        return 8 * sum(self.packet_sizes_bytes)

    @property
    def bitrate_bps(self) -> float:
        """Mean rate in bits per second."""
        return self.size_bits * float(self.frame_rate) / self.frames


SCORED_PIXELS_IN_MEMORY = 16 * 1920 * 1080
"""Pixels of the display times encodes that one process scores: 3 to 4 GB (888 MB for each at 2160p, decision 0031)."""


class MetricRecipe(Value):
    """How quality is measured; part of the content key of every score."""

    model: str = "vmaf_v1.0.16_3d0h"
    """libvmaf model version."""
    display: Resolution
    """Size at which the distorted picture is compared (bicubic upscale)."""
    subsample: int = Field(default=1, ge=1)
    """Score every n-th frame; odd, because mini-GOPs are powers of two (science: n=4 biases by +1.3)."""
    coded_bits: int = Field(default=8, exclude_if=lambda bits: bits == 8)
    """Bits per sample of the encodes: their banding is judged by it. 10 for HDR; absent from the key otherwise."""

    @property
    def most_together(self) -> int:
        """How many encodes one process scores at once, at least 1."""
        return max(1, SCORED_PIXELS_IN_MEMORY // self.display.pixels)


class ShotScores(Value):
    """The frame scores of one encoded shot: a result document of the content-addressed store."""

    encode_key: Sha256
    metric: MetricRecipe
    frame_scores: tuple[float, ...] = Field(min_length=1)
    """VMAF of each scored frame (every ``metric.subsample``-th, from frame 0), ``[0, 100]`` (some models 110)."""
    cpu_s: float = 0.0


def encode_key(pictures_sha256: str, recipe: EncodeRecipe, tools_digest: str) -> str:
    """Returns the content key of an encode: what the shot is, how it is encoded, by which build."""
    return digest_of(
        {"pictures": pictures_sha256, "recipe": recipe.model_dump(mode="json"), "tools": tools_digest, "version": 1}
    )


def score_key(key_of_encode: str, metric: MetricRecipe, tools_digest: str) -> str:
    """Returns the content key of the scores of an encode."""
    return digest_of(
        {"encode": key_of_encode, "metric": metric.model_dump(mode="json"), "tools": tools_digest, "version": 1}
    )
