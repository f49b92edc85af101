"""Encoder arguments: goldens, key frame times, level tables."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.encodes import EncodeRecipe, RateCap
from domain.hdr import Chromaticity, ContentLight, HdrMetadata, MasteringDisplay
from domain.recipe import PRESETS
from domain.video import Codec, Color, Resolution
from media.encoders.arguments import (
    baseline_arguments,
    encoder_arguments,
    key_frame_times,
    scaling_filters,
    track_timescale,
)
from media.encoders.x264 import level_and_references
from media.encoders.x265 import level_idc
from tests.support.goldens import Golden

RATES = [Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(60000, 1001)]
CAP = RateCap(maxrate_bps=4_000_000, buffer_bits=8_000_000)
MEDIUM = {Codec.H264: "medium", Codec.HEVC: "medium", Codec.AV1: "6"}
HDR10 = HdrMetadata(
    mastering_display=MasteringDisplay(
        red=Chromaticity(x=34000, y=16000),
        green=Chromaticity(x=13250, y=34500),
        blue=Chromaticity(x=7500, y=3000),
        white=Chromaticity(x=15635, y=16450),
        max_luminance=10_000_000,
        min_luminance=50,
    ),
    content_light=ContentLight(max_cll=1000, max_fall=400),
)
# ISO/IEC 14496-10 table A-1, independent of the table under test: MaxMBPS, MaxFS, MaxDpbMbs.
TABLE_A1 = {
    "1.3": (11880, 396, 2376), "2.1": (19800, 792, 4752), "3.0": (40500, 1620, 8100), "3.1": (108000, 3600, 18000),
    "3.2": (216000, 5120, 20480), "4.0": (245760, 8192, 32768), "4.2": (522240, 8704, 34816),
    "5.0": (589824, 22080, 110400), "5.1": (983040, 36864, 184320), "5.2": (2073600, 36864, 184320),
    "6.0": (4177920, 139264, 696320), "6.2": (16711680, 139264, 696320),
}  # fmt: skip


def recipe(codec: Codec, cap: RateCap | None = None) -> EncodeRecipe:
    return EncodeRecipe(
        codec=codec,
        preset=MEDIUM[codec],
        resolution=Resolution(width_px=1280, height_px=720),
        crf=23.5 if codec is not Codec.AV1 else 30,
        frame_rate=Fraction(24000, 1001),
        idr_frames=(0, 48, 53),
        color=Color(),
        rate_cap=cap,
    )


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("cap", [None, CAP], ids=["uncapped", "capped"])
def test_encoder_arguments_are_golden(golden: Golden, codec: Codec, cap: RateCap | None) -> None:
    name = f"encoders/{codec.value}_{'capped' if cap else 'uncapped'}"
    golden.check_arguments(name, encoder_arguments(recipe(codec, cap)))


@pytest.mark.parametrize("codec", [Codec.HEVC, Codec.AV1])
def test_hdr_is_coded_in_10_bits_with_its_metadata(golden: Golden, codec: Codec) -> None:
    color = Color(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc")
    hdr10 = recipe(codec).model_copy(update={"color": color, "hdr": HDR10})
    golden.check_arguments(f"encoders/{codec.value}_hdr10", encoder_arguments(hdr10))
    assert "format=yuv420p10le" in scaling_filters(hdr10.resolution, color).split(",")
    assert "hdr" not in recipe(codec).model_dump(mode="json"), "the keys of SDR encodes stay as they were"


@pytest.mark.parametrize("codec", Codec)
def test_baseline_arguments_are_golden(golden: Golden, codec: Codec) -> None:
    golden.check_arguments(f"encoders/{codec.value}_fixed_rung", baseline_arguments(recipe(codec), 2_350_000, 48))


def test_scaling_filters_are_golden(golden: Golden) -> None:
    color = Color(primaries="smpte170m", transfer="smpte170m", matrix="smpte170m")
    filters = scaling_filters(Resolution(width_px=640, height_px=360), color)
    golden.check_arguments("encoders/scaling_filters", filters.split(","))


@given(rate=st.sampled_from(RATES), plan=st.sets(st.integers(1, 260_000), max_size=40))
def test_forced_times_hit_exactly_the_planned_frames(rate: Fraction, plan: set[int]) -> None:
    """The first frame at or after each time is the one that ffmpeg forces; here over three hours of title."""
    frames = [0, *sorted(plan)]
    times = [Fraction(text) for text in key_frame_times(frames, rate).split(",")]
    assert [ceil(time * rate) for time in times] == frames


@pytest.mark.parametrize("rate", RATES)
def test_a_frame_lasts_a_whole_number_of_ticks(rate: Fraction) -> None:
    assert (track_timescale(rate) / rate).denominator == 1
    assert track_timescale(rate) < 2**31


SIZES = st.builds(
    Resolution,
    width_px=st.integers(32, 2048).map(lambda n: 2 * n),
    height_px=st.integers(32, 1152).map(lambda n: 2 * n),
)


@given(size=SIZES, rate=st.sampled_from([24.0, 25.0, 30.0, 50.0, 60.0]), preset=st.sampled_from(PRESETS[Codec.H264]))
def test_level_and_references_keep_the_limits_of_the_standard(size: Resolution, rate: float, preset: str) -> None:
    level, references = level_and_references(size, rate, preset)
    macroblocks = ceil(size.width_px / 16) * ceil(size.height_px / 16)
    per_second, picture, dpb = TABLE_A1[level]
    assert macroblocks <= picture
    assert macroblocks * rate <= per_second
    assert 1 <= references <= 16
    assert references * macroblocks <= dpb


@pytest.mark.parametrize(
    ("width", "height", "rate", "preset", "expected"),
    [
        (1920, 1080, 24, "medium", ("4.0", 3)),
        (1920, 1080, 60, "veryslow", ("4.2", 4)),
        (3840, 2160, 24, "slower", ("5.1", 5)),
        (1280, 720, 30, "veryslow", ("3.1", 5)),
        (480, 270, 24, "ultrafast", ("2.1", 1)),
        (16384, 16384, 60, "slow", ("6.2", 1)),
    ],
)
def test_known_sizes_have_known_levels(
    width: int, height: int, rate: float, preset: str, expected: tuple[str, int]
) -> None:
    assert level_and_references(Resolution(width_px=width, height_px=height), rate, preset) == expected


@given(size=SIZES, rate=st.sampled_from([24.0, 25.0, 30.0, 50.0, 60.0]))
def test_the_hevc_level_is_the_least_that_fits(size: Resolution, rate: float) -> None:
    """Against the formulas of ITU-T H.265 A.4.1, with the table's ratios instead of its rows."""
    luma_samples = {30: 36864, 60: 122880, 63: 245760, 90: 552960, 93: 983040, 120: 2228224, 150: 8912896,
                    180: 35651584}  # fmt: skip
    idc = level_idc(size, rate)
    fitting = luma_samples[idc // 30 * 30 if idc > 120 else idc]
    assert size.pixels <= fitting
    assert max(size.width_px, size.height_px) ** 2 <= 8 * fitting
    assert level_idc(size, 24.0) <= idc


@pytest.mark.parametrize(
    ("width", "height", "rate", "idc"),
    [(1920, 1080, 24, 120), (1920, 1080, 60, 123), (3840, 2160, 24, 150), (3840, 2160, 60, 153), (1280, 720, 30, 93),
     (960, 540, 24, 90), (480, 270, 24, 63), (192, 108, 24, 30), (7680, 4320, 60, 183)],
)  # fmt: skip
def test_known_hevc_sizes_have_known_levels(width: int, height: int, rate: float, idc: int) -> None:
    assert level_idc(Resolution(width_px=width, height_px=height), rate) == idc


@given(size=SIZES)
def test_the_level_never_falls_when_the_rate_rises(size: Resolution) -> None:
    levels = [float(level_and_references(size, rate, "medium")[0]) for rate in (24.0, 30.0, 60.0)]
    assert levels == sorted(levels)
