"""Tables for people: a title's ladders, the stack, the titles."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from client.local_stack.state import PartStatus, StackState
from domain.result import ResultLadder, ResultRung, TitleResult

OFF_PROMISE_VMAF = 0.5
"""A rung that misses its promise by more is marked."""
_MARKS = {"*": "* corrected once, by encoding guilty shots again", "!": "! more than 0.5 VMAF off its promise"}
_STATUS_STYLE = {PartStatus.READY: "green", PartStatus.STARTING: "yellow", PartStatus.RESTARTING: "red"}


def result_tables(result: TitleResult) -> RenderableType:
    """Returns a table for each codec's ladder, under one line about the title."""
    source = result.source
    head = (
        f"{result.title_id}: {source.width_px}x{source.height_px}, {source.frames} frames, "
        f"{source.duration_s:.1f} s, {len(result.shots)} shots; "
        f"{result.trials.count} trial encodes ({result.trials.reused} reused, {result.trials.failed} failed)"
    )
    playable = [Text(result.first_playable.words)] if result.first_playable else []
    return Group(Text(head), *playable, *(ladder_table(ladder) for ladder in result.ladders))


def ladder_table(ladder: ResultLadder) -> Table:
    """Returns one codec's ladder: what was promised, what was delivered."""
    table = _table(f"{ladder.name}{_saved(ladder)}")
    table.add_column("\nsize", no_wrap=True)
    for name in (
        "promised\nkbit/s",
        "delivered\nkbit/s",
        "peak\nkbit/s",
        "promised\nVMAF",
        "delivered\nVMAF",
        "5 %\nVMAF",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for rung in ladder.rungs:
        table.add_row(
            f"{rung.width_px}x{rung.height_px}",
            kbps(rung.promised.bitrate_bps),
            kbps(rung.delivered.bitrate_bps),
            kbps(rung.delivered.peak_bitrate_bps),
            f"{rung.promised.vmaf:.2f}",
            f"{rung.delivered.vmaf_mean:.2f}",
            f"{rung.delivered.vmaf_p5:.2f}",
            _mark(rung),
        )
    marks = {_mark(rung) for rung in ladder.rungs}
    table.caption = "; ".join(words for mark, words in _MARKS.items() if any(mark in seen for seen in marks)) or None
    return table


def _mark(rung: ResultRung) -> str:
    is_missed = abs(rung.delivered.vmaf_mean - rung.promised.vmaf) > OFF_PROMISE_VMAF
    return ("*" if rung.corrected else "") + ("!" if is_missed else "")


def kbps(bitrate_bps: float) -> str:
    """Returns a rate in kbit/s with thin groups: ``1 234``."""
    return f"{bitrate_bps / 1000:,.0f}".replace(",", " ")


def saved_text(bd_rate: float | None) -> str:
    """Returns a BD-rate in words: ``27.3 % fewer bits at equal VMAF``."""
    if bd_rate is None:
        return "not comparable (no common quality range)"
    return f"{abs(bd_rate) * 100:.1f} % {'fewer' if bd_rate <= 0 else 'more'} bits at equal VMAF"


def stack_table(state: StackState) -> Table:
    """Returns the parts of the stack and where they answer."""
    where = {
        "temporal": f"{state.ui_url} (gRPC {state.temporal_address})",
        "s3": state.s3_endpoint_url,
        "portal": state.portal_url,
    }
    table = _table(f"local stack in {state.state_dir}")
    for name in ("part", "status", "pid", "starts"):
        table.add_column(name, no_wrap=True)
    table.add_column("where")
    for name in state.part_names:
        part = state.parts.get(name)
        alive = part is not None and part.process is not None
        status = part.status if part is not None and alive else PartStatus.STOPPED
        table.add_row(
            name,
            Text(status.value, style=_STATUS_STYLE.get(status, "dim")),
            str(part.pid) if part is not None and alive else "",
            str(part.starts) if part is not None else "0",
            where.get(name, ""),
        )
    return table


def titles_table(rows: Sequence[tuple[str, str, str, str]]) -> Table:
    """Returns the newest titles: id, status, stage, when submitted."""
    table = _table("titles")
    for name in ("title", "status", "stage", "submitted"):
        table.add_column(name)
    for row in rows:
        table.add_row(*row)
    return table


def _table(title: str) -> Table:
    # Narrow enough for 80 columns, the width of a CI log.
    return Table(title=title, title_justify="left", title_style="bold", caption_justify="left", box=box.SIMPLE_HEAD)


def _saved(ladder: ResultLadder) -> str:
    if ladder.baseline is None:
        return ""
    return f"  ({saved_text(ladder.baseline.bd_rate)} against the fixed ladder {ladder.baseline.name})"
