"""What a source really is, and which sources are refused, on files made here."""

from fractions import Fraction
from pathlib import Path

import pytest

from domain.findings import Level, Override, wave_through
from domain.inspection_policy import InspectionPolicy
from media.command import command
from media.decode_check import FrameLog, hash_output
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
from media.findings import judge_source, stops_of
from media.inspection import Inspection
from media.process import run_tool
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


async def test_damaged_sound_stops_the_title_until_a_person_lets_it_go_on_without(
    tools: ToolPaths, tiny_clip: Path, tiny_inspection: Inspection, tmp_path: Path
) -> None:
    inspection = await inspected(tools, await faults.damage_sound(tiny_clip, tmp_path))
    source = inspection.description
    assert inspection.frame_hashes == tiny_inspection.frame_hashes
    assert source.audio == ()
    assert [(track.stream_index, track.codec_name) for track in source.damaged_audio] == [(1, "aac")]
    assert source.damaged_audio[0].found
    findings = judge_source(source, inspection.start_s, None, InspectionPolicy())
    (stop,) = stops_of(findings)
    assert (stop.code, stop.level) == ("AUD-105", Level.OVERRIDABLE)
    override = Override(code="AUD-105", by="Kim Lee", reason="the dub is late, publish without")
    (waved,) = [finding for finding in wave_through(findings, [override]) if finding.code == "AUD-105"]
    assert waved.override == override
    assert waved.found.endswith("left out")
    assert stops_of(wave_through(findings, [override])) == ()


async def test_sound_alone_is_no_title(tools: ToolPaths, tmp_path: Path) -> None:
    with pytest.raises(NoVideoTrack, match=r"tracks: audio \(aac\)"):
        await inspected(tools, await faults.make_audio_only(tmp_path))


@pytest.mark.parametrize("is_flagged", [True, False])
async def test_interlaced_material_is_deinterlaced_whatever_it_is_flagged(
    is_flagged: bool,  # noqa: FBT001 - a parameter of the test
    tools: ToolPaths,
    tmp_path: Path,
) -> None:
    inspection = await inspected(tools, await faults.make_interlaced(tmp_path, is_flagged=is_flagged))
    video = inspection.description.video
    assert video.normalization is not None
    assert (video.normalization.fields, video.frames, video.frame_rate) == ("tff", 50, Fraction(25))
    assert any("deinterlaced by bwdif" in note for note in inspection.description.notes)


async def test_progressive_frames_flagged_interlaced_stay_as_they_are(tools: ToolPaths, tmp_path: Path) -> None:
    moving = "scroll=h=0.02,gblur=sigma=3"
    plain = await faults.make_plain(tmp_path, "plain.mkv", filters=moving, coding="-c:v ffv1")
    flagged = await faults.make_plain(
        tmp_path, "flagged.mkv", filters=f"{moving},setfield=tff", coding="-c:v ffv1 -flags +ildct -field_order tt"
    )
    inspection = await inspected(tools, flagged)
    done = inspection.description.video.normalization
    assert done is not None
    assert done.fields == "woven"
    assert inspection.frame_hashes == (await inspected(tools, plain)).frame_hashes


async def test_a_title_whose_order_of_fields_changes_is_refused(tools: ToolPaths, tmp_path: Path) -> None:
    with pytest.raises(InterlacedSource, match="bottom field first"):
        await inspected(tools, await faults.make_mixed_fields(tmp_path))


@pytest.mark.parametrize(
    "slope",
    [
        pytest.param("c0=0x203040:c1=0x243446:speed=0.05:seed=7:r=25", id="idet sees both orders of fields"),
        pytest.param("c0=0x102030:c1=0x406080:speed=0.01:seed=3:r=25", id="rows show 0.62 of the motion in frames"),
        pytest.param("c0=0x202020:c1=0x302828:speed=0.01:seed=3:r=25", id="hardly any motion, 0.67 of it in frames"),
    ],
)
async def test_slow_slopes_are_not_taken_for_combing(slope: str, tools: ToolPaths, tmp_path: Path) -> None:
    inspection = await inspected(tools, await faults.make_slope(tmp_path, slope))
    assert inspection.description.video.normalization is None


async def test_an_interlaced_slope_is_deinterlaced(tools: ToolPaths, tmp_path: Path) -> None:
    slope, woven = "c0=red:c1=blue:speed=0.03:seed=3:r=50", "tinterlace=interleave_top,setfield=prog"
    done = (await inspected(tools, await faults.make_slope(tmp_path, slope, filters=woven))).description.video
    assert done.normalization is not None
    assert done.normalization.fields == "tff"


