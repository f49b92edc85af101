"""Many titles at once: how waiting is read from histories, and a small load on a real server."""

from pathlib import Path

import pytest

from benchmarks.load.ages import StartedStep, overtakings, queue_ages, share_while_waiting
from benchmarks.load.noop_workers import NoopWork
from benchmarks.load.runs import requests_of, run_load
from client.local_stack.control import start_stack, stop_stack

STEPS = (
    StartedStep("a", "encode", scheduled_s=0, started_s=1),
    StartedStep("a", "encode", scheduled_s=0, started_s=4),
    StartedStep("b", "encode", scheduled_s=0, started_s=2),
    StartedStep("b", "io", scheduled_s=0, started_s=3),
    StartedStep("c", "encode", scheduled_s=1.5, started_s=5),
)


def test_who_began_while_a_step_waited_has_overtaken_it() -> None:
    assert overtakings(STEPS, "c") == [2]
    assert overtakings(STEPS, "a") == [0, 1]
    assert overtakings(STEPS, "nobody") == []


def test_ages_are_told_by_queue() -> None:
    ages = queue_ages(STEPS)
    assert (ages["encode"].steps, ages["encode"].longest_s, ages["encode"].median_s) == (4, 4, 3.5)
    assert ages["io"].steps == 1


def test_a_share_counts_only_while_its_titles_have_work() -> None:
    assert share_while_waiting(STEPS, "encode", frozenset({"b"})) == pytest.approx(1 / 2)
    with pytest.raises(ValueError, match="no step"):
        share_while_waiting(STEPS, "io", frozenset({"a"}))


def test_the_urgent_title_comes_last_and_the_small_studio_has_a_quarter() -> None:
    requests = requests_of("x", 41)
    assert [request.priority for request in requests].index("urgent") == 40
    assert sum(request.studio == "small" for request in requests) == 10
    assert len({request.title_id for request in requests}) == 41


@pytest.mark.slow
async def test_a_dozen_titles_at_once_all_finish_and_the_urgent_one_hardly_waits(tmp_path: Path) -> None:
    stack = await start_stack(tmp_path, parts=("temporal",))
    try:
        outcome = await run_load(stack, "small", 12, NoopWork(shots=4, unit_s=0.05))
    finally:
        await stop_stack(tmp_path)
    assert outcome.finished == 12
    assert outcome.activities == 12 * 64
    assert outcome.longest_history_events < 2_000
    # Eleven others have 176 encoding units for four slots: in order of arrival it would be overtaken by most of them.
    middle = len(outcome.urgent_overtaken) // 2
    assert outcome.urgent_overtaken[middle] <= 8
    assert max(outcome.most_rss_bytes.values()) < 1 << 30
