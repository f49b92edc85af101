"""The janitor's Temporal Schedule: each ``orchestrate`` worker that starts brings it into line with its settings."""

import logging
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
)
from temporalio.service import RPCError, RPCStatusCode

from domain.upkeep import CleanTask
from workers.settings import Settings
from workflows.clean_store import CleanStore
from workflows.task_queues import ORCHESTRATE

logger = logging.getLogger(__name__)

SCHEDULE_ID = "pertitle-janitor"


async def keep_janitor_schedule(client: Client, settings: Settings) -> None:
    """Brings the schedule into line with the settings; a server that refuses it is no reason not to work."""
    try:
        if settings.janitor_every_h == 0:
            await _remove(client)
        else:
            await _put(client, janitor_schedule(settings))
    except RPCError as error:
        logger.warning("the janitor's schedule could not be kept: %s", error)


def janitor_schedule(settings: Settings) -> Schedule:
    """Returns the schedule that the settings ask for."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            CleanStore.run,
            CleanTask(older_than_h=settings.janitor_older_than_h),
            id=SCHEDULE_ID,
            task_queue=ORCHESTRATE,
            execution_timeout=timedelta(hours=20),
        ),
        spec=ScheduleSpec(
            intervals=[ScheduleIntervalSpec(every=timedelta(hours=settings.janitor_every_h))],
            jitter=timedelta(minutes=10),
        ),
        # One at a time; a stack that was down for a week cleans once.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(hours=1)),
    )


async def _put(client: Client, wanted: Schedule) -> None:
    try:
        await client.create_schedule(SCHEDULE_ID, wanted)
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(SCHEDULE_ID)
        # A person may have paused it: the state stays as it is.
        await handle.update(
            lambda found: ScheduleUpdate(
                Schedule(
                    action=wanted.action, spec=wanted.spec, policy=wanted.policy, state=found.description.schedule.state
                )
            )
        )


async def _remove(client: Client) -> None:
    try:
        await client.get_schedule_handle(SCHEDULE_ID).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
