"""The envelope of a shot's curves: what the cheapest size costs at each quality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from domain.video import Resolution
from ladders.interpolation import RateQualityCurve, stretch, unstretch

Curves = Mapping[Resolution, RateQualityCurve]
"""One curve for each size."""
LOWEST_TARGET_VMAF, HIGHEST_TARGET_VMAF = 30.0, 95.0
TARGET_STEP_VMAF = 2.5
SLOPE_VMAF = 5.0
"""The slope at a quality is that of the envelope so far to both sides: a single lucky encode does not bend it."""


class Choice(NamedTuple):
    """The size and CRF that serve a target."""

    target_vmaf: float
    """The middle of the qualities that it serves."""
    resolution: Resolution
    crf: float
    is_reached: bool
    """The target lies inside the curves; otherwise this is the nearest that they know."""


class Measured(NamedTuple):
    """What an encode turned out to be."""

    bitrate_bps: float
    vmaf: float


@dataclass(frozen=True, eq=False)
class Envelope:
    """The lower envelope over sizes of monotone curves.

    A size serves every quality below its best one: where the quality asked for lies below its cheapest point, that
    point is better than asked for and costs what it costs.
    """

    curves: Curves

    @cached_property
    def low_vmaf(self) -> float:
        """The lowest quality of any size."""
        return min(curve.min_vmaf for curve in self.curves.values())

    @cached_property
    def high_vmaf(self) -> float:
        """The best quality of any size."""
        return max(curve.max_vmaf for curve in self.curves.values())

    def log_rate(self, vmaf: float) -> float:
        """Returns the natural logarithm of the cheapest rate at a quality; beyond the ends, that of the end."""
        return self._best(vmaf)[1]

    def choose(self, vmaf: float) -> Choice:
        """Returns the size and CRF that equal slope takes around a quality; beyond the ends, the end.

        No title asks a shot for a quality: it asks for a slope, what a bit must bring (``ladders.shot_allocation``).
        So of all points of the curves within half a target's distance that one is taken where rate - quality / slope
        is least, with the envelope's own slope around the target. On a smooth envelope that is about the target
        itself; where an encode came out well and the curves know it, it is that encode.
        """
        found = self.choose_at(vmaf)
        if not found.is_reached:
            return found
        log_rate, slope = self.log_rate(vmaf), self._slope(vmaf)
        least = 1.0 - slope * max(0.0, self.curves[found.resolution].min_vmaf - vmaf)
        for size, curve in self.curves.items():
            vmafs = unstretch(curve.sampled_u)
            near = np.flatnonzero(np.abs(vmafs - vmaf) <= TARGET_STEP_VMAF / 2)
            if near.size:
                costs = np.exp(curve.sampled_log_rate[near] - log_rate) - slope * (vmafs[near] - vmaf)
                cheapest = int(np.argmin(costs))
                if costs[cheapest] < least - 1e-9:
                    least = float(costs[cheapest])
                    found = found._replace(resolution=size, crf=float(curve.sampled_crf[near[cheapest]]))
        return found

    def choose_at(self, vmaf: float) -> Choice:
        """Returns the cheapest size at a quality, and its CRF there; beyond the ends, the end."""
        size, _ = self._best(vmaf)
        curve = self.curves[size]
        crf = curve.crf_at(min(max(vmaf, curve.min_vmaf), curve.max_vmaf))
        return Choice(vmaf, size, crf, is_reached=self.low_vmaf - 1e-6 <= vmaf <= self.high_vmaf + 1e-6)

    def targets(self) -> tuple[float, ...]:
        """Returns the qualities at which losses are looked at: every 2.5 VMAF of [30, 95] that the curves reach.

        Curves that lie outside the window altogether are looked at where they come nearest to it.
        """
        count = round((HIGHEST_TARGET_VMAF - LOWEST_TARGET_VMAF) / TARGET_STEP_VMAF)
        window = [LOWEST_TARGET_VMAF + TARGET_STEP_VMAF * number for number in range(count + 1)]
        inside = tuple(vmaf for vmaf in window if self.low_vmaf <= vmaf <= self.high_vmaf)
        middle = (LOWEST_TARGET_VMAF + HIGHEST_TARGET_VMAF) / 2
        return inside or (min(max(middle, self.low_vmaf), self.high_vmaf),)

    def _slope(self, vmaf: float) -> float:
        """Returns the growth of log rate with quality around a quality."""
        low, high = max(vmaf - SLOPE_VMAF, self.low_vmaf), min(vmaf + SLOPE_VMAF, self.high_vmaf)
        return (self.log_rate(high) - self.log_rate(low)) / (high - low) if high > low else 0.0

    def _best(self, vmaf: float) -> tuple[Resolution, float]:
        wanted = min(vmaf, self.high_vmaf)
        u = float(stretch(np.asarray([wanted], dtype=np.float64))[0])
        able = [(size, curve) for size, curve in self.curves.items() if curve.sampled_u[-1] >= u - 1e-9]
        rates = [(float(np.interp(u, curve.sampled_u, curve.sampled_log_rate)), size) for size, curve in able]
        log_rate, size = min(rates, key=lambda item: (item[0], item[1].pixels))
        return size, log_rate


def choices_of(
    curves: Curves, targets: Sequence[float], *, crfs: tuple[float, float], crf_step: float, at_quality: bool = False
) -> tuple[Choice, ...]:
    """Returns what curves choose for each target, with CRFs that can be encoded.

    As in the pipeline, a CRF within a step of one that the curve was measured at is moved to it.

    Args:
        curves: one for each size that is known, at least one.
        targets: qualities.
        crfs: lowest and highest CRF that may be encoded.
        crf_step: finest CRF.
        at_quality: choose at the targets themselves, not by slope, and move no CRF to a trial's.
    """
    envelope = Envelope(curves)
    choices = []
    for target in targets:
        choice = envelope.choose_at(target) if at_quality else envelope.choose(target)
        crf = round(choice.crf / crf_step) * crf_step
        if not at_quality:
            beside = curves[choice.resolution].trial_beside(crf, crf_step)
            crf = crf if beside is None else beside
        choices.append(choice._replace(crf=min(max(crf, crfs[0]), crfs[1])))
    return tuple(choices)
