"""The title's time line: its shots, and what each takes in the top rung of each ladder (area = bits)."""

from dataclasses import dataclass
from fractions import Fraction

from domain.result import ResultLadder, ResultRung, TitleResult
from reports.markup import Markup, element, join, svg_picture
from reports.numerals import write_bitrate, write_ladder, write_score, write_time
from reports.title_chart import NARROW, WIDE

ROW_PX = 104.0
HEAD_PX = 36.0
FOOT_PX = 38.0
GLYPH_PX = 6.4
"""Width of a digit in the strip's labels."""
TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True)
class Strip:
    """One drawing of the time line."""

    result: TitleResult
    name: str
    width_px: float

    def draw(self) -> Markup:
        """Returns the strip: a row of bars for each ladder over a row of shot numbers and times."""
        ladders = [ladder for ladder in self.result.ladders if ladder.rungs]
        height = ROW_PX * len(ladders) + FOOT_PX
        count = len(self.result.shots)
        heading = (
            f"Time line with {count} shots",
            "For each ladder the rate of every shot in the top rung; the area of a bar is the bits it takes.",
        )
        picture = svg_picture(
            f"time-line-{self.name}",
            (self.width_px, height),
            heading,
            [self._row(ladder, ROW_PX * (row + 1)) for row, ladder in enumerate(ladders)],
            self._foot(ROW_PX * len(ladders)),
        )
        return element("div", picture, class_=f"only-{self.name}")

    def _x(self, frame: float) -> float:
        return frame / max(1, self.result.source.frames) * self.width_px

    def _row(self, ladder: ResultLadder, bottom_px: float) -> Markup:
        rung, number = ladder.rungs[-1], len(ladder.rungs)
        largest = max([shot.bitrate_bps for shot in rung.shots] + [rung.delivered.bitrate_bps, 1.0])
        scale = (ROW_PX - HEAD_PX) / largest
        mean_px = bottom_px - rung.delivered.bitrate_bps * scale
        mean = write_bitrate(rung.delivered.bitrate_bps)
        words = f"{write_ladder(ladder)} rung {number} · {rung.height_px}p · mean {mean}"
        return element(
            "g",
            [self._bar(rung, index, bottom_px, scale) for index in range(min(len(rung.shots), len(self.result.shots)))],
            element("path", d=f"M0 {mean_px:.1f}H{self.width_px:g}", class_="mean-line"),
            element("path", d=f"M0 {bottom_px:g}H{self.width_px:g}", class_="axis"),
            element("text", words, x=0, y=bottom_px - ROW_PX + 22, class_="strip-name"),
        )

    def _bar(self, rung: ResultRung, index: int, bottom_px: float, scale: float) -> Markup:
        frames, shot = self.result.shots[index], rung.shots[index]
        left, right = self._x(frames.start_frame), self._x(frames.end_frame)
        length = shot.bitrate_bps * scale
        words = f"Shot {index}: {write_bitrate(shot.bitrate_bps)}, VMAF {write_score(shot.vmaf)}"
        score = write_score(shot.vmaf)
        fits = right - left > GLYPH_PX * len(score) + 6
        inside = length > 18
        label = element(
            "text",
            score,
            x=(left + right) / 2,
            y=bottom_px - length + (14 if inside else -4),
            text_anchor="middle",
            class_="bar-score" if inside else "bar-score out",
        )
        gap = 0.75 if right - left > 4 else 0.0
        bar = element("rect", x=left + gap, y=bottom_px - length, width=max(0.4, right - left - 2 * gap), height=length)
        return element("g", element("title", words), bar, label if fits else None, class_="shot-bar")

    def _foot(self, top_px: float) -> Markup:
        return join(self._shot_numbers(top_px), self._times(top_px))

    def _shot_numbers(self, top_px: float) -> list[Markup]:
        numbers: list[Markup] = []
        free_from = 0.0
        apart_px = 4.0 if len(self.result.shots) * 20 < self.width_px else 24.0
        for index, frames in enumerate(self.result.shots):
            middle, half = self._x((frames.start_frame + frames.end_frame) / 2), GLYPH_PX * len(str(index)) / 2 + 2
            if middle - half >= free_from and middle + half <= self.width_px:
                numbers.append(
                    element("text", str(index), x=middle, y=top_px + 15, text_anchor="middle", class_="shot-number")
                )
                free_from = middle + half + apart_px
        return numbers

    def _times(self, top_px: float) -> Markup:
        rate, frames = self.result.source.frame_rate, self.result.source.frames
        duration_s = float(frames / rate) if rate else 0.0
        step = next((step for step in TIME_STEPS_S if duration_s / step * 64 <= self.width_px), 7200)
        seconds = range(0, int(duration_s) + 1, step)
        places = [(second, self._x(float(second * rate))) for second in seconds]
        places = [(second, x) for second, x in places if x <= self.width_px - 14]
        texts = [
            element("text", _clock(second), x=x, y=top_px + 33, text_anchor="start" if second == 0 else "middle")
            for second, x in places
        ]
        ticks = "".join(f"M{x:.1f} {top_px + 18:g}v4" for _, x in places)
        return element("g", element("path", d=ticks, class_="axis"), texts, class_="axes")


def draw_time_line(result: TitleResult) -> Markup:
    """Returns the time line as a figure, drawn for wide and for narrow pages."""
    if not result.shots or not any(ladder.rungs for ladder in result.ladders):
        return Markup()
    caption = (
        "Bars: rate of each shot in the top rung as delivered, so a bar’s area is the bits the shot takes; "
        "the number is its VMAF. Dotted: mean of the rung. Below: shot numbers and time."
    )
    return element(
        "figure",
        Strip(result, "wide", WIDE.width_px * 1.55).draw(),
        Strip(result, "narrow", NARROW.width_px).draw(),
        element("figcaption", caption),
        class_="time-line",
    )


def _clock(second: int) -> str:
    return write_time(second, Fraction(1)).removesuffix(".00")
