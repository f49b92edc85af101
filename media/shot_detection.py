"""The shots of a source: starts the scan as a program, reads its lines, applies the recipe's lengths."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import domain
import media
from domain.recipe import ShotRecipe
from domain.shots import ShotList, grid_frames
from domain.video import VideoTrack
from media.command import Command, command
from media.errors import ToolOutputInvalid
from media.probe import LocalSource
from media.process import run_tool
from media.sandbox import read_sandbox
from media.shot_list import Cut, LengthLimits, list_shots

_ROOMS = (Path(media.__file__).parent, Path(domain.__file__).parent)
"""What the scan imports of ours; the rest of the project's folder, where a local stack keeps its keys, stays hidden."""


@dataclass(frozen=True, slots=True)
class DetectedShots:
    """The shots of a title and what finding them cost."""

    shots: ShotList
    cpu_s: float


@dataclass(slots=True)
class ScanLog:
    """Collects the JSON lines of ``media.shot_scan``."""

    on_progress: Callable[[int], None] = lambda _frames: None
    cuts: list[Cut] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    frames: int = 0
    """As the program counted them; 0 until it has ended."""
    decoded: int = 0
    """Pictures of the source; other than ``frames`` if they were put on a constant rate."""

    def read(self, line: str) -> None:
        """Takes one line."""
        record = json.loads(line)
        if "cut" in record:
            self.cuts.append(Cut(frame=int(record["cut"]), score=float(record["score"])))
        elif "changes" in record:
            self.changes += map(float, record["changes"])
            self.on_progress(len(self.changes))
        else:
            self.frames, self.decoded = int(record["frames"]), int(record["decoded"])


async def detect_shots(
    python: str, source: LocalSource, *, recipe: ShotRecipe, track: VideoTrack, on_progress: Callable[[int], None]
) -> DetectedShots:
    """Finds the shots of a source.

    Args:
        python: The interpreter that has our packages (``sys.executable``).
        source: The source on local disk.
        recipe: Shortest and longest shot, IDR grid.
        track: The video track, as inspected.
        on_progress: Called with the number of frames seen so far.

    Raises:
        ToolFailed: if the scan fails.
        ToolOutputInvalid: if it saw another number of frames than inspection.
    """
    retiming = track.normalization and track.normalization.retiming
    constant = (track.frame_rate, track.frames) if retiming else None
    look = scan_command(python, source, stream_index=track.stream_index, constant=constant)
    log, cpu_s = await _scan(look, on_progress)
    expected = (track.frames, retiming.source_frames if retiming else track.frames)
    if not (log.frames, log.decoded) == expected or len(log.changes) != log.frames:
        raise ToolOutputInvalid(
            "shot detection",
            found=f"{log.frames} frames seen ({log.decoded} decoded)",
            expected=f"{expected[0]} frames ({expected[1]}), as inspected",
        )
    shots = list_shots(tuple(log.cuts), tuple(log.changes), length_limits(recipe, track))
    return DetectedShots(shots, cpu_s)


async def scan_cuts(
    python: str, source: LocalSource, *, stream_index: int, on_progress: Callable[[int], None] = lambda _frames: None
) -> tuple[ScanLog, float]:
    """Returns all hard cuts and picture changes of a track, and the CPU seconds spent.

    Raises:
        ToolFailed: if the scan fails.
    """
    return await _scan(scan_command(python, source, stream_index=stream_index), on_progress)


async def _scan(look: Command, on_progress: Callable[[int], None]) -> tuple[ScanLog, float]:
    log = ScanLog(on_progress)
    run = await run_tool(look, on_line=log.read)
    log.cuts.sort(key=lambda cut: cut.frame)
    return log, run.cpu_s


def scan_command(
    python: str, source: LocalSource, *, stream_index: int, constant: tuple[Fraction, int] | None = None
) -> Command:
    """Builds the command that looks at every frame; ``constant`` is the rate and number of frames of the title."""
    form = (str(constant[0]), str(constant[1])) if constant else ()
    sandbox = read_sandbox(source.path, also=(Path(sys.prefix), Path(sys.base_prefix), *_ROOMS))
    argv = [python, "-m", "media.shot_scan", str(source.path), stream_index, source.demuxer, *form]
    return command(argv, purpose="shot detection", sandbox=sandbox)


def length_limits(recipe: ShotRecipe, track: VideoTrack) -> LengthLimits:
    """Returns the recipe's limits in frames."""
    return LengthLimits(
        min_frames=max(1, round(recipe.min_s * float(track.frame_rate))),
        max_frames=max(1, int(recipe.max_s * float(track.frame_rate))),
        grid_frames=grid_frames(track.frame_rate, recipe.idr_grid_s) if recipe.idr_plan == "grid" else 1,
    )
