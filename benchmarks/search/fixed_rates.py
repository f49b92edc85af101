"""Fixed ladders as (width in pixels, rate in kbps), for 16:9."""

from domain.video import Codec
from ladders.fixed_ladder import NETFLIX_2015

FixedRates = tuple[tuple[int, float], ...]
"""(width in pixels, rate in kbps), rising in rate."""

NETFLIX: FixedRates = tuple((width_px, float(rate_kbps)) for rate_kbps, width_px in NETFLIX_2015)
APPLE_AVC: FixedRates = (
    (416, 145.0),
    (640, 365.0),
    (768, 730.0),
    (768, 1100.0),
    (960, 2000.0),
    (1280, 3000.0),
    (1280, 4500.0),
    (1920, 6000.0),
    (1920, 7800.0),
)
"""Source: Apple, "HLS Authoring Specification for Apple Devices", table of H.264 variants, 16:9."""
APPLE_HEVC: FixedRates = (
    (640, 145.0),
    (768, 300.0),
    (960, 600.0),
    (960, 900.0),
    (960, 1600.0),
    (1280, 2400.0),
    (1280, 3400.0),
    (1920, 4500.0),
    (1920, 5800.0),
    (2560, 8100.0),
    (3840, 11600.0),
    (3840, 16800.0),
)
"""Source: the same, table of HEVC variants at up to 30 fps, 16:9. It stands for AV1 too."""


def apple_rates(codec: Codec) -> FixedRates:
    """Returns the Apple-style ladder of a codec."""
    return APPLE_AVC if codec is Codec.H264 else APPLE_HEVC
