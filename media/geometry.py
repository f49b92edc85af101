"""The form of decoded pictures: which part is shown, how wide their samples are, how they are turned. Pure."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from domain.normalization import Crop, Turn
from media.errors import UnsupportedPicture
from media.probe import ProbedTrack

_D10_VBI_LINES = 32
_D10_HEIGHTS_PX = frozenset({512, 608})
"""SMPTE D-10 (IMX) codes 32 lines of vertical blanking above the 480 or 576 of the picture (SMPTE 356M)."""
_LEAST_RATIO, _LARGEST_RATIO = Fraction(1, 4), Fraction(4)
_RIGHT_ANGLE_DEG = 90


@dataclass(frozen=True, slots=True)
class Geometry:
    """How decoded pictures must be shown."""

    crop: Crop | None
    square_width_px: int | None
    turn: Turn


def read_geometry(track: ProbedTrack, *, where: str) -> Geometry:
    """Returns what must be done so that pictures are upright, with square samples, and even in both sizes.

    Samples are made square by width: the height stays, so that lines are never resampled. Odd sizes lose their last
    column or line, which leaves all other samples as they are.

    Raises:
        UnsupportedPicture: for a turn that is no right angle, or samples of a shape that nobody makes.
    """
    ratio = track.ratio("sample_aspect_ratio") or Fraction(1)
    if not _LEAST_RATIO <= ratio <= _LARGEST_RATIO:
        raise UnsupportedPicture(
            where,
            found=f"sample aspect ratio {ratio}",
            expected=f"between {_LEAST_RATIO} and {_LARGEST_RATIO}",
            fix="correct the aspect ratio of the file, or scale its pictures to square samples",
        )
    crop = _shown_part(track)
    width = crop.width_px if crop else track.number("width")
    square = None if ratio == 1 else 2 * round(width * ratio / 2)
    return Geometry(crop, square if square != width else None, _turn(track, where))


def _shown_part(track: ProbedTrack) -> Crop | None:
    """Returns the clean aperture of the container, or what lies below the blanking lines, at even places."""
    width, height = track.number("width"), track.number("height")
    left, top, right, bottom = 0, 0, width, height
    if track.codec_name == "mpeg2video" and height in _D10_HEIGHTS_PX and width == 720:
        top = _D10_VBI_LINES
    else:
        stated: list[dict[str, Any]] = track.fields.get("side_data_list", [])
        sides = next((entry for entry in stated if "crop_top" in entry), {})
        left, top = (_even_up(int(sides.get(f"crop_{side}", 0))) for side in ("left", "top"))
        right, bottom = width - int(sides.get("crop_right", 0)), height - int(sides.get("crop_bottom", 0))
    kept = Crop(left_px=left, top_px=top, width_px=(right - left) // 2 * 2, height_px=(bottom - top) // 2 * 2)
    return None if (kept.width_px, kept.height_px) == (width, height) else kept


def _even_up(number: int) -> int:
    return number + number % 2


def _turn(track: ProbedTrack, where: str) -> Turn:
    """Returns the turn that the display matrix asks for, mirrored or not, as ffmpeg itself would apply it.

    Source: ISO/IEC 14496-12, 6.2.2 (matrix); ffmpeg 9, fftools/ffmpeg_filter.c, ``configure_input_video_filter``.
    """
    degrees, matrix = track.rotation_deg % 360, _matrix(track)
    if degrees % _RIGHT_ANGLE_DEG:
        raise UnsupportedPicture(
            where,
            found=f"rotated by {track.rotation_deg} degrees",
            expected="quarter turns",
            fix="turn the pictures themselves",
        )
    flips_x, flips_y = matrix[0] < 0, matrix[4] < 0
    turns: dict[int, Turn] = {
        0: "vflip" if flips_y else "none",
        90: "clock_flip" if matrix[3] < 0 else "cclock",
        180: "half" if flips_x and flips_y else "hflip" if flips_x else "vflip" if flips_y else "half",
        270: "cclock_flip" if matrix[3] > 0 else "clock",
    }
    return turns[degrees]


def _matrix(track: ProbedTrack) -> tuple[int, ...]:
    """Returns the nine numbers of the display matrix; without one, those of the plain turn."""
    for entry in track.fields.get("side_data_list", ()):
        rows = re.findall(r"^\d{8}:((?:\s+-?\d+){3})", str(entry.get("displaymatrix", "")), re.MULTILINE)
        if len(rows) == 3:
            return tuple(int(number) for row in rows for number in row.split())
    one = 1 << 16
    plain = {0: (one, 0, 0, one), 90: (0, -one, one, 0), 180: (-one, 0, 0, -one), 270: (0, one, -one, 0)}
    a, b, c, d = plain.get(track.rotation_deg % 360, plain[0])
    return (a, b, 0, c, d, 0, 0, 0, 1 << 30)
