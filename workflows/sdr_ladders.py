"""The SDR ladders of an HDR title: its shots tone-mapped, then tried out, encoded and measured as a title of their own.

They run beside the HDR ladders, and both stand in one release.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.measures import MeasureActivities
    from activities.tone_mapping import ToneMapActivities
    from domain.request import TitleRequest
    from domain.steps import LadderTask, MezzanineReference, OpenedTitle
    from workflows.activity_options import ActivityOptions, light_options, title_options
    from workflows.attention import WaitingRoom
    from workflows.task_queues import MEASURE, ORCHESTRATE
    from workflows.title_ladders import TitleLadders
    from workflows.title_log import TitleLog
    from workflows.title_work import TitleWork

NAME = "SDR"


class SdrLadders:
    """The SDR ladders of one title; owned by its workflow."""

    def __init__(self, log: TitleLog, room: WaitingRoom) -> None:
        """Takes the title's log and waiting room."""
        self._log = log
        # With a lane, what waits for a person says which ladders it belongs to.
        self._work = TitleWork(log, room, lane=NAME.lower(), goes_first=False)
        self._ladders = TitleLadders(log, self._work, name=NAME)

    async def make(self, request: TitleRequest, opened: OpenedTitle, hdr: MezzanineReference) -> LadderTask | None:
        """Makes the SDR renditions, measured against the tone-mapped pictures; ``None`` for a title that is SDR."""
        self._work.request, self._work.silence_s = request, opened.heartbeat_timeout_s
        pieces = await workflow.execute_activity_method(
            ToneMapActivities.plan_tone_mapping, hdr.mezzanine, **self._lightly("plan the SDR pictures")
        )
        if not pieces.count:
            self._log.note("No ladders by tone mapping: the source is SDR.")
            return None
        await self._work.run_all("tone_mapping", pieces)
        sdr = await workflow.execute_activity_method(
            ToneMapActivities.gather_sdr_mezzanine, hdr.mezzanine, **self._lightly("gather the SDR pictures")
        )
        pairing = await workflow.execute_activity_method(
            MeasureActivities.check_pairing,
            sdr.mezzanine,
            **self._on_title(MEASURE, "SDR: prove that pictures are paired by index"),
        )
        self._log.spend("measure", pairing.cpu_s)
        await self._ladders.try_out(sdr, request.recipe.for_sdr_rungs())
        planned = await self._ladders.plan(sdr)
        task = await self._ladders.encode_and_measure(sdr, planned, lambda _stage: None)
        await self._ladders.assemble(task)
        return task

    async def join(self, hdr: LadderTask, sdr: LadderTask) -> LadderTask:
        """Returns the ladders of the title: the HDR ones with the SDR ones beside them."""
        ladders = await workflow.execute_activity_method(
            ToneMapActivities.add_sdr_ladders, args=[hdr, sdr], **self._lightly("put the ladders together")
        )
        return hdr.model_copy(update={"ladders": ladders})

    def _on_title(self, queue: str, summary: str) -> ActivityOptions:
        work = self._work
        return title_options(queue=queue, silence_s=work.silence_s, priority=work.priority, summary=summary)

    def _lightly(self, summary: str) -> ActivityOptions:
        work = self._work
        return light_options(queue=ORCHESTRATE, silence_s=work.silence_s, priority=work.priority, summary=summary)
