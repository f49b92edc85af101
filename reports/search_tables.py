"""What the trial encodes of a codec were: how many, what they cost by kind of work, and how sure the search is."""

from collections.abc import Sequence

from domain.cpu import CpuSplit
from domain.result import ResultSearch
from reports.ladder_tables import Table, head_cell
from reports.markup import Child, Markup, element
from reports.numerals import NOTHING, write_count, write_seconds

CPU_PARTS: tuple[tuple[str, str], ...] = (
    ("decode_s", "Decode"),
    ("scale_s", "Scale"),
    ("encode_s", "Encode"),
    ("metric_s", "Metric"),
    ("other_s", "Start and other"),
)
"""Parts of ``CpuSplit`` in the order of the work."""
STOP_WORDS = {
    "regret": "expected loss below the limit",
    "patience": "expected loss acceptable after that many trials",
    "max-trials": "largest number of trials",
    "budget": "budget spent",
    "not-worth": "another trial would cost more than it saves",
    "exhausted": "nothing left to try",
}
SHOWN_SHOTS = 12
"""Shots that are named; of more only the number is given."""


def search_table(search: ResultSearch, name: str) -> Markup:
    """Returns the table about the searches of one codec."""
    facts: tuple[tuple[str, Child], ...] = (
        ("Trial encodes", f"{search.trials}, {_each(search.trials, search.shots)}"),
        ("Rounds", f"{search.rounds}, {_each(search.rounds, search.shots)}"),
        ("CPU", f"{write_seconds(search.cpu.total_s)}: {_split(search.cpu)}"),
        ("Expected loss in rate", f"{_percent(search.regret_mean)} on average, {_percent(search.regret_max)} at most"),
        ("Searches ended by", _stops(search)),
        ("Crossovers certified", _certified(search)),
        ("Got the dense design", _shots(search.dense_shots)),
        ("Stopped before they were done", _shots(search.limited_shots)),
    )
    rows = [
        element("tr", head_cell(name, scope="row", css_class="words"), element("td", text, class_="words"))
        for name, text in facts
    ]
    head = element("tr", head_cell("Search", css_class="words"), head_cell("", css_class="words"))
    caption = f"{name}: how its trial encodes were chosen. CPU is what they cost when they were made."
    return Table(caption, f"Search, {name}", head, rows, "search").draw()


def _each(count: int, shots: int) -> str:
    return f"{count / shots:.1f} a shot" if shots else NOTHING


def _split(cpu: CpuSplit) -> str:
    total = cpu.total_s
    if total <= 0:
        return NOTHING
    return ", ".join(
        f"{name.lower()} {write_seconds(getattr(cpu, field))} ({100 * getattr(cpu, field) / total:.0f} %)"
        for field, name in CPU_PARTS
    )


def _percent(part: float) -> str:
    return f"{100 * part:.2f} %"


def _stops(search: ResultSearch) -> str:
    return "; ".join(f"{STOP_WORDS.get(stop, stop)}: {count}" for stop, count in search.stops.items()) or NOTHING


def _certified(search: ResultSearch) -> str:
    if not search.crossovers:
        return "no crossover: one size wins everywhere"
    return f"{search.certified} of {search.crossovers}"


def _shots(shots: Sequence[int]) -> str:
    if not shots:
        return "none"
    if len(shots) > SHOWN_SHOTS:
        return write_count(len(shots), "shot")
    return f"{'shot' if len(shots) == 1 else 'shots'} {', '.join(map(str, shots))}"
