"""Thumbnails: one still every few seconds, tiled on JPEG sheets, by one decode of a small rendition.

Source: DASH-IF IOP 4.3, 6.2.6 (tiles); packaging report §4.7.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from domain.shots import grid_frames
from domain.tracks import Rendition
from domain.video import Codec, Color, Resolution
from media.bench import Bench
from media.command import Command, command
from media.errors import ToolOutputInvalid
from media.probe import local_name
from media.process import run_tool
from media.progress import OPENING_ARGUMENTS, PROGRESS_ARGUMENTS, frame_reader

COLUMNS = ROWS = 5
_LONGEST_PX = 320
_INTERVALS_S = (2, 4, 6, 10)
_STILLS_AT_MOST = 720
"""29 sheets: a title of 24 minutes has a still every 2 s, one of 72 minutes every 6 s, a longer one every 10 s."""
_JPEG_QUALITY = 4
"""Of 2 (best) to 31: sheets of 25 stills are then about 100 kB."""
_HDR = {"smpte2084", "arib-std-b67"}
# JPEG knows no HDR: down to 203 cd/m² for white (ITU-R BT.2408), highlights rolled off.
_TO_SDR = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv"
_CODEC_ORDER = (Codec.H264, Codec.HEVC, Codec.AV1)


@dataclass(frozen=True, slots=True)
class StillPlan:
    """Which stills a title has, and how large they are."""

    tile: Resolution
    interval_frames: int
    stills: int

    @property
    def sheets(self) -> int:
        """Number of sheets; the last may have empty tiles."""
        return -(-self.stills // (COLUMNS * ROWS))

    @property
    def name(self) -> str:
        """Folder in the presentation: ``thumbnails_320x180``."""
        return f"thumbnails_{self.tile}"


@dataclass(frozen=True, slots=True)
class Sheets:
    """Sheets on this machine, in order of time."""

    paths: tuple[Path, ...]
    cpu_s: float


def plan_stills(frames: int, rate: Fraction, display: Resolution) -> StillPlan:
    """Returns the stills of a title: the first picture, then one every 2 to 10 s, in the shape of the picture.

    Args:
        frames: Length of the title, at least 1.
        rate: Exact frames per second.
        display: Size of the picture with square samples.
    """
    steps = [grid_frames(rate, Fraction(seconds)) for seconds in _INTERVALS_S]
    step = next((step for step in steps if -(-frames // step) <= _STILLS_AT_MOST), steps[-1])
    scale = min(Fraction(1), Fraction(_LONGEST_PX, max(display.width_px, display.height_px)))
    width, height = (max(16, 2 * round(size * scale / 2)) for size in (display.width_px, display.height_px))
    return StillPlan(Resolution(width_px=width, height_px=height), step, -(-frames // step))


def choose_rendition(renditions: list[Rendition], tile: Resolution) -> Rendition:
    """Returns the rendition to take stills from: the smallest that is as large as a tile, in the cheapest codec.

    Raises:
        ValueError: if there is none.
    """
    enough = [item for item in renditions if item.resolution.height_px >= tile.height_px] or [
        max(renditions, key=lambda item: item.resolution.pixels)
    ]
    return min(enough, key=lambda item: (item.resolution.pixels, _CODEC_ORDER.index(item.codec), -item.bitrate_bps))


async def make_sheets(bench: Bench, rendition: Path, plan: StillPlan, color: Color) -> Sheets:
    """Decodes a rendition once and writes its sheets into the bench's scratch folder.

    Raises:
        ToolFailed: if it does not decode.
        ToolOutputInvalid: if there are not as many sheets as planned.
    """
    folder = bench.scratch / plan.name
    folder.mkdir()
    made = await run_tool(
        sheets_command(bench.tools.ffmpeg, rendition, plan, color, folder), on_line=frame_reader(bench.on_progress)
    )
    paths = tuple(sorted(folder.glob("*.jpg")))
    if len(paths) != plan.sheets:
        raise ToolOutputInvalid(plan.name, found=f"{len(paths)} sheets", expected=f"{plan.sheets} sheets")
    return Sheets(paths, made.cpu_s)


def sheets_command(ffmpeg: str, rendition: Path, plan: StillPlan, color: Color, folder: Path) -> Command:
    """Builds the command that makes all sheets; one thread and no dates, so that two runs give the same bytes."""
    size = f"{plan.tile.width_px}:{plan.tile.height_px}"
    # JPEG is full range and BT.601 (JFIF 1.02).
    graph = [
        f"select=not(mod(n\\,{plan.interval_frames}))",
        *([_TO_SDR] if color.transfer in _HDR else []),
        f"scale={size}:flags=lanczos+accurate_rnd+bitexact:out_range=pc:out_color_matrix=bt601",
        "format=yuv420p",
        "setsar=1",
        f"tile={COLUMNS}x{ROWS}",
    ]
    coding = [
        "-c:v",
        "mjpeg",
        "-q:v",
        str(_JPEG_QUALITY),
        "-strict",
        "unofficial",
        "-flags:v",
        "+bitexact",
        "-threads",
        "1",
    ]
    return command(
        [
            *(ffmpeg, *OPENING_ARGUMENTS, *PROGRESS_ARGUMENTS, "-y", "-threads", "1", "-i", local_name(rendition)),
            *("-map", "0:v:0", "-vf", ",".join(graph), "-fps_mode", "passthrough"),
            *(*coding, "-fflags", "+bitexact", "-f", "image2", local_name(folder / "%05d.jpg")),
        ],
        purpose=plan.name,
    )
