"""What a few scored frames say of a shot's mean: weights of the frames, learnt from trials that were scored whole.

Every n-th frame stands for its neighbors, and in a short shot badly: hard frames are sampled too often or too seldom,
and that at every size and CRF in much the same way. So two trials of the first round are scored on every frame. The
weights of the sampled frames are moved as little as possible so that they give the true means of those two; all other
trials use the same weights. Decision 0033 says what that brings.

Source: the calibration estimator of Deville and Särndal, "Calibration Estimators in Survey Sampling", 1992.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.search import SearchTask, TrialAsk
from ladders.interpolation import Floats
from ladders.pooling import estimate_mean, pool_scores

FEW_FRAMES = 24
"""From so many scored frames on, what they miss is small, and whole scores would only cost."""
VERY_FEW_FRAMES = 12
"""Below so many scored frames two trials are scored whole, from there on one: decision 0039."""
SLACK_VMAF = 3.0
"""How far the weights may leave a true mean for a smaller change: frames are not hard or easy by a constant."""


def anchors(task: SearchTask, first: Sequence[TrialAsk], count: int) -> tuple[TrialAsk, ...]:
    """Returns the trials of the first round to be scored whole.

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
    """Returns how many trials of a shot are scored whole: the more, the fewer of its frames are scored otherwise.

    Args:
        frames: of the shot.
        step: every how many frames are scored.
    """
    scored = -(-frames // step)
    if step == 1 or scored == 1 or scored >= FEW_FRAMES:
        return 0
    return 2 if scored < VERY_FEW_FRAMES else 1


@dataclass(frozen=True, eq=False, slots=True)
class Calibration:
    """Weights of the scored frames of a shot."""

    frames: int
    step: int
    weights: Floats
    """One for each scored frame; their sum is nearly 1. Shape (scored frames,)."""

    @classmethod
    def of(cls, whole: Sequence[Sequence[float]], step: int) -> "Calibration":
        """Returns the weights that give the true means of trials, at the least change from ``estimate_mean``.

        Args:
            whole: scores of every frame, for each trial that has them; at least one.
            step: every how many frames the others are scored.
        """
        frames = len(whole[0])
        sampled = np.asarray([scores[::step] for scores in whole], dtype=np.float64)
        even = np.full(sampled.shape[1], (frames - 1) / frames / max(1, sampled.shape[1] - 1))
        even[0] = 1 / frames
        # The sum of all weights is one more thing to be kept, far more strictly: no slack for a score of 100.
        rows = np.vstack((np.full((1, sampled.shape[1]), 100.0), sampled))
        truth = np.concatenate(([100.0], [pool_scores(scores).mean for scores in whole]))
        slack = np.diag([1e-6, *[SLACK_VMAF**2] * len(whole)])
        change = rows.T @ np.linalg.solve(rows @ rows.T + slack, truth - rows @ even)
        return cls(frames, step, even + change)

    def mean(self, scores: Sequence[float]) -> float:
        """Returns the mean of a shot from its scored frames, or from all of them."""
        if len(scores) == self.frames:
            return pool_scores(scores).mean
        return float(self.weights @ np.asarray(scores, dtype=np.float64))


def mean_of(scores: Sequence[float], frames: int, calibration: Calibration | None) -> float:
    """Returns the mean VMAF of a trial, 0 at least: by the shot's calibration where it has one."""
    found = estimate_mean(scores, frames) if calibration is None else calibration.mean(scores)
    return min(max(found, 0.0), 110.0)
