"""What each worker does: its queue, its workflows, its activities, its slots."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pydantic
from temporalio.client import Client
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker, WorkerTuner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.delivery import DeliveryActivities
from activities.interception import CodedErrors
from activities.measures import MeasureActivities
from activities.planning import PlanActivities
from activities.provisional import ProvisionalActivities
from activities.results import ResultActivities
from activities.searches import SearchActivities
from activities.skipping import SkipActivities
from activities.sources import SourceActivities
from activities.tone_mapping import ToneMapActivities
from activities.toolbox import Toolbox
from activities.tracks import TrackActivities
from activities.trials import EncodeActivities
from activities.upkeep import UpkeepActivities
from domain.errors import PertitleError
from workers.settings import Settings
from workflows.clean_store import CleanStore
from workflows.encode_title import EncodeTitle
from workflows.shot_batch import ShotBatch
from workflows.task_queues import ENCODE_CPU, IO, MEASURE, ORCHESTRATE

ROLES: tuple[str, ...] = (ORCHESTRATE, IO, ENCODE_CPU, MEASURE)
"""A role is named like its task queue."""
WORKFLOWS: tuple[type, ...] = (EncodeTitle, ShotBatch, CleanStore)
# Without this a wrong payload or a programming mistake suspends a title in endless retry instead of failing it.
FAILURES: tuple[type[BaseException], ...] = (
    pydantic.ValidationError, PertitleError, TypeError, AttributeError, KeyError, ValueError,
)  # fmt: skip
HEARTBEAT_THROTTLE = timedelta(seconds=2)
"""Cancel reaches an activity in the answer to a heartbeat: the SDK's default of a minute would be too late."""


def activities_of(role: str, toolbox: Toolbox) -> list[Callable[..., Any]]:
    """Returns the activities that a role's worker registers."""
    sources, encodes, searches = SourceActivities(toolbox), EncodeActivities(toolbox), SearchActivities(toolbox)
    measures, plans = MeasureActivities(toolbox), PlanActivities(toolbox)
    mapping = ToneMapActivities(toolbox)
    delivery, results, tracks = DeliveryActivities(toolbox), ResultActivities(toolbox), TrackActivities(toolbox)
    registered: dict[str, list[Callable[..., Any]]] = {
        ORCHESTRATE: [
            plans.plan_trials,
            plans.plan_searches,
            plans.plan_baseline,
            plans.plan_ladders,
            plans.plan_measures,
            plans.judge_ladders,
            plans.settle_ladders,
            plans.plan_assembly,
            mapping.plan_tone_mapping,
            mapping.gather_sdr_mezzanine,
            mapping.add_sdr_ladders,
            SkipActivities(toolbox).drop_rungs,
            UpkeepActivities(toolbox).clean_store,
        ],
        IO: [
            sources.open_title,
            sources.inspect_source,
            sources.detect_shots,
            sources.split_source,
            # Here, because it looks which release is current: planning has no access to releases.
            ProvisionalActivities(toolbox).plan_provisional,
            sources.encode_audio,
            tracks.make_texts,
            tracks.make_thumbnails,
            delivery.run_assemble_unit,
            delivery.package_title,
            delivery.publish_title,
            results.write_result,
            results.keep_settled,
        ],
        ENCODE_CPU: [
            mapping.run_tone_map_unit,
            searches.run_search_unit,
            encodes.run_trial_unit,
            encodes.run_encode_unit,
            encodes.run_baseline_unit,
        ],
        MEASURE: [measures.check_pairing, measures.run_measure_unit],
    }
    return registered[role]


def slots_of(role: str, settings: Settings) -> int:
    """Returns how many activities a role's worker runs at once."""
    return {
        ORCHESTRATE: settings.orchestrate_slots,
        IO: settings.io_slots,
        ENCODE_CPU: settings.encode_slots,
        MEASURE: settings.measure_slots,
    }[role]


def make_worker(client: Client, role: str, settings: Settings, activities: Sequence[Callable[..., Any]]) -> Worker:
    """Returns the worker of a role. Production, tests and replay all get it here."""
    slots = slots_of(role, settings)
    return Worker(
        client,
        task_queue=role,
        workflows=list(WORKFLOWS) if role == ORCHESTRATE else [],
        activities=list(activities),
        workflow_runner=workflow_runner(),
        interceptors=[CodedErrors()],
        workflow_failure_exception_types=list(FAILURES),
        tuner=WorkerTuner.create_fixed(
            workflow_slots=settings.orchestrate_slots,
            activity_slots=slots,
            local_activity_slots=1,
        ),
        # A poller that waits holds a slot that another queue's task could have; few slots need few pollers.
        activity_task_poller_behavior=PollerBehaviorSimpleMaximum(maximum=min(slots, 5)),
        max_cached_workflows=settings.workflow_cache,
        activity_executor=ThreadPoolExecutor(max_workers=slots + 4),
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown_s),
    )


def workflow_runner() -> SandboxedWorkflowRunner:
    """Returns the sandbox for workflow code; our own rooms pass through it (they are read, not reloaded)."""
    rooms = ("domain", "activities", "workflows")
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*rooms))
