"""The report of a title: one self-contained HTML page from its result and its pictures."""

from collections.abc import Sequence

from domain.hdr import ToneMapping
from domain.result import ResultLadder, TitlePicture, TitleResult
from reports.check_table import draw_checks
from reports.findings_section import draw_findings
from reports.ladder_tables import fixed_table, ladder_table
from reports.markup import Markup, element, join
from reports.numerals import write_count, write_ladder
from reports.overview import draw_overview
from reports.palette import ResolutionMarks, marks_of
from reports.provenance import draw_notes, draw_provenance
from reports.search_tables import search_table
from reports.shot_cards import ShotCards, shot_window
from reports.shot_tables import ShotTable, tint_key
from reports.style import SCRIPT, STYLE
from reports.telling_shots import spread_of, telling_shots
from reports.time_line import draw_time_line
from reports.title_chart import TitleChart, title_window


def render_report(result: TitleResult, pictures: Sequence[TitlePicture]) -> str:
    """Returns the report as one HTML document that needs nothing else: no network, no script, no clock.

    Equal input gives equal bytes. Whatever stands in the result is text and is escaped.

    Args:
        result: What was made of the title, measured.
        pictures: Trial encodes and predicted hulls, at most one for each codec; without one, no hull is drawn.
    """
    marks = marks_of(result, pictures)
    body = element(
        "body",
        element(
            "main",
            draw_overview(result),
            _contents(result),
            _ladders(result, pictures, marks),
            draw_notes(result),
            draw_findings(result),
            _shots(result, pictures, marks),
            draw_checks(result.checks) if result.checks else None,
            draw_provenance(result),
            element("footer", "Made by pertitle from measured numbers. How to read this page: docs/report.md."),
        ),
        element("script", Markup(SCRIPT)),
    )
    return f'<!DOCTYPE html>\n<html lang="en">{_head(result)}{body}</html>\n'


def _head(result: TitleResult) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{result.title_id} – ladder report"),
        element("style", Markup(STYLE)),
    )


def _contents(result: TitleResult) -> Markup:
    codecs = [(f"#ladder-{ladder.name}", f"{write_ladder(ladder)} ladder") for ladder in result.ladders]
    notes = [("#notes", "Notes")] if result.notes else []
    checks = [("#checks", "Checks")] if result.checks else []
    found = [("#inspection", "Inspection")] if result.inspection.checks else []
    shots, cost = ("#shots", "Shots"), ("#cost", "Time and CPU")
    rest = [*notes, *found, shots, *checks, cost, ("#audio", "Audio"), ("#tools", "Tools")]
    links = [element("a", name, href=target) for target, name in (*codecs, *rest)]
    return element("nav", links, aria_label="Sections")


def _ladders(result: TitleResult, pictures: Sequence[TitlePicture], marks: ResolutionMarks) -> list[Markup]:
    window = title_window(result.ladders, pictures)
    by_name = {picture.name: picture for picture in pictures}
    return [_ladder(ladder, TitleChart(ladder, by_name.get(ladder.name), marks, window)) for ladder in result.ladders]


def _ladder(ladder: ResultLadder, chart: TitleChart) -> Markup:
    beside = element("div", fixed_table(ladder.baseline, ladder.codec), class_="beside") if ladder.baseline else None
    figure = element("figure", chart.draw(), element("figcaption", _chart_key(has_fixed=bool(beside))), class_="chart")
    return element(
        "section",
        element("h2", f"{write_ladder(ladder)} ladder"),
        _mapping_words(ladder.tone_mapping) if ladder.tone_mapping else None,
        element("div", figure, beside, class_="chart-row" if beside else None),
        ladder_table(ladder, chart.marks),
        search_table(ladder.search, write_ladder(ladder)) if ladder.search else None,
        id=f"ladder-{ladder.name}",
    )


def _mapping_words(mapping: ToneMapping) -> Markup:
    words = (
        f"BT.709, 8 bits, made of the {mapping.source_range} pictures by tone mapping: "
        f"{mapping.peak_cd_m2:g} cd/m² and all above become white. Measured against the tone-mapped pictures. Chain: "
    )
    return element("p", words, element("code", mapping.filters))


def _chart_key(*, has_fixed: bool) -> Markup:
    entries = [
        (
            '<path class="ladder-line" d="M0 12L18 4"/><circle class="rung-dot" cx="9" cy="8" r="5"/>',
            "delivered: the rung as published, measured on every frame",
        ),
        ('<circle class="promise-ring" cx="9" cy="8" r="6.5"/>', "promised, before it was encoded"),
        (
            '<path class="hull-line" d="M0 12Q6 4 18 4"/>',
            "hull of a resolution, predicted for the title from trial encodes",
        ),
    ]
    if has_fixed:
        square = '<path class="fixed-line" d="M0 8H18"/><path class="fixed-mark" d="M5 4h8v8h-8z"/>'
        entries.append((square, "fixed ladder, encoded and measured"))
    items = [
        element("li", element("svg", Markup(mark), viewBox="0 0 18 16", class_="sample", aria_hidden="true"), words)
        for mark, words in entries
    ]
    return element("ul", items, class_="key")


def _shots(result: TitleResult, pictures: Sequence[TitlePicture], marks: ResolutionMarks) -> Markup:
    spreads = [spread_of(result, index) for index in range(len(result.shots))]
    chosen = telling_shots(spreads)
    cards = ShotCards(result, pictures, marks, shot_window(result, pictures, chosen))
    tables = [ShotTable(result, ladder, frozenset(chosen)) for ladder in result.ladders]
    return element(
        "section",
        element("h2", "Shots"),
        _selection_words(len(result.shots), len(chosen)),
        draw_time_line(result),
        tint_key(),
        element("div", [table.draw(chosen) for table in tables], class_="tables"),
        _all_shots(tables, len(spreads)) if len(chosen) < len(spreads) else None,
        element("h3", "Trial encodes of each shot", class_="subhead"),
        _card_words(marks),
        element("div", [cards.draw(spreads[index]) for index in chosen], class_="cards"),
        id="shots",
    )


def _selection_words(count: int, chosen: int) -> Markup:
    if chosen == count:
        return element("p", f"{write_count(count, 'shot')}, numbered from 0 as in result.json.")
    words = (
        f"{write_count(count, 'shot')}, numbered from 0 as in result.json. Shown are the {chosen} most telling: "
        f"those that fall furthest below the VMAF of their rung and those whose rate differs most from it. "
        f"{write_count(count - chosen, 'shot')} are folded into the table of all shots."
    )
    return element("p", words)


def _all_shots(tables: Sequence[ShotTable], count: int) -> Markup:
    return element(
        "details",
        element("summary", f"All {write_count(count, 'shot')}"),
        element("div", [table.draw(range(count)) for table in tables], class_="tables"),
    )


def _card_words(marks: ResolutionMarks) -> Markup:
    words = (
        "Each mark is a trial encode; filled marks and the line are the shot’s upper hull. "
        "Numbered rings are the rungs as delivered. All charts share their axes."
    )
    return join(element("p", words), marks.key())
