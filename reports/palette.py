"""Color and shape of each resolution: one color ramp that color-blind readers can order, and shapes beside it."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.result import TitlePicture, TitleResult
from reports.markup import Markup, element

LIGHT_RAMP = ("#1f2f8f", "#4b2fb0", "#7d22a8", "#a31c86", "#b8264f", "#b5430f", "#8a5a00", "#586600")
"""Blue over purple to ochre: hue and the blue–yellow axis carry the order; each at least 4.5:1 on the light page."""
DARK_RAMP = ("#8ea2ff", "#b197fc", "#d58cf5", "#f58bcb", "#ff8f8f", "#ffa264", "#e3b341", "#b7c94a")
"""The same order for the dark page."""

_SHAPES: tuple[tuple[int, float, float], ...] = (
    (4, math.pi / 4, 1.25),
    (0, 0.0, 1.0),
    (3, -math.pi / 2, 1.4),
    (4, 0.0, 1.35),
    (3, math.pi / 2, 1.4),
    (6, 0.0, 1.15),
    (5, -math.pi / 2, 1.2),
    (5, math.pi / 2, 1.2),
)
"""(corners, or 0 for a circle; angle of the first corner in radians; radius factor that makes areas look alike)."""


def height_of(resolution: str) -> int:
    """Returns the height in pixels of a resolution's name (``1280x720``, ``720p``), 0 if it names none."""
    found = re.search(r"(\d{1,5})p?$", resolution)
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class ResolutionMarks:
    """The color class and the shape of each resolution of a report, from the largest to the smallest."""

    heights_px: tuple[int, ...]

    def color_class(self, height_px: int) -> str:
        """Returns the CSS class that colors a resolution: the ramp is used in its whole length."""
        last = len(LIGHT_RAMP) - 1
        return f"r{round(self._rank(height_px) * last / max(1, len(self.heights_px) - 1))}"

    def mark(self, height_px: int, center: tuple[float, float], radius_px: float) -> str:
        """Returns the path of a resolution's shape around a center, in pixels."""
        return shape_path(self._rank(height_px) % len(_SHAPES), center, radius_px)

    def key(self) -> Markup:
        """Returns the legend: shape, color and name of each resolution."""
        return element("ul", [self._key_item(height) for height in self.heights_px], class_="key")

    def _key_item(self, height_px: int) -> Markup:
        mark = element("path", d=self.mark(height_px, (8, 8), 5), class_="point hull")
        sample = element("svg", mark, viewBox="0 0 16 16", class_="sample", aria_hidden="true")
        return element("li", sample, f"{height_px}p", class_=self.color_class(height_px))

    def _rank(self, height_px: int) -> int:
        return self.heights_px.index(height_px) if height_px in self.heights_px else 0


def shape_path(shape: int, center: tuple[float, float], radius_px: float) -> str:
    """Returns an SVG path of one of the shapes.

    Args:
        shape: Index of the shape, ``[0, 7]``.
        center: x and y in pixels.
        radius_px: Radius of the circle; other shapes are scaled to look as large.
    """
    corners, start, factor = _SHAPES[shape]
    x, y = center
    if corners == 0:
        step = f"a{radius_px:g} {radius_px:g} 0 1 0"
        return f"M{x - radius_px:.1f} {y:.1f}{step} {2 * radius_px:g} 0{step} {-2 * radius_px:g} 0z"
    turns = (start + 2 * math.pi * corner / corners for corner in range(corners))
    points = (f"{x + factor * radius_px * math.cos(t):.1f} {y + factor * radius_px * math.sin(t):.1f}" for t in turns)
    return f"M{'L'.join(points)}z"


def marks_of(result: TitleResult, pictures: Sequence[TitlePicture]) -> ResolutionMarks:
    """Returns the marks for every resolution that a result or its pictures mention."""
    return ResolutionMarks(tuple(sorted(set(_heights(result, pictures)), reverse=True)))


def _heights(result: TitleResult, pictures: Sequence[TitlePicture]) -> Iterable[int]:
    for ladder in result.ladders:
        yield from (rung.height_px for rung in ladder.rungs)
    for picture in pictures:
        yield from (height_of(name) for name in picture.title_hulls)
        yield from (point.height_px for points in picture.shot_points for point in points)
