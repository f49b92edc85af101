"""BD-rate: the mean rate difference of two rate–quality curves at equal quality."""

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator

from ladders.errors import NoQualityOverlap, TooFewPoints
from ladders.interpolation import Floats

RateQuality = tuple[float, float]
"""(rate in bits per second or any other unit, quality)."""


def bd_rate(reference: Sequence[RateQuality], test: Sequence[RateQuality]) -> float:
    """Returns the mean rate difference of ``test`` against ``reference`` as a fraction (-0.2 = 20 % less).

    Log rate is interpolated over quality by PCHIP and integrated over the quality range that both curves
    cover. Points that another point beats (no dearer and no worse) are left out first.

    What the precision is: with two or three points a curve is little more than its chord, and the number is a
    direction; with four, interpolation alone may be off by about 1.5 percentage points; a claim of 1 % needs
    eight or more measured points per curve. See Herglotz et al., "Beyond Bjøntegaard", arXiv 2202.12565, 2022,
    and "The Bjøntegaard Bible", arXiv 2304.12852, 2023.

    Raises:
        TooFewPoints: a curve has fewer than two points that count.
        NoQualityOverlap: no quality is reached by both curves.

    Source: G. Bjøntegaard, VCEG-M33, 2001; piecewise cubic as in JCTVC-L1100, 2013.
    """
    reference_log_rates, reference_qualities = _curve("reference", reference)
    test_log_rates, test_qualities = _curve("test", test)
    low = max(reference_qualities[0], test_qualities[0])
    high = min(reference_qualities[-1], test_qualities[-1])
    if high <= low:
        raise NoQualityOverlap(
            "BD-rate",
            found=f"reference covers {reference_qualities[0]:.2f} to {reference_qualities[-1]:.2f}, "
            f"test {test_qualities[0]:.2f} to {test_qualities[-1]:.2f}",
            expected="curves that share a range of quality",
        )
    reference_area = PchipInterpolator(reference_qualities, reference_log_rates).integrate(low, high)
    test_area = PchipInterpolator(test_qualities, test_log_rates).integrate(low, high)
    return float(np.expm1((test_area - reference_area) / (high - low)))


def _curve(name: str, points: Sequence[RateQuality]) -> tuple[Floats, Floats]:
    """Returns (log rates, qualities), both strictly rising."""
    kept: list[RateQuality] = []
    for rate, quality in sorted(points, key=lambda point: (point[0], -point[1])):
        if rate > 0 and (not kept or quality > kept[-1][1] + 1e-9):
            kept.append((rate, quality))
    if len(kept) < 2:
        raise TooFewPoints(
            f"BD-rate, {name} curve",
            found=f"{len(kept)} of {len(points)} points have a rate and rise in quality",
            expected="at least two",
        )
    rates, qualities = np.asarray(kept, dtype=np.float64).T
    return np.log(rates), qualities
