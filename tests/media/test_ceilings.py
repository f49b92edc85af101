"""Ceilings without encoding: they fall with the size, and no encode of the size gets above."""

from pathlib import Path
from typing import Any

import pytest

from domain import encodes
from domain.video import Codec, Color, Resolution
from media.bench import ShotPiece
from media.ceilings import SCORED_FRAMES, ceiling_command, measure_ceilings
from media.command import Command
from media.process import ToolRun, run_tool
from media.scoring import ScoredLeg
from media.trials import encode_and_score
from tests.support.pieces import DISPLAY, EVERY_FRAME, SMALL, Cut, bench_in, cut_piece, recipe_of

SIZES = (DISPLAY, Resolution(width_px=256, height_px=144), SMALL)
SLACK_VMAF = 0.5
"""A few frames stand for all of a shot, and the encoder's own noise may please the metric a little."""


async def test_ceilings_fall_with_the_size_and_no_encode_is_better(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...]
) -> None:
    found = await measure_ceilings(bench_in(tmp_path / "bench"), tiny_pieces[0], SIZES, Color(), EVERY_FRAME)
    recipes = [recipe_of(Codec.H264, crf=1, resolution=size) for size in SIZES]
    trial = await encode_and_score(bench_in(tmp_path / "trial"), tiny_pieces[0], recipes, EVERY_FRAME)

    assert found.vmafs[0] == 100 > found.vmafs[1] > found.vmafs[2] > 20, "at the display's own size nothing is lost"
    for ceiling, scores in zip(found.vmafs, trial.scores, strict=True):
        reached = sum(scores) / len(scores)
        assert reached <= ceiling + SLACK_VMAF
        assert reached >= ceiling - 6, "and the best encode comes near"
    assert found.cpu_s > 0


async def test_the_displays_own_size_takes_no_look(tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...]) -> None:
    bench = bench_in(tmp_path / "bench")
    own = await measure_ceilings(bench, tiny_pieces[0], SIZES[:1], Color(), EVERY_FRAME)
    assert (own.vmafs, own.cpu_s, list(bench.scratch.iterdir())) == ((100.0,), 0.0, [])
    await measure_ceilings(bench, tiny_pieces[0], SIZES, Color(), EVERY_FRAME)
    assert sorted(log.name for log in bench.scratch.iterdir()) == ["ceiling_0.json", "ceiling_1.json"]


async def test_sizes_that_memory_does_not_hold_together_are_scored_after_each_other(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    async def counted(command: Command, **options: Any) -> ToolRun:
        started.append(command.purpose)
        return await run_tool(command, **options)

    monkeypatch.setattr("media.ceilings.run_tool", counted)
    together = await measure_ceilings(bench_in(tmp_path / "a"), tiny_pieces[0], SIZES, Color(), EVERY_FRAME)
    assert len(started) == 1
    monkeypatch.setattr(encodes, "SCORED_PIXELS_IN_MEMORY", DISPLAY.pixels)
    assert EVERY_FRAME.most_together == 1
    apart = await measure_ceilings(bench_in(tmp_path / "b"), tiny_pieces[0], SIZES, Color(), EVERY_FRAME)
    assert apart.vmafs == together.vmafs
    assert len(started) == 1 + 2


async def test_ceilings_are_the_same_each_time(tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...]) -> None:
    first, second = [
        await measure_ceilings(bench_in(tmp_path / name), tiny_pieces[1], SIZES[1:], Color(), EVERY_FRAME)
        for name in "ab"
    ]
    assert first.vmafs == second.vmafs


@pytest.mark.parametrize("frames", [1, 2, 3, 31])
async def test_a_shot_of_any_length_has_ceilings(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], frames: int
) -> None:
    piece = tiny_pieces[0]
    short = await cut_piece(piece.path, tmp_path / "short.mov", Cut(0, frames), label=piece.label)
    found = await measure_ceilings(bench_in(tmp_path / "bench"), short, SIZES[1:], Color(), EVERY_FRAME)
    assert 0 < found.vmafs[1] < found.vmafs[0] <= 100


@pytest.mark.parametrize(("frames", "groups"), [(12, 4), (31, 4), (1000, 4)])
def test_few_frames_and_their_neighbors_are_looked_at(frames: int, groups: int) -> None:
    piece = ShotPiece(Path("/work/shot.mov"), frames, recipe_of(Codec.H264).frame_rate, "shot 0")
    legs = [ScoredLeg("u0", SMALL, Path("/work/ceiling_0.json"))]
    argv = ceiling_command("ffmpeg", piece, legs, Color(), EVERY_FRAME).argv
    graph = argv[argv.index("-filter_complex") + 1]
    stride = -(-frames // SCORED_FRAMES)
    assert f"select='eq(mod(n,{stride}),0)+eq(mod(n,{stride}),1)+eq(mod(n,{stride}),{stride - 1})'" in graph
    assert len(range(0, frames, stride)) == groups
