"""The model of a shot: quality and rate over CRF for every size at once, with error bars (two Gaussian processes).

Coordinates: the size as ``rho`` = log2 of its long side over the display's, and the CRF on its even scale. What an
encoder does with its CRF (where quality holds, where it falls off) it does at every size: on SVT-AV1 quality stays up
to CRF 58 and drops then, at 270 lines as at 720. So what is measured at one size tells of the others at the same CRF.
Modeled are

- quality, as ``U`` = -log((C + d - V) / 50) with C the ceiling of the size: near its ceiling each size behaves alike;
- ``z`` = log rate - 1.4 U, the rate beside its usual growth with quality. It is nearly flat, so that a CRF that is a
  little off the quality asked for does not matter, and its error bar is that of the log rate at a given quality.

The covariance of two points is a sum of parts: a plane (level, slopes), a bend over CRF that all sizes share, one that
fades over sizes, one that each size has for itself, an arc over sizes that all CRFs share (sizes between the largest
and the smallest do not lie on a line: decision 0046), and a wiggle over about a CRF: encoders do not fall evenly with
their CRF, and what was measured is real but tells nothing of its surroundings. Each part but the level is shared in
part by all shots of a title: that is what makes a warm start. The parts' sizes were fitted by likelihood on the
development half of the clips, rounded, and some changed where replayed searches lost less; nothing is trained per
encoder, preset or metric.

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, chapters 2 and 5.4.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from domain.search import PriorShot, SearchTask, SeenTrial, TitlePrior
from ladders.interpolation import Floats
from ladders.quantizer import crfs_of_even, even_crfs

CEILING_SLACK_VMAF = 2.5
"""d: the stretch stays finite at the ceiling, which is itself measured on a few frames only."""
RATE_PER_U = 1.4
"""What the logarithm of rate usually grows by with U; measured between 1.3 and 1.5."""
LEAST_TELLING_VMAF = 12.0
"""Trials of less quality are left out: at the bottom of the scale VMAF says nothing of the bits."""
CRF_UNIT = 8.0
"""CRFs in one unit of the model's axis."""
NOISE = 0.01
"""Standard deviation of a measurement: scores of a few frames stand for all."""
_LEVEL = 3.0
_MOST_INFLATION = 8.0


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of the covariance: its standard deviation, and how much of its variance the title's shots share."""

    deviation: float
    shared: float


@dataclass(frozen=True, slots=True)
class _Kernel:
    """The covariance of one of the two processes; lengths in CRF units and in octaves of size."""

    slope: _Part
    size_slope: _Part
    twist: _Part
    bend: _Part
    size_bend: _Part
    own_bend: _Part
    arc: _Part
    bend_length: float
    size_length: float
    wiggle: float
    trend: float
    """What is expected per CRF unit before anything was seen."""
    arc_length: float = 0.5
    wiggle_length: float = 0.12


_RATE = _Kernel(
    slope=_Part(0.15, 0.7),
    size_slope=_Part(0.65, 0.7),
    twist=_Part(0.05, 0.25),
    bend=_Part(0.05, 0.4),
    size_bend=_Part(0.20, 0.4),
    own_bend=_Part(0.05, 0.4),
    arc=_Part(0.20, 0.7),
    bend_length=1.0,
    size_length=0.8,
    wiggle=0.035,
    trend=-0.1,
)
_QUALITY = _Kernel(
    slope=_Part(0.6, 0.7),
    size_slope=_Part(1.0, 0.7),
    twist=_Part(0.05, 0.25),
    bend=_Part(0.20, 0.4),
    size_bend=_Part(0.15, 0.4),
    own_bend=_Part(0.03, 0.4),
    arc=_Part(0.15, 0.7),
    bend_length=1.0,
    size_length=0.5,
    wiggle=0.04,
    trend=-0.55,
)


@dataclass(frozen=True, eq=False, slots=True)
class Places:
    """Points of the model's plane. All shapes (points,)."""

    shot: Floats
    """Number of the shot: 0 is the one that is searched."""
    rho: Floats
    crf: Floats
    """On the even scale, in CRF units."""

    @classmethod
    def of(cls, shot: int, rhos: Floats, crfs: Floats) -> "Places":
        """Returns places of one shot."""
        return cls(np.full(len(crfs), float(shot)), rhos, even_crfs(crfs) / CRF_UNIT)

    def plus(self, other: "Places") -> "Places":
        """Returns both, one after the other."""
        return Places(
            np.concatenate((self.shot, other.shot)),
            np.concatenate((self.rho, other.rho)),
            np.concatenate((self.crf, other.crf)),
        )


def stretch_below(ceilings: Floats, vmafs: Floats) -> Floats:
    """Returns U of qualities under ceilings; at most what the ceiling itself has. Shapes (points,)."""
    gaps = np.maximum(ceilings - vmafs, 0.0) + CEILING_SLACK_VMAF
    stretched: Floats = -np.log(gaps / 50.0)
    return stretched


class _Process:
    """One Gaussian process over the places of all trials."""

    def __init__(self, kernel: _Kernel, places: Places, values: Floats, own: int) -> None:
        self._kernel, self._places, self._own = kernel, places, own
        self._mean = float((values - kernel.trend * places.crf)[:own].mean())
        smooth, wiggle = _covariance(kernel, places, places)
        self._factor = cho_factor(smooth + wiggle + NOISE**2 * np.eye(len(values)), lower=True)
        self._weights = cho_solve(self._factor, values - self._mean - kernel.trend * places.crf)

    def predict(self, places: Places) -> Floats:
        smooth, wiggle = _covariance(self._kernel, places, self._places)
        trend = self._mean + self._kernel.trend * places.crf
        predicted: Floats = trend + (smooth + wiggle) @ self._weights
        return predicted

    def covariance(self, places: Places) -> Floats:
        smooth, _ = _covariance(self._kernel, places, self._places)
        half = solve_triangular(self._factor[0], smooth.T, lower=True)
        own, _ = _covariance(self._kernel, places, places)
        known: Floats = own - half.T @ half
        return known

    def surprises(self) -> Floats:
        """Returns leave-one-out residuals in standard deviations (Rasmussen and Williams, 5.10 to 5.12)."""
        inverse = cho_solve(self._factor, np.eye(len(self._weights)))
        found: Floats = (self._weights / np.sqrt(np.diag(inverse)))[: self._own]
        return found


