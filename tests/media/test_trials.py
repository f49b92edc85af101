"""The trial unit and production encodes, with real encoders."""

import hashlib
from pathlib import Path

import pytest

from domain.encodes import RateCap
from domain.video import Codec, Resolution
from media.bench import ShotPiece
from media.errors import ToolFailed, ToolOutputInvalid
from media.measuring import DistortedFile, measure_encodes
from media.trials import MadeEncode, encode_and_score, encode_command, encode_shot, trial_command
from tests.support.goldens import Golden
from tests.support.pieces import EVERY_FRAME, SMALL, bench_in, recipe_of

CRFS = {Codec.H264: (20, 30, 40), Codec.HEVC: (20, 30, 40), Codec.AV1: (25, 40, 60)}


def digests(encodes: tuple[MadeEncode, ...]) -> list[str]:
    return [hashlib.sha256(encode.path.read_bytes()).hexdigest() for encode in encodes]


@pytest.mark.parametrize("codec", Codec)
async def test_a_trial_has_the_bytes_of_a_production_encode_and_the_scores_of_a_measurement(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], codec: Codec
) -> None:
    piece = tiny_pieces[1]
    metric = EVERY_FRAME.model_copy(update={"subsample": 5})
    recipes = [recipe_of(codec, crf=crf, idr_frames=(0, 17)) for crf in CRFS[codec]]
    trial = await encode_and_score(bench_in(tmp_path / "trial"), piece, recipes, metric)
    again = await encode_and_score(bench_in(tmp_path / "again"), piece, recipes, metric)
    made, _ = await encode_shot(bench_in(tmp_path / "made"), piece, recipes)
    files = [DistortedFile(encode.path, SMALL) for encode in made]
    measured, _ = await measure_encodes(bench_in(tmp_path / "measured"), piece, files, metric)

    assert digests(trial.encodes) == digests(made), "a trial with the same recipe is used as it is"
    assert digests(trial.encodes) == digests(again.encodes), "two runs, the same bytes"
    assert trial.scores == measured == again.scores
    assert [len(scores) for scores in trial.scores] == [5, 5, 5], "frames 0, 5, 10, 15, 20 of 22"
    means = [sum(scores) for scores in trial.scores]
    assert means == sorted(means, reverse=True), "scores fall when the CRF rises"
    sizes = [sum(encode.packets.sizes_bytes) for encode in trial.encodes]
    assert sizes == sorted(sizes, reverse=True)
    assert all(encode.packets.key_frames == (0, 17) for encode in trial.encodes)


@pytest.mark.parametrize("codec", Codec)
async def test_trials_of_several_sizes_have_the_bytes_and_scores_of_each_size_alone(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], codec: Codec
) -> None:
    display = Resolution(width_px=320, height_px=180)
    asks = [(display, 30), (SMALL, 25), (display, 45), (SMALL, 40)]
    recipes = [recipe_of(codec, crf=crf, resolution=size) for size, crf in asks]
    mixed = await encode_and_score(bench_in(tmp_path / "mixed"), tiny_pieces[2], recipes, EVERY_FRAME)
    for size in (display, SMALL):
        places = [place for place, recipe in enumerate(recipes) if recipe.resolution == size]
        own = [recipes[place] for place in places]
        alone = await encode_and_score(bench_in(tmp_path / f"{size}"), tiny_pieces[2], own, EVERY_FRAME)
        assert digests(alone.encodes) == [digests(mixed.encodes)[place] for place in places]
        assert alone.scores == tuple(mixed.scores[place] for place in places)


async def test_a_production_unit_makes_several_sizes_each_as_if_alone(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...]
) -> None:
    sizes = (SMALL, Resolution(width_px=320, height_px=180))
    recipes = [recipe_of(Codec.H264, resolution=size) for size in sizes]
    together, _ = await encode_shot(bench_in(tmp_path / "together"), tiny_pieces[2], recipes)
    alone = [(await encode_shot(bench_in(tmp_path / str(n)), tiny_pieces[2], [recipes[n]]))[0] for n in (0, 1)]
    assert digests(together) == [digests(encodes)[0] for encodes in alone]


@pytest.mark.parametrize("codec", [Codec.H264, Codec.HEVC])
async def test_a_cap_that_binds_makes_the_encode_smaller(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], codec: Codec
) -> None:
    cap = RateCap(maxrate_bps=60_000, buffer_bits=60_000)
    recipes = [recipe_of(codec, crf=20), recipe_of(codec, crf=20, rate_cap=cap)]
    (free, capped), _ = await encode_shot(bench_in(tmp_path), tiny_pieces[0], recipes)
    assert sum(capped.packets.sizes_bytes) < 0.8 * sum(free.packets.sizes_bytes)


async def test_a_piece_with_a_missing_frame_is_refused(tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...]) -> None:
    piece = tiny_pieces[2]
    promised = ShotPiece(piece.path, piece.frames + 1, piece.frame_rate, piece.label)
    with pytest.raises(ToolOutputInvalid, match=r"TOOL-004 shot 2, h264 192x108, CRF 30: 19 frames encoded"):
        await encode_shot(bench_in(tmp_path), promised, [recipe_of(Codec.H264)])


async def test_a_file_that_is_no_picture_fails_with_what_ffmpeg_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mov"
    broken.write_bytes(b"not a movie")
    piece = ShotPiece(broken, 10, recipe_of(Codec.H264).frame_rate, "shot 0")
    with pytest.raises(ToolFailed, match=r"TOOL-002 1 production encodes of shot 0, h264: exit code"):
        await encode_shot(bench_in(tmp_path / "bench"), piece, [recipe_of(Codec.H264)])


def test_command_lines_are_golden(golden: Golden) -> None:
    piece = ShotPiece(Path("/work/shot_00003.mov"), 53, recipe_of(Codec.AV1).frame_rate, "shot 3")
    recipes = [recipe_of(Codec.AV1, crf=crf, idr_frames=(0, 48)) for crf in (20, 40)]
    outputs = [Path("/work/encode_0.mp4"), Path("/work/encode_1.mp4")]
    golden.check_arguments(
        "trials/trial_unit", trial_command("ffmpeg", piece, recipes, EVERY_FRAME, outputs=outputs).argv
    )
    golden.check_arguments("trials/encode_unit", encode_command("ffmpeg", piece, recipes, outputs=outputs).argv)
