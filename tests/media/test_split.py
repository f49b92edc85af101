"""One lossless piece for each shot, and the proof that no frame was lost, added, moved or changed."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from domain.shots import Shot, ShotList
from domain.video import FrameRange
from media.command import command
from media.decode_check import FrameLog
from media.errors import ToolOutputInvalid
from media.inspection import Inspection
from media.process import run_tool
from media.split import (
    Pieces,
    SourcePictures,
    check_piece,
    hash_piece_command,
    pictures_digest,
    split_command,
    split_source,
)
from media.tools import ToolPaths
from sample_media import faults
from tests.media.conftest import inspected, opened


def shots_at(*edges: int) -> ShotList:
    return ShotList(
        shots=tuple(
            Shot(index=index, range=FrameRange(start_frame=start, end_frame=end))
            for index, (start, end) in enumerate(pairwise(edges))
        )
    )


async def split(tools: ToolPaths, path: Path, inspection: Inspection, shots: ShotList, out_dir: Path) -> Pieces:
    out_dir.mkdir(exist_ok=True)
    pictures = SourcePictures(inspection.description.video, inspection.frame_hashes)
    return await split_source(
        tools, opened(path), pictures=pictures, shots=shots, out_dir=out_dir, on_progress=lambda _frames: None
    )


async def decoded(tools: ToolPaths, path: Path) -> FrameLog:
    log = FrameLog()
    await run_tool(hash_piece_command(tools.ffmpeg, path, "shot 0"), on_line=log.read)
    return log


async def coded(tools: ToolPaths, arguments: list[str], out: Path) -> Path:
    await run_tool(command([tools.ffmpeg, "-v", "error", "-y", *arguments, str(out)], purpose=out.name))
    return out


async def test_pieces_together_are_the_source(
    tools: ToolPaths, tiny_clip: Path, tiny_inspection: Inspection, tmp_path: Path
) -> None:
    seen: list[int] = []
    video = tiny_inspection.description.video
    made = await split_source(
        tools,
        opened(tiny_clip),
        pictures=SourcePictures(video, tiny_inspection.frame_hashes),
        shots=shots_at(0, 31, 53, 72),
        out_dir=tmp_path,
        on_progress=seen.append,
    )
    logs = [await decoded(tools, piece.path) for piece in made.pieces]
    assert [piece.frames for piece in made.pieces] == [31, 22, 19]
    assert tuple(value for log in logs for value in log.hashes) == tiny_inspection.frame_hashes
    assert seen == sorted(seen)
    assert seen[-1] == 72
    assert made.cpu_s > 0


async def test_frame_n_of_a_piece_has_the_time_n_at_the_exact_rate(tools: ToolPaths, tmp_path: Path) -> None:
    clip = await faults.make_plain(
        tmp_path, "ntsc.mkv", filters="setpts=N*1001/24000/TB,fps=24000/1001,trim=end_frame=25"
    )
    inspection = await inspected(tools, clip)
    made = await split(tools, clip, inspection, shots_at(0, 7, 25), tmp_path / "pieces")
    log = await decoded(tools, made.pieces[1].path)
    assert inspection.description.video.frame_rate == Fraction(24000, 1001)
    assert log.seconds == tuple(n * Fraction(1001, 24000) for n in range(18))


async def test_equal_pictures_have_equal_digests_however_they_were_delivered(
    tools: ToolPaths, tiny_clip: Path, tiny_inspection: Inspection, tmp_path: Path
) -> None:
    other = await coded(tools, ["-i", str(tiny_clip), "-an", "-c:v", "ffv1"], tmp_path / "other.mkv")
    shots = shots_at(0, 31, 72)
    one = await split(tools, tiny_clip, tiny_inspection, shots, tmp_path / "one")
    two = await split(tools, other, await inspected(tools, other), shots, tmp_path / "two")
    assert [piece.pictures_sha256 for piece in one.pieces] == [piece.pictures_sha256 for piece in two.pieces]
    assert one.pieces[0].pictures_sha256 != one.pieces[1].pictures_sha256


async def test_an_edit_list_that_hides_the_start_is_followed(
    tools: ToolPaths, tiny_clip: Path, tiny_inspection: Inspection, tmp_path: Path
) -> None:
    # Cut inside a GOP without re-encoding: MOV hides the frames before the cut by an edit list.
    cut = await coded(tools, ["-ss", "1", "-i", str(tiny_clip), "-c", "copy"], tmp_path / "cut.mov")
    inspection = await inspected(tools, cut)
    frames = inspection.description.video.frames
    assert frames < 72
    assert inspection.frame_hashes == tiny_inspection.frame_hashes[-frames:]
    made = await split(tools, cut, inspection, shots_at(0, 11, frames), tmp_path / "pieces")
    assert sum(piece.frames for piece in made.pieces) == frames


async def test_a_start_time_far_from_zero_changes_nothing(
    tools: ToolPaths, tiny_clip: Path, tiny_inspection: Inspection, tmp_path: Path
) -> None:
    late = await coded(
        tools, ["-i", str(tiny_clip), "-c:v", "copy", "-an", "-output_ts_offset", "7.3"], tmp_path / "late.ts"
    )
    inspection = await inspected(tools, late)
    assert inspection.frame_hashes == tiny_inspection.frame_hashes
    made = await split(tools, late, inspection, shots_at(0, 31, 72), tmp_path / "pieces")
    assert (await decoded(tools, made.pieces[1].path)).seconds[0] == 0


@pytest.mark.parametrize(
    ("filters", "coding", "expected"),
    [
        ("scale=out_range=pc,format=yuvj420p", "-c:v libx264 -crf 5 -color_range pc", "yuv420p"),
        ("format=yuv422p10le", "-c:v ffv1", "yuv422p10le"),
        ("format=yuv444p", "-c:v libx264 -qp 0", "yuv444p"),
        ("format=yuv422p12le", "-c:v ffv1", "yuv422p12le"),
    ],
)
async def test_pieces_keep_depth_and_chroma_and_are_limited_range(
    filters: str, coding: str, expected: str, tools: ToolPaths, tmp_path: Path
) -> None:
    clip = await faults.make_plain(tmp_path, "clip.mkv", filters=filters, coding=coding)
    inspection = await inspected(tools, clip)
    made = await split(tools, clip, inspection, shots_at(0, 9, 25), tmp_path / "pieces")
    asked = ["-v", "error", "-show_entries", "stream=pix_fmt", "-of", "csv=p=0", str(made.pieces[0].path)]
    shown = await run_tool(command([tools.ffprobe, *asked], purpose="pixel format"))
    assert shown.stdout.strip() == expected
    assert inspection.description.video.color.range == ("pc" if "yuvj" in filters else "tv")


def test_a_piece_that_differs_names_shot_and_frame() -> None:
    (_, shot) = shots_at(0, 10, 13).shots
    log = FrameLog(hashes=["aa", "xx", "cc"])
    with pytest.raises(ToolOutputInvalid, match=r"TOOL-004 shot 1, frame 1 \(frame 11 of the title\): picture xx"):
        check_piece(log, shot, ("aa", "bb", "cc"))
    with pytest.raises(ToolOutputInvalid, match="shot 1: 3 frames in its piece"):
        check_piece(log, shot, ("aa", "xx"))
    check_piece(log, shot, ("aa", "xx", "cc"))


async def test_shots_that_do_not_cover_the_title_are_refused_before_any_work(
    tools: ToolPaths, tiny_clip: Path, tiny_inspection: Inspection, tmp_path: Path
) -> None:
    with pytest.raises(ToolOutputInvalid, match="shots of 71 frames"):
        await split(tools, tiny_clip, tiny_inspection, shots_at(0, 71), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_split_is_one_decode_that_counts_frames(tiny_inspection: Inspection) -> None:
    video, out = tiny_inspection.description.video, Path("/out")
    argv = split_command(
        "ffmpeg", opened(Path("/in/source")), video=video, shots=shots_at(0, 31, 53, 72), out_dir=out
    ).argv
    assert argv.count("-i") == 1
    assert argv[argv.index("-segment_frames") + 1] == "31,53"
    assert argv[argv.index("-vf") + 1] == "format=yuv420p,settb=1/24,setpts=N"
    assert {"-xerror", "-noautorotate", "-noautoscale"} <= set(argv)


@pytest.mark.parametrize(("pixel_format", "encoder"), [("yuv420p", "libx264"), ("yuv422p12le", "ffv1")])
def test_the_depth_of_the_pictures_decides_the_lossless_codec(
    pixel_format: str, encoder: str, tiny_inspection: Inspection
) -> None:
    video = tiny_inspection.description.video.model_copy(update={"pixel_format": pixel_format})
    argv = split_command("ffmpeg", opened(Path("/in")), video=video, shots=shots_at(0, 72), out_dir=Path("/out")).argv
    assert argv[argv.index("-c:v") + 1] == encoder


def test_the_digest_of_pictures_knows_format_size_and_order(tiny_inspection: Inspection) -> None:
    video = tiny_inspection.description.video
    digests = {
        pictures_digest(video, ("a", "b")),
        pictures_digest(video, ("b", "a")),
        pictures_digest(video.model_copy(update={"width_px": 322}), ("a", "b")),
        pictures_digest(video.model_copy(update={"pixel_format": "yuv422p"}), ("a", "b")),
    }
    assert len(digests) == 4
    full = video.model_copy(update={"pixel_format": "yuvj420p"})
    assert pictures_digest(full, ("a", "b")) == pictures_digest(video, ("a", "b"))