async def test_fine_rows_are_not_taken_for_combing(tools: ToolPaths, tmp_path: Path) -> None:
    inspection = await inspected(tools, await faults.make_plain(tmp_path, "fine_rows.mp4"))
    assert inspection.description.video.frames == 25


async def test_a_variable_frame_rate_becomes_constant_and_every_picture_has_its_time(
    tools: ToolPaths, tmp_path: Path
) -> None:
    inspection = await inspected(tools, await faults.make_variable_rate(tmp_path))
    video = inspection.description.video
    assert video.normalization is not None
    assert video.normalization.retiming is not None
    put = video.normalization.retiming
    kept = [n for n in range(60) if n % 7 != 3]
    assert (video.frames, video.frame_rate) == (59, Fraction(30))
    assert (put.source_frames, put.repeated, put.dropped) == (len(kept), 59 - len(kept), 0)
    shown = [max(n for n in kept if n <= frame) for frame in range(59)]
    hashes = inspection.frame_hashes
    assert [hashes[n] for n in shown] == list(hashes)
    assert len(set(hashes)) == len(kept)
    assert any("put on 30 frames per second" in note for note in inspection.description.notes)


async def test_a_clock_that_nobody_can_show_is_refused(tools: ToolPaths, tmp_path: Path) -> None:
    with pytest.raises(VariableFrameRate, match="would be lost"):
        await inspected(tools, await faults.make_wrong_clock(tmp_path))


async def test_odd_sizes_lose_their_last_line_and_samples_become_square(tools: ToolPaths, tmp_path: Path) -> None:
    odd = await faults.make_plain(tmp_path, "odd.mkv", filters="format=yuv444p,crop=319:179:exact=1")
    wide = await faults.make_plain(tmp_path, "wide.mkv", filters="setsar=4/3")
    assert str((await inspected(tools, odd)).description.video.resolution) == "318x178"
    inspection = await inspected(tools, wide)
    assert str(inspection.description.video.resolution) == "426x180"
    assert "scaled to square samples, from 320 to 426 columns" in inspection.description.notes[-1]


@pytest.mark.parametrize(
    ("rotation", "filters"),
    [
        ("-display_rotation:v:0 90", "transpose=cclock"),
        ("-display_rotation:v:0 -90", "transpose=clock"),
        ("-display_rotation:v:0 180", "hflip,vflip"),
        ("-display_hflip:v:0", "hflip"),
        ("-display_vflip:v:0", "vflip"),
        ("-display_rotation:v:0 90 -display_hflip:v:0", ""),
    ],
)
async def test_pictures_are_turned_as_a_player_would(
    rotation: str, filters: str, tools: ToolPaths, tmp_path: Path
) -> None:
    plain = await faults.make_plain(tmp_path, "plain.mov")
    turned = await faults.turn(plain, tmp_path, rotation)
    inspection = await inspected(tools, turned)
    log = FrameLog()
    shown = ["-vf", filters] if filters else []  # without: as ffmpeg itself turns them
    argv = [tools.ffmpeg, "-v", "error", *(["-noautorotate"] if filters else []), "-i", str(turned), *shown]
    await run_tool(command([*argv, "-an", *hash_output()], purpose="turned"), on_line=log.read)
    assert inspection.frame_hashes == tuple(log.hashes)
    done = inspection.description.video.normalization
    assert done is not None
    assert done.turn != "none"


async def test_hdr_in_8_bits_is_refused(tools: ToolPaths, tmp_path: Path) -> None:
    with pytest.raises(HighDynamicRange, match="PQ in 8 bits"):
        await inspected(tools, await faults.make_hdr_tagged(tmp_path))


@pytest.mark.parametrize(
    ("filters", "coding", "found"),
    [
        ("setsar=5/1", "", "sample aspect ratio 5"),
        ("crop=200:150", "", "200x150 pixels"),
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


@pytest.mark.parametrize(
    ("size", "colors", "found"),
    [
        ("480x270", "bt709", "the picture size changes"),
        ("320x180", "bt470bg", r"pictures change on the way, to yuv420p\(tv, bt470bg\), 320x180"),
    ],
)
async def test_a_title_whose_pictures_change_their_form_is_refused(
    size: str, colors: str, found: str, tools: ToolPaths, tmp_path: Path
) -> None:
    clip = await faults.make_changing(tmp_path, size=size, colors=colors)
    with pytest.raises(UnsupportedPicture, match=f"VID-005 .*{found}"):
        await inspected(tools, clip)


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
