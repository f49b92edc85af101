"""``kill -9`` of a worker, the orchestrator and the Temporal server: the title finishes, with the same digests."""

import os
import signal
from contextlib import suppress

import pytest

from client.local_stack.control import start_stack
from client.session import local_session
from tests.faults.conftest import Undisturbed, objects_of, title_request
from tests.support.stacks import TestStack, children_of, lost_tries, wait_for

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("victim", ["encode-cpu", "orchestrate", "temporal"])
async def test_a_title_survives_kill_9_in_the_middle(
    victim: str, undisturbed: Undisturbed, fresh_stack: TestStack
) -> None:
    source = await fresh_stack.upload(undisturbed.clip)
    handle = await fresh_stack.submit(title_request(source))
    encoder = fresh_stack.pid_of("encode-cpu")
    first = await wait_for(lambda: children_of(encoder), "the first trial encode")
    # The middle: one unit has ended, the next one runs.
    running = await wait_for(lambda: set(children_of(encoder)) - set(first), "the second trial encode")
    killed = fresh_stack.pid_of(victim)
    os.kill(killed, signal.SIGKILL)

    receipt = await fresh_stack.finish(handle, "disturbed")

    assert fresh_stack.pid_of(victim) != killed
    assert objects_of(fresh_stack.release_of(receipt)) == objects_of(undisturbed.release)
    assert fresh_stack.release_of(receipt).release_id == undisturbed.release.release_id
    lost = await lost_tries(fresh_stack, handle.id, "search")
    assert lost <= 1
    if victim == "encode-cpu":
        assert lost == 1
        assert not any(os.path.exists(f"/proc/{pid}") for pid in running)  # noqa: PTH110 - /proc is no file


async def test_a_title_survives_the_kill_of_everything_and_goes_on_after_up(
    undisturbed: Undisturbed, fresh_stack: TestStack
) -> None:
    """What a power cut does, short of the disk: supervisor and all parts die at once; ``up`` resumes the title."""
    handle = await fresh_stack.submit(title_request(await fresh_stack.upload(undisturbed.clip)))
    encoder = fresh_stack.pid_of("encode-cpu")
    await wait_for(lambda: children_of(encoder), "the first trial encode")
    assert fresh_stack.state.supervisor is not None
    for pid in (fresh_stack.state.supervisor.pid, *fresh_stack.state.pids.values()):
        # The supervisor goes first, and its parts die with it: one may be gone before its turn.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await wait_for(lambda: not fresh_stack.state.is_running, "the end of the supervisor")

    state = await start_stack(fresh_stack.folder)
    fresh_stack.state, fresh_stack.session = state, await local_session(state)
    resumed = await fresh_stack.submit(title_request(await fresh_stack.upload(undisturbed.clip)))
    receipt = await fresh_stack.finish(resumed, "disturbed")

    assert resumed.id == handle.id
    assert objects_of(fresh_stack.release_of(receipt)) == objects_of(undisturbed.release)