@dataclass(frozen=True, eq=False, slots=True)
class SizeCurve:
    """One size's curve as the model sees it, at falling CRF. All shapes (samples,)."""

    crfs: Floats
    vmafs: Floats
    """Never falling."""
    log_rates: Floats
    """Natural logarithm of bits per second, never falling."""


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
        telling = _telling(seen)
        places, values = self._trials_of(0, self.ceilings, telling)
        for number, shot in enumerate(self._comparable(prior), start=1):
            more, further = self._trials_of(number, np.asarray(shot.ceilings), _telling(shot.seen))
            places, values = places.plus(more), np.concatenate((values, further))
        self._rate = _Process(_RATE, places, values[:, 0], len(telling))
        self._quality = _Process(_QUALITY, places, values[:, 1], len(telling))
        self.surprises = np.concatenate((self._rate.surprises(), self._quality.surprises()))

    def _comparable(self, prior: TitlePrior) -> list[PriorShot]:
        return [shot for shot in prior.shots if len(shot.ceilings) == len(self.ceilings) and shot.seen]

    def _trials_of(self, number: int, ceilings: Floats, seen: Sequence[SeenTrial]) -> tuple[Places, Floats]:
        """Returns the places of trials and their (z, U). Shape (trials, 2)."""
        index = np.asarray([self._task.sizes.index(trial.resolution) for trial in seen], dtype=np.intp)
        crfs = np.asarray([trial.crf for trial in seen], dtype=np.float64)
        u = stretch_below(ceilings[index], np.asarray([trial.vmaf for trial in seen], dtype=np.float64))
        log_rates = np.log(np.asarray([trial.bitrate_bps for trial in seen], dtype=np.float64))
        return Places.of(number, self.rhos[index], crfs), np.column_stack((log_rates - RATE_PER_U * u, u))

    @property
    def inflation(self) -> float:
        """By how much the error bars must grow so that the shot's own surprises fit them; 1 to 8."""
        ratio = (float(np.sum(self.surprises**2)) + 8.0) / (len(self.surprises) + 8.0)
        return min(max(1.0, float(np.sqrt(ratio))), _MOST_INFLATION)

    def places(self, row: int, crfs: Floats) -> Places:
        """Returns places of one size of the shot."""
        return Places.of(0, np.full(len(crfs), self.rhos[row]), crfs)

    def curve(self, row: int) -> SizeCurve:
        """Returns the curve of one size over the whole CRF range of the task, two samples a CRF."""
        task = self._task
        highest, lowest = even_crfs(np.asarray([task.highest_crf, task.lowest_crf])).tolist()
        crfs = crfs_of_even(np.linspace(highest, lowest, 2 * max(1, round(highest - lowest)) + 1))
        places = self.places(row, crfs)
        u = np.maximum.accumulate(self._quality.predict(places))
        gaps = np.maximum(50.0 * np.exp(-u) - CEILING_SLACK_VMAF, 0.0)
        log_rates = self._rate.predict(places) + RATE_PER_U * u
        vmafs = np.maximum(self.ceilings[row] - gaps, 0.0)
        return SizeCurve(crfs, vmafs, np.maximum.accumulate(log_rates))

    def covariance(self, places: Places) -> Floats:
        """Returns the covariance of the log rates at the qualities of places. Shape (points, points)."""
        return self._rate.covariance(places)


def _telling(seen: Sequence[SeenTrial]) -> Sequence[SeenTrial]:
    return [trial for trial in seen if trial.vmaf >= LEAST_TELLING_VMAF] or seen


def _covariance(kernel: _Kernel, left: Places, right: Places) -> tuple[Floats, Floats]:
    """Returns the covariance of all smooth parts, and that of the wiggle. Shapes (left, right)."""
    same_shot = left.shot[:, None] == right.shot
    middle = 4.5
    rhos = left.rho[:, None] * right.rho
    crfs = (left.crf[:, None] - middle) * (right.crf - middle)
    d_crf = left.crf[:, None] - right.crf
    d_rho = left.rho[:, None] - right.rho
    same_size = np.abs(d_rho) < 1e-6
    near_crf = np.exp(-0.5 * (d_crf / kernel.bend_length) ** 2)
    near_rho = np.exp(-0.5 * (d_rho / kernel.size_length) ** 2)
    parts = (
        (kernel.slope, crfs),
        (kernel.size_slope, rhos),
        (kernel.twist, rhos * crfs),
        (kernel.bend, near_crf),
        (kernel.size_bend, near_crf * near_rho),
        (kernel.own_bend, near_crf * same_size),
        (kernel.arc, np.exp(-0.5 * (d_rho / kernel.arc_length) ** 2)),
    )
    smooth = _LEVEL**2 * same_shot.astype(np.float64)
    for part, shape in parts:
        smooth += part.deviation**2 * shape * np.where(same_shot, 1.0, part.shared)
    wiggle = kernel.wiggle**2 * np.exp(-0.5 * (d_crf / kernel.wiggle_length) ** 2) * (same_size & same_shot)
    return smooth, wiggle
