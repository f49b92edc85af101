"""The benchmark's pictures as SVG files: the search's claims on the exhaustive hull, and loss against CPU."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.search.records import ShotRecord
from reports.axes import Plane, Point, draw_axes, measured, path_of, window_around
from reports.labels import RIGHT_FIRST, Label, LabelSpace
from reports.markup import Child, Markup, element

PANEL_PX = (420.0, 320.0)
COST_PX = (860.0, 440.0)
PANEL_MARGINS_PX = (60.0, 16.0, 40.0, 44.0)
"""Top, right, bottom, left."""
COST_MARGINS_PX = (40.0, 16.0, 40.0, 44.0)
COST_RANGE, LOSS_RANGE = (0.02, 8.0), (0.0003, 3.0)
"""What the picture of costs shows, as fractions; what lies beyond stands at its edge."""
STYLE = (
    "svg{background:#fff;font:12px system-ui,sans-serif;fill:#1a1d21}.grid{stroke:#dcdfe3;fill:none}"
    ".axis{stroke:#8b929b;fill:none}.hull{stroke:#5f6772;stroke-width:1.6;fill:none}.claim{fill:#0a4d8c}"
    ".far{fill:#a3260f}.ours{fill:#0a4d8c;font-weight:600}.peer{fill:#5f6772}.axes text,.soft{fill:#565d66}"
    ".title{font-weight:600}"
)
"""One look, on white: a picture in a document cannot follow the reader's scheme everywhere."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One method in the picture of costs."""

    name: str
    loss: float
    cpu_ratio: float
    is_ours: bool


def draw_worst(setting: str, shots: Sequence[ShotRecord]) -> Markup:
    """Returns the exhaustive hulls of some shots with the points that the search claims, as they were measured.

    Points more than 5 % above the hull are red (the hull is drawn in steps).
    """
    width, height = PANEL_PX
    panels = [
        element("g", _panel(shot), transform=f"translate({width * number:g} 0)") for number, shot in enumerate(shots)
    ]
    named = f"{setting}: the shots with the largest hull loss"
    return _file((width * max(1, len(shots)), height), named, panels)


def draw_costs(setting: str, costs: Sequence[Cost]) -> Markup:
    """Returns mean hull loss against CPU, both logarithmic: lower and further left is better."""
    left, top, right, bottom = _box(COST_PX)
    space = LabelSpace((left, top, right, bottom))
    spots = [(cost, (_log_x(cost.cpu_ratio, left, right), _log_y(cost.loss, top, bottom))) for cost in costs]
    space.block_marks((spot for _, spot in spots), 6)
    marks: list[Child] = []
    for cost, (x, y) in sorted(spots, key=lambda item: not item[0].is_ours):
        css_class = "ours" if cost.is_ours else "peer"
        told = f"{cost.name}: loss {100 * cost.loss:.2f} %, CPU {100 * cost.cpu_ratio:.1f} % of the grid"
        circle = element("circle", element("title", told), cx=x, cy=y, r=6.0 if cost.is_ours else 4.5, class_=css_class)
        label = space.place(Label(cost.name, (x, y), len(cost.name), css_class=css_class), RIGHT_FIRST)
        marks += [circle, label]
    named = f"{setting}: mean hull loss against CPU of the exhaustive grid"
    return _file(COST_PX, named, [_cost_axes(COST_PX), element("text", named, x=left, y=20, class_="title"), *marks])


def _panel(shot: ShotRecord) -> Markup:
    hull = measured(shot.hull)
    claims = [(point.bitrate_bps, point.vmaf) for point in shot.warm.chosen]
    plane = Plane(window_around([*hull, *claims]), PANEL_PX, PANEL_MARGINS_PX)
    left = plane.box_px[0]
    result = f"loss {100 * shot.warm.loss.mean:.2f} %, {shot.warm.trials} trials"
    return element(
        "g",
        draw_axes(plane, ticks=(5, 8)),
        element("text", shot.shot, x=left, y=20, class_="title"),
        element("text", result, x=left, y=36),
        element("text", "VMAF", x=left, y=52, text_anchor="end", class_="soft"),
        element("path", d=path_of(plane.line(hull)), class_="hull"),
        [_claim(plane, hull, claim) for claim in claims],
    )


def _claim(plane: Plane, hull: Sequence[Point], claim: Point) -> Markup:
    x, y = plane.at(claim)
    cheapest = min((rate for rate, vmaf in hull if vmaf >= claim[1]), default=claim[0])
    return element("circle", cx=x, cy=y, r=3.2, class_="far" if claim[0] > 1.05 * cheapest else "claim")


def _cost_axes(size_px: tuple[float, float]) -> Markup:
    left, top, right, bottom = _box(size_px)
    ratios = [
        (_log_x(ratio, left, right), f"{100 * ratio:g} %") for ratio in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
    ]
    losses = [
        (_log_y(loss, top, bottom), f"{100 * loss:g} %") for loss in (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1)
    ]
    grid = "".join(f"M{x:.1f} {top:g}V{bottom:g}" for x, _ in ratios)
    grid += "".join(f"M{left:g} {y:.1f}H{right:g}" for y, _ in losses)
    return element(
        "g",
        element("path", d=grid, class_="grid"),
        [element("text", text, x=x, y=bottom + 16, text_anchor="middle") for x, text in ratios],
        [element("text", text, x=left - 5, y=y + 4, text_anchor="end") for y, text in losses],
        element("text", "CPU of the exhaustive grid", x=right, y=bottom + 34, text_anchor="end"),
        element("text", "mean hull loss", x=left, y=34),
        class_="axes",
    )


def _file(size_px: tuple[float, float], named: str, content: Child) -> Markup:
    width, height = size_px
    return element(
        "svg",
        element("title", named),
        element("style", Markup(STYLE)),
        element("rect", width=width, height=height, fill="#fff"),
        content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
    )


def _box(size_px: tuple[float, float]) -> tuple[float, float, float, float]:
    top, right, bottom, left = COST_MARGINS_PX
    return left + 8, top, size_px[0] - right, size_px[1] - bottom


def _log_x(ratio: float, left: float, right: float) -> float:
    return left + _part(ratio, COST_RANGE) * (right - left)


def _log_y(loss: float, top: float, bottom: float) -> float:
    return bottom - _part(loss, LOSS_RANGE) * (bottom - top)


def _part(value: float, limits: tuple[float, float]) -> float:
    low, high = limits
    inside = min(max(value, low), high)
    return math.log(inside / low) / math.log(high / low)
