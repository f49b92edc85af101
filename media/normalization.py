"""Which pictures can be encoded, and how they are made into those of the mezzanine: one filter chain for all uses.

Pieces keep the source's samples where they can. Semi-planar formats become planar (no sample changes), and full-range
YUV becomes limited range with the same depth, because deliveries are limited range. What a title needs beyond that is
decided by inspection and stated (``domain.normalization``): deinterlacing, cropping, square samples, a turn, a rate.
"""

from domain.hdr import HDR_TRANSFERS
from domain.normalization import QUARTER_TURNS, Normalization, Retiming
from domain.video import Color, VideoTrack
from media.errors import DamagedSource, UnsupportedPicture
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
_HDR_COLORS = ("bt2020", "bt2020nc")


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


def mezzanine_pixel_format(video: VideoTrack) -> str:
    """Returns the pixel format of a title's pieces.

    Pictures of 4:2:2 that are turned by a quarter become 4:4:4: their halved direction would be the wrong one.
    """
    planar = piece_pixel_format(video.pixel_format)
    turned = video.normalization and video.normalization.turn in QUARTER_TURNS
    return planar.replace("yuv422p", "yuv444p") if turned else planar


def normalization_filters(video: VideoTrack) -> str:
    """Returns the filters between decoder and piece; the same text serves the split and both of its hash checks."""
    done = video.normalization
    target = mezzanine_pixel_format(video)
    if done is None:
        return ",".join([*_scaling(video, None), *_bare(video), f"format={target}"])
    return ",".join(
        [
            *_deinterlacing(done),
            *_cropping(done),
            *_scaling(video, done.square_width_px),
            *_turning(done, target),
            *(_constant_rate(video, done.retiming) if done.retiming else ()),
            *_bare(video),
            f"format={target}",
        ]
    )


def _bare(video: VideoTrack) -> list[str]:
    """What pictures carry beside themselves ends here: encodes are told by their recipe, the same for every shot."""
    return ["sidedata=mode=delete"] if video.hdr is not None else []


def _deinterlacing(done: Normalization) -> list[str]:
    """One picture for each frame: the frame rate stays. bwdif fills the missing lines of the earlier field."""
    if done.fields == "progressive":
        return []
    if done.fields == "woven":
        return ["setfield=prog"]
    return [f"bwdif=mode=send_frame:parity={done.fields}:deint=all"]


def _cropping(done: Normalization) -> list[str]:
    crop = done.crop
    return [] if crop is None else [f"crop={crop.width_px}:{crop.height_px}:{crop.left_px}:{crop.top_px}"]


# Bit-exact scaling, or the hashes would depend on the processor.
_EXACT = "accurate_rnd+bitexact+full_chroma_int"


def _scaling(video: VideoTrack, width_px: int | None) -> list[str]:
    """Returns the scaler for square samples and limited range, if there is anything to do."""
    levels = ["in_range=pc:out_range=tv"] if video.color.range == "pc" else []
    if width_px is None:
        return [f"scale={levels[0]}:flags={_EXACT}"] if levels else []
    return [":".join([f"scale={width_px}:ih", *levels, f"flags=lanczos+{_EXACT}"]), "setsar=1"]


def _turning(done: Normalization, target: str) -> list[str]:
    # The matrix must not travel on, or the next program would turn the pictures again.
    forget = "sidedata=mode=delete:type=DISPLAYMATRIX"
    if done.turn in QUARTER_TURNS:
        return [f"scale=flags={_EXACT}", f"format={target}", f"transpose={done.turn}", forget]
    flips = {"half": ["hflip", "vflip"], "hflip": ["hflip"], "vflip": ["vflip"]}.get(done.turn, [])
    return [*flips, forget] if flips else []


def _constant_rate(video: VideoTrack, retiming: Retiming) -> list[str]:
    return [
        "setpts=PTS-STARTPTS",
        f"fps={video.frame_rate}:round=near:start_time=0",
        f"tpad=stop={retiming.tail_frames}:stop_mode=clone",
        f"trim=end_frame={video.frames}",
    ]


def mezzanine_color(video: VideoTrack) -> Color:
    """Returns the colors of the pieces: those of the source in limited range."""
    return video.color.model_copy(update={"range": "tv"})


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
    is_hdr = transfer in HDR_TRANSFERS and (primaries, matrix) == _HDR_COLORS
    is_sdr = primaries in _PRIMARIES and transfer in _TRANSFERS and matrix in _MATRICES
    if not (is_hdr or is_sdr):
        raise UnsupportedPicture(
            where,
            found=f"colors: primaries {primaries}, transfer {transfer}, matrix {matrix}",
            expected="BT.709 or BT.601, or PQ or HLG in BT.2020",
            fix="convert the source to BT.709",
        )
    full = track.text("color_range") == "pc" or track.text("pix_fmt").startswith("yuvj")
    color = Color(
        primaries=primaries, transfer=_TRANSFERS.get(transfer, transfer), matrix=matrix, range="pc" if full else "tv"
    )
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
    """Refuses pixel formats that could only be encoded wrong: RGB, gray, alpha.

    Raises:
        UnsupportedPicture: naming the format.
        DamagedSource: if not even the probe found a picture in the track.
    """
    pixel_format = track.text("pix_fmt")
    if not pixel_format:
        raise DamagedSource(
            where,
            found=f"no picture can be read (codec {track.codec_name}): they are absent, or lie in another file",
            expected="pictures in the file itself",
            fix="export the title as one self-contained file",
        )
    if piece_pixel_format(pixel_format) not in PIECE_FORMATS:
        raise UnsupportedPicture(
            where,
            found=f"pixel format {pixel_format}",
            expected="planar YUV 4:2:0, 4:2:2 or 4:4:4 without alpha",
            fix="convert it to YUV",
        )


def check_size(size_px: tuple[int, int], *, where: str) -> None:
    """Refuses pictures that are too small to be measured.

    Raises:
        UnsupportedPicture: with the size that they have once they are upright, with square samples.
    """
    width, height = size_px
    if min(width, height) < LEAST_SIDE_PX or max(width, height) < LEAST_LONG_SIDE_PX:
        raise UnsupportedPicture(
            where,
            found=f"{width}x{height} pixels",
            expected=f"at least {LEAST_SIDE_PX} pixels each way and {LEAST_LONG_SIDE_PX} one way",
            fix="deliver it larger; it could not be measured",
        )
