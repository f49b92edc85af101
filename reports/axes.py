"""The plane of a rate–quality chart: a logarithmic rate axis, a VMAF axis, grid and ticks; and clipping to it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reports.markup import Markup, element
from reports.numerals import write_rate_tick

Point = tuple[float, float]
"""(bitrate_bps, vmaf), or (x, y) in pixels where a name says so."""

_MANTISSAS = ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,))


@dataclass(frozen=True)
class Window:
    """The part of the rate–quality plane that a chart shows."""

    rates_bps: tuple[float, float]
    """Smallest and largest rate; the first is above zero."""
    scores: tuple[float, float]
    """Smallest and largest VMAF."""


@dataclass(frozen=True)
class Plane:
    """Maps rates and scores to pixels of a drawing."""

    window: Window
    size_px: tuple[float, float]
    margins_px: tuple[float, float, float, float]
    """Top, right, bottom, left."""

    @property
    def box_px(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the plotting area."""
        top, right, bottom, left = self.margins_px
        return left, top, self.size_px[0] - right, self.size_px[1] - bottom

    def x(self, bitrate_bps: float) -> float:
        """Returns the horizontal pixel of a rate (> 0) on the logarithmic axis."""
        low, high = (math.log(rate) for rate in self.window.rates_bps)
        left, _, right, _ = self.box_px
        return left + (math.log(bitrate_bps) - low) / (high - low) * (right - left)

    def y(self, vmaf: float) -> float:
        """Returns the vertical pixel of a score."""
        low, high = self.window.scores
        _, top, _, bottom = self.box_px
        return bottom - (vmaf - low) / (high - low) * (bottom - top)

    def at(self, point: Point) -> Point:
        """Returns the pixel of a rate–quality point."""
        return self.x(point[0]), self.y(point[1])

    def shows(self, point: Point) -> bool:
        """Says whether a point lies in the window."""
        (rate_low, rate_high), (low, high) = self.window.rates_bps, self.window.scores
        return rate_low <= point[0] <= rate_high and low <= point[1] <= high

    def line(self, points: Sequence[Point]) -> list[Point]:
        """Returns a rising rate–quality curve in pixels, cut where it enters and leaves the window."""
        left, top, right, bottom = self.box_px
        pixels = [self.at(point) for point in sorted(points) if point[0] > 0]
        return _cut(_cut(pixels, axis=0, limits=(left, right)), axis=1, limits=(top, bottom))


def measured(points: Iterable[Point]) -> list[Point]:
    """Returns the points that can be drawn on a logarithmic axis: finite, and with a rate above zero."""
    return [point for point in points if math.isfinite(point[0]) and math.isfinite(point[1]) and point[0] > 0]


def window_around(points: Sequence[Point], *, room: float = 1.25) -> Window:
    """Returns the window that shows all points with some room.

    Args:
        points: Drawable points; none gives a window from 100 kb/s to 10 Mb/s.
        room: Factor of rate that stays free on both sides, above 1.
    """
    if not points:
        return Window((1e5, 1e7), (0, 100))
    rates = [rate for rate, _ in points]
    scores = [score for _, score in points]
    low = max(0.0, math.floor((min(scores) - 1) / 10) * 10)
    high = max(math.ceil((max(scores) + 1) / 10) * 10, low + 10)
    top = 100.0 if 90 < high <= 110 and max(scores) <= 100 else float(high)
    return Window((min(rates) / room, max(rates) * room), (low, top))


def rate_ticks(rates_bps: tuple[float, float], most: int) -> list[float]:
    """Returns round rates inside a range, as many as fit but at most ``most`` (at least 1)."""
    first, last = (math.floor(math.log10(rate)) for rate in rates_bps)
    ticks: list[float] = []
    for mantissas in _MANTISSAS:
        steps = (mantissa * 10.0**power for power in range(first, last + 1) for mantissa in mantissas)
        ticks = [tick for tick in steps if rates_bps[0] <= tick <= rates_bps[1]]
        if len(ticks) <= most:
            return ticks
    return ticks[:: math.ceil(len(ticks) / most)]


def score_ticks(scores: tuple[float, float], most: int) -> list[float]:
    """Returns round scores inside a range, at most ``most`` of them."""
    for step in (5, 10, 20, 25, 50):
        ticks = [float(tick) for tick in range(0, 121, step) if scores[0] <= tick <= scores[1]]
        if len(ticks) <= most:
            return ticks
    return [scores[0], scores[1]]


def draw_axes(plane: Plane, *, ticks: tuple[int, int]) -> Markup:
    """Returns grid lines and tick labels.

    Args:
        plane: Where to draw.
        ticks: Most ticks on the rate axis and on the VMAF axis.
    """
    left, top, right, bottom = plane.box_px
    rates = [(plane.x(rate), write_rate_tick(rate)) for rate in rate_ticks(plane.window.rates_bps, ticks[0])]
    scores = [(plane.y(score), f"{score:g}") for score in score_ticks(plane.window.scores, ticks[1])]
    grid = "".join(f"M{x:.1f} {top:g}V{bottom:g}" for x, _ in rates)
    grid += "".join(f"M{left:g} {y:.1f}H{right:g}" for y, _ in scores)
    return element(
        "g",
        element("path", d=grid, class_="grid"),
        element("path", d=f"M{left:g} {bottom:g}H{right:g}", class_="axis"),
        [element("text", text, x=x, y=bottom + 15, text_anchor="middle") for x, text in rates],
        [element("text", text, x=left - 6, y=y + 4, text_anchor="end") for y, text in scores],
        class_="axes",
    )


def path_of(pixels: Sequence[Point]) -> str:
    """Returns the SVG path through pixels."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in pixels) if pixels else ""


def _cut(pixels: list[Point], *, axis: int, limits: tuple[float, float]) -> list[Point]:
    """Keeps what lies between two limits of one axis, with interpolated ends (the curve is monotone in it)."""
    low, high = limits
    kept: list[Point] = []
    for before, after in pairwise(pixels):
        segment = _cut_segment(before, after, axis=axis, limits=(low, high))
        kept.extend(point for point in segment if not kept or point != kept[-1])
    if len(pixels) == 1 and low <= pixels[0][axis] <= high:
        return pixels
    return kept


def _cut_segment(before: Point, after: Point, *, axis: int, limits: tuple[float, float]) -> list[Point]:
    start, end = before[axis], after[axis]
    if max(start, end) < limits[0] or min(start, end) > limits[1]:
        return []
    if start == end:
        return [before, after]
    shares = sorted((limit - start) / (end - start) for limit in limits)
    first, last = max(0.0, shares[0]), min(1.0, shares[1])
    return [_between(before, after, share) for share in (first, last)]


def _between(before: Point, after: Point, share: float) -> Point:
    return before[0] + share * (after[0] - before[0]), before[1] + share * (after[1] - before[1])
