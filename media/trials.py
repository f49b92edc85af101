"""The trial unit: one shot at several sizes and CRFs, encoded and scored by one ffmpeg process.

The reference is decoded once for all encodes; each encode is decoded again inside the same process (loopback
decoders, ffmpeg >= 7.1) and scored against it. That costs less than half of a process per point and gives the
same digits (docs/decisions/0005).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.encodes import EncodeRecipe, MetricRecipe
from domain.video import Resolution
from media.bench import Bench, ShotPiece
from media.command import Command, command
from media.encoders.arguments import delivered_filters, encoder_arguments, scaling_filters
from media.packets import PacketTable, check_packets, read_packets
from media.process import run_tool
from media.progress import OPENING_ARGUMENTS, PROGRESS_ARGUMENTS, frame_reader, null_outputs, pads
from media.scoring import ScoredLeg, read_frame_scores, scoring_graph
from media.trial_cost import TrialCost, trial_cost


@dataclass(frozen=True, slots=True)
class MadeEncode:
    """An encode on this machine, counted."""

    path: Path
    packets: PacketTable


@dataclass(frozen=True, slots=True)
class TrialRun:
    """What one trial process made, in the order of its recipes."""

    encodes: tuple[MadeEncode, ...]
    scores: tuple[tuple[float, ...], ...]
    cost: TrialCost

    @property
    def cpu_s(self) -> float:
        """User and system seconds of the process."""
        return self.cost.split.total_s


async def encode_and_score(
    bench: Bench, piece: ShotPiece, recipes: Sequence[EncodeRecipe], metric: MetricRecipe
) -> TrialRun:
    """Encodes one shot with each recipe and scores each encode.

    Args:
        bench: Where to work.
        piece: The lossless shot.
        recipes: What to encode: one codec, any resolutions and CRFs.
        metric: How to score.

    Raises:
        ToolFailed, ToolStalled: if ffmpeg does.
        ToolOutputInvalid: if frame counts, IDR positions or scored frames are not as planned.
    """
    outputs = _outputs(bench, recipes)
    logs = [output.with_suffix(".json") for output in outputs]
    frames_done = 0

    def note(frames: int) -> None:
        nonlocal frames_done
        frames_done = frames
        bench.on_progress(frames)

    run = await run_tool(
        trial_command(bench.tools.ffmpeg, piece, recipes, metric, outputs=outputs),
        on_line=frame_reader(note),
        watch_threads=True,
        on_work=lambda: bench.on_progress(frames_done),
    )
    encodes = tuple(checked_encode(path, piece, recipe) for path, recipe in zip(outputs, recipes, strict=True))
    scores = tuple(
        read_frame_scores(log, where=piece.label, frames=piece.frames, subsample=metric.subsample) for log in logs
    )
    return TrialRun(encodes, scores, trial_cost(run, len(recipes)))


def trial_command(
    ffmpeg: str,
    piece: ShotPiece,
    recipes: Sequence[EncodeRecipe],
    metric: MetricRecipe,
    *,
    outputs: Sequence[Path],
) -> Command:
    """Builds the trial unit's command line; the scores of each output are logged beside it as ``.json``."""
    argv: list[str] = [*_opening(ffmpeg), *piece.input_arguments]
    for size in _lying(piece, recipes):
        argv += piece.scaled_input_arguments(size)
    argv += ["-filter_complex", _sizes_graph(piece, recipes)]
    for number, recipe in enumerate(recipes):
        argv += ["-map", f"[e{number}]", *encoder_arguments(recipe), f"file:{outputs[number]}"]
        # A loopback decoder must stand right behind the output that it decodes.
        argv += ["-dec", f"{number}:0"]
    legs = [
        ScoredLeg(f"dec:{number}", recipe.resolution, outputs[number].with_suffix(".json"))
        for number, recipe in enumerate(recipes)
    ]
    graph, labels = scoring_graph("0:v", legs, metric, piece.frame_rate)
    argv += ["-filter_complex", graph, *null_outputs(labels)]
    asked = "; ".join(
        f"{size}, CRF {', '.join(f'{recipe.crf:g}' for recipe in recipes if recipe.resolution == size)}"
        for size in _sizes(recipes)
    )
    return command(argv, purpose=f"trial encodes of {piece.label}, {recipes[0].codec.value} {asked}")


