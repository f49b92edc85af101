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
from media.scoring import ScoredLeg, count_differing, read_frame_scores, scoring_graph


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
    aligned_differing: int
    """Frames that differ from the frame they were paired with; 0 expected."""
    shifted_differing: int
    """The same one frame off; 0 only in a still picture."""
    cpu_s: float


async def check_pairing(bench: Bench, piece: ShotPiece, metric: MetricRecipe, *, still: bool = False) -> PairingScores:
    """Proves that the scoring graph pairs frame n with frame n, before the first score of a title counts.

    The reference goes through the graph twice: against itself, and against itself one frame later. libvmaf's mean
    squared error says of every pair whether the two pictures are the same, whatever VMAF makes of the difference:
    VMAF stays at 100 one frame off where a 2x2 dot moves once in twelve frames (measured), and a picture with banding
    may stay below 95 against itself. So: in step no frame may differ, and one frame off at least one must, or the
    title could not show a wrong pairing. A title whose most active shot does not change at all (``still``) cannot;
    there it would not matter either.

    Raises:
        ToolOutputInvalid: if a frame differs in step, or none differs one frame off in a shot that moves.
    """
    logs = (bench.scratch / "aligned.json", bench.scratch / "shifted.json")
    full = metric.model_copy(update={"subsample": 1})
    where = f"pairing self-test, {piece.label}"
    run = await run_tool(
        pairing_command(bench.tools.ffmpeg, piece, full, logs=logs), on_line=frame_reader(bench.on_progress)
    )
    seen = PairingScores(
        aligned_vmaf=fmean(_scores(logs[0], where, piece.frames, full)),
        shifted_vmaf=fmean(_scores(logs[1], where, piece.frames - 1, full)),
        aligned_differing=count_differing(logs[0], where=where),
        shifted_differing=count_differing(logs[1], where=where),
        cpu_s=run.cpu_s,
    )
    judge_pairing(seen, where=where, still=still)
    return seen


def judge_pairing(seen: PairingScores, *, where: str, still: bool) -> None:
    """Checks what the self-test saw.

    Raises:
        ToolOutputInvalid: if the frames are not paired by index.
    """
    if seen.aligned_differing:
        raise ToolOutputInvalid(
            where,
            found=f"{seen.aligned_differing} frames paired with another picture (VMAF {seen.aligned_vmaf:.2f})",
            expected="every frame paired with itself",
        )
    if not still and not seen.shifted_differing:
        raise ToolOutputInvalid(
            where,
            found=f"no frame differs one frame off (VMAF {seen.shifted_vmaf:.2f}), but the shot moves",
            expected="other pictures one frame off",
        )


def pairing_command(ffmpeg: str, piece: ShotPiece, metric: MetricRecipe, *, logs: tuple[Path, Path]) -> Command:
    """Builds the self-test: the same graph builder as every measurement, fed with the reference itself."""
    inputs = ["-i", f"file:{piece.path}"] * 2
    aligned, first = scoring_graph(
        "here", [ScoredLeg("same", metric.display, logs[0], with_error=True)], metric, piece.frame_rate, prefix="a"
    )
    shifted, second = scoring_graph(
        "early", [ScoredLeg("late", metric.display, logs[1], with_error=True)], metric, piece.frame_rate, prefix="b"
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
