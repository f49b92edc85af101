"""What the search knows of a shot: a curve for every size, with an error bar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from domain.ladder import RateQualityPoint
from domain.search import SearchTask, SeenTrial, TitlePrior
from domain.video import Resolution
from ladders.interpolation import MIN_VMAF_GAP, Floats, RateQualityCurve, stretch, undominated
from ladders.quantizer import crfs_of_even, even_crfs
from ladders.search.regret import CEILING_MARGIN_VMAF
from ladders.search.surface import Surface, stretch_below

SAMPLE_VMAF = 0.25
"""Distance of a curve's samples; between them it is linear."""
MODEL_VMAF = 2.0
"""Distance of the qualities at which the model is asked where nothing was measured."""
FAR_VMAF = 4.0
"""A measured point speaks for the qualities within this distance."""


@dataclass(frozen=True, eq=False, slots=True)
class ShotCurves:
    """The curves of one shot, as the search left them."""

    curves: Mapping[Resolution, RateQualityCurve]
    """For each size, largest first, whose curve is known; measured points and what the model says between them."""
    log_rate_errors: Mapping[Resolution, Floats]
    """Standard deviation of the natural logarithm of the rate, for each sample of the size's curve."""


def fit_curves(task: SearchTask, seen: Sequence[SeenTrial], prior: TitlePrior) -> ShotCurves:
    """Returns the curves of a shot after its search; at least one trial was made.

    A curve goes through the trials of its size that no other one beats. Where the next trial is more than
    ``FAR_VMAF`` away it follows the model. It spans all that was measured, and from the task's floor up all that the
    encoder can give, to its lowest CRF or the size's ceiling: at the top of a title's window its easy shots stand above
    it (decision 0043). A size without trials of its own has the model's curve.
    """
    surface = Surface(task, seen, prior)
    inflation = surface.inflation
    curves: dict[Resolution, RateQualityCurve] = {}
    errors: dict[Resolution, Floats] = {}
    for row, size in enumerate(task.sizes):
        own = undominated(
            [
                RateQualityPoint(resolution=size, crf=trial.crf, bitrate_bps=trial.bitrate_bps, vmaf=trial.vmaf)
                for trial in seen
                if trial.resolution == size
            ]
        )
        vmafs, sampled = _drawn(_knots(task, surface, row, own), float(surface.ceilings[row]))
        curves[size] = RateQualityCurve(
            trial_crfs=np.asarray([point.crf for point in own], dtype=np.float64),
            sampled_u=stretch(vmafs),
            sampled_log_rate=np.maximum.accumulate(sampled[:, 0]),
            sampled_crf=np.minimum.accumulate(np.clip(sampled[:, 1], task.lowest_crf, task.highest_crf)),
        )
        variances = np.diag(surface.covariance(surface.places(row, curves[size].sampled_crf)))
        errors[size] = np.sqrt(np.maximum(variances, 0.0)) * inflation
    return ShotCurves(curves, errors)


@dataclass(frozen=True, eq=False, slots=True)
class _Knots:
    """What a curve goes through, in strictly rising quality and rate and strictly falling CRF. Shapes (knots,)."""

    vmafs: Floats
    log_rates: Floats
    crfs: Floats


def _knots(task: SearchTask, surface: Surface, row: int, own: Sequence[RateQualityPoint]) -> _Knots:
    """Returns the measured points of a size, and the model's where none is near, at the floor, and at the lowest CRF.

    A place of the model that contradicts a measured one, in rate or CRF, is left out.
    """
    model = surface.curve(row)
    high = min(model.vmafs[-1], surface.ceilings[row] - CEILING_MARGIN_VMAF)
    low = min(max(task.floor_vmaf, model.vmafs[0]), high)
    is_span = high - low > MIN_VMAF_GAP
    vmafs = np.linspace(low, high, max(2, round((high - low) / MODEL_VMAF) + 1) if is_span else 1)
    log_rates = np.interp(vmafs, model.vmafs, model.log_rates)
    crfs = np.interp(vmafs, model.vmafs, model.crfs)
    knots = [(point.vmaf, float(np.log(point.bitrate_bps)), point.crf) for point in own]
    measured = np.asarray([point.vmaf for point in own], dtype=np.float64)
    for vmaf, log_rate, crf in zip(vmafs.tolist(), log_rates.tolist(), crfs.tolist(), strict=True):
        is_far = not measured.size or float(np.min(np.abs(measured - vmaf))) > FAR_VMAF
        is_end = vmaf in (vmafs[0], vmafs[-1])
        fits = all(
            (vmaf - other) * (log_rate - rate) > 0 and (vmaf - other) * (crf - other_crf) < 0
            for other, rate, other_crf in knots
        )
        if (is_far or is_end) and fits:
            knots.append((vmaf, log_rate, crf))
    columns = np.asarray(sorted(knots), dtype=np.float64).reshape(-1, 3).T
    return _Knots(columns[0], columns[1], columns[2])


def _drawn(knots: _Knots, ceiling: float) -> tuple[Floats, Floats]:
    """Returns a curve's qualities, and its (log rate, CRF) there. Shapes (samples,) and (samples, 2).

    A shot whose every CRF gives the same (a black one) has a curve of one point.
    """
    if len(knots.vmafs) < 2:
        return knots.vmafs, np.column_stack((knots.log_rates, knots.crfs))
    values = np.column_stack((knots.log_rates, even_crfs(knots.crfs)))
    vmafs = _sampled(knots.vmafs)
    # The ceiling was measured on a few frames: a trial may have scored above it.
    highest = np.asarray(max(ceiling, knots.vmafs[-1]))
    drawn = PchipInterpolator(stretch_below(highest, knots.vmafs), values)(stretch_below(highest, vmafs))
    return vmafs, np.column_stack((drawn[:, 0], crfs_of_even(drawn[:, 1])))


def _sampled(knots: Floats) -> Floats:
    """Returns the knots, and qualities between them at most ``SAMPLE_VMAF`` apart."""
    between = np.arange(knots[0], knots[-1], SAMPLE_VMAF)
    # A sample that is a knot but for rounding would be the same quality twice.
    is_new = np.min(np.abs(between[:, None] - knots), axis=1) > MIN_VMAF_GAP
    return np.sort(np.concatenate((knots, between[is_new])))
