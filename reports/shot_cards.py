"""A card for each shot: a small rate–quality chart of its trial encodes, and what each rung gave it."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.result import PicturePoint, ResultLadder, ResultShotPoint, TitlePicture, TitleResult
from reports.axes import Plane, Window, draw_axes, measured, path_of, window_around
from reports.ladder_tables import head_cell
from reports.markup import Markup, element, svg_picture
from reports.numerals import (
    write_bitrate,
    write_crf,
    write_kilobits,
    write_ladder,
    write_score,
    write_seconds,
    write_time,
)
from reports.palette import ResolutionMarks
from reports.telling_shots import ShotSpread

SIZE_PX = (300.0, 176.0)


@dataclass(frozen=True)
class ShotCards:
    """Draws the cards of a title's shots, all on the same axes."""

    result: TitleResult
    pictures: Sequence[TitlePicture]
    marks: ResolutionMarks
    window: Window

    def draw(self, spread: ShotSpread) -> Markup:
        """Returns the card of one shot."""
        index = spread.shot_index
        frames, rate = self.result.shots[index], self.result.source.frame_rate
        start, end = write_time(frames.start_frame, rate), write_time(frames.end_frame, rate)
        length = write_seconds(float(frames.frames / rate))
        return element(
            "article",
            element("h3", f"Shot {index}", element("small", f"{start} to {end}, {length}, {frames.frames} frames")),
            element("p", spread.words, class_="telling"),
            element("div", [self._panel(ladder, index) for ladder in self.result.ladders], class_="panels"),
            class_="card",
            id=f"shot-{index}",
        )

    def _panel(self, ladder: ResultLadder, index: int) -> Markup:
        rungs = [(number, rung.shots[index]) for number, rung in enumerate(ladder.rungs, 1) if index < len(rung.shots)]
        points = trial_points(self.pictures, ladder, index)
        return element(
            "div", self._chart(ladder, index, points, rungs), _rung_table(ladder, index, rungs), class_="panel"
        )

    def _chart(
        self,
        ladder: ResultLadder,
        index: int,
        points: Sequence[PicturePoint],
        rungs: Sequence[tuple[int, ResultShotPoint]],
    ) -> Markup:
        plane = Plane(self.window, SIZE_PX, (22, 8, 22, 26))
        codec = write_ladder(ladder)
        hull = plane.line(measured((point.bitrate_bps, point.vmaf) for point in points if point.on_hull))
        heading = (
            f"Shot {index} in {codec}",
            f"{len(points)} trial encodes, {sum(point.on_hull for point in points)} on the hull, {len(rungs)} rungs.",
        )
        return svg_picture(
            f"shot-{index}-{ladder.name}",
            SIZE_PX,
            heading,
            draw_axes(plane, ticks=(4, 6)),
            element("text", codec, x=2, y=12, class_="panel-name"),
            element("path", d=path_of(hull), class_="shot-hull"),
            [self._trial(plane, point) for point in points if measured([(point.bitrate_bps, point.vmaf)])],
            [_operating_point(plane, number, shot) for number, shot in rungs],
        )

    def _trial(self, plane: Plane, point: PicturePoint) -> Markup:
        words = f"{point.height_px}p, {_encode_words(point)}"
        return element(
            "path",
            element("title", words),
            d=self.marks.mark(point.height_px, plane.at((point.bitrate_bps, point.vmaf)), 3.2),
            class_=f"point {'hull ' if point.on_hull else ''}{self.marks.color_class(point.height_px)}",
        )


def trial_points(pictures: Sequence[TitlePicture], ladder: ResultLadder, index: int) -> Sequence[PicturePoint]:
    """Returns the trial encodes of one shot in a ladder's codec, none if the pictures do not hold it."""
    for picture in pictures:
        if picture.name == ladder.name and index < len(picture.shot_points):
            return picture.shot_points[index]
    return ()


def shot_window(result: TitleResult, pictures: Sequence[TitlePicture], shots: Sequence[int]) -> Window:
    """Returns the window that shows every trial encode and operating point of the given shots."""
    trials = (trial_points(pictures, ladder, index) for ladder in result.ladders for index in shots)
    rungs = [rung for ladder in result.ladders for rung in ladder.rungs]
    delivered = [rung.shots[index] for rung in rungs for index in shots if index < len(rung.shots)]
    points = [(trial.bitrate_bps, trial.vmaf) for encodes in trials for trial in encodes]
    return window_around(measured([*points, *((shot.bitrate_bps, shot.vmaf) for shot in delivered)]))


def _encode_words(encode: PicturePoint | ResultShotPoint) -> str:
    return f"CRF {write_crf(encode.crf)}: {write_bitrate(encode.bitrate_bps)}, VMAF {write_score(encode.vmaf)}"


def _operating_point(plane: Plane, number: int, shot: ResultShotPoint) -> Markup | None:
    if not measured([(shot.bitrate_bps, shot.vmaf)]):
        return None
    x, y = plane.at((shot.bitrate_bps, shot.vmaf))
    words = f"Rung {number} as delivered, {_encode_words(shot)}"
    return element(
        "g",
        element("title", words),
        element("circle", cx=x, cy=y, r=5, class_="operating-ring"),
        element("text", str(number), x=x - 5, y=y - 6, text_anchor="end", class_="operating-number"),
    )


def _rung_table(ladder: ResultLadder, index: int, rungs: Sequence[tuple[int, ResultShotPoint]]) -> Markup:
    rows = [
        element(
            "tr",
            head_cell(f"{number} · {ladder.rungs[number - 1].height_px}p", scope="row", css_class="words"),
            element("td", write_crf(shot.crf)),
            element("td", write_kilobits(shot.bitrate_bps)),
            element("td", write_score(shot.vmaf)),
        )
        for number, shot in rungs
    ]
    names = ("Rung", "CRF", "kb/s", "VMAF")
    head = element("tr", [head_cell(name, css_class="words" if name == "Rung" else None) for name in names])
    label = f"Shot {index}, {write_ladder(ladder)}: what each rung gave it"
    return element("table", element("thead", head), element("tbody", rows), class_="small-table", aria_label=label)
