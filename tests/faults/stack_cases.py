"""Faults of processes and servers while a whole title runs (operations.md, families A, B and D)."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from client.attention_commands import send_decision
from client.local_stack.parts import WORKER_ROLES
from client.titles import submit_title
from domain.attention import WaitingList
from domain.release import TitleReceipt
from sample_media.clips import make_clip
from storage.release_reader import verify_release
from tests.support.fault_cases import FaultCase, FaultReport
from tests.support.fault_stack import TITLE_ID, DisturbedTitle, FaultStack
from tests.support.s3_fault_proxy import Rule, flipped_bit, lost_answer, refusing, slow, truncated
from tests.support.stacks import children_of, wait_for, wait_for_answer
from tests.support.title_ledger import steps_pending

Act = Callable[[FaultStack, FaultReport], Awaitable[None]]
RELEASES = "/pertitle-releases/"
MINUTES = {
    "codecs": [{"codec": "h264", "preset": "medium"}, {"codec": "av1", "preset": "8"}],
    "heights_px": [180, 270, 360, 540],
    "policy": {"max_rungs": 4, "min_bitrate_bps": 20_000},
    "search": {"method": "grid"},
}
"""A title that takes minutes with one encode at a time; each of its steps takes less than 20 s."""


def killed(role: str, stage: str) -> Act:
    """``kill -9`` of a part when the title is in a stage."""

    async def act(scene: FaultStack, report: FaultReport) -> None:
        title = await scene.begin()
        if role == "encode-cpu":
            running = await scene.encoding()
        else:
            running = []
            await scene.reach(title, stage)
        before = scene.stack.pid_of(role)
        tries = await scene.kill(title, role)
        await scene.judge(title, report, tries=tries, kills=1)
        assert scene.stack.pid_of(role) != before
        assert not [pid for pid in running if is_alive(pid)]
        report.seen = f"killed in {stage} with {tries} tries under way"

    return act


async def monkey(scene: FaultStack, report: FaultReport) -> None:
    """Kills whenever 20 s have passed, from the submit of a title of minutes to its end: all workers, then two each."""
    whole = await scene.with_title(await make_clip("demo_720p24", scene.stack.folder / "clips"), MINUTES)
    chance, tries, deaths, rounds = random.Random(20), 0, 0, 0
    title = await whole.begin()
    finishing = asyncio.create_task(title.handle.result())
    while not (await asyncio.wait([finishing], timeout=20.0))[0]:
        victims = WORKER_ROLES if rounds == 0 else chance.sample(WORKER_ROLES, k=2)
        tries += await whole.kill(title, *victims)
        deaths += len(victims)
        rounds += 1
    await whole.judge(title, report, tries=tries, kills=deaths)
    assert rounds >= 6, f"the title took only {rounds} rounds: give it more to do"
    report.seen = f"{deaths} kills in {rounds} rounds, {tries} tries were under way"


def frozen(role: str, stage: str, stop_s: float) -> Act:
    """SIGSTOP of a worker and of its programs for twice the heartbeat time-out of what it does, then SIGCONT."""

    async def act(scene: FaultStack, report: FaultReport) -> None:
        title = await scene.begin()
        await _reach_work(scene, title, stage)
        worker = scene.stack.pid_of(role)
        stopped = (worker, *children_of(worker))
        tries = await scene.under_way(title, {worker})
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(stop_s)  # the fault itself, no wait for a result
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        # The open polls of a frozen worker may be given as many again.
        await scene.judge(title, report, tries=2 * max(tries, 1), kills=1)
        assert scene.stack.pid_of(role) == worker
        report.seen = f"{tries} tries under way"

    return act


async def spot_notice(scene: FaultStack, report: FaultReport) -> None:
    title = await scene.begin()
    await scene.encoding()
    before = scene.stack.pid_of("encode-cpu")
    os.kill(before, signal.SIGTERM)
    await wait_for(lambda: not is_alive(before), "the worker's end", 110)
    await scene.judge(title, report, tries=1, kills=1)


async def killed_program(scene: FaultStack, report: FaultReport) -> None:
    title = await scene.begin()
    programs = await scene.encoding()
    for pid in programs:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await scene.judge(title, report, tries=len(programs), kills=len(programs))
    report.seen = f"{report.lost} tries lost"


async def server_restart(scene: FaultStack, report: FaultReport) -> None:
    title = await scene.begin()
    await scene.encoding()
    before, tries = scene.stack.pid_of("temporal"), await scene.under_way(title)
    os.kill(before, signal.SIGKILL)
    await scene.judge(title, report, tries=tries, kills=1)
    assert scene.stack.pid_of("temporal") != before


async def server_away(scene: FaultStack, report: FaultReport) -> None:
    title = await scene.begin()
    await scene.encoding()
    temporal, tries = scene.stack.pid_of("temporal"), await scene.under_way(title)
    os.kill(temporal, signal.SIGSTOP)
    try:
        await asyncio.sleep(150)  # the fault itself: longer than every time-out and the longest pause between tries
    finally:
        os.kill(temporal, signal.SIGCONT)
    await scene.judge(title, report, tries=tries, kills=1)
    report.seen = f"{tries} tries were under way"


async def submitted_in_parallel(scene: FaultStack, report: FaultReport) -> None:
    request = await scene.prepare()
    client = scene.stack.session.temporal
    submissions = await asyncio.gather(*(submit_title(client, request) for _ in range(10)))
    (workflow_id,) = {submission.handle.id for submission in submissions}
    title = scene.watch(submissions[0].handle)
    await scene.judge(title, report, tries=0, kills=0)
    again = await submit_title(client, request)
    assert not again.is_new
    assert (await again.handle.result()).release.release_id == scene.release_id
    runs = [run async for run in client.list_workflows(f'WorkflowId = "{workflow_id}"')]
    assert len(runs) == 1
    report.seen = "10 submits, 1 run; an 11th after success starts nothing"


def canceled_in(stage: str) -> Act:
    """Cancel when the title is in a stage."""

    async def act(scene: FaultStack, report: FaultReport) -> None:
        rules = [Rule(slow(20_000), method="GET", key="/objects/")]
        if stage != "publish":  # on a busy machine the title would else be through before the cancel comes
            rules.append(Rule(refusing(503, "SlowDown"), method="PUT", key=RELEASES))
        with scene.proxy.failing(*rules):
            title = await scene.begin()
            await _reach_work(scene, title, stage)
            await title.handle.cancel()
            with pytest.raises(WorkflowFailureError):
                await title.handle.result()
        status = (await title.handle.describe()).status
        assert status is WorkflowExecutionStatus.CANCELED
        await scene.judge_ended(title, report)
        report.seen = "status canceled"

    return act


async def _reach_work(scene: FaultStack, title: DisturbedTitle, stage: str) -> None:
    if stage == "trials":
        await scene.encoding()
    elif stage == "publish":
        await wait_for(lambda: any(RELEASES in seen.key for seen in scene.proxy.seen), "the first object of a release")
    else:
        await scene.reach(title, stage)


async def store_away(scene: FaultStack, report: FaultReport) -> None:
    title = await scene.begin()
    await scene.encoding()
    steps = await steps_pending(scene.stack.session.temporal, title.handle.id)
    scene.proxy.refuse()
    try:
        await asyncio.sleep(120)  # the fault itself
    finally:
        scene.proxy.accept()
    # Each that was asked for fails eight times within two minutes (1, 2, 4, 8, 16, 30, 30, 30 s), and none can follow.
    await scene.judge(title, report, tries=8 * steps, kills=0)
    report.seen = f"away for 2 min, {report.lost} tries lost"


def _most_lost(rules: Sequence[Rule]) -> int:
    """A body that is cut or changed is found only behind the client, which itself tries four times."""
    struck = [rule.struck for rule in rules]
    return sum(struck[2:]) + sum(struck[:2]) // 4


async def lying_store(scene: FaultStack, report: FaultReport) -> None:
    rules = (
        Rule(refusing(503, "SlowDown"), probability=0.10, seed=1),
        Rule(lost_answer(500, "InternalError"), method="PUT", probability=0.05, seed=2),
        Rule(truncated, method="GET", probability=0.03, seed=3),
        Rule(flipped_bit, method="GET", key="/(objects|results|titles)/", probability=0.03, seed=4),
    )
    with scene.proxy.failing(*rules):
        title = await scene.begin()
        await scene.judge(title, report, tries=lambda: _most_lost(rules), kills=1)
    struck = sum(rule.struck for rule in rules)
    assert struck
    report.seen = f"{struck} lies in {len(scene.proxy.seen)} requests, {report.lost} tries lost"


async def crashed_publisher(scene: FaultStack, report: FaultReport) -> None:
    """The worker dies at four moments of one publishing; each time the next one goes on."""
    title, tries, deaths = await scene.begin(), 0, 0
    for path in ("init.mp4", "playlist.m3u8", "release.json", "current.json"):

        def has_come(path: str = path) -> bool:
            return any(
                seen.method == "PUT" and seen.key.endswith(path) for seen in scene.proxy.seen if RELEASES in seen.key
            )

        await wait_for(has_come, path)
        tries += await scene.kill(title, "io")
        deaths += 1
    await scene.judge(title, report, tries=tries, kills=deaths)
    report.seen = f"{deaths} deaths, {report.lost} tries lost"


def poisoned(choice: str) -> Act:
    """The second production encode cannot be kept, whoever tries: its unit waits until a person decides."""

    async def act(scene: FaultStack, report: FaultReport) -> None:
        title = await scene.begin(waits=True)
        await scene.reach(title, "plan")
        poison = Rule(refusing(403, "AccessDenied"), method="PUT", key="/results/encodes/", nth=frozenset({2}))

        async def is_waiting() -> bool:
            return bool((await title.handle.query("needs_attention", result_type=WaitingList)).items)

        with scene.proxy.failing(poison):
            await wait_for_answer(is_waiting, "a unit that waits")
        await send_decision(title.handle, TITLE_ID, {"choice": choice, "name": "test", "reason": "by the test"})
        if choice == "retry":
            await scene.judge(title, report, tries=0, kills=0)
            report.seen = "waited, tried again: the same release"
            return
        receipt = await title.handle.result()
        release = await asyncio.to_thread(verify_release, scene.store, receipt.release)
        report.leaked = await scene.leftovers()
        assert scene.undisturbed is not None
        assert 0 < len(release.objects) < len(scene.undisturbed.objects)
        report.seen = f"waited, skipped: {len(release.objects)} of {len(scene.undisturbed.objects)} objects"

    return act


async def power_cut(scene: FaultStack, report: FaultReport) -> None:
    title = await scene.begin()
    await scene.encoding()
    # Between asking and cutting, one may end and two begin.
    tries = await scene.under_way(title) + 1
    await scene.cut_power()
    await scene.go_on()
    client = scene.stack.session.temporal
    title.handle = client.get_workflow_handle(title.handle.id, result_type=TitleReceipt)
    await scene.judge(title, report, tries=tries, kills=1)
    report.seen = f"goes on by itself, {report.lost} tries lost"


def is_alive(pid: int) -> bool:
    """Tells whether a process runs and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 - /proc is no file
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def no_orphans(scene: FaultStack, report: FaultReport) -> None:
    """``kill -9`` of a worker takes the programs with it at once, not only when somebody notices."""
    title = await scene.begin()
    worker = scene.stack.pid_of("encode-cpu")
    programs = await wait_for(lambda: children_of(worker), "an encode")
    os.kill(worker, signal.SIGKILL)
    await wait_for(lambda: not any(is_alive(pid) for pid in programs), "the end of the programs", 60)
    await scene.judge(title, report, tries=1, kills=1)


