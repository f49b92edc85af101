"""What a source really is, and which sources are refused, on files made here."""

from fractions import Fraction
from pathlib import Path

import pytest

from media.errors import (
    DamagedSource,
    HighDynamicRange,
    InterlacedSource,
    NoVideoTrack,
    SourceError,
    UnreadableSource,
    UnsupportedPicture,
    VariableFrameRate,
)
from media.inspection import Inspection
from media.tools import ToolPaths
from sample_media import faults
from tests.media.conftest import inspected


def test_a_good_source_is_described_as_it_is(tiny_inspection: Inspection) -> None:
    description = tiny_inspection.description
    video = description.video
    assert (video.frames, video.frame_rate, str(video.resolution)) == (72, Fraction(24), "320x180")
    assert (video.codec_name, video.pixel_format, video.bit_depth) == ("h264", "yuv420p", 8)
    assert (video.color.matrix, video.color.range, video.color_is_assumed) == ("bt709", "tv", False)
    assert [(track.language, track.channels, track.sample_rate_hz) for track in description.audio] == [
        ("eng", 2, 48000)
    ]
    assert len(tiny_inspection.frame_hashes) == 72
    assert tiny_inspection.start_s == 0
    assert tiny_inspection.cpu_s > 0
    assert description.notes == ()


@pytest.mark.parametrize("write", [faults.write_empty, faults.write_text])
async def test_what_is_no_media_is_unreadable(write: object, tools: ToolPaths, tmp_path: Path) -> None:
    assert callable(write)
    with pytest.raises(UnreadableSource, match=r"CNT-002 source: .* bytes in which no media was found") as caught:
        await inspected(tools, write(tmp_path))
    assert str(tmp_path) not in str(caught.value)


async def test_a_file_without_its_index_is_unreadable(tools: ToolPaths, tiny_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match="moov atom not found"):
        await inspected(tools, faults.cut_before_index(tiny_clip, tmp_path))


async def test_a_file_cut_off_is_damaged(tools: ToolPaths, tiny_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(DamagedSource, match="CNT-003 source, video track 0"):
        await inspected(tools, await faults.cut_pictures(tiny_clip, tmp_path))


async def test_flipped_bits_are_damage(tools: ToolPaths, tiny_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(DamagedSource, match="after frame"):
        await inspected(tools, faults.flip_bits(tiny_clip, tmp_path))


async def test_sound_alone_is_no_title(tools: ToolPaths, tmp_path: Path) -> None:
    with pytest.raises(NoVideoTrack, match=r"tracks: audio \(aac\)"):
        await inspected(tools, await faults.make_audio_only(tmp_path))


@pytest.mark.parametrize(("is_flagged", "said"), [(True, "field order"), (False, "flagged progressive, but")])
async def test_interlaced_material_is_refused_whatever_it_is_flagged(
    is_flagged: bool,  # noqa: FBT001 - a parameter of the test
    said: str,
    tools: ToolPaths,
    tmp_path: Path,
) -> None:
    with pytest.raises(InterlacedSource, match=said):
        await inspected(tools, await faults.make_interlaced(tmp_path, is_flagged=is_flagged))


async def test_fine_rows_are_not_taken_for_combing(tools: ToolPaths, tmp_path: Path) -> None:
    inspection = await inspected(tools, await faults.make_plain(tmp_path, "fine_rows.mp4"))
    assert inspection.description.video.frames == 25


async def test_a_variable_frame_rate_is_refused_and_the_frame_named(tools: ToolPaths, tmp_path: Path) -> None:
    with pytest.raises(VariableFrameRate, match=r"frame 2: it lasts 66.67 ms, most last 33.33 ms"):
        await inspected(tools, await faults.make_variable_rate(tmp_path))


async def test_hdr_is_refused(tools: ToolPaths, tmp_path: Path) -> None:
    with pytest.raises(HighDynamicRange, match="PQ"):
        await inspected(tools, await faults.make_hdr_tagged(tmp_path))


@pytest.mark.parametrize(
    ("filters", "coding", "found"),
    [
        ("setsar=4/3", "", "sample aspect ratio 4/3"),
        ("format=yuv444p,crop=318:179:exact=1", "", "318x179 pixels"),
        ("format=gbrp", "-c:v ffv1 -strict -2", "pixel format bgr0"),
        ("format=yuva420p", "-c:v ffv1 -strict -2", "pixel format yuva420p"),
    ],
)
async def test_pictures_that_could_only_come_out_wrong_are_refused(
    filters: str, coding: str, found: str, tools: ToolPaths, tmp_path: Path
) -> None:
    clip = await faults.make_plain(tmp_path, "odd.mkv", filters=filters, coding=coding)
    with pytest.raises(UnsupportedPicture, match=found) as caught:
        await inspected(tools, clip)
    assert caught.value.fix


async def test_colors_that_are_not_said_are_assumed_and_noted(tools: ToolPaths, tmp_path: Path) -> None:
    inspection = await inspected(tools, await faults.make_plain(tmp_path, "plain.mp4"))
    assert inspection.description.video.color_is_assumed
    assert inspection.description.video.color.matrix == "smpte170m"
    assert "assumed for its size" in inspection.description.notes[0]


async def test_every_refusal_says_where_what_was_expected_and_how_to_fix_it(tools: ToolPaths, tmp_path: Path) -> None:
    for clip in (faults.write_empty(tmp_path), await faults.make_audio_only(tmp_path)):
        with pytest.raises(SourceError) as caught:
            await inspected(tools, clip)
        assert all(caught.value.as_record().values())
