"""SDR pictures of HDR ones: against the standards' formulas, and every picture kept."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from domain.hdr import ContentLight, DynamicRange, HdrMetadata
from domain.video import Color, VideoTrack
from media.bench import ShotPiece
from media.command import command
from media.errors import ToolOutputInvalid
from media.process import run_tool
from media.tone_mapping import (
    KNEE,
    REFERENCE_WHITE_CD_M2,
    peak_cd_m2,
    sdr_pictures_digest,
    sdr_video,
    tone_map_piece,
    tone_mapping_of,
)
from media.tools import ToolPaths
from tests.media.test_encoders import HDR10
from tests.support.pieces import bench_in

Samples = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
WIDTH, HEIGHT = 352, 160
TRANSFERS = ["smpte2084", "arib-std-b67"]


def video_of(transfer: str, hdr: HdrMetadata | None = None) -> VideoTrack:
    return VideoTrack(
        stream_index=0, codec_name="hevc", width_px=WIDTH, height_px=HEIGHT, frames=3, frame_rate=Fraction(24),
        pixel_format="yuv420p10le", bit_depth=10, hdr=hdr or HdrMetadata(),
        color=Color(primaries="bt2020", transfer=transfer, matrix="bt2020nc"),
    )  # fmt: skip


async def piece_of(tools: ToolPaths, path: Path, luma: str, chroma: tuple[float, float] = (512, 512)) -> ShotPiece:
    """Makes three frames of 10 bits whose samples are given by geq's expressions."""
    samples = f"geq=lum='{luma}':cb={chroma[0]:.0f}:cr={chroma[1]:.0f}"
    graph = f"color=s={WIDTH}x{HEIGHT}:r=24,format=yuv420p10le,{samples}"
    coding = [
        "-frames:v",
        "3",
        "-c:v",
        "libx264",
        "-qp",
        "0",
        "-preset",
        "ultrafast",
        "-video_track_timescale",
        "24000",
    ]
    argv = [tools.ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", graph, *coding, str(path)]
    await run_tool(command(argv, purpose=path.name))
    return ShotPiece(path, 3, Fraction(24), "shot 0")


async def mapped(tools: ToolPaths, piece: ShotPiece, video: VideoTrack, folder: Path) -> list[av.VideoFrame]:
    mapping = tone_mapping_of(video)
    assert mapping is not None
    made = await tone_map_piece(bench_in(folder), piece, mapping)
    with av.open(str(made.path)) as container:
        return list(container.decode(video=0))


def plane(frame: av.VideoFrame, number: int) -> Samples:
    found = frame.planes[number]
    rows = np.frombuffer(bytes(found), "<u2").reshape(found.height, found.line_size // 2)
    return rows[:, : found.width].astype(np.float64)


def displayed_cd_m2(transfer: str, signal: Samples) -> Samples:
    """Luminance of a gray signal in [0, 1]: SMPTE ST 2084, and BT.2100's HLG on a display of 1000 cd/m²."""
    if transfer == "smpte2084":
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = signal ** (1 / m2)
        return np.asarray(10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1))
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return np.asarray(1000 * scene**1.2)


def sdr_luma(luminance: Samples, peak: float) -> Samples:
    """10-bit luma of a gray: Möbius curve from the knee on, then BT.1886 in limited range."""
    light, top = luminance / REFERENCE_WHITE_CD_M2, peak / REFERENCE_WHITE_CD_M2
    a = -KNEE * KNEE * (top - 1) / (KNEE * KNEE - 2 * KNEE + top)
    b = (KNEE * KNEE - 2 * KNEE * top + top) / (top - 1)
    curve = (b * b + 2 * b * KNEE + KNEE * KNEE) / (b - a) * (light + a) / (light + b)
    return np.asarray(64 + 876 * np.clip(np.where(light <= KNEE, light, curve), 0, 1) ** (1 / 2.4))


@pytest.mark.parametrize("transfer", TRANSFERS)
async def test_every_gray_is_mapped_as_the_formulas_say(transfer: str, tools: ToolPaths, tmp_path: Path) -> None:
    piece = await piece_of(tools, tmp_path / "ramp.mov", "64+floor(X/4)*10")
    frames = await mapped(tools, piece, video_of(transfer), tmp_path / "sdr")
    assert [frame.format.name for frame in frames] == ["yuv420p10le"] * 3
    codes = 64 + np.floor(np.arange(WIDTH) / 4) * 10
    expected = sdr_luma(displayed_cd_m2(transfer, (codes - 64) / 876), 1000)
    inside = slice(1, WIDTH - 1)
    assert np.abs(plane(frames[2], 0)[HEIGHT // 2, inside] - expected[inside]).max() <= 1.5
    assert max(np.abs(plane(frames[2], number) - 512).max() for number in (1, 2)) <= 1
    assert expected.min() < 70
    assert expected.max() > 930


async def test_a_color_of_bt709_below_the_knee_comes_out_as_it_was(tools: ToolPaths, tmp_path: Path) -> None:
    to_2020 = np.array(
        [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    )  # BT.2087, table 2
    light = np.array([50.0, 12.0, 5.0])
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = (to_2020 @ light / 10_000) ** m1
    luma, *chroma = coded(((c1 + c2 * power) / (1 + c3 * power)) ** m2, kr=0.2627, kb=0.0593)
    piece = await piece_of(tools, tmp_path / "skin.mov", f"{luma:.0f}", (chroma[0], chroma[1]))
    frame = (await mapped(tools, piece, video_of("smpte2084"), tmp_path / "sdr"))[0]
    expected = coded((light / REFERENCE_WHITE_CD_M2) ** (1 / 2.4), kr=0.2126, kb=0.0722)
    found = [plane(frame, number)[40, 40] for number in range(3)]
    # One code of PQ is a hundredth of light, and half a percent of the signal.
    assert found == pytest.approx(expected, abs=5)


def coded(signal: Samples, *, kr: float, kb: float) -> list[float]:
    """Returns 10-bit Y, Cb and Cr of non-linear RGB (ITU-R BT.709 and BT.2020)."""
    red, green, blue = signal
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    return [64 + 876 * luma, 512 + 896 * (blue - luma) / 2 / (1 - kb), 512 + 896 * (red - luma) / 2 / (1 - kr)]


async def test_a_lost_picture_is_noticed(tools: ToolPaths, tmp_path: Path) -> None:
    piece = await piece_of(tools, tmp_path / "gray.mov", "400")
    longer = ShotPiece(piece.path, 4, piece.frame_rate, piece.label)
    with pytest.raises(ToolOutputInvalid, match="3 pictures mapped, 3 kept, 3 of them alike"):
        await mapped(tools, longer, video_of("smpte2084"), tmp_path / "sdr")


def test_white_is_the_brightest_that_the_metadata_speak_of() -> None:
    dim = HDR10.model_copy(update={"content_light": ContentLight(max_cll=0, max_fall=0)})
    bright = HDR10.model_copy(update={"content_light": ContentLight(max_cll=4000, max_fall=400)})
    nonsense = HdrMetadata(content_light=ContentLight(max_cll=65_535, max_fall=1))
    dark = HdrMetadata(content_light=ContentLight(max_cll=100, max_fall=1))
    said = [HDR10, dim, bright, nonsense, dark, HdrMetadata()]
    assert [peak_cd_m2(video_of("smpte2084", hdr)) for hdr in said] == [1000, 1000, 4000, 10_000, 203, 1000]
    assert peak_cd_m2(video_of("arib-std-b67", bright)) == 1000


def test_the_chain_is_part_of_what_is_kept_and_an_sdr_title_has_none() -> None:
    video = video_of("smpte2084", HDR10)
    mapping = tone_mapping_of(video)
    assert mapping is not None
    assert mapping.source_range is DynamicRange.PQ
    assert "peak=4.926108" in mapping.filters
    other = mapping.model_copy(update={"filters": mapping.filters.replace("param=0.3", "param=0.4")})
    assert sdr_pictures_digest(mapping, ["a" * 32]) != sdr_pictures_digest(other, ["a" * 32])
    assert tone_mapping_of(sdr_video(video)) is None
    assert sdr_video(video).color == Color()
