"""Live progress: bars on a terminal, a line per stage elsewhere. Always on standard error."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from client.output import notes
from client.watching import RemainingTime, counts_of, remaining_text, stage_number
from domain.progress import STAGES, TitleProgress

_COUNTS = {"searches": "shots searched", "trials": "trial encodes", "encodes": "encodes", "rungs": "rungs"}


class LiveView:
    """Shows how far a title is; a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or notes()
        self._remaining = RemainingTime()
        self._said = ""
        self._told_playable = False
        self._tasks: dict[str, TaskID] = {}
        self._bars: Progress | None = None
        if self._console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description:<30}", markup=False),
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                console=self._console,
                transient=False,
            )

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def show(self, progress: TitleProgress) -> None:
        """Shows the newest answer."""
        self._remaining.note(time.monotonic(), progress.percent)
        if progress.first_playable and not self._told_playable:
            self._told_playable = True
            self._console.print(progress.first_playable.words, markup=False)
        if self._bars:
            self._show_bars(self._bars, progress)
        else:
            self._say(progress)

    def show_upload(self, done_bytes: int, total_bytes: int) -> None:
        """Shows how much of the source is uploaded."""
        if self._bars:
            self._update(
                self._bars, "upload", "uploading the source, MB", done_bytes // 1_000_000, total_bytes // 1_000_000
            )

    def _show_bars(self, bars: Progress, progress: TitleProgress) -> None:
        description = f"{stage_number(progress)}/{len(STAGES)} {progress.stage}"
        note = remaining_text(self._remaining.seconds) if progress.percent < 100 else ""
        self._update(bars, "title", description, round(progress.percent), 100, note=note)
        for what, words in _COUNTS.items():
            done, total = counts_of(progress, what)
            if total:
                self._update(bars, what, f"    {words}", done, total)

    def _update(self, bars: Progress, name: str, description: str, done: int, total: int, *, note: str = "") -> None:
        if name not in self._tasks:
            self._tasks[name] = bars.add_task(description, total=total, note=note)
        bars.update(self._tasks[name], description=description, completed=done, total=total, note=note)

    def _say(self, progress: TitleProgress) -> None:
        """One line whenever the stage changes: readable in a CI log."""
        if progress.stage == self._said:
            return
        self._said = progress.stage
        counts = [
            f"{words} {done}/{total}"
            for what, words in _COUNTS.items()
            for done, total in [counts_of(progress, what)]
            if total
        ]
        left = remaining_text(self._remaining.seconds) if progress.percent < 100 else ""
        parts = [f"{progress.percent:3.0f} %", progress.stage, *counts, *([left] if left else [])]
        self._console.print(", ".join(parts), markup=False)
