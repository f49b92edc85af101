"""Shots encoded apart are one rendition when joined; anything else is refused."""

from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import pytest

from domain.encodes import RateCap
from domain.recipe import PRESETS
from domain.video import Codec, Resolution
from media.bench import ShotPiece
from media.errors import ToolError, ToolFailed, ToolOutputInvalid
from media.joining import JoinPlan, check_decode, join_command, join_shots, payload_digest, write_list
from media.packets import read_packets
from media.trials import encode_shot
from tests.support.goldens import Golden
from tests.support.pieces import bench_in, make_piece, recipe_of

CAP = RateCap(maxrate_bps=150_000, buffer_bits=200_000)
OTHER_CAP = RateCap(maxrate_bps=90_000, buffer_bits=150_000)
USUAL = {"medium", "ultrafast", "9"}
WITHIN = ((0, 24), (0,), (0, 7))
"""IDR frames inside the three shots."""
PLAN = JoinPlan(Codec.H264, Fraction(24), (0, 24, 31, 53, 60), 72, "video_h264_1_108p")


async def encode_three(folder: Path, pieces: tuple[ShotPiece, ...], codec: Codec) -> list[Path]:
    """Encodes the three shots at different CRFs and under different caps."""
    files = []
    choices = ((20.0, CAP), (38.0, None), (29.0, OTHER_CAP))
    for number, (piece, (crf, cap)) in enumerate(zip(pieces, choices, strict=True)):
        recipe = recipe_of(codec, crf=crf, rate_cap=cap, idr_frames=WITHIN[number])
        (encode,), _ = await encode_shot(bench_in(folder / str(number)), piece, [recipe])
        files.append(encode.path)
    return files


@pytest.fixture(scope="module")
async def h264_shots(tmp_path_factory: pytest.TempPathFactory, tiny_pieces: tuple[ShotPiece, ...]) -> list[Path]:
    return await encode_three(tmp_path_factory.mktemp("joining"), tiny_pieces, Codec.H264)


@pytest.mark.parametrize("codec", Codec)
async def test_shots_of_different_crfs_and_caps_are_one_rendition(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], codec: Codec
) -> None:
    shots = await encode_three(tmp_path, tiny_pieces, codec)
    assert len({read_packets(shot).configuration for shot in shots}) == 1
    plan = replace(PLAN, codec=codec)
    joined, packets, cpu_s = await join_shots(bench_in(tmp_path / "join"), shots, plan)
    assert packets.key_frames == PLAN.idr_frames
    assert packets.sizes_bytes == tuple(size for shot in shots for size in read_packets(shot).sizes_bytes)
    assert payload_digest([joined]) == payload_digest(shots)
    assert packets.configuration == read_packets(shots[0]).configuration
    assert cpu_s > 0


PRESETS_AND_SIZES = [
    pytest.param(codec, preset, size, marks=() if preset in USUAL else pytest.mark.slow)
    for codec in Codec
    for preset in PRESETS[codec]
    for size in ("288x162", "640x360")
]


@pytest.mark.parametrize(("codec", "preset", "size"), PRESETS_AND_SIZES)
async def test_no_crf_and_no_cap_changes_the_decoder_configuration(
    tmp_path: Path, codec: Codec, preset: str, size: str
) -> None:
    width, height = map(int, size.split("x"))
    resolution = Resolution(width_px=width, height_px=height)
    piece = await make_piece(f"testsrc2=s={size}:r=24", tmp_path / "piece.mov", frames=4)
    caps = [
        None,
        *(RateCap(maxrate_bps=rate, buffer_bits=2 * rate) for rate in (90_000, 2_000_000, 12_000_000, 80_000_000)),
    ]
    recipes = [
        recipe_of(codec, crf=15 + 8 * number, resolution=resolution, rate_cap=cap).model_copy(update={"preset": preset})
        for number, cap in enumerate(caps)
    ]
    encodes, _ = await encode_shot(bench_in(tmp_path / "bench"), piece, recipes)
    assert len({encode.packets.configuration for encode in encodes}) == 1


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001)])
async def test_idrs_stand_on_the_plan_at_every_rate(tmp_path: Path, rate: Fraction) -> None:
    plan = (0, 1, 11, 48, 49, 95)
    piece = await make_piece(f"testsrc2=s=320x180:r={rate}", tmp_path / "piece.mov", frames=96, rate=rate)
    recipes = [recipe_of(codec, crf=40, idr_frames=plan, rate=rate) for codec in Codec]
    for number, recipe in enumerate(recipes):
        (encode,), _ = await encode_shot(bench_in(tmp_path / str(number)), piece, [recipe])
        assert encode.packets.key_frames == plan


