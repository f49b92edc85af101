"""The model of a shot: log rate and CRF over quality for every size at once, with error bars (a Gaussian process).

Two coordinates: the size as ``rho`` = log2 of its long side over the display's, and quality as ``U`` =
-log((C + d - V) / 50), where C is the ceiling of the size: what is near its ceiling behaves alike at every size. On
eight hulls of three shots (three encoders) own ceilings raised the model's log likelihood by 209 against one stretch
for all sizes.

The covariance of two points is a sum of parts: a plane (level, slopes), a bend that all sizes share, a bend that
fades over sizes, one that each size has for itself, and a wiggle of a few VMAF: encoders do not fall evenly with
their CRF, and what was measured is real but tells nothing of its surroundings. Each part but the level is shared in
part by all shots of a title: that is what makes a warm start. The parts' sizes were fitted by likelihood on the
development half of the clips; nothing is trained per encoder, preset or metric.

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, chapters 2 and 5.4.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from domain.search import PriorShot, SearchTask, SeenTrial, TitlePrior
from ladders.interpolation import Floats

CEILING_SLACK_VMAF = 2.5
"""d: the stretch stays finite at the ceiling, which is itself measured on a few frames only."""
CRF_UNIT = 8.0
"""CRFs that count like a factor of e in rate: one model serves both."""
NOISE = 0.015
"""Standard deviation of a measured log rate at its quality: scores of a few frames stand for all."""
_OWN_LEVEL = 3.0
_MOST_INFLATION = 8.0


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of the covariance: its standard deviation, and how much of its variance the title's shots share."""

    deviation: float
    shared: float


_SLOPE_U = _Part(1.4, 0.9)
_SLOPE_RHO = _Part(1.0, 0.8)
_TWIST = _Part(0.2, 0.5)
_BEND = _Part(0.4, 0.5)
_SIZE_BEND = _Part(0.3, 0.6)
_OWN_BEND = _Part(0.15, 0.6)
_BEND_U, _BEND_RHO = 0.9, 0.9
_WIGGLE, _WIGGLE_U = 0.045, 0.06


@dataclass(frozen=True, eq=False, slots=True)
class Places:
    """Points of the model's plane. All shapes (points,)."""

    shot: Floats
    """Number of the shot: 0 is the one that is searched."""
    rho: Floats
    u: Floats

    @classmethod
    def of(cls, shot: int, rhos: Floats, u: Floats) -> "Places":
        """Returns places of one shot."""
        return cls(np.full(len(u), float(shot)), rhos, u)

    def plus(self, other: "Places") -> "Places":
        """Returns both, one after the other."""
        return Places(
            np.concatenate((self.shot, other.shot)),
            np.concatenate((self.rho, other.rho)),
            np.concatenate((self.u, other.u)),
        )


def stretch_below(ceilings: Floats, vmafs: Floats) -> Floats:
    """Returns U of qualities under ceilings; at most what the ceiling itself has. Shapes (points,)."""
    gaps = np.maximum(ceilings - vmafs, 0.0) + CEILING_SLACK_VMAF
    stretched: Floats = -np.log(gaps / 50.0)
    return stretched


