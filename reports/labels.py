"""Places labels beside the marks of a chart so that they cover neither each other nor the marks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from reports.markup import Child, Markup, element

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

GLYPH_WIDTH = 0.58
"""Mean width of a glyph over the font size: on the safe side for the usual interface fonts."""

ABOVE_FIRST: tuple[tuple[float, float], ...] = (
    (-1, -0.7), (0, -1.4), (-1, 0), (-1, 0.7), (1, 0.7), (0, 1.4), (1, 0), (1, -0.7),
    (-1, -1.8), (0, -2.4), (1, 1.8), (0, 2.4),
)  # fmt: skip
"""Directions for marks of our ladder: the plane above a rate–quality hull is empty."""
BELOW_FIRST: tuple[tuple[float, float], ...] = (
    (1, 0.7), (0, 1.4), (1, 0), (1, 1.8), (0, 2.4), (-1, 0.7), (1, -0.7), (-1, 0), (0, -1.4),
)  # fmt: skip
"""Directions for marks that lie under the hull."""
RIGHT_FIRST: tuple[tuple[float, float], ...] = (
    (1, 0), (1, 0.7), (1, -0.7), (0, 1.2), (0, -1.2), (1, 1.6), (1, -1.6), (0, 2.2), (0, -2.2), (-1, 0.8), (-1, 1.6),
)  # fmt: skip
"""Directions for the ends of lines."""


@dataclass
class LabelSpace:
    """What is already taken in a drawing."""

    bounds: Box
    taken: list[Box] = field(default_factory=list)

    def block_marks(self, centers: Iterable[tuple[float, float]], radius_px: float) -> None:
        """Keeps labels off marks."""
        self.taken.extend((x - radius_px, y - radius_px, x + radius_px, y + radius_px) for x, y in centers)

    def block_line(self, pixels: Sequence[tuple[float, float]]) -> None:
        """Keeps labels off a line, sampled about every 6 px."""
        for (x0, y0), (x1, y1) in pairwise(pixels):
            steps = max(1, int(max(abs(x1 - x0), abs(y1 - y0)) / 6))
            shares = (step / steps for step in range(steps + 1))
            self.block_marks(((x0 + s * (x1 - x0), y0 + s * (y1 - y0)) for s in shares), 1.0)

    def place(self, label: "Label", directions: Sequence[tuple[float, float]]) -> Markup:
        """Returns the label's text element where it overlaps least, and takes the room."""
        boxes = [label.box(direction) for direction in directions]
        costs = [self._overlap(box) + 1.5 * order for order, box in enumerate(boxes)]
        left, top, right, bottom = boxes[costs.index(min(costs))]
        self.taken.append((left, top, right, bottom))
        middle = (left + right) / 2
        return element("text", label.content, x=middle, y=bottom - 0.28 * label.size_px, **label.attributes)

    def _overlap(self, box: Box) -> float:
        left, top, right, bottom = box
        outside = max(0, self.bounds[0] - left) + max(0, right - self.bounds[2])
        outside += max(0, self.bounds[1] - top) + max(0, bottom - self.bounds[3])
        covered = sum(
            max(0.0, min(right, other[2]) - max(left, other[0])) * max(0.0, min(bottom, other[3]) - max(top, other[1]))
            for other in self.taken
        )
        return covered + 200 * outside


@dataclass(frozen=True)
class Label:
    """A text beside an anchor."""

    content: Child
    anchor: tuple[float, float]
    """x and y in pixels."""
    letters: int
    size_px: float = 12.0
    gap_px: float = 8.0
    css_class: str = "label"

    @property
    def attributes(self) -> dict[str, str]:
        """Attributes of the text element."""
        return {"class_": self.css_class, "text_anchor": "middle"}

    def box(self, direction: tuple[float, float]) -> Box:
        """Returns the room the text takes in a direction from its anchor (1 = right, or one line down)."""
        width, height = self.letters * GLYPH_WIDTH * self.size_px, self.size_px * 1.15
        across, down = direction
        x = self.anchor[0] + across * (width / 2 + self.gap_px)
        y = self.anchor[1] + down * (height / 2 + self.gap_px * 0.75)
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
