"""High dynamic range as facts: which transfer, which mastering display, how bright the brightest pixel is.

Sources: SMPTE ST 2084 (PQ), ARIB STD-B67 and ITU-R BT.2100 (PQ, HLG), SMPTE ST 2086 (mastering display), CTA-861.3
(content light level); ITU-T H.265 (08/2021), D.2.28 and D.2.35 for the units.
"""

from enum import StrEnum

from pydantic import Field

from domain.values import Value

CHROMATICITY_STEPS = 50_000
"""Chromaticity coordinates count in steps of 0.00002."""
LUMINANCE_STEPS = 10_000
"""Luminances of the mastering display count in steps of 0.0001 cd/m²."""


class DynamicRange(StrEnum):
    """The dynamic range that a transfer function stands for, in the words of HLS ``VIDEO-RANGE``."""

    SDR = "SDR"
    PQ = "PQ"
    HLG = "HLG"


HDR_TRANSFERS = {"smpte2084": DynamicRange.PQ, "arib-std-b67": DynamicRange.HLG}
"""ffmpeg's names of the HDR transfers."""


class Chromaticity(Value):
    """A color of CIE 1931, in steps of 0.00002."""

    x: int = Field(ge=0, le=CHROMATICITY_STEPS)
    y: int = Field(ge=0, le=CHROMATICITY_STEPS)


class MasteringDisplay(Value):
    """The display that the pictures were graded on."""

    red: Chromaticity
    green: Chromaticity
    blue: Chromaticity
    white: Chromaticity
    max_luminance: int = Field(gt=0)
    """In steps of 0.0001 cd/m²."""
    min_luminance: int = Field(ge=0)
    """In steps of 0.0001 cd/m²."""


class ContentLight(Value):
    """How bright the pictures are, in cd/m²."""

    max_cll: int = Field(ge=0, le=65535)
    """Brightest pixel of the title."""
    max_fall: int = Field(ge=0, le=65535)
    """Brightest frame average of the title."""


class ToneMapping(Value):
    """How the pictures of an HDR title were made into SDR ones; part of what the pictures are."""

    source_range: DynamicRange
    """PQ or HLG."""
    peak_cd_m2: float = Field(gt=0)
    """Luminance of the source that becomes SDR white, in cd/m²; whatever is brighter does, too."""
    filters: str
    """The whole filter chain of ffmpeg: the curve, white, colors, and the samples that come out."""


class HdrMetadata(Value):
    """Static metadata of a title, as it is carried in every rendition."""

    mastering_display: MasteringDisplay | None = None
    content_light: ContentLight | None = None