class Surface:
    """What is known of a shot after some trials."""

    def __init__(self, task: SearchTask, seen: Sequence[SeenTrial], prior: TitlePrior) -> None:
        """Fits the model.

        Args:
            task: sizes and ceilings.
            seen: trials of the shot, at least one.
            prior: finished shots of the title.
        """
        self._task = task
        display = max(task.sizes[0].width_px, task.sizes[0].height_px)
        self.rhos = np.asarray([np.log2(max(size.width_px, size.height_px) / display) for size in task.sizes])
        self.ceilings = np.asarray(task.ceilings, dtype=np.float64)
        places = self._places_of(0, self.ceilings, seen)
        log_rates = [np.log(trial.bitrate_bps) for trial in seen]
        crfs = [trial.crf / CRF_UNIT for trial in seen]
        for number, shot in enumerate(self._comparable(prior), start=1):
            places = places.plus(self._places_of(number, np.asarray(shot.ceilings), shot.seen))
            log_rates += [np.log(trial.bitrate_bps) for trial in shot.seen]
            crfs += [trial.crf / CRF_UNIT for trial in shot.seen]
        self._places = places
        values = np.column_stack((log_rates, crfs))
        self._means = values[: len(seen)].mean(axis=0)
        smooth, wiggle = _covariance(places, places)
        matrix = smooth + wiggle + NOISE**2 * np.eye(len(values))
        self._factor = cho_factor(matrix, lower=True)
        self._weights = cho_solve(self._factor, values - self._means)
        self._inverse_diagonal = np.diag(cho_solve(self._factor, np.eye(len(values))))
        self._own = len(seen)

    def _comparable(self, prior: TitlePrior) -> list[PriorShot]:
        return [shot for shot in prior.shots if len(shot.ceilings) == len(self.ceilings) and shot.seen]

    def _places_of(self, number: int, ceilings: Floats, seen: Sequence[SeenTrial]) -> Places:
        index = np.asarray([self._task.sizes.index(trial.resolution) for trial in seen], dtype=np.intp)
        vmafs = np.asarray([trial.vmaf for trial in seen], dtype=np.float64)
        return Places.of(number, self.rhos[index], stretch_below(ceilings[index], vmafs))

    def surprises(self) -> Floats:
        """Returns for each trial of the shot how far it is from what all others foretell, in standard deviations.

        Source: leave-one-out residuals in closed form, Rasmussen and Williams, equations 5.10 to 5.12.
        """
        found: Floats = (self._weights[:, 0] / np.sqrt(self._inverse_diagonal))[: self._own]
        return found

    @property
    def inflation(self) -> float:
        """By how much the error bars must grow so that the shot's own surprises fit them; 1 to 8."""
        surprises = self.surprises()
        ratio = (float(np.sum(surprises**2)) + 4.0) / (len(surprises) + 4.0)
        return min(max(1.0, float(np.sqrt(ratio))), _MOST_INFLATION)

    def predict(self, places: Places) -> tuple[Floats, Floats]:
        """Returns (log rate, CRF) at places of the shot. Shapes (points,)."""
        smooth, wiggle = _covariance(places, self._places)
        values = self._means + (smooth + wiggle) @ self._weights
        return values[:, 0], values[:, 1] * CRF_UNIT

    def covariance(self, places: Places) -> Floats:
        """Returns the covariance of the log rates at places, without the wiggle. Shape (points, points)."""
        smooth, _ = _covariance(places, self._places)
        half = solve_triangular(self._factor[0], smooth.T, lower=True)
        own, _ = _covariance(places, places)
        known: Floats = own - half.T @ half
        return known


def _covariance(left: Places, right: Places) -> tuple[Floats, Floats]:
    """Returns the covariance of all smooth parts, and that of the wiggle. Shapes (left, right)."""
    same_shot = left.shot[:, None] == right.shot
    rhos = left.rho[:, None] * right.rho
    us = left.u[:, None] * right.u
    d_u = left.u[:, None] - right.u
    d_rho = left.rho[:, None] - right.rho
    same_size = np.abs(d_rho) < 1e-6
    near_u = np.exp(-0.5 * (d_u / _BEND_U) ** 2)
    near_rho = np.exp(-0.5 * (d_rho / _BEND_RHO) ** 2)
    parts = (
        (_SLOPE_U, us),
        (_SLOPE_RHO, rhos),
        (_TWIST, rhos * us),
        (_BEND, near_u),
        (_SIZE_BEND, near_u * near_rho),
        (_OWN_BEND, near_u * same_size),
    )
    smooth = _OWN_LEVEL**2 * same_shot.astype(np.float64)
    for part, shape in parts:
        smooth += part.deviation**2 * shape * np.where(same_shot, 1.0, part.shared)
    wiggle = _WIGGLE**2 * np.exp(-0.5 * (d_u / _WIGGLE_U) ** 2) * (same_size & same_shot)
    return smooth, wiggle