def _sizes(recipes: Sequence[EncodeRecipe]) -> list[Resolution]:
    return list(dict.fromkeys(recipe.resolution for recipe in recipes))


def _lying(piece: ShotPiece, recipes: Sequence[EncodeRecipe]) -> list[Resolution]:
    return [size for size in _sizes(recipes) if size in piece.scaled]


def _sizes_graph(piece: ShotPiece, recipes: Sequence[EncodeRecipe]) -> str:
    """Returns the graph in front of the encoders: a size that does not lie there is scaled once, for all its CRFs."""
    inputs = {size: number for number, size in enumerate(_lying(piece, recipes), start=1)}
    chains = []
    for size in _sizes(recipes):
        members = [number for number, recipe in enumerate(recipes) if recipe.resolution == size]
        color = recipes[members[0]].color
        filters = delivered_filters(color) if size in inputs else scaling_filters(size, color)
        outs = "".join(f"[e{number}]" for number in members)
        chains.append(f"[{inputs.get(size, 0)}:v]{clock_filters(piece)},{filters},split={len(members)}{outs}")
    return ";".join(chains)


async def encode_shot(
    bench: Bench, piece: ShotPiece, recipes: Sequence[EncodeRecipe]
) -> tuple[tuple[MadeEncode, ...], float]:
    """Makes the production encodes of one shot, of any resolutions, from one decode; returns them and CPU seconds.

    Raises:
        ToolFailed, ToolStalled: if ffmpeg does.
        ToolOutputInvalid: if frame counts or IDR positions are not as planned.
    """
    outputs = _outputs(bench, recipes)
    run = await run_tool(
        encode_command(bench.tools.ffmpeg, piece, recipes, outputs=outputs), on_line=frame_reader(bench.on_progress)
    )
    encodes = (checked_encode(path, piece, recipe) for path, recipe in zip(outputs, recipes, strict=True))
    return tuple(encodes), run.cpu_s


def encode_command(
    ffmpeg: str, piece: ShotPiece, recipes: Sequence[EncodeRecipe], *, outputs: Sequence[Path]
) -> Command:
    """Builds the command line of one shot's production encodes."""
    count = len(recipes)
    chains = [f"[0:v]{clock_filters(piece)},split={count}{pads('i', count)}"]
    chains += [
        f"[i{number}]{scaling_filters(recipe.resolution, recipe.color)}[e{number}]"
        for number, recipe in enumerate(recipes)
    ]
    argv: list[str] = [*_opening(ffmpeg), *piece.input_arguments, "-filter_complex", ";".join(chains)]
    for number, recipe in enumerate(recipes):
        argv += ["-map", f"[e{number}]", *encoder_arguments(recipe), f"file:{outputs[number]}"]
    return command(argv, purpose=f"{count} production encodes of {piece.label}, {recipes[0].codec.value}")


def checked_encode(path: Path, piece: ShotPiece, recipe: EncodeRecipe) -> MadeEncode:
    """Returns the encode with its packets, checked against the plan.

    Raises:
        ToolOutputInvalid: if frame count or IDR positions differ from the plan.
    """
    packets = read_packets(path)
    where = f"{piece.label}, {recipe.codec.value} {recipe.resolution}, CRF {recipe.crf:g}"
    check_packets(packets, where=where, frames=piece.frames, idr_frames=recipe.idr_frames)
    return MadeEncode(path, packets)


def clock_filters(piece: ShotPiece) -> str:
    """Returns the filters that give frame n exactly the time n, whatever the container rounded."""
    return f"settb={1 / piece.frame_rate},setpts=N"


def _outputs(bench: Bench, recipes: Sequence[EncodeRecipe]) -> list[Path]:
    return [bench.scratch / f"encode_{number}.mp4" for number in range(len(recipes))]


def _opening(ffmpeg: str) -> list[str]:
    # One thread per component: CPU seconds are what we pay, and slots give the parallel work.
    return [
        ffmpeg, *OPENING_ARGUMENTS, *PROGRESS_ARGUMENTS, "-y",
        "-threads", "1", "-filter_threads", "1", "-filter_complex_threads", "1",
    ]  # fmt: skip
