"""What a few scored frames say of a shot's mean: weights of the frames, learnt from a trial that was scored closely.

Every ninth frame stands badly for a few dozen: hard frames are sampled too often or too seldom, and that at every size
and CRF in much the same way. So one trial of the first round, the anchor, is scored on every third. The weights of the
sampled frames are moved as little as possible so that they give the anchor's mean; all other trials use the same
weights. Where frames are scored more densely than that, or many of them, there is no anchor: it would cost as much as
it tells. Decisions 0033, 0042 and 0048 have the measurements.

Source: the calibration estimator of Deville and Särndal, "Calibration Estimators in Survey Sampling", 1992.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.mezzanine import anchor_step
from domain.search import SearchTask, TrialAsk
from ladders.interpolation import Floats
from ladders.pooling import estimate_mean, frame_weights

FEW_FRAMES = 24
"""From so many scored frames on, what they miss is small, and an anchor would only cost."""
SLACK_VMAF = 3.0
"""How far the weights may leave an anchor's mean for a smaller change: frames are not hard or easy by a constant."""


def anchor(task: SearchTask, first: Sequence[TrialAsk]) -> TrialAsk | None:
    """Returns the trial of the first round to be scored closely: the largest size's at its highest CRF.

    It lies in the middle of the window.

    Args:
        task: the search.
        first: the trials of its first round.
    """
    own = [ask for ask in first if ask.resolution == task.sizes[0]]
    return max(own, key=lambda ask: ask.crf, default=None)


def has_anchor(frames: int, step: int) -> bool:
    """Returns whether a trial of a shot is scored closely for the others' sake.

    Args:
        frames: of the shot.
        step: every how many frames its other trials are scored.
    """
    return anchor_step(step) != step and 1 < -(-frames // step) < FEW_FRAMES


@dataclass(frozen=True, eq=False, slots=True)
class Calibration:
    """Weights of the scored frames of a shot."""

    step: int
    """Every how many frames the other trials are scored."""
    weights: Floats
    """One for each scored frame of the others; their sum is nearly 1. Shape (scored frames,)."""

    @classmethod
    def of(cls, anchored: Sequence[float], frames: int, *, step: int) -> "Calibration":
        """Returns the weights that give the mean of the anchor, at the least change from ``estimate_mean``.

        Args:
            anchored: scores of the anchor, on every ``anchor_step(step)``-th frame.
            frames: number of frames of the shot.
            step: every how many frames the other trials are scored.
        """
        close = anchor_step(step)
        sampled = np.asarray(anchored[:: step // close], dtype=np.float64)
        even = frame_weights(frames, step=step)
        # The sum of all weights is one more thing to be kept, far more strictly: no slack for a score of 100.
        rows = np.vstack((np.full(len(sampled), 100.0), sampled))
        truth = np.asarray([100.0, estimate_mean(anchored, frames, step=close)])
        slack = np.diag([1e-6, SLACK_VMAF**2])
        change = rows.T @ np.linalg.solve(rows @ rows.T + slack, truth - rows @ even)
        return cls(step, even + change)


def mean_of(scores: Sequence[float], frames: int, *, step: int, calibration: Calibration | None) -> float:
    """Returns the mean VMAF of a trial, 0 at least: by the shot's calibration where it was scored as that is for.

    Args:
        scores: of frames 0, n, 2n, …
        frames: number of frames of the shot.
        step: n.
        calibration: of the shot, if it has one.
    """
    if calibration is None or step != calibration.step:
        found = estimate_mean(scores, frames, step=step)
    else:
        found = float(calibration.weights @ np.asarray(scores, dtype=np.float64))
    return min(max(found, 0.0), 110.0)
