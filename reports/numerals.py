"""Writes measured numbers for people: rates, scores, times, sizes; always in the same digits."""

import math
from fractions import Fraction

from domain.result import ResultLadder
from domain.video import Codec

CODEC_NAMES = {Codec.H264: "H.264", Codec.HEVC: "HEVC", Codec.AV1: "AV1"}
"""How people write each codec."""


def write_ladder(ladder: ResultLadder) -> str:
    """Returns the name of a ladder: ``HEVC``, or ``SDR HEVC`` where it is tone-mapped."""
    return f"{'SDR ' if ladder.tone_mapping else ''}{CODEC_NAMES[ladder.codec]}"


NOTHING = "–"
"""Stands where there is no number."""


def write_bitrate(bitrate_bps: float) -> str:
    """Returns a rate in three significant digits: ``640 kb/s``, ``1.42 Mb/s``."""
    if not math.isfinite(bitrate_bps):
        return NOTHING
    if bitrate_bps < 999_500:
        return f"{_three_digits(bitrate_bps / 1e3)} kb/s"
    return f"{_three_digits(bitrate_bps / 1e6)} Mb/s"


def write_kilobits(bitrate_bps: float) -> str:
    """Returns a rate in kb/s without its unit, thousands apart: for table columns that state the unit."""
    if not math.isfinite(bitrate_bps):
        return NOTHING
    digits = 1 if bitrate_bps < 99_950 else 0
    return f"{bitrate_bps / 1e3:,.{digits}f}".replace(",", "\u202f")


def write_rate_tick(bitrate_bps: float) -> str:
    """Returns a rate as short as an axis allows: ``200 kb/s``, ``1 Mb/s``, ``1.5 Mb/s``."""
    if bitrate_bps < 1e6:
        return f"{bitrate_bps / 1e3:g} kb/s"
    return f"{bitrate_bps / 1e6:g} Mb/s"


def write_score(vmaf: float) -> str:
    """Returns a VMAF score with one decimal."""
    return f"{vmaf:.1f}" if math.isfinite(vmaf) else NOTHING


def write_difference(difference: float, digits: int = 1) -> str:
    """Returns a signed number with a true minus sign: ``+0.3``, ``−0.8``, ``±0.0``."""
    if not math.isfinite(difference):
        return NOTHING
    text = f"{abs(difference):.{digits}f}"
    if float(text) == 0:
        return f"±{text}"
    return f"{'+' if difference > 0 else '−'}{text}"


def write_crf(crf: float) -> str:
    """Returns a CRF without needless zeros: ``23``, ``23.5``."""
    return f"{crf:.2f}".rstrip("0").rstrip(".") if math.isfinite(crf) else NOTHING


def write_seconds(seconds: float) -> str:
    """Returns a span of time: ``0.42 s``, ``12.3 s``, ``5 min 12 s``, ``3 h 07 min``."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    if seconds < 3599.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min"


def write_time(frame: int, frame_rate: Fraction) -> str:
    """Returns where a frame starts on the title's time line: ``0:04.17``, ``1:02:03.50``."""
    hundredths = round(frame * 100 / frame_rate)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 100:02d}.{rest % 100:02d}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def write_frame_rate(frame_rate: Fraction) -> str:
    """Returns an exact rate for people: ``24 fps``, ``23.976 fps (24000/1001)``."""
    if frame_rate.denominator == 1:
        return f"{frame_rate.numerator} fps"
    return f"{float(frame_rate):.3f} fps ({frame_rate.numerator}/{frame_rate.denominator})"


def write_rate_change(bd_rate: float) -> str:
    """Returns a BD-rate in words: ``31.2 % fewer bits``, ``4.0 % more bits``."""
    return f"{abs(bd_rate) * 100:.1f} % {'more' if bd_rate > 0 else 'fewer'} bits"


def write_count(count: int, noun: str) -> str:
    """Returns a count with its noun in the right number: ``1 shot``, ``5 shots``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}".replace(",", "\u202f")


def _three_digits(number: float) -> str:
    if number < 9.995:
        return f"{number:.2f}"
    return f"{number:.1f}" if number < 99.95 else f"{number:.0f}"
