"""What all encoders share, and the table of encoders."""

from collections.abc import Sequence
from fractions import Fraction

from domain.encodes import EncodeRecipe
from domain.video import Codec, Color, Resolution
from media.encoders import svt_av1, x264, x265

_BUILDERS = {Codec.H264: x264.arguments, Codec.HEVC: x265.arguments, Codec.AV1: svt_av1.arguments}
_BASELINE_BUILDERS = {
    Codec.H264: x264.average_rate_arguments,
    Codec.HEVC: x265.average_rate_arguments,
    Codec.AV1: svt_av1.average_rate_arguments,
}


def encoder_arguments(recipe: EncodeRecipe) -> list[str]:
    """Returns the output options of one encode of one shot, up to but without the file name."""
    return [
        *_BUILDERS[recipe.codec](recipe),
        *key_frame_arguments(recipe.idr_frames, recipe.frame_rate),
        *container_arguments(recipe.frame_rate),
    ]


def baseline_arguments(recipe: EncodeRecipe, bitrate_bps: int, gop_frames: int) -> list[str]:
    """Returns the output options of one fixed rung over the whole title: average bitrate, constant GOP."""
    return [
        *_BASELINE_BUILDERS[recipe.codec](recipe, bitrate_bps, gop_frames),
        *container_arguments(recipe.frame_rate),
    ]


def key_frame_arguments(idr_frames: Sequence[int], frame_rate: Fraction) -> list[str]:
    """Returns the option that forces IDRs on exactly these frames."""
    return ["-force_key_frames", key_frame_times(idr_frames, frame_rate)]


def key_frame_times(idr_frames: Sequence[int], frame_rate: Fraction) -> str:
    """Returns the times that make ffmpeg force key frames on exactly these frames.

    ffmpeg forces the first frame at or after a time: half a frame early hits the frame whatever the rounding
    (a third of a second rounded up once put the IDR one frame late; packaging report §3.3).
    """
    half = Fraction(1, 2)
    times = (max(Fraction(0), (frame - half) / frame_rate) for frame in idr_frames)
    return ",".join(f"{float(time):.6f}" for time in times)


def container_arguments(frame_rate: Fraction) -> list[str]:
    """Returns the options of the MP4 file that holds one encode."""
    return [
        # Exact frame durations: 24000/1001 becomes 1001 ticks of 1/24000 s.
        "-video_track_timescale", str(track_timescale(frame_rate)),
        # Frames come with exact times (settb, setpts=N), so constant rate neither repeats nor drops one;
        # the count is checked afterwards. It tells the encoder's rate control the rate.
        "-fps_mode", "cfr", "-r", str(frame_rate),
        "-an", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-f", "mp4",
    ]  # fmt: skip


def track_timescale(frame_rate: Fraction) -> int:
    """Returns ticks per second in which a frame lasts a whole number of ticks."""
    return frame_rate.numerator if frame_rate.numerator >= 10_000 else frame_rate.numerator * 1000


def scaling_filters(resolution: Resolution, color: Color) -> str:
    """Returns the filters from mezzanine picture to encoder picture.

    Lanczos downscale is frozen: it moves crossovers (science report §3.4).
    """
    size = f"{resolution.width_px}:{resolution.height_px}"
    return f"scale={size}:flags=lanczos:out_range=tv,{delivered_filters(color)}"


def delivered_filters(color: Color) -> str:
    """Returns the filters that give scaled pictures their sample format and say their colors.

    ``setparams`` does it because ffmpeg 7 and newer ignore output color options behind a filter graph (packaging report
    §3.7).
    """
    pixel_format = delivered_format(color)
    told = f"range=tv:color_primaries={color.primaries}:color_trc={color.transfer}:colorspace={color.matrix}"
    return f"setsar=1,format={pixel_format},setparams={told}"


def delivered_format(color: Color) -> str:
    """Returns ffmpeg's name of the sample format that encoders are given."""
    return "yuv420p" if color.delivered_bits == 8 else f"yuv420p{color.delivered_bits}le"
