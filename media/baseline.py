"""Fixed-ladder rungs: the whole title at an average bitrate, as services encoded before per-title ladders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.encodes import EncodeRecipe, MetricRecipe
from media.bench import Bench, ShotPiece
from media.command import Command, command
from media.encoders.arguments import baseline_arguments, scaling_filters
from media.errors import ToolOutputInvalid
from media.joining import write_list
from media.packets import PacketTable, read_packets
from media.process import run_tool
from media.progress import OPENING_ARGUMENTS, PROGRESS_ARGUMENTS, frame_reader, null_outputs
from media.scoring import ScoredLeg, read_frame_scores, scoring_graph


@dataclass(frozen=True, slots=True)
class FixedRungRecipe:
    """One fixed rung: codec, preset and size as in ``encode`` (its CRF is not used), a rate, a constant GOP."""

    encode: EncodeRecipe
    bitrate_bps: int
    gop_frames: int

    @property
    def label(self) -> str:
        """For people."""
        return f"fixed rung {self.encode.codec.value} {self.encode.resolution} {self.bitrate_bps // 1000} kbit/s"


@dataclass(frozen=True, slots=True)
class BaselineRun:
    """One fixed rung, encoded and scored on every frame."""

    packets: PacketTable
    frame_scores: tuple[float, ...]
    cpu_s: float


async def encode_baseline(
    bench: Bench, pieces: Sequence[ShotPiece], rung: FixedRungRecipe, metric: MetricRecipe
) -> BaselineRun:
    """Encodes the whole title at an average bitrate and scores it in the same process.

    Scores of a whole title equal those of its shots apart (docs/decisions/0006), so the two compare.

    Raises:
        ToolFailed, ToolStalled: if ffmpeg does.
        ToolOutputInvalid: if frame counts are not those of the title.
    """
    output = bench.scratch / "baseline.mp4"
    listing = write_list(bench.scratch, [piece.path for piece in pieces])
    run = await run_tool(
        baseline_command(bench.tools.ffmpeg, listing, rung, metric, output=output),
        on_line=frame_reader(bench.on_progress),
    )
    frames = sum(piece.frames for piece in pieces)
    packets = read_packets(output)
    if len(packets.sizes_bytes) != frames:
        raise ToolOutputInvalid(rung.label, found=f"{len(packets.sizes_bytes)} frames", expected=f"{frames} frames")
    log = output.with_suffix(".json")
    scores = read_frame_scores(log, where=rung.label, frames=frames, subsample=metric.subsample)
    return BaselineRun(packets, scores, run.cpu_s)


def baseline_command(
    ffmpeg: str, listing: Path, rung: FixedRungRecipe, metric: MetricRecipe, *, output: Path
) -> Command:
    """Builds the command line of one fixed rung; the pieces are joined by the concat demuxer."""
    recipe = rung.encode
    argv: list[str] = [ffmpeg, *OPENING_ARGUMENTS, *PROGRESS_ARGUMENTS, "-y", "-filter_complex_threads", "1"]
    argv += ["-threads", "1", "-f", "concat", "-safe", "0", "-i", f"file:{listing}"]
    clock = f"settb={1 / recipe.frame_rate},setpts=N"
    argv += ["-filter_complex", f"[0:v]{clock},{scaling_filters(recipe.resolution, recipe.color)}[e]"]
    argv += ["-map", "[e]", *baseline_arguments(recipe, rung.bitrate_bps, rung.gop_frames), f"file:{output}"]
    leg = ScoredLeg("dec:0", recipe.resolution, output.with_suffix(".json"))
    graph, labels = scoring_graph("0:v", [leg], metric, recipe.frame_rate)
    argv += ["-dec", "0:0", "-filter_complex", graph, *null_outputs(labels)]
    return command(argv, purpose=rung.label)
