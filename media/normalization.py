"""Which pictures can be encoded right now, and how their pictures are written into mezzanine pieces.

Pieces keep the source's samples. Two changes are made, both exact or documented: semi-planar formats become planar (no
sample changes), and full-range YUV becomes limited range with the same depth, because deliveries are limited range.
"""

from fractions import Fraction

from domain.video import Color, VideoTrack
from media.errors import HighDynamicRange, UnsupportedPicture
from media.probe import ProbedTrack

_PLANAR = {
    "nv12": "yuv420p",
    "nv16": "yuv422p",
    "p010le": "yuv420p10le",
    "p016le": "yuv420p16le",
    "p210le": "yuv422p10le",
}
_DEPTHS = ("", "9le", "10le", "12le", "14le", "16le")
PIECE_FORMATS = frozenset(f"yuv{chroma}p{depth}" for chroma in ("420", "422", "444") for depth in _DEPTHS)
"""Pixel formats that pieces can have; FFV1 codes them all without loss."""
_PRIMARIES = frozenset({"bt709", "smpte170m", "bt470bg"})
# xvYCC (IEC 61966-2-4) equals BT.709 inside the gamut that limited-range delivery can carry.
_TRANSFERS = {"bt709": "bt709", "smpte170m": "smpte170m", "iec61966-2-4": "bt709", "bt470bg": "bt470bg"}
_MATRICES = frozenset({"bt709", "smpte170m", "bt470bg"})
_HDR_TRANSFERS = {"smpte2084": "PQ", "arib-std-b67": "HLG"}


# The VMAF v1 model cannot compare smaller pictures: SpEED needs 160 lines (libvmaf 3.2 crashes below, measured),
# CAMBI one side of 216 pixels.
LEAST_SIDE_PX = 160
LEAST_LONG_SIDE_PX = 216


def piece_pixel_format(pixel_format: str) -> str:
    """Returns the pixel format of the pieces of a source: the source's own, planar, without the ``j`` of full range."""
    planar = _PLANAR.get(pixel_format, pixel_format)
    return planar.replace("yuvj", "yuv")


def bit_depth_of(pixel_format: str) -> int:
    """Returns the bits per sample of a planar YUV format."""
    digits = piece_pixel_format(pixel_format).removesuffix("le").rpartition("p")[2]
    return int(digits) if digits.isdigit() else 8


def normalization_filters(video: VideoTrack) -> str:
    """Returns the filters between decoder and piece; the same text serves the split and both of its hash checks."""
    target = f"format={piece_pixel_format(video.pixel_format)}"
    if video.color.range == "tv":
        return target
    # Bit-exact scaling, or the hashes would depend on the processor.
    return f"scale=in_range=pc:out_range=tv:flags=accurate_rnd+bitexact+full_chroma_int,{target}"


def mezzanine_color(video: VideoTrack) -> Color:
    """Returns the colors of the pieces: those of the source in limited range."""
    return video.color.model_copy(update={"range": "tv"})


def refuse_hdr(track: ProbedTrack, *, where: str) -> None:
    """Refuses PQ, HLG and BT.2020.

    Raises:
        HighDynamicRange: naming what the track says.
    """
    primaries, transfer, matrix = _said(track)
    if transfer in _HDR_TRANSFERS or primaries == "bt2020" or matrix.startswith("bt2020"):
        label = _HDR_TRANSFERS.get(transfer, "wide gamut")
        raise HighDynamicRange(
            where,
            found=f"{label} (primaries {primaries or '-'}, transfer {transfer or '-'}, matrix {matrix or '-'})",
            expected="standard dynamic range, BT.709 or BT.601",
            fix="deliver an SDR version of the title",
        )


def _said(track: ProbedTrack) -> tuple[str, str, str]:
    return track.text("color_primaries"), track.text("color_transfer"), track.text("color_space")


def read_color(track: ProbedTrack, *, where: str) -> tuple[Color, tuple[str, ...]]:
    """Returns the colors of a track, and the names of the parts that had to be assumed.

    Raises:
        UnsupportedPicture: for a color description that we cannot carry through.
    """
    primaries, transfer, matrix = _said(track)
    assumed = tuple(
        name for name, value in (("primaries", primaries), ("transfer", transfer), ("matrix", matrix)) if not value
    )
    usual = conventional_color(track.number("width"), track.number("height"))
    primaries, transfer, matrix = primaries or usual.primaries, transfer or usual.transfer, matrix or usual.matrix
    if primaries not in _PRIMARIES or transfer not in _TRANSFERS or matrix not in _MATRICES:
        raise UnsupportedPicture(
            where,
            found=f"colors: primaries {primaries}, transfer {transfer}, matrix {matrix}",
            expected="BT.709 or BT.601",
            fix="convert the source to BT.709",
        )
    full = track.text("color_range") == "pc" or track.text("pix_fmt").startswith("yuvj")
    color = Color(primaries=primaries, transfer=_TRANSFERS[transfer], matrix=matrix, range="pc" if full else "tv")
    return color, assumed


def conventional_color(width_px: int, height_px: int) -> Color:
    """Returns the colors of a source that does not say: BT.601 up to standard definition, BT.709 above.

    Source: what players do with unspecified colors; ITU-R BT.601 (525 and 625 lines) and BT.709.
    """
    if height_px > 576 or width_px >= 1280:
        return Color()
    if height_px > 486:
        return Color(primaries="bt470bg", transfer="smpte170m", matrix="bt470bg")
    return Color(primaries="smpte170m", transfer="smpte170m", matrix="smpte170m")


def check_picture(track: ProbedTrack, *, where: str) -> None:
    """Refuses what could only be encoded wrong: odd sizes, rotated or anamorphic pictures, RGB, alpha.

    Raises:
        UnsupportedPicture: naming the first such fact.
    """
    width, height, fault = track.number("width"), track.number("height"), None
    ratio, pixel_format = track.ratio("sample_aspect_ratio"), track.text("pix_fmt")
    if piece_pixel_format(pixel_format) not in PIECE_FORMATS:
        fault = (f"pixel format {pixel_format}", "planar YUV 4:2:0, 4:2:2 or 4:4:4 without alpha", "convert it to YUV")
    elif track.rotation_deg % 360:
        fault = (f"rotated by {track.rotation_deg} degrees", "an upright picture", "turn the pictures themselves")
    elif ratio not in {Fraction(0), Fraction(1)}:
        fault = (f"sample aspect ratio {ratio}", "square samples (1:1)", "scale it to square samples")
    elif width % 2 or height % 2:
        fault = (f"{width}x{height} pixels", "even width and height", "crop it to an even size")
    elif min(width, height) < LEAST_SIDE_PX or max(width, height) < LEAST_LONG_SIDE_PX:
        least = f"at least {LEAST_SIDE_PX} pixels each way and {LEAST_LONG_SIDE_PX} one way"
        fault = (f"{width}x{height} pixels", least, "deliver it larger; it could not be measured")
    if fault:
        found, expected, fix = fault
        raise UnsupportedPicture(where, found=found, expected=expected, fix=fix)
