"""The viewers' bandwidth, and the quality that a ladder delivers to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from scipy.special import ndtr

from domain.ladder import Ladder
from domain.ladder_policy import LadderPolicy
from ladders.interpolation import Floats


class Bandwidth(Protocol):
    """A distribution of bandwidth over viewers and time."""

    def share_below(self, bandwidth_bps: Floats) -> Floats:
        """Returns the part of viewing time, ``[0, 1]``, with less than each bandwidth (above 0). Any shape."""


@dataclass(frozen=True, slots=True)
class LogNormalBandwidth:
    """Bandwidth whose logarithm is normal."""

    median_bps: float
    sigma: float
    """Standard deviation of the natural logarithm."""

    def share_below(self, bandwidth_bps: Floats) -> Floats:
        """Returns the part of viewing time, ``[0, 1]``, with less than each bandwidth (above 0). Any shape."""
        share: Floats = ndtr(np.log(np.asarray(bandwidth_bps) / self.median_bps) / self.sigma)
        return share


@dataclass(frozen=True, eq=False, slots=True)
class HistogramBandwidth:
    """Bandwidth as it was counted.

    Each weight is spread evenly in log bandwidth, half way to its neighbors: else every rung would be planned to
    stand exactly at a counted bandwidth, and a rendition a hair dearer than planned would lose all of them. A
    histogram of one pair stays a point.
    """

    edges: Floats
    """Natural logarithm of bits per second, rising. Shape (pairs + 1,), or (1,) for one pair."""
    shares: Floats
    """Part of the weight below each edge. Shape of ``edges``."""

    @classmethod
    def of(cls, pairs: Sequence[tuple[int, float]]) -> Self:
        """Returns the distribution of (bandwidth in bits per second, weight) pairs in rising bandwidth."""
        logs = np.log(np.asarray([bandwidth_bps for bandwidth_bps, _ in pairs], dtype=np.float64))
        weights = np.asarray([weight for _, weight in pairs], dtype=np.float64)
        if len(pairs) == 1:
            return cls(logs, np.zeros(1))
        middles = (logs[1:] + logs[:-1]) / 2
        edges = np.concatenate(([2 * logs[0] - middles[0]], middles, [2 * logs[-1] - middles[-1]]))
        return cls(edges, np.concatenate(([0.0], np.cumsum(weights) / weights.sum())))

    def share_below(self, bandwidth_bps: Floats) -> Floats:
        """Returns the part of viewing time, ``[0, 1]``, with less than each bandwidth (above 0). Any shape."""
        share: Floats = np.interp(np.log(bandwidth_bps), self.edges, self.shares, left=0.0, right=1.0)
        return share


def bandwidth_of(policy: LadderPolicy) -> Bandwidth:
    """Returns the distribution that a policy names."""
    if policy.bandwidth_histogram is not None:
        return HistogramBandwidth.of(policy.bandwidth_histogram)
    return LogNormalBandwidth(policy.bandwidth_median_bps, policy.bandwidth_sigma)


def shares_served(bitrates_bps: Floats, bandwidth: Bandwidth, safety: float) -> Floats:
    """Returns the part of viewing time in which a player takes each rung: the dearest one that ``safety * B`` carries.

    Args:
        bitrates_bps: rates of the rungs, rising. Shape (rungs,).
        bandwidth: the viewers' bandwidth B.
        safety: part of its bandwidth that a player fills, ``(0, 1]``.
    """
    below = np.append(bandwidth.share_below(np.asarray(bitrates_bps) / safety), 1.0)
    shares: Floats = np.diff(below)
    return shares


def expected_vmaf(bitrates_bps: Floats, vmafs: Floats, bandwidth: Bandwidth, safety: float) -> float:
    """Returns the VMAF that a ladder delivers on average; who cannot play its lowest rung counts with 0.

    A stall is worth nothing, so that a ladder without low rungs pays for it. Rates include no audio.

    Args:
        bitrates_bps: rates of the rungs, rising. Shape (rungs,).
        vmafs: their quality. Shape (rungs,).
        bandwidth: the viewers' bandwidth.
        safety: part of its bandwidth that a player fills, ``(0, 1]``.

    Source: sum of P(R_i / a <= B < R_{i+1} / a) * Q(R_i); Toni et al., "Optimized adaptive streaming
    representations based on system dynamics", 2014; science report §4.
    """
    return float(np.dot(shares_served(bitrates_bps, bandwidth, safety), vmafs))


def expected_vmaf_of(ladder: Ladder, policy: LadderPolicy) -> float:
    """Returns the VMAF that a planned ladder promises to deliver on average under its policy's bandwidth.

    To compare ladders with different tops, use :func:`expected_vmaf` with scores cut at ``policy.top_vmaf``: else the
    one that spends bits on quality that is not seen wins.
    """
    rates = np.asarray([rung.promised.bitrate_bps for rung in ladder.rungs], dtype=np.float64)
    vmafs = np.asarray([rung.promised.vmaf for rung in ladder.rungs], dtype=np.float64)
    return expected_vmaf(rates, vmafs, bandwidth_of(policy), policy.bandwidth_safety)
