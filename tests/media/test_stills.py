"""Thumbnails: the right pictures at the right times, in the shape of the title, the same bytes each time."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av import open as open_media
from hypothesis import given
from hypothesis import strategies as st

from domain.files import StoredFile
from domain.tracks import Rendition
from domain.video import Codec, Color, Resolution
from media.bench import Bench
from media.command import command
from media.errors import ToolOutputInvalid
from media.process import run_tool
from media.stills import StillPlan, choose_rendition, make_sheets, plan_stills, sheets_command
from media.tools import ToolPaths

HD = Resolution(width_px=1920, height_px=1080)


def rendition(codec: Codec, height_px: int, bitrate_bps: float = 1e6) -> Rendition:
    return Rendition(
        file=StoredFile(uri="s3://work/x", sha256="0" * 64, size_bytes=1),
        name=f"{codec.value}_{height_px}",
        codec=codec,
        resolution=Resolution(width_px=height_px * 16 // 9, height_px=height_px),
        frame_rate=Fraction(24),
        frames=240,
        bitrate_bps=bitrate_bps,
        peak_bitrate_bps=bitrate_bps,
    )


@pytest.mark.parametrize(
    ("seconds", "rate", "interval", "stills"),
    [
        (1, Fraction(24), 48, 1),
        (60, Fraction(24), 48, 30),
        (60, Fraction(24000, 1001), 48, 30),
        (45 * 60, Fraction(25), 100, 675),
        (70 * 60, Fraction(25), 150, 700),
        (4 * 3600, Fraction(25), 250, 1440),
    ],
)
def test_the_longer_a_title_the_rarer_its_stills(seconds: int, rate: Fraction, interval: int, stills: int) -> None:
    plan = plan_stills(round(seconds * rate), rate, HD)
    assert (plan.interval_frames, plan.stills) == (interval, stills)
    assert 25 * (plan.sheets - 1) < plan.stills <= 25 * plan.sheets


@given(st.integers(16, 8192), st.integers(16, 8192))
def test_a_tile_has_the_shape_of_the_picture_and_even_sides(width: int, height: int) -> None:
    tile = plan_stills(100, Fraction(24), Resolution(width_px=width, height_px=height)).tile
    assert tile.width_px % 2 == tile.height_px % 2 == 0
    assert 16 <= max(tile.width_px, tile.height_px) <= 320
    if min(tile.width_px, tile.height_px) > 40:
        assert tile.width_px / tile.height_px == pytest.approx(width / height, rel=0.05)


def test_stills_are_taken_from_the_smallest_rendition_that_is_large_enough() -> None:
    sizes = [
        rendition(Codec.AV1, 270),
        rendition(Codec.H264, 144),
        rendition(Codec.H264, 270),
        rendition(Codec.H264, 720),
    ]
    tile = Resolution(width_px=320, height_px=180)
    assert choose_rendition(sizes, tile).name == "h264_270"
    assert choose_rendition(sizes[1:2], tile).name == "h264_144"
    assert choose_rendition([*sizes, rendition(Codec.H264, 270, 2e6)], tile).bitrate_bps == 2e6


async def counting_clip(tools: ToolPaths, folder: Path, frames: int) -> Path:
    """A clip whose brightness is its second: 20 + 4 per second."""
    path = folder / "clip.mp4"
    graph = f"color=black:size=320x180:rate=24,geq=lum='20+4*floor(T)':cb=128:cr=128,trim=end_frame={frames}"
    argv = [tools.ffmpeg, "-v", "error", "-f", "lavfi", "-i", graph, "-c:v", "libx264", "-crf", "5", str(path)]
    await run_tool(command(argv, purpose="counting clip"))
    return path


async def test_each_tile_shows_its_moment_and_two_runs_give_the_same_bytes(tools: ToolPaths, tmp_path: Path) -> None:
    clip = await counting_clip(tools, tmp_path, 24 * 54)
    plan = plan_stills(24 * 54, Fraction(24), Resolution(width_px=320, height_px=180))
    found = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        sheets = await make_sheets(Bench(tools, tmp_path / run), clip, plan, Color())
        found.append([path.read_bytes() for path in sheets.paths])
        assert sheets.cpu_s > 0
    assert found[0] == found[1]
    assert len(found[0]) == 2
    seen = []
    for path in sheets.paths:
        with open_media(str(path)) as container:
            picture = next(container.decode(video=0)).to_ndarray(format="gray")
        assert picture.shape == (5 * 180, 5 * 320)
        tiles = picture.reshape(5, 180, 5, 320).swapaxes(1, 2).reshape(25, 180, 320)
        seen += [float(np.mean(tile[60:120, 100:220])) for tile in tiles]
    # Full range: (Y - 16) * 255 / 219.
    wanted = [(4 + 8 * still) * 255 / 219 for still in range(27)]
    assert seen[:27] == pytest.approx(wanted, abs=2)
    assert seen[27:] == pytest.approx([0] * 23, abs=2)


async def test_a_rendition_shorter_than_planned_is_no_thumbnails(tools: ToolPaths, tmp_path: Path) -> None:
    clip = await counting_clip(tools, tmp_path, 48)
    with pytest.raises(ToolOutputInvalid, match="1 sheets"):
        await make_sheets(Bench(tools, tmp_path), clip, StillPlan(HD, 48, 26), Color())


def test_high_dynamic_range_is_brought_down_and_the_rest_left_alone() -> None:
    plan = plan_stills(100, Fraction(24), HD)
    graphs = [
        sheets_command("ffmpeg", Path("/in.mp4"), plan, Color(transfer=transfer), Path("/out")).shell_line()
        for transfer in ("bt709", "smpte2084", "arib-std-b67")
    ]
    assert ["tonemap" in graph for graph in graphs] == [False, True, True]
