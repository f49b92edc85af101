"""Every clip of the shared media folder, each with its expected end."""

from fractions import Fraction
from pathlib import Path

import pytest

from domain.errors import PertitleError
from media.tools import ToolPaths
from tests.media.conftest import inspected

pytestmark = pytest.mark.media

REFUSED = {
    "hdr10_av1_portrait_720x1280.mp4": "VID-004",
    "hlg_phone_1080p_rot90_vfr.mp4": "VID-004",
    "phone_1080p_rot90_vfr.mp4": "VID-005",
    "city_cc0_405p25.mpg": "VID-005",
    "broadcast_480i2997_anamorphic_51.ts": "VID-002",
    "nasty/truncated_mdat.mp4": "CNT-003",
    "nasty/truncated_no_moov.mp4": "CNT-002",
    "nasty/bitflips_120.mp4": "CNT-003",
    "nasty/zero_bytes.mp4": "CNT-002",
    "nasty/text_not_video.mp4": "CNT-002",
    "nasty/malformed_free_box.mp4": "CNT-002",
    # One picture is missing near its end, so the video really is not constant.
    "nasty/subs_outlast_video.mkv": "VID-003",
    "nasty/vobsub_bogus_rate.mp4": "VID-003",
    "nasty/odd_518x488_fullrange_vfr.mp4": "VID-003",
    "nasty/audio_only_stereo_plus_51.mp4": "VID-001",
    "nasty/xdcam_hd_1440x1080i5994_testsrc.mov": "VID-002",
    "nasty/dv_pal_interlaced_testsrc.mov": "VID-002",
    "nasty/imx50_ntsc_vbi_testsrc.mov": "VID-002",
}
ACCEPTED = {
    "concert_dark_1080p50_pcm.mov": (0, 100, Fraction(50), "yuv420p"),
    "dog_720p2997.mp4": (0, 289, Fraction(30000, 1001), "yuv420p"),
    "juggle_720p24.mp4": (0, 247, Fraction(24), "yuv420p"),
    "bbb_1080p60_51vorbis.webm": (0, 60, Fraction(60), "yuv420p"),
    "nasty/missing_stsd_audio.mp4": (0, 30, Fraction(30000, 1001), "yuv420p"),
    "nasty/apple_intermediate_codec_testsrc.mov": (0, 25, Fraction(25), "yuv420p"),
    "nasty/tiny_8k_8frames.mp4": (0, 8, Fraction(24), "yuv420p"),
}
SLOW = {
    "sintel_trailer_720p24_subs.mkv": (0, 1253, Fraction(24), "yuv420p"),
    "shotmix_dev_720p2398.mov": (0, 905, Fraction(24000, 1001), "yuv420p"),
    "gnome_windows_480p24.webm": (0, 2358, Fraction(24), "yuv420p"),
    "lake_two_video_1080p25_422p10.mp4": (1, 250, Fraction(25), "yuv422p10le"),
    "nasty/long_single_shot_363s_1080p30.mp4": (0, 10883, Fraction(30), "yuv420p"),
}


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
async def test_a_source_that_we_cannot_encode_right_is_refused_by_code(
    name: str, code: str, shared_media: Path, tools: ToolPaths
) -> None:
    with pytest.raises(PertitleError) as caught:
        await inspected(tools, shared_media / name)
    assert caught.value.code == code
    assert all(caught.value.as_record().values())


@pytest.mark.parametrize(
    ("name", "facts"), [*ACCEPTED.items(), *(pytest.param(*item, marks=pytest.mark.slow) for item in SLOW.items())]
)
async def test_a_good_source_is_counted_and_timed_exactly(
    name: str, facts: tuple[int, int, Fraction, str], shared_media: Path, tools: ToolPaths
) -> None:
    inspection = await inspected(tools, shared_media / name)
    video = inspection.description.video
    assert (video.stream_index, video.frames, video.frame_rate, video.pixel_format) == facts
    assert len(inspection.frame_hashes) == video.frames


async def test_hdr_inside_an_imf_package_is_refused(shared_media: Path, tools: ToolPaths) -> None:
    (pictures,) = (shared_media / "imf_phdr_4k").glob("VIDEO_*.mxf")
    with pytest.raises(PertitleError, match="VID-004"):
        await inspected(tools, pictures)


async def test_a_track_without_description_is_left_out_and_said(shared_media: Path, tools: ToolPaths) -> None:
    description = (await inspected(tools, shared_media / "nasty" / "missing_stsd_audio.mp4")).description
    assert description.audio == ()
    assert any("audio track 1 left out" in note for note in description.notes)


@pytest.mark.slow
async def test_of_two_video_tracks_the_larger_is_encoded_and_the_other_noted(
    shared_media: Path, tools: ToolPaths
) -> None:
    description = (await inspected(tools, shared_media / "lake_two_video_1080p25_422p10.mp4")).description
    assert description.other_video_tracks == (0,)
    assert any("video track 1 chosen" in note for note in description.notes)
