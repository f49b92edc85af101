"""The table of shots by rungs: VMAF in cells tinted by their distance from the rung's mean."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.result import ResultLadder, ResultRung, TitleResult
from reports.ladder_tables import Table, head_cell
from reports.markup import Child, Markup, element
from reports.numerals import NOTHING, write_crf, write_kilobits, write_ladder, write_score, write_seconds, write_time

TINT_STEPS_VMAF = (1.0, 3.0, 6.0, 10.0)
"""Distances from the rung's mean at which the tint grows."""


@dataclass(frozen=True)
class ShotTable:
    """Shots by rungs of one ladder."""

    result: TitleResult
    ladder: ResultLadder
    drawn: frozenset[int]
    """Shots that have a card on the page, to link to."""

    def draw(self, shots: Sequence[int]) -> Markup:
        """Returns the table of the given shots, in the order of the title."""
        codec = write_ladder(self.ladder)
        rungs = [f"{number} · {rung.height_px}p" for number, rung in enumerate(self.ladder.rungs, start=1)]
        head = element(
            "tr",
            [head_cell(name, css_class="words") for name in ("Shot", "Start, length")],
            [head_cell(name) for name in rungs],
        )
        caption = f"{codec}: delivered VMAF of each shot in each rung; under it CRF · kb/s"
        rows = [self._row(index) for index in shots]
        return Table(caption, f"{codec}: shots by rungs", head, [self._mean_row(), *rows], "heat").draw()

    def _mean_row(self) -> Markup:
        cells = [
            element(
                "td",
                element("b", write_score(rung.delivered.vmaf_mean)),
                element("i", f"{write_kilobits(rung.delivered.bitrate_bps)}"),
            )
            for rung in self.ladder.rungs
        ]
        source = self.result.source
        return element(
            "tr",
            head_cell("Title", scope="row", css_class="words"),
            _time_cell(write_time(0, source.frame_rate), source.duration_s),
            cells,
            class_="mean-row",
        )

    def _row(self, index: int) -> Markup:
        frames, rate = self.result.shots[index], self.result.source.frame_rate
        name: Child = element("a", str(index), href=f"#shot-{index}") if index in self.drawn else str(index)
        return element(
            "tr",
            head_cell(name, scope="row", css_class="words"),
            _time_cell(write_time(frames.start_frame, rate), float(frames.frames / rate)),
            [_cell(rung, index) for rung in self.ladder.rungs],
        )


def _time_cell(start: str, duration_s: float) -> Markup:
    return element("td", start, element("i", write_seconds(duration_s)), class_="words")


def tint_class(difference_vmaf: float) -> str | None:
    """Returns the CSS class of a cell: ``l1``–``l4`` below the rung's mean, ``h1``–``h4`` above, ``None`` near it."""
    if not math.isfinite(difference_vmaf):
        return None
    strength = sum(abs(difference_vmaf) >= step for step in TINT_STEPS_VMAF)
    return f"{'l' if difference_vmaf < 0 else 'h'}{strength}" if strength else None


def tint_key() -> Markup:
    """Returns the legend of the tints."""
    below = [(f"l{strength}", f"−{step:g}") for strength, step in reversed(list(enumerate(TINT_STEPS_VMAF, start=1)))]
    above = [(f"h{strength}", f"+{step:g}") for strength, step in enumerate(TINT_STEPS_VMAF, start=1)]
    return element("p", "VMAF against the rung’s mean: ", list(_swatches(below, above)), class_="tint-key")


def _swatches(below: list[tuple[str, str]], above: list[tuple[str, str]]) -> Iterable[Markup]:
    for css_class, text in (*below, ("", "mean"), *above):
        yield element("span", text, class_=f"swatch {css_class}".strip())


def _cell(rung: ResultRung, index: int) -> Markup:
    if index >= len(rung.shots):
        return element("td", NOTHING)
    shot = rung.shots[index]
    return element(
        "td",
        element("b", write_score(shot.vmaf)),
        element("i", f"{write_crf(shot.crf)} · {write_kilobits(shot.bitrate_bps)}"),
        class_=tint_class(shot.vmaf - rung.delivered.vmaf_mean),
    )
