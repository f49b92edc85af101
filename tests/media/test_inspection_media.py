"""Every clip of the shared media folder, each with its expected end: the facts of its mezzanine, or a code."""

import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from domain.errors import PertitleError
from domain.normalization import Fields, Turn
from domain.recipe import ShotRecipe
from media.inspection import Inspection
from media.probe import LocalSource
from media.progress import ignore_progress
from media.shot_detection import detect_shots
from media.split import SourcePictures, split_source
from media.tools import ToolPaths
from tests.media.conftest import inspected

pytestmark = pytest.mark.media

FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the pictures of a mezzanine are, and what was done to get there."""

    size: str
    frames: int
    rate: Fraction | int
    pixel_format: str = "yuv420p"
    fields: Fields = "progressive"
    turn: Turn = "none"
    repeated: int | None = None
    """Frames that repeat a picture; ``None`` if the source had a constant rate."""
    levels: str = "tv"
    span: str = "SDR"
    track: int = 0
    shots: int | None = None
    """``None`` where the shots are the business of other tests."""


REFUSED = {
    "nasty/truncated_mdat.mp4": "CNT-003",
    "nasty/truncated_no_moov.mp4": "CNT-002",
    "nasty/bitflips_120.mp4": "CNT-003",
    "nasty/zero_bytes.mp4": "CNT-002",
    "nasty/text_not_video.mp4": "CNT-002",
    "nasty/malformed_free_box.mp4": "CNT-002",
    # 30 pictures in 48 ms under sound of a second: at 120 frames per second 23 of them would be lost.
    "nasty/vobsub_bogus_rate.mp4": "VID-003",
    "nasty/audio_only_stereo_plus_51.mp4": "VID-001",
    # The pictures of the IMF package are RGB; its lists are no media.
    "imf_phdr_4k/VIDEO_23e9a145-f2da-4183-86b2-1c399db41afb.mxf": "VID-005",
    "imf_phdr_4k/AUDIO_a2a83e0a-a0ac-4785-8685-d868631f493a.mxf": "VID-001",
    "imf_phdr_4k/ASSETMAP.xml": "CNT-002",
    "imf_phdr_4k/CPL_3aa56098-7709-4673-9266-7f0c70ba10d8.xml": "SEC-001",
    "imf_phdr_4k/PKL_913ef906-893f-4851-8664-2d053bd2ec95.xml": "CNT-002",
}
ACCEPTED = {
    "city_cc0_405p25.mpg": Facts("720x404", 190, 25, shots=2),
    "broadcast_480i2997_anamorphic_51.ts": Facts("854x480", 300, NTSC, fields="tff", shots=1),
    "phone_1080p_rot90_vfr.mp4": Facts(
        "1080x1920", 63, 30, "yuvj420p", turn="clock", repeated=17, levels="pc", track=1
    ),
    "nasty/subs_outlast_video.mkv": Facts("1280x720", 147, 24, repeated=1),
    "nasty/missing_stsd_audio.mp4": Facts("1080x720", 30, NTSC, shots=1),
    "nasty/odd_518x488_fullrange_vfr.mp4": Facts("518x488", 167, NTSC, "yuvj420p", repeated=0, levels="pc", shots=1),
    "nasty/xdcam_hd_1440x1080i5994_testsrc.mov": Facts("1888x1060", 25, 25, fields="tff", shots=1),
    "nasty/dv_pal_interlaced_testsrc.mov": Facts("768x576", 25, 25, fields="bff", shots=1),
    "nasty/imx50_ntsc_vbi_testsrc.mov": Facts("654x480", 25, 25, "yuv422p", fields="bff", shots=1),
    "nasty/apple_intermediate_codec_testsrc.mov": Facts("320x240", 25, 25, shots=1),
}
HEAVY = {
    "hdr10_av1_portrait_720x1280.mp4": Facts("720x1280", 127, NTSC, "yuv420p10le", span="PQ", shots=1),
    "hlg_phone_1080p_rot90_vfr.mp4": Facts("1080x1920", 77, NTSC, "yuv420p10le", turn="clock", span="HLG", shots=1),
    "concert_dark_1080p50_pcm.mov": Facts("1920x1080", 100, 50, shots=1),
    "dog_720p2997.mp4": Facts("1280x720", 289, NTSC, shots=1),
    "juggle_720p24.mp4": Facts("1280x720", 247, 24, shots=1),
    "bbb_1080p60_51vorbis.webm": Facts("1920x1080", 60, 60, shots=1),
    "nasty/tiny_8k_8frames.mp4": Facts("7680x4320", 8, 24, shots=1),
    "sintel_trailer_720p24_subs.mkv": Facts("1280x720", 1253, 24),
    "shotmix_dev_720p2398.mov": Facts("1280x720", 905, FILM),
    "gnome_windows_480p24.webm": Facts("854x480", 2358, 24),
    "lake_two_video_1080p25_422p10.mp4": Facts("1920x1080", 250, 25, "yuv422p10le", track=1, shots=1),
    # One shot of 363 s, cut every 20 s on the IDR grid.
    "nasty/long_single_shot_363s_1080p30.mp4": Facts("1920x1080", 10883, 30, shots=19),
}


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
async def test_a_source_that_we_cannot_encode_right_is_refused_by_code(
    name: str, code: str, shared_media: Path, tools: ToolPaths
) -> None:
    with pytest.raises(PertitleError) as caught:
        await inspected(tools, shared_media / name)
    assert caught.value.code == code
    assert all(caught.value.as_record().values())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "facts"), HEAVY.items())
async def test_a_heavy_source_is_described_exactly(
    name: str, facts: Facts, shared_media: Path, tools: ToolPaths
) -> None:
    inspection = await inspected(tools, shared_media / name)
    assert facts_of(inspection, facts.shots) == facts
    assert len(inspection.frame_hashes) == inspection.description.video.frames


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        *ACCEPTED.items(),
        *(pytest.param(*item, marks=(pytest.mark.slow, pytest.mark.heavy)) for item in HEAVY.items()),
    ],
)
async def test_a_source_becomes_exactly_the_mezzanine_that_it_should(
    name: str, facts: Facts, shared_media: Path, tools: ToolPaths, tmp_path: Path
) -> None:
    path = shared_media / name
    inspection = await inspected(tools, path)
    assert facts_of(inspection, facts.shots) == facts
    video = inspection.description.video
    source = LocalSource.of_container(path, inspection.description.container)
    found = await detect_shots(sys.executable, source, recipe=ShotRecipe(), track=video, on_progress=ignore_progress)
    if facts.shots is not None:
        assert len(found.shots.shots) == facts.shots
    pictures = SourcePictures(video, inspection.frame_hashes)
    made = await split_source(
        tools, source, pictures=pictures, shots=found.shots, out_dir=tmp_path, on_progress=ignore_progress
    )
    assert sum(piece.frames for piece in made.pieces) == video.frames == len(inspection.frame_hashes)


def facts_of(inspection: Inspection, shots: int | None) -> Facts:
    video = inspection.description.video
    done = video.normalization
    return Facts(
        size=str(video.resolution),
        frames=video.frames,
        rate=video.frame_rate,
        pixel_format=video.pixel_format,
        fields=done.fields if done else "progressive",
        turn=done.turn if done else "none",
        repeated=done.retiming.repeated if done and done.retiming else None,
        levels=video.color.range,
        span=video.color.dynamic_range.value,
        track=video.stream_index,
        shots=shots,
    )


def test_no_file_of_the_folder_is_forgotten(shared_media: Path) -> None:
    files = {str(path.relative_to(shared_media)) for path in shared_media.rglob("*") if path.is_file()}
    notes = {name for name in files if name.endswith((".md", ".shots.json")) or name == "SHA256SUMS"}
    assert files - notes == {*REFUSED, *ACCEPTED, *HEAVY}


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
