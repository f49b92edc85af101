"""Clips of a benchmark: cut as the pipeline would cut them, read raw, and left out where they cannot be measured."""

import asyncio
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.oracle import raw_shots
from benchmarks.oracle.build import build_oracle
from benchmarks.oracle.clips import ClipList, Cutting, MixedFolder, prepare_clips
from benchmarks.oracle.grid import grid_crfs
from benchmarks.oracle.lab import Lab
from benchmarks.oracle.raw_shots import RawShots, piece_of
from benchmarks.oracle.table import BenchShot, Setting, TrialTable
from benchmarks.search.ceilings import CeilingTable, build_ceilings
from domain.mezzanine import planned_idr_frames
from domain.recipe import Recipe
from domain.search import HIGHEST_CRF, LOWEST_CRF
from domain.shots import Shot, ShotList
from domain.video import Codec, Color, FrameRange, Resolution
from media.command import command
from media.errors import ToolFailed
from media.packets import read_packets
from media.process import run_tool
from media.tools import find_tools
from tests.benchmarks.tables import MEDIUM, bench_shot

SIZE = Resolution(width_px=640, height_px=360)


async def uneven_clip(folder: Path) -> Path:
    """A clip of 24 frames a second in which every fifth is missing."""
    folder.mkdir()
    # A color that is not said is random, and another one in each run.
    slope = f"gradients=s={SIZE}:r=24:d=3:n=2:c0=0x102030:c1=0xa06040:speed=0.05:seed=7"
    argv = [find_tools().ffmpeg, "-v", "error", "-f", "lavfi", "-i", slope]
    argv += ["-vf", "select='not(eq(mod(n,5),3))'", "-fps_mode", "vfr", "-c:v", "libx264", "-preset", "ultrafast"]
    await run_tool(command([*argv, str(folder / "uneven.mp4")], purpose="a clip of variable frame rate"))
    return folder


def shot_of(name: str, file: str) -> BenchShot:
    return BenchShot(
        clip=name, index=0, start_frame=0, frames=3, frame_rate=Fraction(24), display=SIZE, color=Color(), file=file,
        size_bytes=1, detection_cpu_s=0.0,
    )  # fmt: skip


async def cut(folder: Path, out: Path) -> ClipList:
    clips = await prepare_clips(find_tools(), folder, out, Cutting(shots_per_clip=1, frames_per_shot=20))
    assert not clips.skipped
    return clips


async def test_a_clip_of_variable_frame_rate_is_cut_by_the_frames_of_the_title(tmp_path: Path) -> None:
    clips = await cut(await uneven_clip(tmp_path / "media"), tmp_path / "out")
    (shot,) = clips.shots
    assert (shot.frames, shot.frame_rate) == (20, Fraction(24))
    assert shot.start_frame > 20, "so that frames were repeated before it"
    assert len(read_packets(tmp_path / "out" / shot.file).sizes_bytes) == 20


async def test_a_second_run_keeps_what_was_cut_and_takes_what_is_new_or_was_refused(tmp_path: Path) -> None:
    folder, out, cutting = await uneven_clip(tmp_path / "media"), tmp_path / "out", Cutting(1, 20)
    (folder / "broken.mp4").write_bytes(b"no film")
    first = await prepare_clips(find_tools(), folder, out, cutting)
    assert [clip.clip for clip in first.skipped] == ["broken.mp4"]
    cut_at = (out / first.shots[0].file).stat().st_mtime_ns

    (folder / "broken.mp4").write_bytes((folder / "uneven.mp4").read_bytes())
    second = await prepare_clips(find_tools(), folder, out, cutting)
    assert [shot.clip for shot in second.shots] == ["broken.mp4", "uneven.mp4"]
    assert not second.skipped
    assert second.shots[1] == first.shots[0]
    assert (out / first.shots[0].file).stat().st_mtime_ns == cut_at

    (shorter,) = {shot.frames for shot in (await prepare_clips(find_tools(), folder, out, Cutting(1, 10))).shots}
    assert shorter == 10


async def test_trials_of_other_frames_are_not_taken_for_these(tmp_path: Path) -> None:
    folder, out = await uneven_clip(tmp_path / "media"), tmp_path / "out"
    await prepare_clips(find_tools(), folder, out, Cutting(1, 20))
    (out / "trials.jsonl").touch()
    assert len((await prepare_clips(find_tools(), folder, out, Cutting(2, 20))).shots) == 1
    with pytest.raises(MixedFolder, match=r"frames_per_shot=20.*frames_per_shot=10.*another OUT"):
        await prepare_clips(find_tools(), folder, out, Cutting(1, 10))


async def test_trials_of_another_ffmpeg_are_not_taken_for_these(tmp_path: Path) -> None:
    folder, out = await uneven_clip(tmp_path / "media"), tmp_path / "out"
    made = await prepare_clips(find_tools(), folder, out, Cutting(1, 20))
    (out / "shots.json").write_text(made.model_copy(update={"ffmpeg": "4.4"}).model_dump_json())
    assert (await prepare_clips(find_tools(), folder, out, Cutting(1, 20))).ffmpeg == made.ffmpeg, "no trials yet"

    (out / "shots.json").write_text(made.model_copy(update={"ffmpeg": None}).model_dump_json())

    (out / "trials.jsonl").touch()
    assert (await prepare_clips(find_tools(), folder, out, Cutting(1, 20))).ffmpeg is None, "nobody knows whose"

    (out / "shots.json").write_text(made.model_copy(update={"ffmpeg": "4.4"}).model_dump_json())
    with pytest.raises(MixedFolder, match=r"made by ffmpeg 4.4.*another OUT"):
        await prepare_clips(find_tools(), folder, out, Cutting(1, 20))


