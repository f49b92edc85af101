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
from media.unpacking import MOST_RAW_BYTES, is_unpacked, raw_bytes, unpack
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
    raw, cpu_s = await unpack(bench_in(tmp_path / "raw"), piece)
    color = KINDS[kind][1] or Color()
    sizes = (DISPLAY, SMALL)
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
async def test_the_size_is_known_before(tmp_path: Path, kind: str) -> None:
    raw, _ = await unpack(bench_in(tmp_path / "raw"), await piece_of(kind, tmp_path))
    foretold = raw_bytes(KINDS[kind][0], DISPLAY, FRAMES)
    assert foretold <= raw.path.stat().st_size < 1.01 * foretold + 2000


def test_large_shots_stay_as_they_are() -> None:
    full_hd = Resolution(width_px=1920, height_px=1080)
    assert is_unpacked("yuv420p", full_hd, 320)
    assert not is_unpacked("yuv420p", full_hd, 330)
    assert raw_bytes("yuv420p10le", full_hd, 330) > MOST_RAW_BYTES


async def test_a_piece_that_is_none_is_an_error_with_a_name(tmp_path: Path) -> None:
    broken = tmp_path / "piece.mov"
    broken.write_bytes(b"no pictures")
    with pytest.raises(ToolFailed, match="TOOL-002"):
        await unpack(bench_in(tmp_path / "raw"), ShotPiece(broken, 3, recipe_of(Codec.H264).frame_rate, "shot 0"))
