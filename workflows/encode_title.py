"""A title from source to release: the order of its steps."""

from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.delivery import DeliveryActivities
    from activities.expectations import settled_key
    from activities.measures import MeasureActivities
    from activities.planning import PlanActivities
    from activities.results import ResultActivities
    from activities.sources import SourceActivities
    from domain.progress import TitleProgress
    from domain.release import FirstPlayable, TitleReceipt
    from domain.request import BadRequest, TitleRequest, parse_title_request
    from domain.result import ResultTrials
    from domain.steps import (
        InspectedSource,
        LadderTask,
        MezzanineReference,
        OpenedTitle,
        PackageTask,
        PlannedLadders,
        PublishedTitle,
        PublishTask,
        ResultTask,
        SettledInspection,
        ShotTask,
        SplitTask,
    )
    from domain.values import digest_of
    from domain.work import UnitKind
    from workflows.activity_options import ActivityOptions, light_options, title_options
    from workflows.attention import Attended, WaitingRoom
    from workflows.failures import as_title_failure
    from workflows.findings import order_of, settle_findings
    from workflows.provisional import ProvisionalRelease, seconds_since_start
    from workflows.sdr_ladders import SdrLadders
    from workflows.side_by_side import side_by_side
    from workflows.task_queues import IO, MEASURE, ORCHESTRATE
    from workflows.title_ladders import TitleLadders
    from workflows.title_log import TitleLog
    from workflows.title_tracks import make_thumbnails, make_tracks
    from workflows.title_work import TitleWork

_TITLE_ID = SearchAttributeKey.for_keyword("TitleId")
_PRIORITY = SearchAttributeKey.for_keyword("Priority")
_STUDIO = SearchAttributeKey.for_keyword("Studio")
_STAGE = SearchAttributeKey.for_keyword("Stage")
_PERCENT = SearchAttributeKey.for_float("PercentDone")


