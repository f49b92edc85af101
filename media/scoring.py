"""VMAF graphs and logs: how a distorted picture is compared with its reference, in one place for all uses."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isfinite
from pathlib import Path
from typing import Any

from domain.encodes import MetricRecipe
from domain.video import Resolution
from media.errors import ToolOutputInvalid
from media.progress import pads

# libvmaf refuses smaller coded sizes for CAMBI (libvmaf 3.2, feature/cambi.c: the ranges of the options enc_width and
# enc_height, and CAMBI_MIN_WIDTH_HEIGHT, which one of the two must reach); banding of such small pictures is scored as
# if they had this size. It does not say so when it starts: ffmpeg then ends well and writes no log.
CAMBI_LEAST_WIDTH_PX = 180
CAMBI_LEAST_HEIGHT_PX = 150
CAMBI_LEAST_LONG_SIDE_PX = 216
# It sizes the window in which it looks for banding by the display, 65 px at 3840x2160, and refuses larger ones for want
# of a table ("window_size 67 too large for reciprocal LUT"): on DCI 4K and 8K for all coded sizes below 1080p, where it
# does not halve it, and on displays 8192 px wide for every size.
CAMBI_WINDOW_PX = 65
CAMBI_WINDOW_DISPLAY_PX = 3840 + 2160
LEAST_CHOOSING_STEP = 5
"""From this step on the reference's frames that no score looks at are dropped; below, all are neighbors."""
_NEIGHBORHOOD = 3


@dataclass(frozen=True, slots=True)
class ScoredLeg:
    """One distorted picture in a scoring graph."""

    label: str
    """Input pad: ``dec:0`` (a loopback decoder) or ``1:v`` (an input file)."""
    resolution: Resolution
    """Its coded size; CAMBI wants to know it."""
    log: Path
    """Where libvmaf writes its frame scores."""
    with_error: bool = False
    """Also log the mean squared error of each plane, for :func:`count_differing`."""
    is_chosen: bool = False
    """Its frames are the scored ones alone; else it has all of them, and the graph chooses."""


def scoring_graph(
    reference: str, legs: Sequence[ScoredLeg], metric: MetricRecipe, frame_rate: Fraction, *, prefix: str = ""
) -> tuple[str, list[str]]:
    """Returns the filter graph that scores every leg against one reference, and its output pads.

    Frames are paired by index (``settb``, ``setpts=N``), never by time stamp; counts are asserted by the caller.
    10-bit comparison, bicubic upscale to the display size (science report §3.1, §3.4).
    ``prefix`` keeps the pads of two such graphs in one command apart.
    """
    clock = f"settb={1 / frame_rate},setpts"
    split = pads(f"{prefix}r", len(legs))
    parts = [f"[{reference}]{_chosen_frames(metric.subsample)}format=yuv420p10le,{clock}=N,split={len(legs)}{split}"]
    size = f"{metric.display.width_px}:{metric.display.height_px}"
    for number, leg in enumerate(legs):
        distorted, paired, scored = (f"[{prefix}{pad}{number}]" for pad in "drs")
        scaled = f"{_scored_frames(leg, metric)}scale={size}:flags=bicubic,format=yuv420p10le"
        parts.append(f"[{leg.label}]{scaled},{clock}={_repeated(metric, frame_rate)}{distorted}")
        parts.append(f"{distorted}{paired}{_libvmaf(leg, metric)}{scored}")
    return ";".join(parts), [f"[{prefix}s{number}]" for number in range(len(legs))]


def read_frame_scores(log: Path, *, where: str, frames: int, subsample: int) -> tuple[float, ...]:
    """Returns VMAF of each scored frame from the log that libvmaf wrote.

    Raises:
        ToolOutputInvalid: if there is no log (libvmaf gave up; ffmpeg ends well all the same), or not the right one.
    """
    try:
        text = log.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise ToolOutputInvalid(where, found=f"no libvmaf log: {error!r}", expected="frame scores") from error
    return parse_frame_scores(text, where=where, frames=frames, subsample=subsample)


def parse_frame_scores(log_text: str, *, where: str, frames: int, subsample: int) -> tuple[float, ...]:
    """Returns VMAF of each scored frame.

    Raises:
        ToolOutputInvalid: if the log is no libvmaf log, or does not hold exactly the frames it must hold.
    """
    try:
        log: dict[str, Any] = json.loads(log_text)
        numbers = [int(frame["frameNum"]) for frame in log["frames"]]
        scores = tuple(round(float(frame["metrics"]["vmaf"]), 6) for frame in log["frames"])
    except (ValueError, KeyError, TypeError) as error:
        raise ToolOutputInvalid(where, found=f"no libvmaf log: {error!r}", expected="frame scores") from error
    if not all(isfinite(score) for score in scores):
        raise ToolOutputInvalid(where, found="a score that is no number", expected="frame scores")
    expected = list(range(0, _looked_at(frames, subsample), _libvmaf_step(subsample)))
    if numbers != expected:
        raise ToolOutputInvalid(
            where,
            found=f"{len(numbers)} scored frames, the last is {numbers[-1] if numbers else 'none'}",
            expected=f"{ceil(frames / subsample)} scored frames of {frames}, the last is {expected[-1]}",
        )
    return scores


