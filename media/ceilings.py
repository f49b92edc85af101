"""Encode-free ceilings: the best quality that a size can have, whatever its bits.

A picture that is scaled down and up again without being encoded shows what the size alone takes away. No encode at
that size can score higher (science report §8.2, lever 3), so the search need not look there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.encodes import MetricRecipe
from domain.video import Color, Resolution
from media.bench import Bench, ShotPiece
from media.command import Command, command
from media.encoders.arguments import scaling_filters
from media.process import run_tool
from media.progress import OPENING_ARGUMENTS, PROGRESS_ARGUMENTS, frame_reader, null_outputs, pads
from media.scoring import ScoredLeg, read_frame_scores, scoring_graph

OWN_SIZE_VMAF = 100.0
"""Ceiling of the display's own size, at which nothing is scaled. VMAF gives some shots against themselves less
(94 to 100 were seen); the search does as well without knowing that (docs/decisions/0049)."""
SCORED_FRAMES = 4
"""Frames of a shot that are looked at, evenly spread: without encoder noise a few tell what all would."""
_NEIGHBORHOOD = 3
"""VMAF's motion of a frame looks at the one before and the one after."""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What each size can reach."""

    vmafs: tuple[float, ...]
    """Mean VMAF over the scored frames, in the order of the sizes."""
    cpu_s: float


async def measure_ceilings(
    bench: Bench, piece: ShotPiece, sizes: Sequence[Resolution], color: Color, metric: MetricRecipe
) -> Ceilings:
    """Scores each size but the display's own against the shot itself, without encoding anything.

    Args:
        bench: Where to work.
        piece: The lossless shot.
        sizes: Coded sizes; the display's own needs no look, its ceiling is the shot itself
            (:data:`OWN_SIZE_VMAF`).
        color: Colors of the piece.
        metric: Model and display size; its subsampling does not count here.

    Raises:
        ToolFailed, ToolStalled: if ffmpeg does.
        ToolOutputInvalid: if other frames were scored than planned.
    """
    legs = [
        ScoredLeg(f"u{number}", size, bench.scratch / f"ceiling_{number}.json", is_chosen=True)
        for number, size in enumerate(other for other in sizes if other != metric.display)
    ]
    if not legs:
        return Ceilings((OWN_SIZE_VMAF,) * len(sizes), 0.0)
    stride, cpu_s = _stride(piece.frames), 0.0
    for first in range(0, len(legs), metric.most_together):
        together = legs[first : first + metric.most_together]
        wanted = ceiling_command(bench.tools.ffmpeg, piece, together, color, metric)
        cpu_s += (await run_tool(wanted, on_line=frame_reader(bench.on_progress))).cpu_s
    looked_at = sum(frame % stride in _kept(stride) for frame in range(piece.frames))
    vmafs = {}
    for leg in legs:
        scores = read_frame_scores(leg.log, where=piece.label, frames=looked_at, subsample=_NEIGHBORHOOD)
        vmafs[leg.resolution] = sum(scores) / len(scores)
    return Ceilings(tuple(vmafs.get(size, OWN_SIZE_VMAF) for size in sizes), cpu_s)


def ceiling_command(
    ffmpeg: str, piece: ShotPiece, legs: Sequence[ScoredLeg], color: Color, metric: MetricRecipe
) -> Command:
    """Builds the command: one decode, a few frames with their neighbors, every size down and up, scored."""
    stride = _stride(piece.frames)
    chosen = "+".join(f"eq(mod(n,{stride}),{rest})" for rest in _kept(stride))
    sizes = len(legs)
    # Only the scored frames, every third one, are scaled: their neighbors tell of the reference's motion.
    clock = f"settb={1 / piece.frame_rate},setpts=N"
    chains = [
        f"[0:v]select='{chosen}',{clock},split[ref][all]",
        f"[all]select='not(mod(n,{_NEIGHBORHOOD}))',split={sizes}{pads('f', sizes)}",
    ]
    chains += [f"[f{number}]{scaling_filters(leg.resolution, color)}[{leg.label}]" for number, leg in enumerate(legs)]
    triples = metric.model_copy(update={"subsample": _NEIGHBORHOOD})
    graph, labels = scoring_graph("ref", legs, triples, piece.frame_rate)
    argv = [
        ffmpeg, *OPENING_ARGUMENTS, *PROGRESS_ARGUMENTS, "-y",
        "-threads", "1", "-filter_threads", "1", "-filter_complex_threads", "1", *piece.input_arguments,
        "-filter_complex", ";".join([*chains, graph]), *null_outputs(labels),
    ]  # fmt: skip
    return command(argv, purpose=f"ceilings of {piece.label}")


def _stride(frames: int) -> int:
    return max(_NEIGHBORHOOD, -(-frames // SCORED_FRAMES))


def _kept(stride: int) -> tuple[int, ...]:
    """Returns which frames of each stride are kept, so that every third kept one has both its neighbors."""
    return tuple(sorted({0, 1, stride - 1}))
