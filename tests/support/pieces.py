"""Shots whose every frame is known: made here by ffmpeg's own sources, without our split."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from domain.encodes import EncodeRecipe, MetricRecipe, RateCap
from domain.video import Codec, Color, Resolution
from media.bench import Bench, ShotPiece
from media.command import command
from media.process import run_tool
from media.tools import ToolPaths, find_tools
from sample_media.clips import make_clip

FAST_PRESET = {Codec.H264: "veryfast", Codec.HEVC: "ultrafast", Codec.AV1: "9"}
DISPLAY = Resolution(width_px=320, height_px=180)
SMALL = Resolution(width_px=192, height_px=108)
EVERY_FRAME = MetricRecipe(display=DISPLAY)
LOSSLESS = ("-c:v", "libx264", "-qp", "0", "-preset", "ultrafast")


@dataclass(frozen=True)
class Cut:
    """Frames ``[start, end)`` of a clip."""

    start: int
    end: int


def bench_in(folder: Path) -> Bench:
    """Returns a bench over a fresh folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return Bench(find_tools(), folder)


async def make_piece(
    picture: str, path: Path, *, frames: int, rate: Fraction = Fraction(24), label: str = "shot 0"
) -> ShotPiece:
    """Makes a lossless shot from a lavfi source; the rate is the source's own."""
    argv = [find_tools().ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", picture]
    argv += ["-frames:v", str(frames), "-pix_fmt", "yuv420p", *LOSSLESS, "-video_track_timescale", str(rate.numerator)]
    await run_tool(command([*argv, str(path)], purpose=path.name))
    return ShotPiece(path, frames, rate, label)


async def cut_piece(clip: Path, path: Path, cut: Cut, *, label: str, frames: str = "") -> ShotPiece:
    """Cuts frames of a 24 fps clip into a lossless shot; ``frames`` is a further filter that may spoil it."""
    chain = f"trim=start_frame={cut.start}:end_frame={cut.end},setpts=N/24/TB{frames}"
    argv = [find_tools().ffmpeg, "-v", "error", "-y", "-i", str(clip), "-an", "-vf", chain, *LOSSLESS]
    await run_tool(command([*argv, "-video_track_timescale", "24000", str(path)], purpose=path.name))
    return ShotPiece(path, cut.end - cut.start, Fraction(24), label)


def recipe_of(
    codec: Codec,
    *,
    crf: float = 30,
    resolution: Resolution = SMALL,
    idr_frames: Sequence[int] = (0,),
    rate_cap: RateCap | None = None,
    rate: Fraction = Fraction(24),
) -> EncodeRecipe:
    """Returns a recipe that encodes fast."""
    return EncodeRecipe(
        codec=codec,
        preset=FAST_PRESET[codec],
        resolution=resolution,
        crf=crf,
        frame_rate=rate,
        idr_frames=tuple(idr_frames),
        color=Color(),
        rate_cap=rate_cap,
    )


@pytest.fixture(scope="session")
def tool_paths() -> ToolPaths:
    """The real programs."""
    return find_tools()


@pytest.fixture(scope="session")
async def tiny_pieces(tmp_path_factory: pytest.TempPathFactory) -> tuple[ShotPiece, ...]:
    """The three shots of the tiny clip, 320x180, 24 fps: frames [0, 31), [31, 53), [53, 72)."""
    folder = tmp_path_factory.mktemp("tiny_pieces")
    clip = await make_clip("tiny_320x180p24", folder)
    cuts = (Cut(0, 31), Cut(31, 53), Cut(53, 72))
    return tuple([await cut_piece(clip, folder / f"{n}.mov", cut, label=f"shot {n}") for n, cut in enumerate(cuts)])
