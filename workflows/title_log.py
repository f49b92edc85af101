"""What a running title remembers for people: stages, counts, seconds; shown by query and in the Temporal UI."""

from collections.abc import Sequence

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.attention import WaitingItem
    from domain.progress import STAGE_SHARES, STAGES, TitleProgress
    from domain.release import FirstPlayable, ReleaseReference
    from domain.result import StageCpu
    from domain.steps import FinishedTitle
    from domain.work import BatchOutcome, UnitKind, WorkList


class TitleLog:
    """Counts; changed by the workflow only, read by queries."""

    def __init__(self) -> None:
        self._stages: list[str] = []
        self._notes: list[str] = []
        self._cpu: dict[str, float] = {}
        self._expected: dict[UnitKind, int] = {}
        self._ended: dict[UnitKind, BatchOutcome] = {}
        self._open: list[str] = []
        self._batches: dict[UnitKind, int] = {}
        self._rungs: dict[str, int] = {}
        self._is_done = False
        self._waiting: tuple[WaitingItem, ...] = ()
        self.first_playable: FirstPlayable | None = None
        """Set when something of the title can be played."""

    @property
    def cpu_s(self) -> StageCpu:
        """CPU seconds by stage so far."""
        return StageCpu(**{stage: round(seconds, 3) for stage, seconds in self._cpu.items()})

    def enter(self, stage: str) -> None:
        """Notes that a stage begins."""
        self._stages.append(stage)
        self._show()

    def spend(self, stage: str, cpu_s: float) -> None:
        """Adds CPU seconds to a stage."""
        self._cpu[stage] = self._cpu.get(stage, 0.0) + cpu_s

    def note(self, text: str) -> None:
        """Adds a line for people."""
        self._notes.append(text)
        self._show()

    def note_playable(self, playable: FirstPlayable) -> None:
        """Notes that a release is current; the first one counts."""
        if self.first_playable is None:
            self.first_playable = playable
            self.note(playable.words)

    def attend(self, waiting: Sequence[WaitingItem]) -> str:
        """Takes what waits for a person now, and returns the stage."""
        self._waiting = tuple(waiting)
        self._show()
        return self._stages[-1] if self._stages else "submitted"

    def expect(self, work: WorkList) -> None:
        """Adds a work list to what is expected."""
        if work.kind is not UnitKind.SEARCH:
            self._expected[work.kind] = self._expected.get(work.kind, 0) + work.encodes
        self._show()

    def expect_searches(self, count: int) -> None:
        """Adds how many shots will be searched, over all codecs and waves: waves are planned one by one."""
        self._expected[UnitKind.SEARCH] = self._expected.get(UnitKind.SEARCH, 0) + count
        self._show()

    def expect_rungs(self, rungs: int, name: str = "") -> None:
        """Notes how many renditions there will be; ``name`` tells the ladders of one mezzanine from others."""
        self._rungs[name] = rungs

    def next_batch(self, kind: UnitKind) -> int:
        """Returns the number of the next batch of a kind, from 1."""
        self._batches[kind] = self._batches.get(kind, 0) + 1
        return self._batches[kind]

    def open_batch(self, child_id: str) -> None:
        """Notes that a batch runs."""
        self._open.append(child_id)

    def close_batch(self, child_id: str, kind: UnitKind, outcome: BatchOutcome) -> None:
        """Notes that a batch has ended."""
        self._open.remove(child_id)
        self._ended[kind] = self.outcome_of(kind).plus(outcome)
        self._show()

    def outcome_of(self, kind: UnitKind) -> BatchOutcome:
        """Returns the sum of the ended batches of a kind."""
        return self._ended.get(kind, BatchOutcome())

    def finish(self, finished: FinishedTitle, release: ReleaseReference) -> None:
        """Notes the end."""
        self._is_done = True
        self._open.clear()
        self._notes.append(f"Release `{release.release_id}` is published at `{release.release_uri}`.")
        if finished.report_url:
            self._notes.append(f"[Report]({finished.report_url})")
        self._show()

    def progress(self, title_id: str) -> TitleProgress:
        """Returns the answer to the query ``progress``."""
        encoded = [self.outcome_of(kind) for kind in (UnitKind.ENCODE, UnitKind.BASELINE)]
        every = [self.outcome_of(kind) for kind in UnitKind]
        return TitleProgress(
            title_id=title_id,
            stage="done" if self._is_done else self._stages[-1] if self._stages else "",
            stages_done=tuple(dict.fromkeys(self._stages if self._is_done else self._stages[:-1])),
            percent=self._percent(),
            trials_done=_made(self.outcome_of(UnitKind.TRIAL)) + self.outcome_of(UnitKind.SEARCH).trials,
            trials_total=self._expected.get(UnitKind.TRIAL, 0),
            searches_done=_made(self.outcome_of(UnitKind.SEARCH)),
            searches_total=self._expected.get(UnitKind.SEARCH, 0),
            encodes_done=sum(map(_made, encoded)),
            encodes_total=sum(self._expected.get(kind, 0) for kind in (UnitKind.ENCODE, UnitKind.BASELINE)),
            rungs_done=_made(self.outcome_of(UnitKind.ASSEMBLE)),
            rungs_total=sum(self._rungs.values()),
            made=sum(outcome.made for outcome in every),
            reused=sum(outcome.reused for outcome in every),
            failed=sum(outcome.failed for outcome in every),
            open_children=tuple(self._open),
            waiting=len(self._waiting),
            first_playable=self.first_playable,
            message=self._message(),
        )

    def _message(self) -> str:
        if self._waiting:
            item = self._waiting[0]
            return f"waits for a decision: {item.item_id}: {item.code} {item.message}"
        return self._notes[-1] if self._notes else ""

    def _percent(self) -> float:
        if self._is_done:
            return 100.0
        done = self._stages[:-1]
        return round(sum(share for stage, share in STAGE_SHARES.items() if stage in done), 1)

    def _show(self) -> None:
        """Writes the workflow's current details: Markdown that the Temporal UI shows, and that costs no history."""
        now = self._stages[-1] if self._stages else "inspect"
        stages = [f"**{stage}**" if stage == now and not self._is_done else stage for stage in STAGES]
        lines = [
            f"{self._percent():.0f} % done: " + " → ".join(stages),
            *map(_waiting_line, self._waiting),
            self._trial_line(),
            f"- renditions: {_made(self.outcome_of(UnitKind.ASSEMBLE))} of {sum(self._rungs.values())}",
            *(f"- {note}" for note in self._notes),
        ]
        workflow.set_current_details("\n".join(lines))

    def _trial_line(self) -> str:
        if UnitKind.SEARCH not in self._expected:
            trials, expected = self.outcome_of(UnitKind.TRIAL), self._expected.get(UnitKind.TRIAL, 0)
            made = f"{_made(trials)} of {expected}, {trials.reused} from the store, {trials.failed} failed"
            return f"- trial encodes: {made}"
        searches = self.outcome_of(UnitKind.SEARCH)
        ended = f"{_made(searches)} of {self._expected[UnitKind.SEARCH]}"
        return f"- shots searched: {ended}, {searches.trials} trial encodes, {searches.trials_reused} from the store"


def _made(outcome: BatchOutcome) -> int:
    return outcome.made + outcome.reused


def _waiting_line(item: WaitingItem) -> str:
    choices = ", ".join(choice.value for choice in item.choices)
    return f"- **needs attention** `{item.item_id}` ({choices}): {item.code} {item.message}"
