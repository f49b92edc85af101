"""Scoring graphs and logs."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.encodes import MetricRecipe
from domain.video import Codec, Resolution
from media.bench import ShotPiece
from media.errors import ToolFailed, ToolOutputInvalid
from media.measuring import DistortedFile, measure_encodes
from media.scoring import ScoredLeg, parse_frame_scores, scoring_graph
from media.trials import encode_and_score, encode_shot
from tests.support.goldens import Golden
from tests.support.pieces import EVERY_FRAME, SMALL, bench_in, make_piece, recipe_of

HD = Resolution(width_px=1280, height_px=720)


def log_of(*frames: int) -> str:
    """A libvmaf log of these frames; frame n scores 90 + n / 100."""
    return json.dumps({"frames": [{"frameNum": n, "metrics": {"psnr_y": 1, "vmaf": 90 + n / 100}} for n in frames]})


def test_the_graph_is_golden(golden: Golden) -> None:
    small = Resolution(width_px=96, height_px=54)
    legs = [ScoredLeg("dec:0", HD, Path("/w/a.json")), ScoredLeg("1:v", small, Path("/w/b'c,d:e.json"))]
    metric = MetricRecipe(display=HD, subsample=5)
    graph, labels = scoring_graph("0:v", legs, metric, Fraction(24000, 1001), prefix="t")
    golden.check_text("scoring/graph.txt", graph.replace(";", ";\n") + "\n")
    assert labels == ["[ts0]", "[ts1]"]


@given(frames=st.integers(1, 60), subsample=st.sampled_from([1, 3, 5, 7]))
def test_every_nth_frame_is_read_in_order(frames: int, subsample: int) -> None:
    # From a step of 5 on only triples of frames reach libvmaf, and it scores one of each.
    numbers = range(0, frames, subsample) if subsample < 5 else range(0, 3 * -(-frames // subsample), 3)
    scores = parse_frame_scores(log_of(*numbers), where="shot 1", frames=frames, subsample=subsample)
    assert scores == tuple(pytest.approx(90 + n / 100) for n in numbers)


@pytest.mark.parametrize(
    ("log", "subsample"),
    [
        (log_of(0, 1, 2, 3), 1),  # one too few
        (log_of(0, 1, 2, 3, 4, 5), 1),  # one too many
        (log_of(0, 1, 1, 3, 4), 1),  # one twice
        (log_of(1, 2, 3, 4, 5), 1),  # off by one
        (log_of(0, 1, 2, 3, 4), 5),  # another step than asked for
        (log_of(0), 3),
        (log_of(), 1),
    ],
)
def test_a_log_of_other_frames_is_refused(log: str, subsample: int) -> None:
    with pytest.raises(ToolOutputInvalid, match=r"TOOL-004 shot 1: .* scored frames of 5"):
        parse_frame_scores(log, where="shot 1", frames=5, subsample=subsample)


@pytest.mark.parametrize(
    "log",
    ["", "{", "[]", "null", "7", "{}", '{"frames": 3}', '{"frames": [{}]}', '{"frames": [{"frameNum": 0}]}',
     '{"frames": [{"frameNum": 0, "metrics": {"psnr": 3}}]}', '{"frames": [{"frameNum": "x", "metrics": {"vmaf": 3}}]}',
     '{"frames": [{"frameNum": 0, "metrics": {"vmaf": NaN}}]}',
     '{"frames": [{"frameNum": 0, "metrics": {"vmaf": Infinity}}]}'],
)  # fmt: skip
def test_what_is_no_log_is_refused(log: str) -> None:
    with pytest.raises(ToolOutputInvalid, match="TOOL-004 shot 1"):
        parse_frame_scores(log, where="shot 1", frames=1, subsample=1)


async def test_pictures_that_the_metric_cannot_score_are_an_error_with_a_name(tmp_path: Path) -> None:
    """Here libvmaf gives up, and ffmpeg ends well all the same."""
    bench = bench_in(tmp_path)
    piece = await make_piece("testsrc2=s=96x64:r=24", tmp_path / "piece.mov", frames=3)
    metric = MetricRecipe(display=Resolution(width_px=96, height_px=64))
    with pytest.raises((ToolOutputInvalid, ToolFailed), match=r"TOOL-00[24] "):
        await measure_encodes(bench, piece, [DistortedFile(piece.path, metric.display)], metric)


@pytest.mark.parametrize("folder", ["plain", "it's", "a,b;c", "x:y [z]", "back\\slash", "%d 100% ünï"])
async def test_a_folder_of_any_name_takes_logs(tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], folder: str) -> None:
    bench = bench_in(tmp_path / folder)
    piece = tiny_pieces[2]
    (scores,), _ = await measure_encodes(bench, piece, [DistortedFile(piece.path, EVERY_FRAME.display)], EVERY_FRAME)
    assert len(scores) == piece.frames
    assert min(scores) > 90, "the reference against itself"


@pytest.mark.parametrize(("width", "height"), [(128, 72), (178, 148), (96, 54)])
async def test_sizes_below_those_that_cambi_takes_are_scored(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], width: int, height: int
) -> None:
    piece, size = tiny_pieces[2], Resolution(width_px=width, height_px=height)
    recipe = recipe_of(Codec.H264, crf=20, resolution=size)
    trial = await encode_and_score(bench_in(tmp_path / "trial"), piece, [recipe], EVERY_FRAME)
    (encode,), _ = await encode_shot(bench_in(tmp_path / "encode"), piece, [recipe])
    (scores,), _ = await measure_encodes(
        bench_in(tmp_path / "measure"), piece, [DistortedFile(encode.path, size)], EVERY_FRAME
    )
    assert trial.scores == (scores,)
    assert 0 <= max(scores) < 95


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [(4096, 2160, 4), (2160, 4096, 4), pytest.param(7680, 4320, 8, marks=pytest.mark.slow)],
)
async def test_displays_above_uhd_are_scored_at_every_coded_size(
    tmp_path: Path, width: int, height: int, scale: int
) -> None:
    display = Resolution(width_px=width, height_px=height)
    piece = await make_piece(f"testsrc2=s={width}x{height}:r=24", tmp_path / "piece.mov", frames=1)
    sizes = [display, Resolution(width_px=width // scale, height_px=height // scale)]
    recipes = [recipe_of(Codec.H264, crf=30, resolution=size) for size in sizes]
    trial = await encode_and_score(bench_in(tmp_path / "trial"), piece, recipes, MetricRecipe(display=display))
    assert 100 > trial.scores[0][0] > trial.scores[1][0] > 1


@pytest.mark.parametrize("subsample", [3, 5, 7, 9])
async def test_a_frame_scores_the_same_whether_all_frames_are_scored_or_some(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], subsample: int
) -> None:
    piece = tiny_pieces[2]
    (encode,), _ = await encode_shot(bench_in(tmp_path / "encode"), piece, [recipe_of(Codec.H264, crf=35)])
    file = DistortedFile(encode.path, SMALL)
    some = EVERY_FRAME.model_copy(update={"subsample": subsample})
    (all_scores,), _ = await measure_encodes(bench_in(tmp_path / "all"), piece, [file], EVERY_FRAME)
    (scores,), _ = await measure_encodes(bench_in(tmp_path / "some"), piece, [file], some)
    assert scores == all_scores[::subsample]
    assert len(set(all_scores)) > 3
