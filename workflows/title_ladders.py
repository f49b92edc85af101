"""The ladders of one mezzanine: tried out, chosen, encoded, measured, corrected once, joined to renditions."""

from collections.abc import Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.planning import PlanActivities
    from activities.skipping import SkipActivities
    from domain.files import StoredFile
    from domain.recipe import Recipe
    from domain.steps import (
        CorrectedTask,
        LadderTask,
        MezzanineReference,
        PlannedLadders,
        PlannedSearches,
        SearchWave,
    )
    from domain.video import Codec
    from workflows.activity_options import ActivityOptions, light_options
    from workflows.side_by_side import side_by_side
    from workflows.task_queues import ORCHESTRATE
    from workflows.title_log import TitleLog
    from workflows.title_work import TitleWork


class TitleLadders:
    """The ladders of one mezzanine; owned by its workflow."""

    def __init__(self, log: TitleLog, work: TitleWork, *, name: str = "") -> None:
        """Takes what counts and what runs work lists.

        Args:
            log: What counts.
            work: Runs work lists; that of these ladders alone, because what a person skips is theirs.
            name: Stands in notes where a title has more than one mezzanine.
        """
        self._log = log
        self._work = work
        self._name = name

    async def try_out(self, mezzanine: MezzanineReference, recipe: Recipe) -> None:
        """Runs the searches of all codecs side by side, so that one's barrier is filled by another's work; or a grid.

        A failed trial of a grid costs at worst a size, a failed search the title.
        """
        if recipe.search.method == "grid":
            trials = await workflow.execute_activity_method(
                PlanActivities.plan_trials, mezzanine.mezzanine, **self._lightly("plan the trial encodes")
            )
            await self._work.run("trials", trials)
            return
        codecs = [item.codec for item in recipe.codecs if item.codec not in mezzanine.left_out]
        self._log.expect_searches(mezzanine.shots * len(codecs))
        await side_by_side(*(self._search(mezzanine, codec) for codec in codecs))

    async def plan(self, mezzanine: MezzanineReference) -> PlannedLadders:
        """Chooses the rungs when the trials are in."""
        planned: PlannedLadders = await workflow.execute_activity_method(
            PlanActivities.plan_ladders, mezzanine.mezzanine, **self._lightly("hulls, equal slope, rungs")
        )
        self._log.spend("plan", planned.cpu_s)
        self._note(planned.summary)
        return planned

    async def encode_and_measure(
        self, mezzanine: MezzanineReference, planned: PlannedLadders, enter: Callable[[str], None]
    ) -> LadderTask:
        """Encodes every rung shot by shot, measures all of it, corrects once what missed its promise.

        Args:
            mezzanine: What the ladders are made of.
            planned: The ladders.
            enter: Told which stage begins.
        """
        enter("encode")
        self._log.expect_rungs(planned.rungs, self._name)
        task = LadderTask(mezzanine=mezzanine.mezzanine, ladders=planned.ladders)
        await self._work.run_all("encode", planned.encodes)
        task = await self._without_skipped(task)
        enter("measure")
        await self._measure(task)
        judged = await workflow.execute_activity_method(
            PlanActivities.judge_ladders, task, **self._lightly("hold every rung against its promise")
        )
        self._log.spend("plan", judged.cpu_s)
        planned_ladders, task = task.ladders, task.model_copy(update={"ladders": judged.ladders})
        if judged.encodes.count:
            self._note(f"{judged.corrected_rungs} rungs corrected")
            await self._work.run_all("encode", judged.encodes)
            task = await self._without_skipped(task)
            await self._measure(task)
            # Titles that were corrected before there was such a step deliver what the correction made.
            if workflow.patched("settled-corrections"):
                task = await self._settled(task, planned_ladders)
        return task

    async def assemble(self, task: LadderTask) -> None:
        """Joins the shots of every rung to a rendition."""
        assembly = await workflow.execute_activity_method(
            PlanActivities.plan_assembly, task, **self._lightly("plan the renditions")
        )
        await self._work.run_all("package", assembly)

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
            await self._work.run_all("trials", planned.work)
            wave, waves = wave + 1, planned.waves

    async def _without_skipped(self, task: LadderTask) -> LadderTask:
        """Leaves out the rungs that a person decided to skip, if any."""
        if not self._work.skips:
            return task
        self._work.skips = False
        trimmed = await workflow.execute_activity_method(
            SkipActivities.drop_rungs, task, **self._lightly("leave out skipped rungs")
        )
        self._log.expect_rungs(trimmed.rungs, self._name)
        self._note(f"{trimmed.dropped} rungs skipped by decision")
        return task.model_copy(update={"ladders": trimmed.ladders})

    async def _settled(self, task: LadderTask, planned: StoredFile) -> LadderTask:
        """Chooses among the encodes of the shots that were made twice."""
        settled = await workflow.execute_activity_method(
            PlanActivities.settle_ladders,
            CorrectedTask(mezzanine=task.mezzanine, planned=planned, corrected=task.ladders),
            **self._lightly("choose among the encodes of corrected rungs"),
        )
        self._log.spend("plan", settled.cpu_s)
        if settled.mixed_rungs:
            self._note(f"{settled.mixed_rungs} corrected rungs keep some shots as they were planned")
        return task.model_copy(update={"ladders": settled.ladders})

    async def _measure(self, task: LadderTask) -> None:
        measures = await workflow.execute_activity_method(
            PlanActivities.plan_measures, task, **self._lightly("plan the measurements")
        )
        await self._work.run_all("measure", measures)

    def _note(self, text: str) -> None:
        self._log.note(f"{self._name}: {text}" if self._name else text)

    def _lightly(self, summary: str) -> ActivityOptions:
        work, named = self._work, f"{self._name}: {summary}" if self._name else summary
        return light_options(queue=ORCHESTRATE, silence_s=work.silence_s, priority=work.priority, summary=named)
