"""Clips of a folder as lossless shots: found, inspected, cut. What the pipeline would refuse is named and left out."""

import asyncio
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from benchmarks.oracle.table import IDR_LONGEST_S, BenchShot
from domain.errors import PertitleError
from domain.files import StoredFile
from domain.recipe import ShotRecipe
from domain.shots import Shot
from domain.values import Value
from domain.video import VideoTrack
from media.command import Command, command
from media.errors import ToolOutputInvalid
from media.inspection import inspect_source
from media.normalization import mezzanine_color, normalization_filters
from media.packets import read_packets
from media.probe import LocalSource, hardened_input
from media.process import run_tool
from media.progress import OPENING_ARGUMENTS, ignore_progress
from media.sandbox import write_sandbox
from media.shot_detection import detect_shots
from media.tools import ToolPaths, read_versions

SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".webm", ".mpg", ".ts", ".mxf", ".m4v", ".avi", ".y4m"})


@dataclass(frozen=True, slots=True)
class Cutting:
    """Which part of a clip is looked at."""

    shots_per_clip: int
    """At most so many, spread evenly over the clip."""
    frames_per_shot: int
    """At most so many, from the middle of the shot."""


class MixedFolder(Exception):
    """A folder has trials of the same shots, but of other frames, or made by another ffmpeg."""


class SkippedClip(Value):
    """A file that the pipeline would refuse."""

    clip: str
    code: str
    why: str


class ClipList(Value):
    """What was made of a folder."""

    cutting: str
    shots: tuple[BenchShot, ...]
    skipped: tuple[SkippedClip, ...]
    ffmpeg: str | None = None
    """Version of the ffmpeg that made the trials beside it; ``None`` if they are older than this note."""
    idr_longest_s: Fraction | None = None
    """Most seconds between IDR frames of the trials beside it; ``None`` if they are older than this note: then 2."""


async def prepare_clips(tools: ToolPaths, media: Path, out: Path, cutting: Cutting) -> ClipList:
    """Cuts the clips of a folder into lossless shots below ``out``.

    A second run keeps what the first one cut, and tries again what is new in the folder or was skipped.

    Args:
        tools: Programs.
        media: A folder (not searched below) or one file.
        out: The benchmark's folder.
        cutting: Which part of each clip is looked at.

    Raises:
        MixedFolder: ``out`` holds trials of shots of another length, of another ffmpeg, or with another distance of IDR
            frames.
    """
    kept = out / "shots.json"
    ffmpeg: str | None = (await read_versions(tools))["ffmpeg"]
    found = ClipList.model_validate_json(kept.read_text(encoding="utf-8")) if kept.exists() else None
    if found is not None and (out / "trials.jsonl").exists():
        _refuse_mixing(out, found, cutting, ffmpeg)
        ffmpeg = found.ffmpeg
    before = found.shots if found is not None and found.cutting == repr(cutting) else ()
    (out / "shots").mkdir(parents=True, exist_ok=True)
    shots: list[BenchShot] = []
    skipped: list[SkippedClip] = []
    for path in _clips(media):
        known = [shot for shot in before if shot.clip == path.name]
        try:
            shots += known or await _cut_clip(tools, path, out, cutting)
        except PertitleError as error:
            skipped.append(SkippedClip(clip=path.name, code=error.code, why=str(error)))
    made = ClipList(
        cutting=repr(cutting), shots=tuple(shots), skipped=tuple(skipped), ffmpeg=ffmpeg, idr_longest_s=IDR_LONGEST_S
    )
    kept.write_text(made.model_dump_json(indent=1), encoding="utf-8")
    return made


