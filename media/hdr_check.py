"""Proof that a rendition carries its HDR description: read back from the first picture of what will be packaged."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.sidedata.sidedata import Type

from domain.hdr import (
    CHROMATICITY_STEPS,
    LUMINANCE_STEPS,
    Chromaticity,
    ContentLight,
    HdrMetadata,
    MasteringDisplay,
)
from domain.video import Color
from media.errors import ToolOutputInvalid

# Code points of ITU-T H.273.
_PRIMARIES = {"bt2020": 9}
_TRANSFERS = {"smpte2084": 16, "arib-std-b67": 18}
_MATRICES = {"bt2020nc": 9}
_PIXEL_FORMAT = "yuv420p10le"
# AV1 codes chromaticity in 1/65536, the brightest luminance in 1/256 and the darkest in 1/16384 cd/m² (AV1, 6.7.4).
_CHROMATICITY_STEP = 1
_BRIGHTEST_STEPS = 40
_DARKEST_STEPS = 1
_DISPLAY_LAYOUT = "<22i"
"""``AVMasteringDisplayMetadata``: ten rationals (red, green, blue, white as x and y; darkest, brightest), two flags."""


def check_hdr_output(path: Path, color: Color, hdr: HdrMetadata, *, where: str) -> None:
    """Compares the first decoded picture of an encode with what it must carry.

    Raises:
        ToolOutputInvalid: naming the first thing that is missing or other.
    """
    frame = _first_frame(path, where)
    wanted = (_PIXEL_FORMAT, _PRIMARIES.get(color.primaries), _TRANSFERS.get(color.transfer), _MATRICES[color.matrix])
    found = (frame.format.name, int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace))
    if found != wanted:
        raise ToolOutputInvalid(where, found=f"pictures in {found}", expected=f"{wanted} (format, code points)")
    carried = carried_metadata(frame)
    if carried.content_light != hdr.content_light:
        raise ToolOutputInvalid(where, found=f"{carried.content_light}", expected=f"{hdr.content_light}")
    if not _is_same_display(carried.mastering_display, hdr.mastering_display):
        raise ToolOutputInvalid(where, found=f"{carried.mastering_display}", expected=f"{hdr.mastering_display}")


def carried_metadata(frame: av.VideoFrame) -> HdrMetadata:
    """Returns the static metadata of a decoded picture."""
    display, light = None, None
    entries: Any = frame.side_data  # a sequence and a mapping at once, which its stubs do not say
    for place in range(len(entries)):
        entry = entries[place]
        if entry.type is Type.MASTERING_DISPLAY_METADATA:
            display = parse_display(bytes(entry))
        elif entry.type is Type.CONTENT_LIGHT_LEVEL:
            brightest, mean = struct.unpack_from("<2I", bytes(entry))
            light = ContentLight(max_cll=brightest, max_fall=mean)
    return HdrMetadata(mastering_display=display, content_light=light)


def parse_display(content: bytes) -> MasteringDisplay | None:
    """Returns the mastering display from FFmpeg's own bytes; ``None`` if they say that nothing is known.

    Source: FFmpeg, libavutil/mastering_display_metadata.h.
    """
    numbers = struct.unpack_from(_DISPLAY_LAYOUT, content)
    if not all(numbers[20:22]):
        return None
    ratios = [Fraction(top, bottom) for top, bottom in zip(numbers[0:20:2], numbers[1:20:2], strict=True)]
    red, green, blue, white = (
        Chromaticity(x=round(ratios[place] * CHROMATICITY_STEPS), y=round(ratios[place + 1] * CHROMATICITY_STEPS))
        for place in range(0, 8, 2)
    )
    darkest, brightest = (round(ratio * LUMINANCE_STEPS) for ratio in ratios[8:10])
    return MasteringDisplay(
        red=red, green=green, blue=blue, white=white, max_luminance=brightest, min_luminance=darkest
    )


def _first_frame(path: Path, where: str) -> av.VideoFrame:
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.video[0]):
            return frame
    raise ToolOutputInvalid(where, found="no picture", expected="pictures")


def _is_same_display(one: MasteringDisplay | None, other: MasteringDisplay | None) -> bool:
    if one is None or other is None:
        return one is other
    colors = [(one.red, other.red), (one.green, other.green), (one.blue, other.blue), (one.white, other.white)]
    return (
        all(max(abs(a.x - b.x), abs(a.y - b.y)) <= _CHROMATICITY_STEP for a, b in colors)
        and abs(one.max_luminance - other.max_luminance) <= _BRIGHTEST_STEPS
        and abs(one.min_luminance - other.min_luminance) <= _DARKEST_STEPS
    )