def _chosen_frames(subsample: int) -> str:
    """Returns a filter that drops the frames of the reference that no score needs; empty for small steps.

    A score of VMAF v1 takes its frame and, of the reference, both neighbors (motion is the smaller one of the
    differences to them). With those three alone the score is the same to the last digit, for two thirds of the CPU of
    libvmaf's own subsampling, which blurs every frame (48 frames of 720p, n = 7: 0.17 against 0.25 CPU-s; n = 5: 0.22
    against 0.30).
    """
    if subsample < LEAST_CHOOSING_STEP:
        return ""
    return "select='" + "+".join(f"eq(mod(n,{subsample}),{rest})" for rest in (0, 1, subsample - 1)) + "',"


def _scored_frames(leg: ScoredLeg, metric: MetricRecipe) -> str:
    """Returns a filter that drops the distorted frames that are not scored, before they are scaled.

    Motion is the reference's alone. So the neighbors of a scored frame are paired with the scored frame itself,
    repeated (:func:`_repeated`): the same digits, for a third of the scaling.
    """
    return "" if metric.subsample == 1 or leg.is_chosen else f"select='not(mod(n,{metric.subsample}))',"


def _repeated(metric: MetricRecipe, frame_rate: Fraction) -> str:
    """Returns times that pair each scored frame with its own reference frame, and with all of those until the next."""
    step = _libvmaf_step(metric.subsample)
    return "N" if step == 1 else f"{step}*N,fps={frame_rate},tpad=stop={step - 1}:stop_mode=clone"


def _libvmaf_step(subsample: int) -> int:
    """Returns every how many of the frames that reach libvmaf are scored."""
    return subsample if subsample < LEAST_CHOOSING_STEP else _NEIGHBORHOOD


def _looked_at(frames: int, subsample: int) -> int:
    """Returns how many frames reach libvmaf."""
    if subsample < LEAST_CHOOSING_STEP:
        return frames
    return sum(frame % subsample in (0, 1, subsample - 1) for frame in range(frames))


def count_differing(log: Path, *, where: str) -> int:
    """Returns how many pairs of pictures are not the same, from the log of a leg ``with_error``.

    The log has six decimals of the 10-bit error: a single sample that is off by one 8-bit step still shows at 2160p.

    Raises:
        ToolOutputInvalid: if the log holds no errors.
    """
    try:
        frames = json.loads(log.read_text(encoding="utf-8"))["frames"]
        errors = [max(float(frame["metrics"][f"mse_{plane}"]) for plane in ("y", "cb", "cr")) for frame in frames]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ToolOutputInvalid(where, found=f"no errors logged: {error!r}", expected="a libvmaf log") from error
    return sum(error != 0 for error in errors)


def _libvmaf(leg: ScoredLeg, metric: MetricRecipe) -> str:
    width_px = max(CAMBI_LEAST_WIDTH_PX, leg.resolution.width_px)
    height_px = max(CAMBI_LEAST_HEIGHT_PX, leg.resolution.height_px)
    if max(width_px, height_px) < CAMBI_LEAST_LONG_SIDE_PX:
        width_px = CAMBI_LEAST_LONG_SIDE_PX
    cambi = f"cambi.enc_width={width_px}\\:cambi.enc_height={height_px}\\:cambi.enc_bitdepth={metric.coded_bits}"
    model = f"version={metric.model}\\:{cambi}{_window(metric.display)}"
    step = _libvmaf_step(metric.subsample)
    return (
        f"libvmaf=shortest=1:n_threads=1:n_subsample={step}:log_fmt=json:log_path={_escaped(leg.log)}:model='{model}'"
    ) + (":feature='name=psnr\\:enable_mse=true'" if leg.with_error else "")


def _window(display: Resolution) -> str:
    """Returns the option that keeps CAMBI's window at its largest on a display above UHD; empty below."""
    sides_px = display.width_px + display.height_px
    if sides_px <= CAMBI_WINDOW_DISPLAY_PX:
        return ""
    return f"\\:cambi.window_size={CAMBI_WINDOW_PX * CAMBI_WINDOW_DISPLAY_PX // sides_px}"


def _escaped(path: Path) -> str:
    """Escapes a path for a filter graph: twice, once for the option and once for the graph.

    Source: https://ffmpeg.org/ffmpeg-filters.html#Notes-on-filtergraph-escaping
    """
    text = str(path)
    for sign in ("\\", ":", "'"):
        text = text.replace(sign, "\\" + sign)
    for sign in ("\\", "'", "[", "]", ",", ";"):
        text = text.replace(sign, "\\" + sign)
    return text
