"""The rate–quality curve of one shot at one resolution: through the measured points, never beyond them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from domain.ladder import RateQualityPoint
from ladders.errors import OutsideMeasuredRange, TooFewPoints
from ladders.quantizer import crfs_of_even, even_crfs

Floats = NDArray[np.float64]
"""Numbers in a row."""

SAMPLES_PER_SEGMENT = 32
"""Samples between two neighboring points. The curve is linear in (U, log rate, CRF) between samples, which
makes every pair of its functions exact inverses; it stays within 0.3 % of rate of the smooth PCHIP curve."""

MIN_VMAF_GAP = 0.01
"""A dearer point must be better by more than this to count: less is noise of the metric."""

_KNEE = 100.0
_CEILING = 101.5


def stretch(vmaf: Floats) -> Floats:
    """Returns U(V) = -log((101.5 - V) / 50), which straightens log rate at the top of the scale.

    Above VMAF 100 (models with a range up to 110) U goes on as the tangent at 100, so that it stays
    finite and rises everywhere.

    Source: science report §2.1 (measured on six shots) and §8.3.
    """
    below = np.minimum(vmaf, _KNEE)
    stretched: Floats = -np.log((_CEILING - below) / 50.0) + (np.maximum(vmaf, _KNEE) - _KNEE) / (_CEILING - _KNEE)
    return stretched


def unstretch(stretched: Floats) -> Floats:
    """Returns V of U: the inverse of :func:`stretch`."""
    knee = float(stretch(np.asarray([_KNEE]))[0])
    below = _CEILING - 50.0 * np.exp(-np.minimum(stretched, knee))
    vmaf: Floats = below + np.maximum(stretched - knee, 0.0) * (_CEILING - _KNEE)
    return vmaf


def undominated(points: Sequence[RateQualityPoint]) -> tuple[RateQualityPoint, ...]:
    """Returns the points that make a curve, in strictly rising rate and quality and strictly falling CRF.

    A point is left out where another one is no dearer (by a millionth) and no worse (VMAF that saturates, noise
    of the encoder), where it is better by at most ``MIN_VMAF_GAP``, or where its CRF contradicts the order. So
    every point that is kept was measured as it stands: nothing is smoothed, averaged or invented.
    """
    kept: list[RateQualityPoint] = []
    for point in sorted(points, key=lambda point: (point.bitrate_bps, -point.vmaf, -point.crf)):
        if kept and point.vmaf <= kept[-1].vmaf + MIN_VMAF_GAP:
            continue
        costs_the_same = bool(kept) and point.bitrate_bps <= kept[-1].bitrate_bps * (1 + 1e-6)
        below = kept[:-1] if costs_the_same else kept
        if not below or point.crf < below[-1].crf:
            kept = [*below, point]
    return tuple(kept)


@dataclass(frozen=True, eq=False, slots=True)
class RateQualityCurve:
    """A monotone curve through the points of one shot at one resolution.

    Between points: PCHIP of log rate, and of the CRF on its even scale, over stretched quality (no overshoot; Akima is
    unusable here, science report §2.2). A shot whose VMAF is the same at every CRF becomes a curve of one point.
    """

    trial_crfs: Floats
    """CRFs of the points the curve goes through, falling. Shape (points,)."""
    sampled_u: Floats
    """Stretched quality, rising. Shape (samples,)."""
    sampled_log_rate: Floats
    """Natural logarithm of bits per second, rising. Shape (samples,)."""
    sampled_crf: Floats
    """Falling. Shape (samples,)."""

    @classmethod
    def fit(cls, points: Sequence[RateQualityPoint]) -> Self:
        """Returns the curve through the undominated ones of at least two points of one resolution.

        Raises:
            TooFewPoints: fewer than two points at different CRFs were given.
        """
        if len({point.crf for point in points}) < 2:
            raise TooFewPoints(
                "rate-quality curve",
                found=f"{len(points)} measured points at {len({point.crf for point in points})} CRFs",
                expected="at least two CRFs",
                fix="encode trials at more CRFs, or leave this resolution out",
            )
        kept = undominated(points)
        crfs = np.asarray([point.crf for point in kept], dtype=np.float64)
        log_rates = np.log(np.asarray([point.bitrate_bps for point in kept], dtype=np.float64))
        u = stretch(np.asarray([point.vmaf for point in kept], dtype=np.float64))
        if len(kept) == 1:
            return cls(crfs, u, log_rates, crfs)
        sampled_u = _between(u)
        smooth = PchipInterpolator(u, np.column_stack((log_rates, even_crfs(crfs))))(sampled_u)
        # PCHIP keeps the order up to rounding; the running extreme removes the rounding.
        return cls(
            crfs,
            sampled_u,
            np.maximum.accumulate(np.clip(smooth[:, 0], log_rates[0], log_rates[-1])),
            np.minimum.accumulate(np.clip(crfs_of_even(smooth[:, 1]), crfs[-1], crfs[0])),
        )

    @property
    def min_vmaf(self) -> float:
        """Lowest measured quality."""
        return float(unstretch(self.sampled_u[:1])[0])

    @property
    def max_vmaf(self) -> float:
        """Highest measured quality."""
        return float(unstretch(self.sampled_u[-1:])[0])

    @property
    def min_crf(self) -> float:
        """CRF of the best quality: that of the best point, unless a model drew the curve."""
        return float(self.sampled_crf[-1])

    @property
    def max_crf(self) -> float:
        """CRF of the lowest quality: that of the cheapest point, unless a model drew the curve."""
        return float(self.sampled_crf[0])

    def trial_beside(self, crf: float, distance: float) -> float | None:
        """Returns the CRF nearest to a given one that the curve was measured at; ``None`` if all are farther away."""
        if not self.trial_crfs.size:
            return None
        nearest = float(self.trial_crfs[np.argmin(np.abs(self.trial_crfs - crf))])
        return nearest if abs(nearest - crf) <= distance else None

    def bitrate_at(self, vmaf: float) -> float:
        """Returns the rate in bits per second at a VMAF in ``[min_vmaf, max_vmaf]``.

        Raises:
            OutsideMeasuredRange: beyond the measured points.
        """
        u = self._checked_u(vmaf)
        return float(np.exp(np.interp(u, self.sampled_u, self.sampled_log_rate)))

    def crf_at(self, vmaf: float) -> float:
        """Returns the CRF that gives a VMAF in ``[min_vmaf, max_vmaf]``.

        Raises:
            OutsideMeasuredRange: beyond the measured points.
        """
        return float(np.interp(self._checked_u(vmaf), self.sampled_u, self.sampled_crf))

    def vmaf_at_crf(self, crf: float) -> float:
        """Returns the VMAF at a CRF in ``[min_crf, max_crf]``.

        Raises:
            OutsideMeasuredRange: beyond the measured points.
        """
        self._check("CRF", crf, self.min_crf, self.max_crf)
        return float(self.at_crfs(np.asarray([crf], dtype=np.float64))[1][0])

    def bitrate_at_crf(self, crf: float) -> float:
        """Returns the rate in bits per second at a CRF in ``[min_crf, max_crf]``.

        Raises:
            OutsideMeasuredRange: beyond the measured points.
        """
        self._check("CRF", crf, self.min_crf, self.max_crf)
        return float(self.at_crfs(np.asarray([crf], dtype=np.float64))[0][0])

    def at_crfs(self, crfs: Floats) -> tuple[Floats, Floats]:
        """Returns (rates in bits per second, VMAFs) at many CRFs; those beyond the measured ends get the ends."""
        rising = self.sampled_crf[::-1]
        log_rates = np.interp(crfs, rising, self.sampled_log_rate[::-1])
        vmafs = unstretch(np.interp(crfs, rising, self.sampled_u[::-1]))
        return np.exp(log_rates), vmafs

    def at_log_rates(self, log_rates: Floats) -> tuple[Floats, Floats]:
        """Returns (CRFs, VMAFs) at many log rates; those beyond the measured ends get the ends."""
        crfs = np.interp(log_rates, self.sampled_log_rate, self.sampled_crf)
        vmafs = unstretch(np.interp(log_rates, self.sampled_log_rate, self.sampled_u))
        return crfs, vmafs

    def _checked_u(self, vmaf: float) -> Floats:
        self._check("VMAF", vmaf, self.min_vmaf, self.max_vmaf)
        return stretch(np.asarray(vmaf, dtype=np.float64))

    @staticmethod
    def _check(name: str, value: float, low: float, high: float) -> None:
        # The slack is the rounding of V -> U -> V.
        if not low - 1e-6 <= value <= high + 1e-6:
            raise OutsideMeasuredRange(
                "rate-quality curve",
                found=f"{name} {value:.3f}",
                expected=f"{name} between {low:.3f} and {high:.3f}, the measured ends",
                fix="add a trial encode that reaches it",
            )


def _between(knots: Floats) -> Floats:
    """Returns the knots with SAMPLES_PER_SEGMENT - 1 samples evenly between each two."""
    fractions = np.arange(SAMPLES_PER_SEGMENT, dtype=np.float64) / SAMPLES_PER_SEGMENT
    inner = (knots[:-1, None] + np.diff(knots)[:, None] * fractions).ravel()
    return np.append(inner, knots[-1])