@workflow.defn
class EncodeTitle(Attended):
    """Turns one source into an encrypted, verified, published release with a ladder of its own."""

    def __init__(self) -> None:
        self._log = TitleLog()
        self._room = WaitingRoom(self._log.attend)
        self._work = TitleWork(self._log, self._room)
        self._ladders = TitleLadders(self._log, self._work)
        self._sdr = SdrLadders(self._log, self._room)
        self._provisional = ProvisionalRelease(self._log, self._room)
        self._inspection = SettledInspection()

    @workflow.run
    async def run(self, content: Any) -> TitleReceipt:
        """Runs the whole pipeline.

        Args:
            content: The request as content ops paste it: a JSON object (docs/title-request.schema.json).

        Raises:
            ApplicationError: its type is the code of what went wrong, its details where, found, expected, fix.
        """
        try:
            request = parse_title_request(content)
        except BadRequest as error:
            raise ApplicationError(str(error), error.as_record(), type=error.code, non_retryable=True) from None
        try:
            self._work.request = request
            return await self._encode_title(request)
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
                *([_STUDIO.value_set(request.studio)] if request.studio else []),
            ]
        )
        self._enter("inspect")
        opened: OpenedTitle = await workflow.execute_activity_method(
            SourceActivities.open_title,
            request.model_dump(mode="json", exclude_defaults=True),
            **self._on_title(IO, "find the source and what is known of it"),
        )
        self._work.silence_s = opened.heartbeat_timeout_s
        if opened.finished is not None:
            await self._hold_against_policy(request, opened)
            self._log.note("This release exists already: nothing had to be encoded.")
            self._enter("publish")
            return opened.finished
        mezzanine = await self._prepare(request, opened)
        await self._provisional.plan(request, opened, mezzanine, self._inspection)
        # The fixed ladder is for the report only: it fills what the title's own work leaves idle.
        _, made, _ = await side_by_side(
            self._provisional.run(request, opened),
            self._make_release(request, opened, mezzanine),
            self._run_baseline(mezzanine),
        )
        task: ResultTask = made
        finished = await workflow.execute_activity_method(
            ResultActivities.write_result,
            args=[
                task.model_copy(update={"cpu_s": self._log.cpu_s, "wall_s": seconds_since_start()}),
                self._inspection,
                self._log.first_playable,
            ],
            **self._on_title(IO, "write result.json and the report"),
        )
        self._log.finish(finished, finished.receipt.release)
        workflow.upsert_search_attributes([_STAGE.value_set("done"), _PERCENT.value_set(100.0)])
        return finished.receipt

    async def _make_release(
        self, request: TitleRequest, opened: OpenedTitle, mezzanine: MezzanineReference
    ) -> ResultTask:
        task = await self._make_ladders(request, opened, mezzanine)
        published = await self._deliver(request, opened, task)
        release_id = published.release.release_id
        self._log.note_playable(
            FirstPlayable(after_s=seconds_since_start(), release_id=release_id, duration_s=mezzanine.duration_s)
        )
        return ResultTask(
            title_key=opened.title_key,
            title_id=request.title_id,
            release_id=release_id,
            mezzanine=mezzanine.mezzanine,
            ladders=task.ladders,
            trials=self._trial_counts(),
            cpu_s=self._log.cpu_s,
            wall_s=seconds_since_start(),
        )

    async def _make_ladders(
        self, request: TitleRequest, opened: OpenedTitle, mezzanine: MezzanineReference
    ) -> LadderTask:
        """Makes the ladders of the title, and beside them those of its SDR pictures if the request asks for them."""
        if not request.recipe.hdr.sdr_rungs:
            return await self._make_main_ladders(request, opened, mezzanine)
        main, sdr = await side_by_side(
            self._make_main_ladders(request, opened, mezzanine), self._sdr.make(request, opened, mezzanine)
        )
        return main if sdr is None else await self._sdr.join(main, sdr)

    async def _make_main_ladders(
        self, request: TitleRequest, opened: OpenedTitle, mezzanine: MezzanineReference
    ) -> LadderTask:
        planned = await self._plan(request, opened, mezzanine)
        return await self._ladders.encode_and_measure(mezzanine, planned, self._enter)

    async def _run_baseline(self, mezzanine: MezzanineReference) -> None:
        """Encodes and measures the fixed ladder if the recipe asks for one; a failed rung is left out of the report."""
        baseline = await workflow.execute_activity_method(
            PlanActivities.plan_baseline, mezzanine.mezzanine, **self._lightly("plan the fixed ladder")
        )
        await self._work.run("baseline", baseline)

    async def _prepare(self, request: TitleRequest, opened: OpenedTitle) -> MezzanineReference:
        """Inspects the source, finds its shots, splits it, and proves that pictures are paired right."""
        inspected = await self._inspect(request, opened)
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

    async def _inspect(self, request: TitleRequest, opened: OpenedTitle) -> InspectedSource:
        """Decodes all of the source, and waits until whatever stops the title was waved through."""
        inspected: InspectedSource = await workflow.execute_activity_method(
            SourceActivities.inspect_source,
            args=[opened.source, order_of(request, opened)],
            **self._on_title(IO, "inspect: decode all of the source"),
        )
        self._log.spend("inspect", inspected.cpu_s)
        settled = await settle_findings(inspected, self._room, waits=request.when_stuck == "wait")
        self._inspection = settled.model_copy(update={"key": settled_key(opened.title_key, request)})
        return inspected

    async def _hold_against_policy(self, request: TitleRequest, opened: OpenedTitle) -> None:
        """Inspects the source of a finished title if this request expects something else of it than any before."""
        if opened.is_settled:
            return
        await self._inspect(request, opened)
        await workflow.execute_activity_method(
            ResultActivities.keep_settled, self._inspection, **self._on_title(IO, "remember that the source passed")
        )

    async def _plan(self, request: TitleRequest, opened: OpenedTitle, mezzanine: MezzanineReference) -> PlannedLadders:
        """Runs trial encodes, sound and subtitles side by side; plans the ladders when the trials are in."""
        self._enter("trials")
        await side_by_side(
            self._ladders.try_out(mezzanine, request.recipe),
            make_tracks(mezzanine.mezzanine, opened.title_key, self._on_title, self._log),
        )
        self._enter("plan")
        return await self._ladders.plan(mezzanine)

    async def _deliver(self, request: TitleRequest, opened: OpenedTitle, task: LadderTask) -> PublishedTitle:
        """Assembles, packages and publishes."""
        self._enter("package")
        await self._ladders.assemble(task)
        if request.recipe.packaging.thumbnails:
            await make_thumbnails(task, self._on_title, self._log)
        packaged = await workflow.execute_activity_method(
            DeliveryActivities.package_title,
            PackageTask(
                mezzanine=task.mezzanine,
                ladders=task.ladders,
                title_key=opened.title_key,
                key_set=opened.title_key,
            ),
            **self._on_title(IO, "package, encrypt, check, decrypt"),
        )
        self._log.spend("package", packaged.cpu_s)
        self._enter("publish")
        await self._provisional.end()
        published = await workflow.execute_activity_method(
            DeliveryActivities.publish_title,
            args=[
                PublishTask(
                    title_id=request.title_id,
                    presentation=packaged.presentation,
                    source_sha256=opened.source.sha256,
                    recipe_sha256=digest_of(request.recipe),
                ),
                self._inspection,
            ],
            **self._on_title(IO, "publish, verify, seal"),
        )
        self._log.spend("publish", published.cpu_s)
        return published

    def _enter(self, stage: str) -> None:
        self._log.enter(stage)
        percent = self._log.progress(self._title_id).percent
        workflow.upsert_search_attributes([_STAGE.value_set(stage), _PERCENT.value_set(percent)])

    def _trial_counts(self) -> ResultTrials:
        trials, searches = self._log.outcome_of(UnitKind.TRIAL), self._log.outcome_of(UnitKind.SEARCH)
        return ResultTrials(
            count=trials.made + trials.reused + searches.trials,
            reused=trials.reused + searches.trials_reused,
            failed=trials.failed,
        )

    def _on_title(self, queue: str, summary: str) -> ActivityOptions:
        work = self._work
        return title_options(queue=queue, silence_s=work.silence_s, priority=work.priority, summary=summary)

    def _lightly(self, summary: str) -> ActivityOptions:
        work = self._work
        return light_options(queue=ORCHESTRATE, silence_s=work.silence_s, priority=work.priority, summary=summary)

    @property
    def _title_id(self) -> str:
        return self._work.title_id
