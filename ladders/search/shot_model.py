"""What the search knows of a shot: a curve for every size, with an error bar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.ladder import RateQualityPoint
from domain.search import SearchTask, SeenTrial, TitlePrior
from domain.video import Resolution
from ladders.interpolation import Floats, RateQualityCurve


@dataclass(frozen=True, eq=False, slots=True)
class ShotCurves:
    """The curves of one shot, as the search left them."""

    curves: Mapping[Resolution, RateQualityCurve]
    """For each size, largest first, whose curve is known; measured points and what the model says between them."""
    log_rate_errors: Mapping[Resolution, Floats]
    """Standard deviation of the natural logarithm of the rate, for each sample of the size's curve."""


def fit_curves(task: SearchTask, seen: Sequence[SeenTrial], prior: TitlePrior) -> ShotCurves:
    """Returns the curves of a shot after its search."""
    del prior
    curves, errors = {}, {}
    for size in task.sizes:
        points = [
            RateQualityPoint(resolution=size, crf=trial.crf, bitrate_bps=trial.bitrate_bps, vmaf=trial.vmaf)
            for trial in seen
            if trial.resolution == size
        ]
        if len({point.crf for point in points}) >= 2:
            curves[size] = RateQualityCurve.fit(points)
            errors[size] = np.zeros_like(curves[size].sampled_u)
    return ShotCurves(curves, errors)
