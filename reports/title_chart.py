"""The rate–quality chart of a title in one codec: hulls, rungs as promised and delivered, the fixed ladder beside."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.result import ResultLadder, ResultRung, TitlePicture
from reports.axes import Plane, Point, Window, draw_axes, measured, path_of, window_around
from reports.labels import ABOVE_FIRST, BELOW_FIRST, RIGHT_FIRST, Label, LabelSpace
from reports.markup import Markup, element, join, svg_picture
from reports.numerals import write_bitrate, write_ladder, write_score
from reports.palette import ResolutionMarks, height_of


@dataclass(frozen=True)
class ChartSize:
    """One drawing of a chart: the page shows the one that fits its width."""

    name: str
    width_px: float
    height_px: float
    ticks: tuple[int, int]
    """Most ticks on the rate axis and on the VMAF axis."""


WIDE = ChartSize("wide", 760, 430, (8, 11))
NARROW = ChartSize("narrow", 340, 340, (4, 9))


@dataclass(frozen=True)
class TitleChart:
    """What one chart shows."""

    ladder: ResultLadder
    picture: TitlePicture | None
    marks: ResolutionMarks
    window: Window
    """Shared by all codecs of the title, so that their charts compare."""

    def draw(self) -> Markup:
        """Returns the chart in both sizes; style sheets show one of them."""
        return join(self._draw_in(WIDE), self._draw_in(NARROW))

    def _draw_in(self, size: ChartSize) -> Markup:
        plane = Plane(self.window, (size.width_px, size.height_px), (26, 14, 40, 34))
        space = LabelSpace(plane.box_px)
        hulls = self._hull_lines(plane)
        fixed = self._fixed_points()
        for pixels in (*hulls.values(), plane.line(fixed), plane.line(self._delivered())):
            space.block_line(pixels)
        space.block_marks((plane.at(point) for point in (*fixed, *self._delivered(), *self._promised())), 5)
        names = (f"title-{self.ladder.name}-{size.name}", (size.width_px, size.height_px), self._heading())
        return element(
            "div",
            svg_picture(
                *names,
                draw_axes(plane, ticks=size.ticks),
                _axis_names(plane),
                self._draw_fixed(plane, space),
                [
                    element("path", d=path_of(pixels), class_=f"hull-line {self._color(name)}")
                    for name, pixels in hulls.items()
                ],
                element("path", d=path_of(plane.line(self._delivered())), class_="ladder-line"),
                self._draw_rungs(plane, space),
                self._label_hulls(hulls, space),
            ),
            class_=f"only-{size.name}",
        )

    def _heading(self) -> tuple[str, str]:
        codec = write_ladder(self.ladder)
        rungs = "; ".join(
            f"{rung.width_px}x{rung.height_px} at {write_bitrate(rung.delivered.bitrate_bps)}, "
            f"VMAF {write_score(rung.delivered.vmaf_mean)}"
            for rung in self.ladder.rungs
        )
        return f"Rate and quality of the {codec} ladder", f"Delivered rungs: {rungs}. All numbers stand in the tables."

    def _color(self, resolution: str) -> str:
        return self.marks.color_class(height_of(resolution))

    def _delivered(self) -> list[Point]:
        return measured((rung.delivered.bitrate_bps, rung.delivered.vmaf_mean) for rung in self.ladder.rungs)

    def _promised(self) -> list[Point]:
        return measured((rung.promised.bitrate_bps, rung.promised.vmaf) for rung in self.ladder.rungs)

    def _fixed_points(self) -> list[Point]:
        rungs = self.ladder.baseline.rungs if self.ladder.baseline else ()
        return measured((rung.bitrate_bps, rung.vmaf_mean) for rung in rungs)

    def _hull_lines(self, plane: Plane) -> dict[str, list[Point]]:
        hulls = self.picture.title_hulls if self.picture else {}
        lines = {
            name: plane.line(measured(hulls[name])) for name in sorted(hulls, key=lambda key: (height_of(key), key))
        }
        return {name: pixels for name, pixels in lines.items() if pixels}

    def _draw_fixed(self, plane: Plane, space: LabelSpace) -> Markup | None:
        points = [point for point in sorted(self._fixed_points()) if plane.shows(point)]
        if not points or self.ladder.baseline is None:
            return None
        squares = "".join(f"M{x - 4:.1f} {y - 4:.1f}h8v8h-8z" for x, y in map(plane.at, points))
        name = "fixed ladder"
        label = Label(name, plane.at(points[len(points) // 2]), len(name), css_class="label fixed-label")
        return element(
            "g",
            element("path", d=path_of(plane.line(points)), class_="fixed-line"),
            element("path", d=squares, class_="fixed-mark"),
            space.place(label, BELOW_FIRST),
        )

    def _draw_rungs(self, plane: Plane, space: LabelSpace) -> list[Markup]:
        return [
            self._draw_rung(number, rung, plane, space)
            for number, rung in enumerate(self.ladder.rungs, start=1)
            if measured([(rung.delivered.bitrate_bps, rung.delivered.vmaf_mean)])
        ]

    def _draw_rung(self, number: int, rung: ResultRung, plane: Plane, space: LabelSpace) -> Markup:
        x, y = plane.at((rung.delivered.bitrate_bps, rung.delivered.vmaf_mean))
        name = f"{number} · {rung.height_px}p"
        return element(
            "g",
            element("title", _rung_words(number, rung)),
            self._draw_promise(rung, plane, (x, y)),
            element("circle", cx=x, cy=y, r=5.5, class_="rung-dot"),
            space.place(Label(name, (x, y), len(name), css_class="label rung-label"), ABOVE_FIRST),
            class_=f"rung {self.marks.color_class(rung.height_px)}",
            data_rung=f"{self.ladder.name}-{number}",
        )

    def _draw_promise(self, rung: ResultRung, plane: Plane, delivered: Point) -> Markup | None:
        promised = measured([(rung.promised.bitrate_bps, rung.promised.vmaf)])
        if not promised:
            return None
        x, y = plane.at(promised[0])
        return join(
            element("path", d=path_of([(x, y), delivered]), class_="miss-line"),
            element("circle", cx=x, cy=y, r=8, class_="promise-ring"),
        )

    def _label_hulls(self, hulls: dict[str, list[Point]], space: LabelSpace) -> list[Markup]:
        texts = {name: f"{height_of(name)}p" if height_of(name) else name for name in hulls}
        return [
            space.place(
                Label(
                    texts[name],
                    pixels[-1],
                    len(texts[name]),
                    gap_px=4,
                    css_class=f"label hull-label {self._color(name)}",
                ),
                RIGHT_FIRST,
            )
            for name, pixels in hulls.items()
        ]


def title_window(ladders: Sequence[ResultLadder], pictures: Sequence[TitlePicture]) -> Window:
    """Returns the window that shows all ladders of a title, and of the hulls what lies near them."""
    rungs = [rung for ladder in ladders for rung in ladder.rungs]
    points = [(rung.delivered.bitrate_bps, rung.delivered.vmaf_mean) for rung in rungs]
    points += [(rung.promised.bitrate_bps, rung.promised.vmaf) for rung in rungs]
    points += [
        (rung.bitrate_bps, rung.vmaf_mean) for ladder in ladders if ladder.baseline for rung in ladder.baseline.rungs
    ]
    hulls = [point for picture in pictures for hull in picture.title_hulls.values() for point in hull]
    return window_around(measured(points) or measured(hulls), room=1.5)


def _rung_words(number: int, rung: ResultRung) -> str:
    delivered, promised = rung.delivered, rung.promised
    return (
        f"Rung {number}, {rung.width_px}x{rung.height_px}: "
        f"delivered {write_bitrate(delivered.bitrate_bps)}, VMAF {write_score(delivered.vmaf_mean)}; "
        f"promised {write_bitrate(promised.bitrate_bps)}, VMAF {write_score(promised.vmaf)}"
    )


def _axis_names(plane: Plane) -> Markup:
    left, _, right, bottom = plane.box_px
    return join(
        element("text", "VMAF (mean over the title)", x=left - 28, y=12, class_="axis-name"),
        element("text", "bitrate, logarithmic", x=right, y=bottom + 33, text_anchor="end", class_="axis-name"),
    )
