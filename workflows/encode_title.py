"""A title from source to release: the order of its steps."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import workflow
from temporalio.common import Priority, SearchAttributeKey
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception
from temporalio.workflow import ChildWorkflowCancellationType, ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.delivery import DeliveryActivities
    from activities.measures import MeasureActivities
    from activities.planning import PlanActivities
    from activities.results import ResultActivities
    from activities.sources import SourceActivities
    from domain.progress import TitleProgress
    from domain.release import TitleReceipt
    from domain.request import PRIORITIES, BadRequest, TitleRequest, parse_title_request
    from domain.result import ResultTrials
    from domain.steps import (
        LadderTask,
        MezzanineReference,
        OpenedTitle,
        PackageTask,
        PlannedLadders,
        PlannedSearches,
        PublishedTitle,
        PublishTask,
        ResultTask,
        SearchWave,
        ShotTask,
        SplitTask,
    )
    from domain.values import digest_of
    from domain.video import Codec
    from domain.work import BatchOutcome, BatchTask, UnitKind, WorkList
    from workflows.activity_options import ActivityOptions, light_options, title_options
    from workflows.attention import Attended, WaitingRoom
    from workflows.failed_units import item_of, retry_of
    from workflows.failures import as_title_failure, as_work_failure
    from workflows.shot_batch import UNITS_PER_BATCH, ShotBatch
    from workflows.side_by_side import side_by_side
    from workflows.task_queues import IO, MEASURE, ORCHESTRATE
    from workflows.title_log import TitleLog

OPEN_BATCHES = 16
"""Batches of one title that run at once: 16 windows of 64 are backlog enough for any number of workers."""
BASELINE_PRIORITY = 5
"""The fixed ladder goes last: nobody waits for it."""
_TITLE_ID = SearchAttributeKey.for_keyword("TitleId")
_PRIORITY = SearchAttributeKey.for_keyword("Priority")
_STAGE = SearchAttributeKey.for_keyword("Stage")
_PERCENT = SearchAttributeKey.for_float("PercentDone")


RunBatch = Callable[[BatchTask], Awaitable[tuple[str, BatchOutcome]]]


@workflow.defn
class EncodeTitle(Attended):
    """Turns one source into an encrypted, verified, published release with a ladder of its own."""

    def __init__(self) -> None:
        self._log = TitleLog()
        self._room = WaitingRoom(self._log.attend)
        self._request: TitleRequest | None = None
        self._silence_s = 60.0
        self._batches = asyncio.Semaphore(OPEN_BATCHES)

    @workflow.run
    async def run(self, content: Any) -> TitleReceipt:
        """Runs the whole pipeline.

        Args:
            content: The request as content ops paste it: a JSON object (docs/title-request.schema.json).

        Raises:
            ApplicationError: its type is the code of what went wrong, its details where, found, expected, fix.
        """
        try:
            self._request = parse_title_request(content)
        except BadRequest as error:
            raise ApplicationError(str(error), error.as_record(), type=error.code, non_retryable=True) from None
        try:
            return await self._encode_title(self._request)
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            raise as_title_failure(error) from None

    @workflow.query
    def progress(self) -> TitleProgress:
        """Tells how far the title is."""
        return self._log.progress(self._title_id)

    async def _encode_title(self, request: TitleRequest) -> TitleReceipt:
        workflow.upsert_search_attributes(
            [
                _TITLE_ID.value_set(request.title_id),
                _PRIORITY.value_set(request.priority),
            ]
        )
        self._enter("inspect")
        opened: OpenedTitle = await workflow.execute_activity_method(
            SourceActivities.open_title,
            request.model_dump(mode="json", exclude_defaults=True),
            **self._on_title(IO, "find the source and what is known of it"),
        )
        self._silence_s = opened.heartbeat_timeout_s
        if opened.finished is not None:
            self._log.note("This release exists already: nothing had to be encoded.")
            self._enter("publish")
            return opened.finished
        mezzanine = await self._prepare(opened)
        # The fixed ladder is for the report only: it fills what the title's own work leaves idle.
        made, _ = await side_by_side(self._make_release(request, opened, mezzanine), self._run_baseline(mezzanine))
        task: ResultTask = made
        finished = await workflow.execute_activity_method(
            ResultActivities.write_result,
            task.model_copy(update={"cpu_s": self._log.cpu_s, "wall_s": self._wall_s()}),
            **self._on_title(IO, "write result.json and the report"),
        )
        self._log.finish(finished, finished.receipt.release)
        workflow.upsert_search_attributes([_STAGE.value_set("done"), _PERCENT.value_set(100.0)])
        return finished.receipt

    async def _make_release(
        self, request: TitleRequest, opened: OpenedTitle, mezzanine: MezzanineReference
    ) -> ResultTask:
        planned = await self._plan(request, mezzanine)
        ladders = await self._encode_and_measure(mezzanine, planned)
        task = LadderTask(mezzanine=mezzanine.mezzanine, ladders=ladders)
        published = await self._deliver(request, opened, task)
        return ResultTask(
            title_key=opened.title_key,
            title_id=request.title_id,
            release_id=published.release.release_id,
            mezzanine=mezzanine.mezzanine,
            ladders=ladders,
            trials=self._trial_counts(),
            cpu_s=self._log.cpu_s,
            wall_s=self._wall_s(),
        )

    async def _run_baseline(self, mezzanine: MezzanineReference) -> None:
        """Encodes and measures the fixed ladder if the recipe asks for one; a failed rung is left out of the report."""
        baseline = await workflow.execute_activity_method(
            PlanActivities.plan_baseline, mezzanine.mezzanine, **self._lightly("plan the fixed ladder")
        )
        await self._run_work("baseline", baseline)

    async def _prepare(self, opened: OpenedTitle) -> MezzanineReference:
        """Inspects the source, finds its shots, splits it, and proves that pictures are paired right."""
        inspected = await workflow.execute_activity_method(
            SourceActivities.inspect_source, opened.source, **self._on_title(IO, "inspect: decode all of the source")
        )
        self._log.spend("inspect", inspected.cpu_s)
        self._enter("shots")
        shots = await workflow.execute_activity_method(
            SourceActivities.detect_shots,
            ShotTask(inspection=inspected.inspection, recipe=opened.recipe),
            **self._on_title(IO, "find the shots"),
        )
        mezzanine = await workflow.execute_activity_method(
            SourceActivities.split_source,
            SplitTask(inspection=inspected.inspection, shots=shots.shots, recipe=opened.recipe),
            **self._on_title(IO, f"split into {shots.count} shots, exact to the frame"),
        )
        self._log.spend("shots", shots.cpu_s + mezzanine.cpu_s)
        self._log.note(f"{mezzanine.shots} shots, {mezzanine.frames} frames, {mezzanine.duration_s:.1f} s")
        pairing = await workflow.execute_activity_method(
            MeasureActivities.check_pairing,
            mezzanine.mezzanine,
            **self._on_title(MEASURE, "prove that pictures are paired by index"),
        )
        self._log.spend("measure", pairing.cpu_s)
        return mezzanine

    async def _plan(self, request: TitleRequest, mezzanine: MezzanineReference) -> PlannedLadders:
        """Runs trial encodes and audio side by side; plans the ladders when the trials are in."""
        self._enter("trials")
        _, audio = await side_by_side(
            self._run_trials(request, mezzanine),
            workflow.execute_activity_method(
                SourceActivities.encode_audio, mezzanine.mezzanine, **self._on_title(IO, "encode the audio tracks")
            ),
        )
        self._log.spend("audio", audio.cpu_s)
        self._enter("plan")
        planned = await workflow.execute_activity_method(
            PlanActivities.plan_ladders, mezzanine.mezzanine, **self._lightly("hulls, equal slope, rungs")
        )
        self._log.spend("plan", planned.cpu_s)
        self._log.note(planned.summary)
        return planned

    async def _run_trials(self, request: TitleRequest, mezzanine: MezzanineReference) -> None:
        """Runs the searches of all codecs side by side, so that one's barrier is filled by another's work; or a grid.

        A failed trial of a grid costs at worst a size, a failed search the title.
        """
        if request.recipe.search.method == "grid":
            trials = await workflow.execute_activity_method(
                PlanActivities.plan_trials, mezzanine.mezzanine, **self._lightly("plan the trial encodes")
            )
            await self._run_work("trials", trials)
            return
        codecs = [item.codec for item in request.recipe.codecs]
        self._log.expect_searches(mezzanine.shots * len(codecs))
        await side_by_side(*(self._search(mezzanine, codec) for codec in codecs))

    async def _search(self, mezzanine: MezzanineReference, codec: Codec) -> None:
        """Searches all shots of one codec, wave after wave: each wave learns from those before."""
        wave, waves = 0, 1
        while wave < waves:
            planned: PlannedSearches = await workflow.execute_activity_method(
                PlanActivities.plan_searches,
                SearchWave(mezzanine=mezzanine.mezzanine, codec=codec, wave=wave),
                **self._lightly(f"plan wave {wave + 1} of the searches in {codec.value}"),
            )
            self._log.spend("plan", planned.cpu_s)
            await self._run_all("trials", planned.work)
            wave, waves = wave + 1, planned.waves

    async def _encode_and_measure(self, mezzanine: MezzanineReference, planned: PlannedLadders) -> Any:
        """Encodes every rung shot by shot, measures all of it, corrects once what missed its promise."""
        self._enter("encode")
        self._log.expect_rungs(planned.rungs)
        task = LadderTask(mezzanine=mezzanine.mezzanine, ladders=planned.ladders)
        await self._run_all("encode", planned.encodes)
        self._enter("measure")
        await self._measure(task)
        judged = await workflow.execute_activity_method(
            PlanActivities.judge_ladders, task, **self._lightly("hold every rung against its promise")
        )
        self._log.spend("plan", judged.cpu_s)
        if judged.encodes.count:
            self._log.note(f"{judged.corrected_rungs} rungs corrected")
            await self._run_all("encode", judged.encodes)
            await self._measure(task.model_copy(update={"ladders": judged.ladders}))
        return judged.ladders

    async def _measure(self, task: LadderTask) -> None:
        measures = await workflow.execute_activity_method(
            PlanActivities.plan_measures, task, **self._lightly("plan the measurements")
        )
        await self._run_all("measure", measures)

    async def _deliver(self, request: TitleRequest, opened: OpenedTitle, task: LadderTask) -> PublishedTitle:
        """Assembles, packages and publishes."""
        self._enter("package")
        assembly = await workflow.execute_activity_method(
            PlanActivities.plan_assembly, task, **self._lightly("plan the renditions")
        )
        await self._run_all("package", assembly)
        packaged = await workflow.execute_activity_method(
            DeliveryActivities.package_title,
            PackageTask(mezzanine=task.mezzanine, ladders=task.ladders, key_set=opened.title_key),
            **self._on_title(IO, "package, encrypt, check, decrypt"),
        )
        self._log.spend("package", packaged.cpu_s)
        self._enter("publish")
        published = await workflow.execute_activity_method(
            DeliveryActivities.publish_title,
            PublishTask(
                title_id=request.title_id,
                presentation=packaged.presentation,
                source_sha256=opened.source.sha256,
                recipe_sha256=digest_of(request.recipe),
            ),
            **self._on_title(IO, "publish, verify, seal"),
        )
        self._log.spend("publish", published.cpu_s)
        return published

    async def _run_all(self, stage: str, work: WorkList) -> None:
        """Runs a work list of which nothing may fail: failed units wait for a person while the rest goes on.

        Raises:
            ApplicationError: if a unit failed and the title is not to wait, or a person decided to fail it; carries
                the code and record of the first one.
        """
        outcome = await self._run_work(stage, work, self._run_whole_batch)
        if outcome.failed:
            raise as_work_failure(outcome, work)

    async def _run_work(self, stage: str, work: WorkList, run: RunBatch | None = None) -> BatchOutcome:
        """Runs a work list in batches and returns the sum of their outcomes."""
        self._log.expect(work)
        tasks = [
            BatchTask(
                title_id=self._title_id,
                work=work,
                first=first,
                count=min(UNITS_PER_BATCH, work.count - first),
                priority_key=BASELINE_PRIORITY if work.kind is UnitKind.BASELINE else self._priority_key,
                shortest_silence_s=self._silence_s / 3,
            )
            for first in range(0, work.count, UNITS_PER_BATCH)
        ]
        ended = await side_by_side(*((run or self._run_batch)(task) for task in tasks))
        total = BatchOutcome()
        for _, outcome in ended:
            total = total.plus(outcome)
        self._log.spend(stage, total.cpu_s)
        return total

    async def _run_whole_batch(self, task: BatchTask) -> tuple[str, BatchOutcome]:
        """Runs a batch until none of its units has failed, or a person decides otherwise."""
        child_id, outcome = await self._run_batch(task)
        while outcome.failed and self._waits_when_stuck:
            await self._room.wait_for(item_of(child_id, task, outcome))
            task, cpu_s = retry_of(task, outcome), outcome.cpu_s
            child_id, outcome = await self._run_batch(task)
            outcome = outcome.model_copy(update={"cpu_s": outcome.cpu_s + cpu_s})
        return child_id, outcome

    async def _run_batch(self, task: BatchTask) -> tuple[str, BatchOutcome]:
        """Runs a batch and returns its workflow id and outcome."""
        work = task.work
        async with self._batches:
            number = self._log.next_batch(work.kind)
            child_id = f"{workflow.info().workflow_id}/{work.kind.value}-{number:04d}"
            self._log.open_batch(child_id)
            outcome = await workflow.execute_child_workflow(
                ShotBatch.run,
                task,
                id=child_id,
                task_queue=workflow.info().task_queue,
                cancellation_type=ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
                parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
                priority=self._priority,
                static_summary=f"{self._title_id}: {work.kind.value} units {task.words}",
            )
            self._log.close_batch(child_id, work.kind, outcome)
            return child_id, outcome

    @property
    def _waits_when_stuck(self) -> bool:
        """Tells whether a failed unit waits for a person; a title that was begun without a waiting room fails."""
        return self._request is not None and self._request.when_stuck == "wait" and workflow.patched("waiting-room")

    def _enter(self, stage: str) -> None:
        self._log.enter(stage)
        percent = self._log.progress(self._title_id).percent
        workflow.upsert_search_attributes([_STAGE.value_set(stage), _PERCENT.value_set(percent)])

    def _wall_s(self) -> float:
        return (workflow.now() - workflow.info().start_time).total_seconds()

    def _trial_counts(self) -> ResultTrials:
        trials, searches = self._log.outcome_of(UnitKind.TRIAL), self._log.outcome_of(UnitKind.SEARCH)
        return ResultTrials(
            count=trials.made + trials.reused + searches.trials,
            reused=trials.reused + searches.trials_reused,
            failed=trials.failed,
        )

    def _on_title(self, queue: str, summary: str) -> ActivityOptions:
        return title_options(queue=queue, silence_s=self._silence_s, priority=self._priority, summary=summary)

    def _lightly(self, summary: str) -> ActivityOptions:
        return light_options(queue=ORCHESTRATE, silence_s=self._silence_s, priority=self._priority, summary=summary)

    @property
    def _title_id(self) -> str:
        return self._request.title_id if self._request else ""

    @property
    def _priority_key(self) -> int:
        return PRIORITIES[self._request.priority] if self._request else 3

    @property
    def _priority(self) -> Priority:
        return Priority(priority_key=self._priority_key, fairness_key=self._title_id)
