"""Pooling: how frame scores become one number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ladders.errors import TooFewPoints
from ladders.interpolation import Floats


@dataclass(frozen=True, slots=True)
class PooledScores:
    """The frame scores of one encode in four numbers, all in VMAF."""

    mean: float
    harmonic: float
    """Harmonic mean of (VMAF + 1), minus 1: punishes dips; never above ``mean``."""
    p5: float
    """Fifth percentile (linear between ranks): nineteen frames in twenty look better."""
    minimum: float


def pool_scores(frame_scores: Sequence[float]) -> PooledScores:
    """Returns the pooled scores of frames with scores in ``[0, 110]``.

    Raises:
        TooFewPoints: no frame, or a score that is not a number.

    Source: libvmaf 3.2 ``libvmaf.c``, pooling methods: harmonic = n / sum(1 / (V + 1)) - 1.
    """
    scores = np.asarray(frame_scores, dtype=np.float64)
    if scores.size == 0 or not np.all(np.isfinite(scores)):
        raise TooFewPoints(
            "frame scores",
            found=f"{scores.size} scores, {int(np.sum(~np.isfinite(scores)))} of them not a number",
            expected="at least one finite score",
        )
    mean, minimum = float(np.mean(scores)), float(np.min(scores))
    # A model may score a hair below 0 by rounding; the formula needs V > -1.
    harmonic = float(scores.size / np.sum(1.0 / (np.maximum(scores, 0.0) + 1.0)) - 1.0)
    return PooledScores(mean=mean, harmonic=harmonic, p5=float(np.percentile(scores, 5)), minimum=minimum)


def estimate_mean(frame_scores: Sequence[float], frames: int, *, step: int) -> float:
    """Returns the mean VMAF of a shot from every n-th frame's score, by the trapezoidal rule.

    Scores change from frame to frame by little (neighbors correlate by 0.6, frames eight apart by 0.2): between two
    scored frames they are taken as linear, after the last as that one's. The first frame, the shot's IDR and better
    than the rest, so stands for (n + 1) / 2 frames and not for n. Decision 0048.

    Args:
        frame_scores: scores of frames 0, n, 2n, …
        frames: number of frames of the shot.
        step: n.

    Raises:
        TooFewPoints: no score, one that is no number, or not as many as the shot has frames 0, n, 2n, …
    """
    plain = pool_scores(frame_scores).mean
    weights = frame_weights(frames, step=step)
    if len(frame_scores) != len(weights):
        raise TooFewPoints(
            "frame scores",
            found=f"{len(frame_scores)} scores",
            expected=f"{len(weights)}: every {step} of {frames} frames",
        )
    return plain if step == 1 else float(weights @ np.asarray(frame_scores, dtype=np.float64))


def frame_weights(frames: int, *, step: int) -> Floats:
    """Returns what part of a shot each scored frame stands for; their sum is 1. Shape (scored frames,).

    Args:
        frames: number of frames of the shot.
        step: every how many frames one is scored.
    """
    scored = -(-frames // step)
    if scored == 1:
        return np.ones(1)
    stands_for = np.full(scored, float(step))
    stands_for[0] = stands_for[-1] = (step + 1) / 2
    stands_for[-1] += frames - 1 - (scored - 1) * step
    weights: Floats = stands_for / frames
    return weights
