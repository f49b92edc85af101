"""What a few scored frames say of a shot's mean: weights of the frames, learnt from trials that were scored closely.

Every n-th frame stands for its neighbors, and in a short shot badly: hard frames are sampled too often or too seldom,
and that at every size and CRF in much the same way. So one or two trials of the first round, the anchors, are scored on
every frame, or on every third where the others are on every ninth. The weights of the sampled frames are moved as
little as possible so that they give the anchors' means; all other trials use the same weights. Decisions 0033 and 0042
say what that brings.

Source: the calibration estimator of Deville and Särndal, "Calibration Estimators in Survey Sampling", 1992.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.search import SearchTask, TrialAsk
from ladders.interpolation import Floats
from ladders.pooling import estimate_mean

FEW_FRAMES = 24
"""From so many scored frames on, what they miss is small, and anchors would only cost."""
SHORT_SHOT_FRAMES = 30
"""A shot of fewer frames has two anchors, a longer one has one: decision 0042."""
SLACK_VMAF = 3.0
"""How far the weights may leave an anchor's mean for a smaller change: frames are not hard or easy by a constant."""


def anchors(task: SearchTask, first: Sequence[TrialAsk], count: int) -> tuple[TrialAsk, ...]:
    """Returns the trials of the first round to be scored closely.

    Of the largest size it is the one at its highest CRF, of the smallest the one at its lowest: they lie in the middle
    of the window, and far apart in size. A single one is of the largest size.

    Args:
        task: the search.
        first: the trials of its first round.
        count: how many at most, see :func:`anchor_count`.
    """
    chosen = []
    for size, pick in ((task.sizes[0], max), (task.sizes[-1], min)):
        own = [ask for ask in first if ask.resolution == size]
        if own:
            chosen.append(pick(own, key=lambda ask: ask.crf))
    return tuple(dict.fromkeys(chosen))[:count]


def anchor_count(frames: int, step: int) -> int:
    """Returns how many anchors a shot has.

    Args:
        frames: of the shot.
        step: every how many frames its other trials are scored.
    """
    scored = -(-frames // step)
    if step == 1 or scored == 1 or scored >= FEW_FRAMES:
        return 0
    return 2 if frames < SHORT_SHOT_FRAMES else 1


@dataclass(frozen=True, eq=False, slots=True)
class Calibration:
    """Weights of the scored frames of a shot."""

    frames: int
    anchor_scores: int
    """How many scores an anchor has."""
    weights: Floats
    """One for each scored frame of the others; their sum is nearly 1. Shape (scored frames,)."""

    @classmethod
    def of(cls, anchored: Sequence[Sequence[float]], frames: int, step: int) -> "Calibration":
        """Returns the weights that give the means of the anchors, at the least change from ``estimate_mean``.

        Args:
            anchored: scores of each anchor, on every frame or every few; at least one.
            frames: number of frames of the shot.
            step: every how many of an anchor's scores the others have one.
        """
        sampled = np.asarray([scores[::step] for scores in anchored], dtype=np.float64)
        even = np.full(sampled.shape[1], (frames - 1) / frames / max(1, sampled.shape[1] - 1))
        even[0] = 1 / frames
        # The sum of all weights is one more thing to be kept, far more strictly: no slack for a score of 100.
        rows = np.vstack((np.full((1, sampled.shape[1]), 100.0), sampled))
        truth = np.concatenate(([100.0], [estimate_mean(scores, frames) for scores in anchored]))
        slack = np.diag([1e-6, *[SLACK_VMAF**2] * len(anchored)])
        change = rows.T @ np.linalg.solve(rows @ rows.T + slack, truth - rows @ even)
        return cls(frames, len(anchored[0]), even + change)

    def mean(self, scores: Sequence[float]) -> float:
        """Returns the mean of a shot from its scored frames, or from an anchor's, or from all."""
        if len(scores) in {self.frames, self.anchor_scores}:
            return estimate_mean(scores, self.frames)
        return float(self.weights @ np.asarray(scores, dtype=np.float64))


def mean_of(scores: Sequence[float], frames: int, calibration: Calibration | None) -> float:
    """Returns the mean VMAF of a trial, 0 at least: by the shot's calibration where it has one."""
    found = estimate_mean(scores, frames) if calibration is None else calibration.mean(scores)
    return min(max(found, 0.0), 110.0)
