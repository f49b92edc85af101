"""Fixed ladders: the same rungs for every title, as a baseline."""

from domain.ladder import FixedRung
from domain.video import Resolution
from ladders.errors import UnknownFixedLadder
from ladders.picture_sizes import size_of

NETFLIX_2015 = (
    (235, 320),  # was 320x240
    (375, 384),  # was 384x288
    (560, 512),  # was 512x384
    (750, 512),  # was 512x384
    (1050, 640),  # was 640x480
    (1750, 768),  # was 720x480 with wide samples
    (2350, 1280),
    (3000, 1280),
    (4300, 1920),
    (5800, 1920),
)
"""(rate in kbps, width in pixels) of the ladder that Netflix replaced by per-title encoding.

The rates are the published ones. The published sizes up to 640x480 are of 4:3 shape and 720x480 has samples that
are not square; for a 16:9 picture with square samples each is replaced by the 16:9 size of the same width
(720x480 by the usual 768x432). These sizes have fewer lines than the published ones, so the low rungs of our
baseline have fewer pixels to code: easier at low rates, softer at high ones. It is a baseline in the spirit of
2015, not a reconstruction of what Netflix sent.

Source: "Per-Title Encode Optimization", Netflix technology blog, December 2015.
"""

_LADDERS = {"netflix-2015": NETFLIX_2015}


def fixed_ladder(name: str, display: Resolution) -> tuple[FixedRung, ...]:
    """Returns a fixed ladder's rungs in rising rate, in the display's shape, none larger than the display.

    A display that is smaller than every rung gets the smallest rung's rate at its own size.

    Args:
        name: ``netflix-2015``.
        display: size at which quality is compared, square samples. An upright one keeps the widths as heights.

    Raises:
        UnknownFixedLadder: there is no ladder of that name.
    """
    if name not in _LADDERS:
        raise UnknownFixedLadder("fixed ladder", found=name, expected=", ".join(_LADDERS))
    limit = max(display.width_px, display.height_px)
    rungs = tuple(
        FixedRung(resolution=size_of(width_px, display), bitrate_bps=1000 * rate_kbps)
        for rate_kbps, width_px in _LADDERS[name]
        if width_px <= limit
    )
    smallest_kbps = _LADDERS[name][0][0]
    return rungs or (FixedRung(resolution=size_of(limit, display), bitrate_bps=1000 * smallest_kbps),)