async def test_a_missing_shot_is_refused(tmp_path: Path, h264_shots: list[Path]) -> None:
    with pytest.raises(ToolOutputInvalid, match=r"TOOL-004 video_h264_1_108p: 53 frames encoded. expected: 72"):
        await join_shots(bench_in(tmp_path), h264_shots[:2], PLAN)


async def test_a_missing_frame_is_refused(tmp_path: Path, h264_shots: list[Path]) -> None:
    with pytest.raises(ToolOutputInvalid, match="72 frames encoded. expected: 73 frames".replace(".", r"\.")):
        await join_shots(bench_in(tmp_path), h264_shots, replace(PLAN, frames=73))


async def test_shots_in_another_order_are_refused(tmp_path: Path, h264_shots: list[Path]) -> None:
    with pytest.raises(ToolOutputInvalid, match="IDR frames"):
        await join_shots(bench_in(tmp_path), h264_shots[::-1], PLAN)


async def test_an_idr_that_nobody_planned_is_refused(tmp_path: Path, h264_shots: list[Path]) -> None:
    with pytest.raises(
        ToolOutputInvalid, match=r"IDR frames \[0, 24, 31, 53, 60\]. expected: IDR frames \[0, 31, 53\]"
    ):
        await join_shots(bench_in(tmp_path), h264_shots, replace(PLAN, idr_frames=(0, 31, 53)))


async def test_a_foreign_configuration_is_refused_and_the_shot_named(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], h264_shots: list[Path]
) -> None:
    other = recipe_of(Codec.H264, idr_frames=WITHIN[2]).model_copy(update={"preset": "slow"})
    (foreign,), _ = await encode_shot(bench_in(tmp_path / "foreign"), tiny_pieces[2], [other])
    with pytest.raises(ToolOutputInvalid, match="video_h264_1_108p, shot 2: another decoder configuration"):
        await join_shots(bench_in(tmp_path / "join"), [*h264_shots[:2], foreign.path], PLAN)


async def test_a_picture_that_does_not_decode_is_refused(tmp_path: Path, h264_shots: list[Path]) -> None:
    content = bytearray(h264_shots[0].read_bytes())
    start = content.index(b"mdat") + 4 + 600
    content[start : start + 300] = bytes(300)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(content)
    with pytest.raises(ToolError, match=r"TOOL-00[24]"):
        await check_decode(bench_in(tmp_path / "bench"), damaged, replace(PLAN, frames=31))
    with pytest.raises(ToolFailed, match="strict decode"):
        await check_decode(bench_in(tmp_path / "bench"), tmp_path / "absent.mp4", PLAN)


async def test_names_with_quotes_and_blanks_are_joined(tmp_path: Path, h264_shots: list[Path]) -> None:
    folder = tmp_path / "it's a, folder: [x]"
    folder.mkdir()
    copies = [folder / f"shot {number}'s.mp4" for number in range(3)]
    for shot, copy in zip(h264_shots, copies, strict=True):
        copy.write_bytes(shot.read_bytes())
    joined, packets, _ = await join_shots(bench_in(folder / "bench"), copies, PLAN)
    assert joined.is_file()
    assert len(packets.sizes_bytes) == 72


def test_bytes_in_another_order_have_another_digest(h264_shots: list[Path]) -> None:
    digests = {payload_digest(files) for files in (h264_shots, h264_shots[::-1], *([shot] for shot in h264_shots))}
    assert len(digests) == 5


def test_the_list_names_every_shot_in_order(tmp_path: Path) -> None:
    listing = write_list(tmp_path, [tmp_path / "a.mp4", tmp_path / "b'c.mp4"])
    assert listing.read_text(encoding="utf-8").splitlines() == [
        "ffconcat version 1.0",
        f"file 'file:{tmp_path}/a.mp4'",
        f"file 'file:{tmp_path}/b'\\''c.mp4'",
    ]


@pytest.mark.parametrize("codec", Codec)
def test_joining_is_golden(golden: Golden, codec: Codec) -> None:
    built = join_command("ffmpeg", Path("/w/shots.ffconcat"), Path("/w/joined.mp4"), replace(PLAN, codec=codec))
    golden.check_arguments(f"joining/{codec.value}", built.argv)


def test_the_plan_of_this_file_is_the_shots_own() -> None:
    starts = [0, *accumulate((31, 22))]
    assert PLAN.idr_frames == tuple(
        start + frame for start, frames in zip(starts, WITHIN, strict=True) for frame in frames
    )
