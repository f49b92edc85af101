"""Measurement: pairs of frames, whole titles against shots."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from domain.video import Codec
from media.bench import ShotPiece
from media.command import Command
from media.errors import ToolOutputInvalid
from media.joining import join_shots
from media.measuring import (
    DistortedFile,
    PairingScores,
    check_pairing,
    judge_pairing,
    measure_command,
    measure_encodes,
    pairing_command,
)
from media.process import run_tool
from media.scoring import count_differing
from media.trials import encode_shot
from tests.media.test_joining import PLAN, WITHIN
from tests.support.goldens import Golden
from tests.support.pieces import EVERY_FRAME, SMALL, Cut, bench_in, cut_piece, make_piece, recipe_of

STILL = "testsrc2=s=320x180:r=24,trim=end_frame=1,loop=-1:1:0,setpts=N/24/TB"
NEARLY_STILL = f"{STILL}[a];color=white:s=2x2:r=24[b];[a][b]overlay=x='10+2*gt(n,5)':y=20"
BANDING = "gradients=s=320x180:r=24:c0=0x101010:c1=0x303030:n=2:seed=3:speed=0.02"


async def test_a_moving_shot_passes_and_falls_one_frame_off(tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...]) -> None:
    seen = await check_pairing(bench_in(tmp_path), tiny_pieces[2], EVERY_FRAME)
    assert seen.aligned_vmaf > 95
    assert seen.shifted_vmaf < seen.aligned_vmaf - 5
    assert (seen.aligned_differing, seen.shifted_differing) == (0, 18)


async def test_one_small_dot_that_moves_once_is_enough(tmp_path: Path) -> None:
    piece = await make_piece(NEARLY_STILL.replace("gt(n,5)", r"gt(n\,5)"), tmp_path / "piece.mov", frames=12)
    seen = await check_pairing(bench_in(tmp_path / "bench"), piece, EVERY_FRAME)
    assert seen.shifted_differing == 1
    assert seen.aligned_vmaf - seen.shifted_vmaf < 0.2, "a fall of VMAF alone would not show it"


async def test_a_dark_gradient_that_bands_passes(tmp_path: Path) -> None:
    piece = await make_piece(BANDING, tmp_path / "piece.mov", frames=12)
    assert (await check_pairing(bench_in(tmp_path / "bench"), piece, EVERY_FRAME)).aligned_differing == 0


async def test_a_still_picture_passes_where_it_is_known_to_be_still(tmp_path: Path) -> None:
    piece = await make_piece(STILL, tmp_path / "piece.mov", frames=12)
    seen = await check_pairing(bench_in(tmp_path / "bench"), piece, EVERY_FRAME, still=True)
    assert (seen.aligned_differing, seen.shifted_differing) == (0, 0)
    with pytest.raises(ToolOutputInvalid, match=r"no frame differs one frame off .* but the shot moves"):
        await check_pairing(bench_in(tmp_path / "again"), piece, EVERY_FRAME)


async def test_a_reference_that_lost_a_frame_is_found(tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...]) -> None:
    """The real command, but its second reference lost frame 5 and repeats the last one: the counts are right."""
    piece = tiny_pieces[2]
    spoiled = await cut_piece(piece.path, tmp_path / "spoiled.mov", Cut(0, 19), label="shot 2", frames=_LOST)
    assert spoiled.frames == piece.frames
    logs = (tmp_path / "aligned.json", tmp_path / "shifted.json")
    built = pairing_command(str(bench_in(tmp_path).tools.ffmpeg), piece, EVERY_FRAME, logs=logs)
    await run_tool(_with_second_input(built, spoiled.path))
    assert count_differing(logs[0], where="shot 2") == 13, "frames 5 to 17; the last one is itself again"


_LOST = r",select=not(eq(n\,5)),setpts=N/24/TB,tpad=stop=1:stop_mode=clone"


def _with_second_input(built: Command, path: Path) -> Command:
    places = [place for place, (option, _) in enumerate(pairwise(built.argv)) if option == "-i"]
    argv = list(built.argv)
    argv[places[1] + 1] = f"file:{path}"
    return replace(built, argv=tuple(argv))


@pytest.mark.parametrize(
    ("aligned", "shifted", "still", "accepted"),
    [(0, 11, False, True), (0, 1, False, True), (0, 0, True, True), (0, 3, True, True),
     (1, 11, False, False), (1, 0, True, False), (0, 0, False, False)],
)  # fmt: skip
def test_the_verdict_depends_on_pictures_and_not_on_scores(
    aligned: int, shifted: int, *, still: bool, accepted: bool
) -> None:
    seen = PairingScores(90.0, 90.0, aligned, shifted, 0.1)
    if accepted:
        judge_pairing(seen, where="shot 1", still=still)
        return
    with pytest.raises(ToolOutputInvalid, match="TOOL-004 shot 1"):
        judge_pairing(seen, where="shot 1", still=still)


@pytest.mark.parametrize("log", ["", "{}", '{"frames": [{"metrics": {"vmaf": 3}}]}'])
def test_a_log_without_errors_cannot_be_judged(tmp_path: Path, log: str) -> None:
    path = tmp_path / "log.json"
    path.write_text(log, encoding="utf-8")
    with pytest.raises(ToolOutputInvalid, match="no errors logged"):
        count_differing(path, where="shot 1")


async def test_an_encode_of_another_length_is_refused(tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...]) -> None:
    (encode,), _ = await encode_shot(bench_in(tmp_path / "encode"), tiny_pieces[2], [recipe_of(Codec.H264)])
    with pytest.raises(ToolOutputInvalid, match=r"19 scored frames.* expected: 22 scored frames"):
        await measure_encodes(
            bench_in(tmp_path / "measure"), tiny_pieces[1], [DistortedFile(encode.path, SMALL)], EVERY_FRAME
        )


async def test_a_whole_title_scores_like_its_shots(tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...]) -> None:
    """Scores of shots may be put together: the model looks back across no cut (docs/decisions/0006)."""
    files: list[Path] = []
    apart: list[float] = []
    for number, piece in enumerate(tiny_pieces):
        recipe = recipe_of(Codec.H264, crf=28 + number, idr_frames=WITHIN[number])
        (encode,), _ = await encode_shot(bench_in(tmp_path / str(number)), piece, [recipe])
        files.append(encode.path)
        (scores,), _ = await measure_encodes(
            bench_in(tmp_path / str(number)), piece, [DistortedFile(encode.path, SMALL)], EVERY_FRAME
        )
        apart.extend(scores)
    joined, _, _ = await join_shots(bench_in(tmp_path / "join"), files, PLAN)
    whole = await cut_piece(await _concatenated(tmp_path, tiny_pieces), tmp_path / "w.mov", Cut(0, 72), label="title")
    (together,), _ = await measure_encodes(bench_in(tmp_path / "t"), whole, [DistortedFile(joined, SMALL)], EVERY_FRAME)
    assert together == pytest.approx(apart, abs=1e-6)


async def _concatenated(folder: Path, pieces: tuple[ShotPiece, ...]) -> Path:
    joined, _, _ = await join_shots(
        bench_in(folder / "reference"),
        [piece.path for piece in pieces],
        replace(PLAN, idr_frames=(0, 31, 53), label="reference"),
    )
    return joined


def test_command_lines_are_golden(golden: Golden) -> None:
    piece = ShotPiece(Path("/w/shot.mov"), 53, PLAN.frame_rate, "shot 3")
    files = [DistortedFile(Path("/w/a.mp4"), SMALL), DistortedFile(Path("/w/b.mp4"), EVERY_FRAME.display)]
    logs = (Path("/w/0.json"), Path("/w/1.json"))
    golden.check_arguments("measuring/measure", measure_command("ffmpeg", piece, files, EVERY_FRAME, logs=logs).argv)
    golden.check_arguments("measuring/pairing", pairing_command("ffmpeg", piece, EVERY_FRAME, logs=logs).argv)
