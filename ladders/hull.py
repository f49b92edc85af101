"""The upper hull: points no other point, and no mix of two, beats."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from domain.ladder import RateQualityPoint
from ladders.interpolation import Floats


def hull_indices(rates: Floats, gains: Floats) -> NDArray[np.intp]:
    """Returns where the upper hull's vertices stand, in strictly rising rate and gain.

    Args:
        rates: rates, linear (a mix of two shots' encodes lies on a straight line only there). Shape (points,).
        gains: what is to be large: quality, or minus a distortion. Shape (points,).

    Source: A. M. Andrew, "Another efficient algorithm for convex hulls in two dimensions", 1979.
    """
    order = np.lexsort((-gains, rates))
    xs, ys = rates[order].tolist(), gains[order].tolist()
    chain: list[int] = []
    for index, (x, y) in enumerate(zip(xs, ys, strict=True)):
        if chain and y <= ys[chain[-1]]:
            continue
        while len(chain) > 1:
            before, last = chain[-2], chain[-1]
            # Keep the last vertex only where it stands strictly above the line from before it to the new point.
            if (ys[last] - ys[before]) * (x - xs[before]) > (y - ys[before]) * (xs[last] - xs[before]):
                break
            chain.pop()
        chain.append(index)
    return order[np.asarray(chain, dtype=np.intp)]


def upper_hull(points: Sequence[RateQualityPoint]) -> tuple[RateQualityPoint, ...]:
    """Returns the points of the upper hull in (linear rate, VMAF), rising; any resolutions may be mixed."""
    return tuple(points[index] for index in _vertices(points))


def on_hull(points: Sequence[RateQualityPoint]) -> tuple[bool, ...]:
    """Returns for each point whether it is a vertex of the upper hull: for the report's picture."""
    vertices = set(_vertices(points))
    return tuple(index in vertices for index in range(len(points)))


def _vertices(points: Sequence[RateQualityPoint]) -> list[int]:
    rates = np.asarray([point.bitrate_bps for point in points], dtype=np.float64)
    vmafs = np.asarray([point.vmaf for point in points], dtype=np.float64)
    return [int(index) for index in hull_indices(rates, vmafs)]
