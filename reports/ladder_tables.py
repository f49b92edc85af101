"""Tables of a title's ladders: promise beside delivery, and the fixed ladder."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.result import BaselineRung, ResultBaseline, ResultLadder, ResultRung
from domain.video import Codec
from reports.markup import Child, Markup, element, join
from reports.numerals import (
    CODEC_NAMES,
    NOTHING,
    write_difference,
    write_kilobits,
    write_ladder,
    write_rate_change,
    write_score,
)
from reports.palette import ResolutionMarks

TOLERANCE_VMAF = 0.5
"""A rung further than this from its promise (VMAF mean over the title) has missed it."""


def missed_by(rung: ResultRung) -> float | None:
    """Returns delivered minus promised VMAF if the rung missed its promise, else ``None``."""
    difference = rung.delivered.vmaf_mean - rung.promised.vmaf
    return difference if abs(difference) > TOLERANCE_VMAF else None


@dataclass(frozen=True)
class Table:
    """A table with its words for people who do not see it."""

    caption: Child
    label: str
    """Names the region that scrolls where the page is narrow."""
    head: Child
    rows: Sequence[Markup]
    css_class: str = ""

    def draw(self) -> Markup:
        """Returns the table in a region that scrolls sideways by itself."""
        table = element(
            "table",
            element("caption", self.caption),
            element("thead", self.head),
            element("tbody", *self.rows),
            class_=self.css_class or None,
        )
        return element("div", table, class_="scroll", role="region", aria_label=self.label, tabindex="0")


def head_cell(content: Child, *, scope: str = "col", span: int | None = None, css_class: str | None = None) -> Markup:
    """Returns a header cell; ``scope`` is ``col``, ``row`` or ``colgroup``."""
    return element("th", content, scope=scope, colspan=span, class_=css_class)


def ladder_table(ladder: ResultLadder, marks: ResolutionMarks) -> Markup:
    """Returns the table of a ladder's rungs in rising rate."""
    codec = write_ladder(ladder)
    groups = element(
        "tr",
        head_cell("", span=2, scope="colgroup"),
        head_cell("Promised", span=3, scope="colgroup", css_class="group"),
        head_cell("Delivered: measured on every frame", span=6, scope="colgroup", css_class="group"),
        head_cell("", span=2, scope="colgroup", css_class="group"),
    )
    names = (
        "Rung",
        "Size",
        "kb/s",
        "VMAF",
        "±",
        "kb/s",
        "peak kb/s",
        "mean",
        "harmonic",
        "p5",
        "min",
        "Promise",
        "Why it stands here",
    )
    starts = {2, 5, 11}
    columns = element(
        "tr", [head_cell(name, css_class=_column_class(name, index in starts)) for index, name in enumerate(names)]
    )
    rows = [_rung_row(number, rung, ladder.name, marks) for number, rung in enumerate(ladder.rungs, start=1)]
    caption = (
        f"{codec} ladder. ± is the promise's expected deviation in VMAF. Mean, harmonic "
        "mean, p5 and min are VMAF over all frames; peak is the largest second."
    )
    return Table(caption, f"{codec} ladder", join(groups, columns), rows, "ladder").draw()


def _column_class(name: str, is_start: bool) -> str | None:  # noqa: FBT001  (one caller, two lines above)
    words = "words " if name in {"Promise", "Why it stands here", "Size", "Rung"} else ""
    return f"{words}{'group' if is_start else ''}".strip() or None


def _rung_row(number: int, rung: ResultRung, ladder: str, marks: ResolutionMarks) -> Markup:
    delivered = rung.delivered
    missed = missed_by(rung)
    size = element("span", f"{rung.width_px}×{rung.height_px}", class_=marks.color_class(rung.height_px))
    return element(
        "tr",
        head_cell(str(number), scope="row"),
        element("td", size, class_="words size", title=rung.name),
        _cell(write_kilobits(rung.promised.bitrate_bps), "group"),
        _cell(write_score(rung.promised.vmaf)),
        element("td", _error(rung), title=_error_words(rung)),
        _cell(write_kilobits(delivered.bitrate_bps), "group"),
        _cell(write_kilobits(delivered.peak_bitrate_bps)),
        _cell(element("strong", write_score(delivered.vmaf_mean))),
        [_cell(write_score(score)) for score in (delivered.vmaf_harmonic, delivered.vmaf_p5, delivered.vmaf_min)],
        element("td", _verdict(rung, missed), class_="words verdict group"),
        element("td", rung.reason or NOTHING, class_="words reason"),
        class_="missed" if missed is not None else None,
        data_rung=f"{ladder}-{number}",
    )


def _error(rung: ResultRung) -> str:
    return NOTHING if rung.promise_error is None else f"{rung.promise_error.vmaf:.2f}"


def _error_words(rung: ResultRung) -> str | None:
    if rung.promise_error is None:
        return None
    return f"one standard deviation, in VMAF at this rate; or {100 * rung.promise_error.bitrate:.1f} % of rate"


def _cell(content: Child, css_class: str | None = None) -> Markup:
    return element("td", content, class_=css_class)


def _verdict(rung: ResultRung, missed: float | None) -> Markup:
    difference = rung.delivered.vmaf_mean - rung.promised.vmaf
    corrected = element("span", "corrected once", class_="tag") if rung.corrected else None
    if missed is None:
        return join(
            element("span", f"kept ({write_difference(difference)})", class_="kept"),
            " " if corrected else None,
            corrected,
        )
    side = "▲ missed: {} above" if missed > 0 else "▼ missed: {} below"
    return join(element("strong", side.format(_distance(missed)), class_="miss"), " " if corrected else None, corrected)


def _distance(difference: float) -> str:
    """Writes a missed distance so that it never reads as the tolerance itself."""
    digits = 1 if round(abs(difference), 1) > TOLERANCE_VMAF else 2
    return write_difference(abs(difference), digits).lstrip("+")


def fixed_table(baseline: ResultBaseline, codec: Codec) -> Markup:
    """Returns the BD-rate against the fixed ladder and the fixed ladder's rungs as measured."""
    names = ("Size", "target kb/s", "kb/s", "mean", "harmonic")
    head = element("tr", [head_cell(name, css_class="words" if name == "Size" else None) for name in names])
    scored = "" if baseline.scored_every == 1 else f", scored on one frame in {baseline.scored_every}"
    caption = ["Fixed ladder ", element("q", baseline.name), ", encoded and measured in ", CODEC_NAMES[codec], scored]
    rows = [_fixed_row(rung) for rung in baseline.rungs]
    return join(
        _rate_change(baseline), Table(caption, f"Fixed ladder, {CODEC_NAMES[codec]}", head, rows, "fixed").draw()
    )


def _rate_change(baseline: ResultBaseline) -> Markup:
    if baseline.bd_rate is None:
        return element("p", "No BD-rate: the two ladders share no range of VMAF.", class_="change none")
    return element(
        "p",
        element("strong", write_rate_change(baseline.bd_rate)),
        element("span", f"than the fixed ladder at equal VMAF (BD-rate {write_difference(baseline.bd_rate * 100)} %)"),
        class_="change",
    )


def _fixed_row(rung: BaselineRung) -> Markup:
    return element(
        "tr",
        head_cell(f"{rung.width_px}×{rung.height_px}", scope="row", css_class="words size"),
        _cell(write_kilobits(rung.target_bitrate_bps)),
        _cell(write_kilobits(rung.bitrate_bps)),
        _cell(element("strong", write_score(rung.vmaf_mean))),
        _cell(write_score(rung.vmaf_harmonic)),
    )