async def test_trials_with_other_idr_frames_are_not_taken_for_these(tmp_path: Path) -> None:
    folder, out = await uneven_clip(tmp_path / "media"), tmp_path / "out"
    made = await prepare_clips(find_tools(), folder, out, Cutting(1, 20))
    (out / "trials.jsonl").touch()
    (out / "shots.json").write_text(made.model_copy(update={"idr_longest_s": None}).model_dump_json())
    with pytest.raises(MixedFolder, match=r"IDR frame every 2 s, the pipeline has one every 4 s.*another OUT"):
        await prepare_clips(find_tools(), folder, out, Cutting(1, 20))


@pytest.mark.parametrize(("frames", "expected"), [(96, (0,)), (97, (0, 48)), (200, (0, 66, 133))])
def test_a_shot_has_its_idr_frames_where_the_pipeline_plans_them(frames: int, expected: tuple[int, ...]) -> None:
    shot = bench_shot().model_copy(update={"frames": frames})
    shots = ShotList(shots=(Shot(index=0, range=FrameRange(start_frame=0, end_frame=frames)),))
    assert shot.idr_frames == planned_idr_frames(shots, Recipe(), shot.frame_rate) == expected
    assert Lab._recipe(shot, MEDIUM, shot.display, 30.0).idr_frames == expected


@pytest.mark.parametrize("codec", Codec)
def test_a_grid_spans_the_crfs_that_the_pipeline_may_ask_for(codec: Codec) -> None:
    for step in (1, 2, 3):
        crfs = grid_crfs(codec, step)
        assert (crfs[0], crfs[-1]) == (LOWEST_CRF[codec], HIGHEST_CRF[codec])
        assert 0 < max(after - before for before, after in pairwise(crfs)) <= step


async def test_a_shot_is_unpacked_once_for_all_that_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shot,) = (await cut(await uneven_clip(tmp_path / "media"), tmp_path / "out")).shots
    raw = RawShots(find_tools(), tmp_path / "out")

    async def read() -> tuple[Path, int]:
        async with raw.reading(shot) as piece:
            return piece.path, piece.path.stat().st_ino

    first, second = await asyncio.gather(read(), read())
    assert first == second == await read()
    assert first[0].stat().st_size > 20 * SIZE.pixels * 3 // 2
    monkeypatch.setattr(raw_shots, "KEPT_BYTES", 0)
    async with raw.reading(shot) as piece:
        assert piece.path == first[0]
    assert not first[0].exists(), "nobody reads it, and there is no room for it"
    assert (await read())[0] != first[0]


async def test_a_shot_without_ceilings_is_named_and_others_are_measured(tmp_path: Path) -> None:
    (shot,) = (await cut(await uneven_clip(tmp_path / "media"), tmp_path / "out")).shots
    gone = shot_of("gone.mov", "shots/gone.mov")
    table = CeilingTable()
    (failed,) = await build_ceilings(table, (gone, shot), find_tools(), tmp_path / "out", jobs=2)
    assert (failed.shot, failed.setting, failed.code) == (gone.name, "ceilings", "TOOL-002")
    assert table.of_shot(gone) is None
    found = table.of_shot(shot)
    assert found is not None
    assert found.vmafs[0] == 100 > found.vmafs[-1]
    with pytest.raises(ToolFailed):
        async with RawShots(find_tools(), tmp_path / "out").reading(gone):
            pass
    assert not piece_of(gone, tmp_path / "out").path.exists()


async def test_a_trial_apart_is_made_though_the_grid_has_it_and_leaves_the_grid_alone(tmp_path: Path) -> None:
    (shot,) = (await cut(await uneven_clip(tmp_path / "media"), tmp_path / "out")).shots
    table, setting = TrialTable(tmp_path / "out" / "trials.jsonl"), Setting(Codec.H264, "ultrafast")
    lab, points = Lab(find_tools(), tmp_path / "out", table, jobs=1), [(shot.display, 30.0)]
    (of_grid,) = await lab.measure(shot, setting, points, subsample=1)
    (apart,) = await lab.measure(shot, setting, points, subsample=1, is_apart=True)
    assert await lab.measure(shot, setting, points, subsample=1, is_apart=True) == (apart,)

    assert (lab.made, of_grid.is_apart, apart.is_apart) == (2, False, True)
    assert apart.frame_scores == of_grid.frame_scores
    kept = TrialTable(tmp_path / "out" / "trials.jsonl")
    assert kept.of_shot(shot.name, setting) == [of_grid]
    assert kept.find(shot.name, setting, points[0], subsample=1, is_apart=True) == apart


async def test_hdr_is_left_out_of_h264_in_words_and_nothing_is_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shot = shot_of("night.mov", "shots/night.mov").model_copy(update={"color": Color(transfer="smpte2084")})
    lab = Lab(find_tools(), tmp_path, TrialTable(), jobs=1)
    (failed,) = await build_oracle(lab, [shot], [Setting(Codec.H264, "veryfast")], step=2)
    assert (failed.shot, failed.setting, failed.code) == (shot.name, "h264/veryfast", "VID-004")
    assert "hevc or av1" in failed.why
    assert lab.made == 0
    assert "encodes" not in capsys.readouterr().err