def _refuse_mixing(out: Path, found: ClipList, cutting: Cutting, ffmpeg: str | None) -> None:
    if found.ffmpeg not in {None, ffmpeg}:
        raise MixedFolder(f"{out} holds trials made by ffmpeg {found.ffmpeg}, this is {ffmpeg}. Take another OUT")
    if found.idr_longest_s != IDR_LONGEST_S:
        raise MixedFolder(
            f"{out} holds trials with an IDR frame every {found.idr_longest_s or 2} s, "
            f"the pipeline has one every {IDR_LONGEST_S} s. Take another OUT"
        )
    # Trials go by the names of their shots: of other frames they would be taken for these.
    if f"frames_per_shot={cutting.frames_per_shot})" not in found.cutting:
        raise MixedFolder(
            f"{out} holds trials of {found.cutting}, which are not those of {cutting}. "
            f"Take another OUT, or the same number of frames as before"
        )


def _clips(media: Path) -> list[Path]:
    if media.is_file():
        return [media]
    return sorted(path for path in media.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


async def _cut_clip(tools: ToolPaths, path: Path, out: Path, cutting: Cutting) -> list[BenchShot]:
    # Inspection wants to know where the source lies in the store; here it lies in none.
    stored = StoredFile(uri="s3://benchmark/source", sha256="0" * 64, size_bytes=1)
    inspected = (await inspect_source(tools, path, stored, on_progress=ignore_progress)).description
    track, source = inspected.video, LocalSource.of_container(path, inspected.container)
    found = await detect_shots(sys.executable, source, recipe=ShotRecipe(), track=track, on_progress=ignore_progress)
    chosen = _spread(found.shots.shots, cutting.shots_per_clip)
    tasks = [
        _cut_shot(tools, path, out, track=track, shot=shot, frames=min(shot.frames, cutting.frames_per_shot))
        for shot in chosen
    ]
    pieces = [await task for task in tasks]
    share_s = found.cpu_s / found.shots.frames
    return [piece.model_copy(update={"detection_cpu_s": share_s * piece.frames}) for piece in pieces]


def _spread(shots: tuple[Shot, ...], count: int) -> list[Shot]:
    """Returns at most ``count`` shots, evenly spread, the first and the last among them."""
    if len(shots) <= count:
        return list(shots)
    step = (len(shots) - 1) / max(1, count - 1)
    return [shots[round(step * number)] for number in range(count)]


async def _cut_shot(
    tools: ToolPaths, path: Path, out: Path, *, track: VideoTrack, shot: Shot, frames: int
) -> BenchShot:
    start = shot.range.start_frame + (shot.frames - frames) // 2
    name = f"shots/{path.stem}_{path.suffix[1:]}_{shot.index:04d}.mov"
    await run_tool(cut_command(tools.ffmpeg, path, out / name, track=track, start=start, frames=frames))
    if (made := len(read_packets(out / name).sizes_bytes)) != frames:
        raise ToolOutputInvalid(f"{path.name}, shot {shot.index}", found=f"{made} frames cut", expected=f"{frames}")
    size_bytes = await asyncio.to_thread(lambda: (out / name).stat().st_size)
    return BenchShot(
        clip=path.name,
        index=shot.index,
        start_frame=start,
        frames=frames,
        frame_rate=track.frame_rate,
        display=track.resolution,
        color=mezzanine_color(track),
        file=name,
        size_bytes=size_bytes,
        detection_cpu_s=0.0,
    )


def cut_command(ffmpeg: str, path: Path, target: Path, *, track: VideoTrack, start: int, frames: int) -> Command:
    """Builds the command that cuts frames ``[start, start + frames)`` into a lossless file, as a piece would be.

    Frames are those of the title: counted after normalization, which may repeat some and drop others.
    """
    clock = f"settb={1 / track.frame_rate},setpts=N"
    chain = f"{normalization_filters(track)},trim=start_frame={start}:end_frame={start + frames}"
    argv = [
        ffmpeg, *OPENING_ARGUMENTS, "-y", "-noautorotate", "-apply_cropping", "codec", *hardened_input(path),
        "-map", f"0:{track.stream_index}", "-vf", f"{chain},{clock}", "-fps_mode", "passthrough",
        "-enc_time_base", str(1 / track.frame_rate), "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", "-g", "250",
        "-video_track_timescale", str(track.frame_rate.numerator), str(target),
    ]  # fmt: skip
    return command(argv, purpose=f"cut of {path.name}", sandbox=write_sandbox(path, target.parent))
