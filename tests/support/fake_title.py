"""Fake activities under the real names: a title whose units do nothing, for tests of the order of things.

A mock stands here because the subject is Temporal: how many events and bytes a title of 900 shots writes, what is
started and when. What the real activities do is proved in tests/activities and tests/end_to_end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain.files import StoredFile
from domain.release import FirstPlayable, ReleaseReference, TitleReceipt
from domain.steps import (
    CheckedPairing,
    CorrectedTask,
    DetectedShotList,
    EncodedTracks,
    FinishedTitle,
    InspectedSource,
    InspectionOrder,
    JudgedLadders,
    LadderTask,
    MezzanineReference,
    OpenedTitle,
    PackagedTitle,
    PackageTask,
    PlannedLadders,
    PlannedProvisional,
    PlannedSearches,
    ProvisionalTask,
    PublishedTitle,
    PublishTask,
    ResultTask,
    SearchWave,
    SettledInspection,
    SettledLadders,
    ShotTask,
    SplitTask,
    StoppingFinding,
    TextTask,
    TrimmedLadders,
)
from domain.work import UnitKind, UnitOutcome, UnitReference, WorkList

DIGEST = "0123456789abcdef" * 4
FILE = StoredFile(uri=f"s3://pertitle-work/objects/sha256/01/{DIGEST}", sha256=DIGEST, size_bytes=123_456_789)
PART = FILE.model_copy(update={"uri": FILE.uri[:-4] + "part"})
"""The mezzanine and the plans of a provisional release."""
SDR = FILE.model_copy(update={"uri": FILE.uri[:-4] + "5d12"})
"""The tone-mapped mezzanine, its ladders and plans."""
BOTH = FILE.model_copy(update={"uri": FILE.uri[:-4] + "b074"})
"""HDR ladders with the SDR ones beside them."""
RELEASE = ReleaseReference(
    title_id="fake", release_id="r0123456789abcdef0123", release_uri="s3://pertitle-releases/titles/fake/releases/r0"
)
RECEIPT = TitleReceipt(title_id="fake", release=RELEASE, result=FILE, report=FILE)


@dataclass
class FakeTitle:
    """Answers of the fake activities, and what they were asked."""

    shots: int = 4
    sizes: int = 2
    crfs: int = 4
    wave_shots: tuple[int, ...] = (1, 3)
    """Shots of each wave of searches; each shot is a unit of its own."""
    corrected_units: int = 0
    failing: dict[UnitKind, str] = field(default_factory=dict)
    """Kind of unit → code with which every unit of that kind fails."""
    is_hdr: bool = True
    """Whether there is anything to map to SDR, if the request asks for it."""
    poison: dict[str, str] = field(default_factory=dict)
    """Activity and index, as ``run_encode_unit 2`` → code with which this unit fails."""
    stops: tuple[StoppingFinding, ...] = ()
    """What inspection finds."""
    settled: SettledInspection | None = None
    """What was to be written into the result."""
    sealed: SettledInspection | None = None
    """What was to be sealed with the release."""
    sealed_provisional: SettledInspection | None = None
    """What was to be sealed with the provisional one."""
    finished: TitleReceipt | None = None
    is_settled: bool = True
    """The finished title was inspected by the policy of the request."""
    full_release_is_current: bool = False
    """A provisional release is not needed."""
    result: ResultTask | None = None
    """What the result was written from."""
    first_playable: FirstPlayable | None = None
    calls: list[str] = field(default_factory=list)
    hold: Callable[[str], Any] | None = None
    """Awaited at the start of every activity, with its name."""

    def activities(self) -> list[Callable[..., Any]]:
        """Returns all activities of a title."""
        return [*self._sources(), *self._plans(), *self._beside(), *self._units(), *self._deliveries()]

    async def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.hold is not None:
            await self.hold(name)

    async def _delivers(self, name: str, of: StoredFile) -> None:
        """Says which release or mezzanine a step is for; fails as told by ``poison``."""
        told = f"{name} provisional" if of == PART else f"{name} sdr" if of == SDR else name
        await self._called(told)
        self._fail(self.poison.get(told))

    def _fail(self, code: str | None) -> None:
        if code:
            record = {"code": code, "where": "unit", "found": "it fails", "expected": "", "fix": ""}
            raise ApplicationError("it fails", record, type=code, non_retryable=True)

    def _work(self, kind: UnitKind, count: int, of: StoredFile = FILE) -> WorkList:
        return WorkList(kind=kind, plan=SDR if of == SDR else FILE, count=count, encodes=count * self.crfs)

    def _sources(self) -> list[Callable[..., Any]]:
        @activity.defn(name="open_title")
        async def open_title(content: dict[str, Any]) -> OpenedTitle:
            await self._called(f"open_title {content['title_id']}")
            return OpenedTitle(
                source=FILE, recipe=FILE, title_key=DIGEST, finished=self.finished, is_settled=self.is_settled
            )

        @activity.defn(name="inspect_source")
        async def inspect_source(_source: StoredFile, order: InspectionOrder | None = None) -> InspectedSource:
            await self._called("inspect_source")
            waved = {override.code for override in order.overrides} if order else set()
            stops = tuple(stop for stop in self.stops if stop.code not in waved)
            return InspectedSource(inspection=FILE, frames=86_400, cpu_s=1.0, report=FILE, stops=stops)

        @activity.defn(name="detect_shots")
        async def detect_shots(_task: ShotTask) -> DetectedShotList:
            await self._called("detect_shots")
            return DetectedShotList(shots=FILE, count=self.shots, cpu_s=1.0)

        @activity.defn(name="split_source")
        async def split_source(_task: SplitTask) -> MezzanineReference:
            await self._called("split_source")
            return MezzanineReference(mezzanine=FILE, shots=self.shots, frames=86_400, duration_s=3600.0, cpu_s=1.0)

        @activity.defn(name="encode_audio")
        async def encode_audio(_mezzanine: StoredFile) -> EncodedTracks:
            await self._called("encode_audio")
            return EncodedTracks(count=2, cpu_s=1.0)

        @activity.defn(name="make_texts")
        async def make_texts(_task: TextTask) -> EncodedTracks:
            await self._called("make_texts")
            return EncodedTracks(count=2, cpu_s=1.0)

        return [open_title, inspect_source, detect_shots, split_source, encode_audio, make_texts]

    def _plans(self) -> list[Callable[..., Any]]:
        @activity.defn(name="plan_trials")
        async def plan_trials(mezzanine: StoredFile) -> WorkList:
            await self._delivers("plan_trials", mezzanine)
            return self._work(UnitKind.TRIAL, self.shots * self.sizes, mezzanine)

        @activity.defn(name="plan_searches")
        async def plan_searches(task: SearchWave) -> PlannedSearches:
            await self._delivers(f"plan_searches {task.codec.value} {task.wave}", task.mezzanine)
            work = self._work(UnitKind.SEARCH, self.wave_shots[task.wave], task.mezzanine)
            work = work.model_copy(update={"encodes": work.count})
            return PlannedSearches(work=work, waves=len(self.wave_shots), cpu_s=1.0)

        @activity.defn(name="plan_baseline")
        async def plan_baseline(_mezzanine: StoredFile) -> WorkList:
            await self._called("plan_baseline")
            return self._work(UnitKind.BASELINE, 0)

        return [plan_trials, plan_searches, plan_baseline, *self._ladders()]

    def _ladders(self) -> list[Callable[..., Any]]:
        @activity.defn(name="plan_ladders")
        async def plan_ladders(mezzanine: StoredFile) -> PlannedLadders:
            await self._delivers("plan_ladders", mezzanine)
            encodes = self._work(UnitKind.ENCODE, 2 * self.shots, mezzanine)
            return PlannedLadders(ladders=mezzanine, encodes=encodes, rungs=16, cpu_s=1.0, summary="x" * 600)

        @activity.defn(name="plan_measures")
        async def plan_measures(task: LadderTask) -> WorkList:
            await self._delivers("plan_measures", task.mezzanine)
            return self._work(UnitKind.MEASURE, 3 * self.shots, task.mezzanine)

        @activity.defn(name="judge_ladders")
        async def judge_ladders(task: LadderTask) -> JudgedLadders:
            await self._delivers("judge_ladders", task.mezzanine)
            encodes = self._work(UnitKind.ENCODE, self.corrected_units, task.mezzanine)
            return JudgedLadders(
                ladders=task.mezzanine, encodes=encodes, corrected_rungs=self.corrected_units, cpu_s=1.0
            )

        @activity.defn(name="settle_ladders")
        async def settle_ladders(task: CorrectedTask) -> SettledLadders:
            await self._delivers("settle_ladders", task.mezzanine)
            return SettledLadders(ladders=task.corrected, mixed_rungs=1, cpu_s=1.0)

        @activity.defn(name="plan_assembly")
        async def plan_assembly(task: LadderTask) -> WorkList:
            await self._delivers("plan_assembly", task.mezzanine)
            if task.mezzanine == PART:
                return WorkList(kind=UnitKind.ASSEMBLE, plan=PART, count=2, encodes=2)
            return self._work(UnitKind.ASSEMBLE, 16, task.mezzanine)

        return [plan_ladders, plan_measures, judge_ladders, settle_ladders, plan_assembly]

    def _beside(self) -> list[Callable[..., Any]]:
        @activity.defn(name="plan_provisional")
        async def plan_provisional(_task: ProvisionalTask) -> PlannedProvisional | None:
            await self._called("plan_provisional")
            self._fail(self.poison.get("plan_provisional"))
            if self.full_release_is_current:
                return None
            encodes = WorkList(kind=UnitKind.ENCODE, plan=PART, count=2, encodes=4)
            return PlannedProvisional(mezzanine=PART, ladders=FILE, encodes=encodes, rungs=2, duration_s=120.0)

        @activity.defn(name="drop_rungs")
        async def drop_rungs(task: LadderTask) -> TrimmedLadders:
            await self._delivers("drop_rungs", task.mezzanine)
            return TrimmedLadders(ladders=task.mezzanine, rungs=15, dropped=1)

        @activity.defn(name="plan_tone_mapping")
        async def plan_tone_mapping(_mezzanine: StoredFile) -> WorkList:
            await self._called("plan_tone_mapping")
            return self._work(UnitKind.TONE_MAP, self.shots if self.is_hdr else 0)

        @activity.defn(name="gather_sdr_mezzanine")
        async def gather_sdr_mezzanine(_mezzanine: StoredFile) -> MezzanineReference:
            await self._called("gather_sdr_mezzanine")
            return MezzanineReference(mezzanine=SDR, shots=self.shots, frames=86_400, duration_s=3600.0, cpu_s=0.0)

        @activity.defn(name="add_sdr_ladders")
        async def add_sdr_ladders(hdr: LadderTask, sdr: LadderTask) -> StoredFile:
            await self._called("add_sdr_ladders")
            assert (hdr, sdr) == (LadderTask(mezzanine=FILE, ladders=FILE), LadderTask(mezzanine=SDR, ladders=SDR))
            return BOTH

        return [plan_provisional, drop_rungs, plan_tone_mapping, gather_sdr_mezzanine, add_sdr_ladders]

    def _units(self) -> list[Callable[..., Any]]:
        def unit(kind: UnitKind, name: str) -> Callable[..., Any]:
            @activity.defn(name=name)
            async def run_unit(reference: UnitReference) -> UnitOutcome:
                await self._delivers(f"{name} {reference.index}", reference.plan)
                self._fail(self.failing.get(kind))
                if kind is UnitKind.SEARCH:
                    return UnitOutcome(made=1, trials=12, trials_reused=2, cpu_s=123.456)
                return UnitOutcome(made=self.crfs, cpu_s=123.456)

            return run_unit

        return [
            unit(UnitKind.TONE_MAP, "run_tone_map_unit"),
            unit(UnitKind.TRIAL, "run_trial_unit"),
            unit(UnitKind.SEARCH, "run_search_unit"),
            unit(UnitKind.ENCODE, "run_encode_unit"),
            unit(UnitKind.BASELINE, "run_baseline_unit"),
            unit(UnitKind.MEASURE, "run_measure_unit"),
            unit(UnitKind.ASSEMBLE, "run_assemble_unit"),
        ]

    def _deliveries(self) -> list[Callable[..., Any]]:
        @activity.defn(name="check_pairing")
        async def check_pairing(mezzanine: StoredFile) -> CheckedPairing:
            await self._delivers("check_pairing", mezzanine)
            return CheckedPairing(shot=0, aligned_vmaf=100.0, shifted_vmaf=80.0, cpu_s=1.0)

        @activity.defn(name="make_thumbnails")
        async def make_thumbnails(_task: LadderTask) -> EncodedTracks:
            await self._called("make_thumbnails")
            return EncodedTracks(count=30, cpu_s=1.0)

        @activity.defn(name="package_title")
        async def package_title(task: PackageTask) -> PackagedTitle:
            await self._delivers("package_title", task.mezzanine)
            return PackagedTitle(presentation=FILE, files=54_000, cpu_s=1.0)

        @activity.defn(name="publish_title")
        async def publish_title(task: PublishTask, settled: SettledInspection | None = None) -> PublishedTitle:
            await self._delivers("publish_title", PART if task.provisional else FILE)
            if task.provisional:
                self.sealed_provisional = settled
            else:
                self.sealed = settled
            return PublishedTitle(release=RELEASE, cpu_s=1.0)

        @activity.defn(name="write_result")
        async def write_result(
            task: ResultTask, settled: SettledInspection | None = None, playable: FirstPlayable | None = None
        ) -> FinishedTitle:
            await self._called("write_result")
            self.settled, self.result, self.first_playable = settled, task, playable
            return FinishedTitle(receipt=RECEIPT, report_url="http://127.0.0.1:1/titles/fake/report")

        @activity.defn(name="keep_settled")
        async def keep_settled(settled: SettledInspection) -> None:
            await self._called("keep_settled")
            self.settled = settled

        return [keep_settled, check_pairing, make_thumbnails, package_title, publish_title, write_result]
