"""How much of a title's rate one shot may take, so that its rung's leaky bucket lets it through."""

import numpy as np

from domain.encodes import RateCap
from domain.ladder_policy import LadderPolicy
from domain.video import Codec
from ladders.interpolation import Floats
from ladders.leaky_bucket import START_FULLNESS
from ladders.shot_allocation import OperatingPoint, TitleCurves, sweep

_ROUNDS = 10_000
"""Each brings the title's rate nearer to where it stays: up to 25 on film, thousands for one shot alone."""


def roofs_of(durations_s: Floats, policy: LadderPolicy) -> Floats:
    """Returns how many times the title's rate each shot may have. Shape (shots,).

    The bucket fills at ``peak_ratio`` times the rung's rate, and a shot may empty it once.
    """
    return policy.peak_ratio * _stretch(policy.buffer_s, durations_s)


def cap_of(bitrate_bps: float, policy: LadderPolicy) -> RateCap:
    """Returns the bucket that a rendition of a mean rate must fit."""
    maxrate_bps = round(policy.peak_ratio * bitrate_bps)
    return RateCap(maxrate_bps=maxrate_bps, buffer_bits=round(policy.buffer_s * maxrate_bps))


def shot_caps(codec: Codec, cap: RateCap, durations_s: Floats) -> tuple[RateCap, ...]:
    """Returns what the encoder of each shot is told, where it is told a cap.

    SVT-AV1 knows a largest rate, but no bucket: it is told what the bucket lets through in the time of the shot.
    """
    if codec is not Codec.AV1:
        return (cap,) * len(durations_s)
    most_bps = cap.maxrate_bps * _stretch(cap.buffer_bits / cap.maxrate_bps, durations_s)
    return tuple(cap.model_copy(update={"maxrate_bps": round(float(most))}) for most in most_bps)


def _stretch(buffer_s: float, durations_s: Floats) -> Floats:
    """Returns how many times a cap's rate shots may have that find the bucket full, and leave it empty."""
    return 1.0 + START_FULLNESS * buffer_s / durations_s


def under_roofs(title: TitleCurves, log_rates: Floats, roofs: Floats) -> Floats:
    """Returns log rates of which none is above its shot's roof, nor below what its curve begins with.

    The title's rate falls with each shot that is cut down, and the roofs with it: the highest rate that all can share
    is where that ends.

    Args:
        title: the curves.
        log_rates: shape (points, shots).
        roofs: shape (shots,), as of :func:`roofs_of`, each above 1.
    """
    wanted = np.exp(log_rates)
    floors = np.exp([curve.sampled_log_rate[0] for curve in title.curves])
    rates = wanted
    for _ in range(_ROUNDS):
        means = np.average(rates, axis=1, weights=title.durations_s)
        lower = np.maximum(floors, np.minimum(wanted, means[:, None] * roofs))
        if np.allclose(lower, rates, rtol=1e-6, atol=0.0):
            break
        rates = lower
    return np.log(rates)


def operating_points(title: TitleCurves, policy: LadderPolicy) -> tuple[OperatingPoint, ...]:
    """Returns the equal-slope points of a title under its rungs' rate caps, in rising rate.

    A shot that would need more than the cap of its rung leaves over gets what the cap lets through. Trial encodes know
    of no cap: what they reach beyond it would be promised, and not be delivered.
    """
    roofs = roofs_of(title.durations_s, policy)
    return sweep(title, policy.pooling, lambda log_rates: under_roofs(title, log_rates, roofs))