SAME = "same release, nothing lost but the tries under way"
STACK_CASES: list[FaultCase[FaultStack]] = [
    FaultCase("A1", "kill encode-cpu", "kill -9 in an encode", SAME, killed("encode-cpu", "trials"), is_sampled=True),
    FaultCase("A1i", "kill io", "kill -9 while the source is inspected", SAME, killed("io", "inspect")),
    FaultCase("A1m", "kill measure", "kill -9 while encodes are measured", SAME, killed("measure", "measure")),
    FaultCase("A1o", "kill orchestrate", "kill -9 in the trials", SAME, killed("orchestrate", "trials")),
    FaultCase("A1p", "no orphans", "kill -9 of a worker", "its programs end with it", no_orphans),
    FaultCase("A2", "monkey", "two workers killed every 20 s for a whole title", SAME, monkey),
    FaultCase("A3", "SIGSTOP", "encode-cpu and its program for 13 s", SAME, frozen("encode-cpu", "trials", 13.0)),
    FaultCase("A3i", "SIGSTOP io", "for 37 s, while the source is inspected", SAME, frozen("io", "inspect", 37.0)),
    FaultCase("A3m", "SIGSTOP measure", "for 13 s", SAME, frozen("measure", "measure", 13.0)),
    FaultCase("A3o", "SIGSTOP orchestrate", "for 37 s, in the trials", SAME, frozen("orchestrate", "trials", 37.0)),
    FaultCase("A4", "spot notice", "SIGTERM to a worker", "it ends within 110 s; same release", spot_notice),
    FaultCase("A5", "kill ffmpeg", "kill -9 of the program only", SAME, killed_program, is_sampled=True),
    FaultCase("A7", "Temporal dies", "kill -9 of the server", SAME, server_restart, is_sampled=True),
    FaultCase("A8", "Temporal away", "the server frozen for 150 s", SAME, server_away),
    FaultCase("A9", "power cut", "kill -9 of everything, then up", SAME, power_cut, is_sampled=True),
    FaultCase("A10", "10 submits", "at once, and one after success", "one run", submitted_in_parallel, is_sampled=True),
    FaultCase("A12", "poison shot, retry", "one encode fails for good", "waits; same release", poisoned("retry")),
    FaultCase(
        "A12s",
        "poison shot, skip",
        "one encode fails for good",
        "waits; fewer rungs",
        poisoned("skip"),
        is_sampled=True,
    ),
    FaultCase("A13t", "cancel in trials", "cancel", "canceled, nothing left", canceled_in("trials"), is_sampled=True),
    FaultCase("A13i", "cancel in inspect", "cancel", "canceled, nothing left", canceled_in("inspect")),
    FaultCase("A13n", "cancel in encode", "cancel", "canceled, nothing left", canceled_in("encode")),
    FaultCase("A13e", "cancel in measure", "cancel", "canceled, nothing left", canceled_in("measure")),
    FaultCase("A13k", "cancel in package", "cancel", "canceled, nothing left", canceled_in("package")),
    FaultCase("A13p", "cancel in publish", "cancel", "canceled, nothing left", canceled_in("publish")),
    FaultCase("B19s", "store away", "refused for 2 minutes in a title", SAME, store_away),
    FaultCase("B20s", "lying store", "503, lost answers, cut and flipped bodies", SAME, lying_store),
    FaultCase("D42s", "crashed publisher", "kill -9 after 4 steps of publishing", SAME, crashed_publisher),
]
