"""Full-rate measurement of encodes, and the self-test that proves frames are paired right."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from domain.encodes import MetricRecipe
from domain.video import Resolution
from media.bench import Bench, ShotPiece
from media.command import Command, command
from media.errors import ToolOutputInvalid
from media.process import run_tool
from media.progress import OPENING_ARGUMENTS, PROGRESS_ARGUMENTS, frame_reader, null_outputs
from media.scoring import ScoredLeg, read_frame_scores, scoring_graph


@dataclass(frozen=True, slots=True)
class DistortedFile:
    """An encode of the shot, to be scored."""

    path: Path
    resolution: Resolution


async def measure_encodes(
    bench: Bench, piece: ShotPiece, encodes: Sequence[DistortedFile], metric: MetricRecipe
) -> tuple[tuple[tuple[float, ...], ...], float]:
    """Scores several encodes of one shot against one decode of the reference; returns scores and CPU seconds.

    Raises:
        ToolFailed, ToolStalled: if ffmpeg does.
        ToolOutputInvalid: if the scored frames are not exactly those of the shot.
    """
    logs = [bench.scratch / f"scores_{number}.json" for number in range(len(encodes))]
    run = await run_tool(
        measure_command(bench.tools.ffmpeg, piece, encodes, metric, logs=logs),
        on_line=frame_reader(bench.on_progress),
    )
    return tuple(_scores(log, piece.label, piece.frames, metric) for log in logs), run.cpu_s


def measure_command(
    ffmpeg: str,
    piece: ShotPiece,
    encodes: Sequence[DistortedFile],
    metric: MetricRecipe,
    *,
    logs: Sequence[Path],
) -> Command:
    """Builds the measuring command line: input 0 is the reference, the others are the encodes."""
    argv: list[str] = [ffmpeg, *OPENING_ARGUMENTS, *PROGRESS_ARGUMENTS, "-filter_complex_threads", "1"]
    for path in (piece.path, *(encode.path for encode in encodes)):
        argv += ["-threads", "1", "-i", f"file:{path}"]
    legs = [ScoredLeg(f"{number + 1}:v", encode.resolution, logs[number]) for number, encode in enumerate(encodes)]
    graph, labels = scoring_graph("0:v", legs, metric, piece.frame_rate)
    argv += ["-filter_complex", graph, *null_outputs(labels)]
    return command(argv, purpose=f"measurement of {len(encodes)} encodes of {piece.label}")


@dataclass(frozen=True, slots=True)
class PairingScores:
    """What the pairing self-test saw."""

    aligned_vmaf: float
    """Mean score of the reference against itself."""
    shifted_vmaf: float
    """Mean score of the reference against itself one frame later."""
    cpu_s: float


async def check_pairing(bench: Bench, piece: ShotPiece, metric: MetricRecipe, *, still: bool = False) -> PairingScores:
    """Proves that the scoring graph pairs frame n with frame n, before the first score of a title counts.

    The reference against itself must reach the model's ceiling; shifted by one frame it must fall. A title whose
    most active shot is a still picture (``still``) cannot fall: then only the ceiling is asked for.

    Raises:
        ToolOutputInvalid: if the reference does not reach the ceiling against itself, or does not fall when shifted.
    """
    logs = (bench.scratch / "aligned.json", bench.scratch / "shifted.json")
    full = metric.model_copy(update={"subsample": 1})
    where = f"pairing self-test, {piece.label}"
    run = await run_tool(
        pairing_command(bench.tools.ffmpeg, piece, full, logs=logs), on_line=frame_reader(bench.on_progress)
    )
    aligned = _scores(logs[0], where, piece.frames, full)
    shifted = _scores(logs[1], where, piece.frames - 1, full)
    seen = PairingScores(fmean(aligned), fmean(shifted), run.cpu_s)
    judge_pairing(seen, where=where, still=still)
    return seen


PAIRING_CEILING = 95.0
"""The v1 model gives 97 to 100 to an identical picture, depending on motion and noise."""
PAIRING_FALL = 0.2
"""Smallest fall of the mean score when the title's most active shot is compared one frame off."""


def judge_pairing(seen: PairingScores, *, where: str, still: bool) -> None:
    """Checks what the self-test saw.

    Raises:
        ToolOutputInvalid: if the frames are not paired by index.
    """
    aligned, shifted = f"VMAF {seen.aligned_vmaf:.2f} in step", f"VMAF {seen.shifted_vmaf:.2f} one frame off"
    if seen.aligned_vmaf < PAIRING_CEILING:
        raise ToolOutputInvalid(where, found=aligned, expected=f"the model's ceiling, at least {PAIRING_CEILING}")
    if not still and seen.shifted_vmaf > seen.aligned_vmaf - PAIRING_FALL:
        raise ToolOutputInvalid(where, found=f"{aligned}, {shifted}", expected=f"a fall of at least {PAIRING_FALL}")


def pairing_command(ffmpeg: str, piece: ShotPiece, metric: MetricRecipe, *, logs: tuple[Path, Path]) -> Command:
    """Builds the self-test: the same graph builder as every measurement, fed with the reference itself."""
    inputs = ["-i", f"file:{piece.path}"] * 2
    aligned, first = scoring_graph(
        "here", [ScoredLeg("same", metric.display, logs[0])], metric, piece.frame_rate, prefix="a"
    )
    shifted, second = scoring_graph(
        "early", [ScoredLeg("late", metric.display, logs[1])], metric, piece.frame_rate, prefix="b"
    )
    trims = (
        f"[0:v]split[here][whole];[whole]trim=end_frame={piece.frames - 1}[early];"
        "[1:v]split[same][again];[again]trim=start_frame=1[late]"
    )
    argv = [ffmpeg, *OPENING_ARGUMENTS, *PROGRESS_ARGUMENTS, *inputs]
    argv += ["-filter_complex", f"{trims};{aligned};{shifted}", *null_outputs([*first, *second])]
    return command(argv, purpose=f"pairing self-test on {piece.label}")


def _scores(log: Path, where: str, frames: int, metric: MetricRecipe) -> tuple[float, ...]:
    return read_frame_scores(log, where=where, frames=frames, subsample=metric.subsample)
