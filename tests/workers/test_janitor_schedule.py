"""The janitor's schedule follows the settings of the worker that starts. On a real server."""

import pytest
from temporalio.client import Client, ScheduleActionStartWorkflow
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from domain.upkeep import CleanTask
from workers.janitor_schedule import SCHEDULE_ID, janitor_schedule, keep_janitor_schedule
from workers.settings import load_settings

pytestmark = pytest.mark.slow


async def hours_of(client: Client) -> float:
    spec = (await client.get_schedule_handle(SCHEDULE_ID).describe()).schedule.spec
    return spec.intervals[0].every.total_seconds() / 3600


async def test_the_schedule_is_made_changed_left_paused_and_removed(temporal: WorkflowEnvironment) -> None:
    client = temporal.client
    await keep_janitor_schedule(client, load_settings({}))
    assert await hours_of(client) == 24
    schedule = client.get_schedule_handle(SCHEDULE_ID)
    await schedule.pause()

    await keep_janitor_schedule(client, load_settings({"PERTITLE_JANITOR_EVERY_H": "2.5"}))
    assert await hours_of(client) == 2.5
    assert (await schedule.describe()).schedule.state.paused

    off = load_settings({"PERTITLE_JANITOR_EVERY_H": "0"})
    for _ in range(2):
        await keep_janitor_schedule(client, off)
    with pytest.raises(RPCError, match="not found"):
        await schedule.describe()


def test_a_week_is_what_litter_stays_by_default() -> None:
    action = janitor_schedule(load_settings({})).action
    assert isinstance(action, ScheduleActionStartWorkflow)
    assert list(action.args) == [CleanTask(older_than_h=7 * 24)]
