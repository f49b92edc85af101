"""A provisional release of the first minutes, made while the title is searched, and superseded by the full one.

Nothing here can fail a title: what goes wrong is a note. When the full release is ready before, the rest of it is
canceled; when it is published, no step of the provisional one runs any more.
"""

import asyncio

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.delivery import DeliveryActivities
    from activities.planning import PlanActivities
    from activities.provisional import ProvisionalActivities
    from domain.release import FirstPlayable, provisional_key
    from domain.request import TitleRequest
    from domain.steps import (
        LadderTask,
        MezzanineReference,
        OpenedTitle,
        PackageTask,
        PlannedProvisional,
        ProvisionalTask,
        PublishTask,
        SettledInspection,
    )
    from domain.values import digest_of
    from domain.work import WorkList
    from workflows.activity_options import ActivityOptions, light_options, title_options
    from workflows.attention import WaitingRoom
    from workflows.failures import as_title_failure, as_work_failure, shortened
    from workflows.side_by_side import side_by_side
    from workflows.task_queues import IO, ORCHESTRATE
    from workflows.title_log import TitleLog
    from workflows.title_tracks import make_tracks
    from workflows.title_work import TitleWork

STAGE = "provisional"


class _SideLog(TitleLog):
    """Counts that nobody is shown: progress is that of the full release. CPU seconds count for the title."""

    def __init__(self, title: TitleLog) -> None:
        super().__init__()
        self._title = title

    def spend(self, _stage: str, cpu_s: float) -> None:
        """Adds CPU seconds to the title."""
        self._title.spend(STAGE, cpu_s)

    def _show(self) -> None:
        """Leaves the workflow's current details to the title."""


class ProvisionalRelease:
    """The provisional release of one title; owned by its workflow."""

    def __init__(self, log: TitleLog, room: WaitingRoom) -> None:
        """Takes the title's log and waiting room (where nothing of this ever waits)."""
        self._log = log
        self._side = _SideLog(log)
        self._work = TitleWork(self._side, room, lane=STAGE)
        self._planned: PlannedProvisional | None = None
        self._inspection = SettledInspection()
        self._steps: asyncio.Future[None] | None = None
        self._is_over = False

    async def plan(
        self,
        request: TitleRequest,
        opened: OpenedTitle,
        mezzanine: MezzanineReference,
        inspection: SettledInspection,
    ) -> None:
        """Plans the release if the request asks for one, so that its units stand first in the queues."""
        self._inspection = inspection
        if request.provisional is None:
            return
        self._work.request, self._work.silence_s = request, opened.heartbeat_timeout_s
        task = ProvisionalTask(
            title_id=request.title_id,
            mezzanine=mezzanine.mezzanine,
            first_s=request.provisional.first_s,
        )
        try:
            self._planned = await workflow.execute_activity_method(
                ProvisionalActivities.plan_provisional, task, **self._on_part(IO, "plan the provisional release")
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            self._note_failure(error)
            return
        if self._planned is None:
            self._log.note("No provisional release: a full release is current, and stays so until the new one.")
            return
        self._log.note(
            f"provisional release: {self._planned.rungs} rungs of the first {self._planned.duration_s:.1f} s"
        )

    async def run(self, request: TitleRequest, opened: OpenedTitle) -> None:
        """Makes and publishes the planned release; returns when nothing of it runs any more."""
        if self._planned is None or self._is_over:
            return
        self._steps = asyncio.ensure_future(self._try(request, opened, self._planned))
        try:
            await asyncio.shield(self._steps)
        except asyncio.CancelledError:
            await self.end()
            raise

    async def end(self) -> None:
        """Cancels what still runs, and waits until it has ended: after this the full release may become current."""
        self._is_over = True
        if self._steps is not None:
            self._steps.cancel()
            await asyncio.gather(self._steps, return_exceptions=True)

    async def _try(self, request: TitleRequest, opened: OpenedTitle, planned: PlannedProvisional) -> None:
        try:
            await self._make(request, opened, planned)
        except (FailureError, asyncio.CancelledError) as error:
            if not self._is_over and isinstance(error, FailureError):
                self._note_failure(error)
                return
            self._log.note("The provisional release was not ready in time.")

    async def _make(self, request: TitleRequest, opened: OpenedTitle, planned: PlannedProvisional) -> None:
        task = LadderTask(mezzanine=planned.mezzanine, ladders=planned.ladders)
        key = provisional_key(opened.title_key)
        await side_by_side(
            self._renditions(task, planned.encodes),
            make_tracks(planned.mezzanine, key, self._on_part, self._side),
        )
        self._require_wanted()
        packaged = await workflow.execute_activity_method(
            DeliveryActivities.package_title,
            # Under a key of its own no subtitle files are found, either.
            PackageTask(mezzanine=planned.mezzanine, ladders=planned.ladders, title_key=key, key_set=key),
            **self._on_part(IO, "package, encrypt, check the provisional release"),
        )
        self._side.spend(STAGE, packaged.cpu_s)
        self._require_wanted()
        published = await workflow.execute_activity_method(
            DeliveryActivities.publish_title,
            args=[
                PublishTask(
                    title_id=request.title_id,
                    presentation=packaged.presentation,
                    source_sha256=opened.source.sha256,
                    recipe_sha256=digest_of(request.recipe),
                    provisional=True,
                ),
                self._inspection,
            ],
            **self._on_part(IO, "publish the provisional release"),
        )
        self._side.spend(STAGE, published.cpu_s)
        self._log.note_playable(
            FirstPlayable(
                after_s=seconds_since_start(),
                release_id=published.release.release_id,
                duration_s=planned.duration_s,
                provisional=True,
            )
        )

    async def _renditions(self, task: LadderTask, encodes: WorkList) -> None:
        await self._run_all(encodes)
        assembly: WorkList = await workflow.execute_activity_method(
            PlanActivities.plan_assembly, task, **self._lightly("plan the provisional renditions")
        )
        await self._run_all(assembly)

    async def _run_all(self, work: WorkList) -> None:
        self._require_wanted()
        outcome = await self._work.run(STAGE, work)
        if outcome.failed:
            raise as_work_failure(outcome, work)

    def _require_wanted(self) -> None:
        """A step that ends well although it was canceled hides the cancellation: look again before the next."""
        if self._is_over:
            raise asyncio.CancelledError

    def _note_failure(self, error: FailureError) -> None:
        failure = as_title_failure(error)
        code = "" if failure.type is None or failure.message.startswith(failure.type) else f"{failure.type} "
        self._log.note(f"No provisional release: {code}{shortened(failure.message, 200)}")

    def _on_part(self, queue: str, summary: str) -> ActivityOptions:
        work = self._work
        return title_options(queue=queue, silence_s=work.silence_s, priority=work.priority, summary=summary)

    def _lightly(self, summary: str) -> ActivityOptions:
        work = self._work
        return light_options(queue=ORCHESTRATE, silence_s=work.silence_s, priority=work.priority, summary=summary)


def seconds_since_start() -> float:
    """Returns the seconds since the title was submitted, rounded to milliseconds."""
    return round((workflow.now() - workflow.info().start_time).total_seconds(), 3)
