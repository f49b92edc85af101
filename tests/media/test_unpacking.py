"""Raw pictures of a shot: what reads them makes the same as from the piece itself."""

from pathlib import Path

import pytest

from domain.video import Codec, Color, Resolution
from media.bench import ShotPiece
from media.ceilings import measure_ceilings
from media.command import command
from media.errors import ToolFailed
from media.process import run_tool
from media.tools import find_tools
from media.trials import encode_and_score
from media.unpacking import MOST_RAW_BYTES, Unpacking, raw_bytes, unpack
from tests.support.pieces import DISPLAY, EVERY_FRAME, SMALL, bench_in, recipe_of

FRAMES = 5
HDR = Color(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc")
X264 = ("-c:v", "libx264", "-qp", "0", "-preset", "ultrafast")
KINDS = {
    "8 bits": ("yuv420p", Color(), "left", X264),
    "unspecified": ("yuv420p", None, "unspecified", X264),
    "10 bits, chroma at the top left": ("yuv420p10le", HDR, "topleft", X264),
    "4:2:2": ("yuv422p10le", Color(), "left", X264),
    "12 bits in FFV1": ("yuv444p12le", HDR, "unspecified", ("-c:v", "ffv1")),
    "full range": ("yuv420p", Color(range="pc"), "center", X264),
}


async def piece_of(kind: str, folder: Path) -> ShotPiece:
    pixel_format, color, chroma, coding = KINDS[kind]
    told = f",setparams=range={color.range}:color_primaries={color.primaries}" if color else ""
    told += f":color_trc={color.transfer}:colorspace={color.matrix}" if color else ""
    source = f"testsrc2=s={DISPLAY.width_px}x{DISPLAY.height_px}:r=24,format={pixel_format}{told}"
    argv = [find_tools().ffmpeg, "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", str(FRAMES)]
    argv += ["-chroma_sample_location", chroma, *coding, "-pix_fmt", pixel_format, str(folder / "piece.mov")]
    await run_tool(command(argv, purpose=kind))
    return ShotPiece(folder / "piece.mov", FRAMES, recipe_of(Codec.H264).frame_rate, kind)


@pytest.mark.parametrize(
    ("kind", "codec"),
    [(kind, Codec.HEVC) for kind in KINDS] + [("8 bits", Codec.H264), ("8 bits", Codec.AV1)],
)
async def test_trials_from_raw_pictures_are_the_same_to_the_last_bit(tmp_path: Path, kind: str, codec: Codec) -> None:
    piece = await piece_of(kind, tmp_path)
    color, sizes = KINDS[kind][1] or Color(), (DISPLAY, SMALL)
    raw, cpu_s = await unpack(bench_in(tmp_path / "raw"), piece, sizes, color)
    recipes = [recipe_of(codec, resolution=size).model_copy(update={"color": color}) for size in sizes]
    made = [
        await encode_and_score(bench_in(tmp_path / name), shot, recipes, EVERY_FRAME)
        for name, shot in (("from_piece", piece), ("from_raw", raw))
    ]
    assert made[0].scores == made[1].scores
    assert len(set(made[0].scores)) == len(sizes)
    for one, other in zip(made[0].encodes, made[1].encodes, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()
    assert cpu_s > 0
    assert set(raw.scaled) == {SMALL}


async def test_sizes_that_were_not_foreseen_are_scaled_by_the_trial(tmp_path: Path) -> None:
    piece = await piece_of("8 bits", tmp_path)
    raw, _ = await unpack(bench_in(tmp_path / "raw"), piece, (SMALL,))
    other = Resolution(width_px=256, height_px=144)
    recipes = [recipe_of(Codec.H264, resolution=size) for size in (other, SMALL, other)]
    recipes[2] = recipes[2].model_copy(update={"crf": 40.0})
    made = [
        await encode_and_score(bench_in(tmp_path / name), shot, recipes, EVERY_FRAME)
        for name, shot in (("from_piece", piece), ("from_raw", raw))
    ]
    assert made[0].scores == made[1].scores


@pytest.mark.parametrize("kind", KINDS)
async def test_ceilings_from_raw_pictures_are_the_same(tmp_path: Path, kind: str) -> None:
    piece = await piece_of(kind, tmp_path)
    raw, _ = await unpack(bench_in(tmp_path / "raw"), piece)
    found = [
        await measure_ceilings(bench_in(tmp_path / name), shot, (SMALL,), KINDS[kind][1] or Color(), EVERY_FRAME)
        for name, shot in (("from_piece", piece), ("from_raw", raw))
    ]
    assert found[0].vmafs == found[1].vmafs
    assert 20 < found[0].vmafs[0] < 100


@pytest.mark.parametrize("kind", KINDS)
async def test_the_bytes_are_known_before(tmp_path: Path, kind: str) -> None:
    color = KINDS[kind][1] or Color()
    raw, _ = await unpack(bench_in(tmp_path / "raw"), await piece_of(kind, tmp_path), (DISPLAY, SMALL), color)
    foretold = Unpacking.of(KINDS[kind][0], DISPLAY, FRAMES, (DISPLAY, SMALL), color)
    assert foretold.raw_bytes <= raw.path.stat().st_size < 1.01 * foretold.raw_bytes + 2000
    assert foretold.scaled_bytes <= raw.scaled[SMALL].stat().st_size < 1.01 * foretold.scaled_bytes + 2000


def test_large_shots_stay_as_they_are() -> None:
    full_hd, hd = (Resolution(width_px=width_px, height_px=width_px * 9 // 16) for width_px in (1920, 1280))
    small_enough = Unpacking.of("yuv420p", full_hd, 320, (full_hd, hd))
    assert small_enough.raw_bytes <= MOST_RAW_BYTES
    assert small_enough.scaled == (hd,)
    assert small_enough.scaled_bytes == raw_bytes("yuv420p", hd, 320)
    assert Unpacking.of("yuv420p", full_hd, 330, (full_hd, hd)) == Unpacking(0, (), 0)
    assert raw_bytes("yuv420p10le", full_hd, 330) > MOST_RAW_BYTES


async def test_a_piece_that_is_none_is_an_error_with_a_name(tmp_path: Path) -> None:
    broken = tmp_path / "piece.mov"
    broken.write_bytes(b"no pictures")
    with pytest.raises(ToolFailed, match="TOOL-002"):
        await unpack(bench_in(tmp_path / "raw"), ShotPiece(broken, 3, recipe_of(Codec.H264).frame_rate, "shot 0"))
