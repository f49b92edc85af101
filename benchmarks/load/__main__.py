"""Many titles at once: ``python -m benchmarks.load [--titles 200 | --real 200] [--json FILE]``.

Starts a Temporal server as the local stack has it, and in a process of their own the workers of all roles with the real
workflows, queues and slots, whose activities do nothing (encoding units hold their slot for a moment). So what is
measured is the pipeline around the encoders: throughput of steps, order, queue ages, histories, memory. Prints a table,
and writes JSON.

With ``--real`` the titles are real, and as tiny as titles get, on a whole local stack: every program runs.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.load.noop_workers import NoopWork
from benchmarks.load.real import run_real_load
from benchmarks.load.runs import LoadOutcome, run_load
from client.local_stack.control import start_stack, stop_stack

TITLE_STEPS = (10, 50)
SHOT_STEPS = (50, 200, 500, 2000)
SHOTS = 4


async def measure(titles: Sequence[int], shots: Sequence[int], unit_s: float) -> list[LoadOutcome]:
    """Runs one load after the other on one server."""
    with tempfile.TemporaryDirectory(prefix="pertitle-load-") as folder:
        state_dir = Path(folder)
        stack = await start_stack(state_dir, parts=("temporal",))
        outcomes: list[LoadOutcome] = []
        try:
            for count in titles:
                outcomes.append(await run_load(stack, f"load{count}", count, NoopWork(SHOTS, unit_s)))
                _say(outcomes[-1])
            for count in shots:
                outcomes.append(await run_load(stack, f"shots{count}", 1, NoopWork(count, 0.0)))
                _say(outcomes[-1])
        finally:
            await stop_stack(state_dir)
    return outcomes


async def measure_real(titles: int) -> list[LoadOutcome]:
    """Runs one load of real titles."""
    with tempfile.TemporaryDirectory(prefix="pertitle-load-") as folder:
        alone_s, outcome = await run_real_load(Path(folder), titles)
    sys.stdout.write(f"one title alone: {alone_s} s\n")
    _say(outcome)
    return [outcome]


def _say(outcome: LoadOutcome) -> None:
    ages = " ".join(
        f"{queue} {age.median_s:.1f}/{age.p95_s:.1f}/{age.longest_s:.1f}" for queue, age in outcome.queue_ages.items()
    )
    rss = " ".join(f"{name} {size / 2**20:.0f} MiB" for name, size in outcome.most_rss_bytes.items())
    overtaken = outcome.urgent_overtaken
    shares = " ".join(f"{queue} {share}" for queue, share in outcome.small_studio_shares.items())
    urgent = " ".join(
        f"{queue} {age.longest_s:.1f} (longest step {outcome.longest_step_s.get(queue, 0.0):.1f})"
        for queue, age in outcome.urgent_ages.items()
    )
    sys.stdout.write(
        f"{outcome.finished} of {outcome.titles} titles of {outcome.shots} shots in {outcome.wall_s} s: "
        f"{outcome.activities} activities, {outcome.activities_a_second}/s; "
        f"longest history {outcome.longest_history_events} events, {outcome.longest_history_bytes} bytes; {rss}\n"
        f"  queue ages in s (median/p95/longest): {ages}\n"
        f"  urgent, submitted last: overtaken by {overtaken[len(overtaken) // 2]} (median), {overtaken[-1]} (most); "
        f"share of the small studio: {shares}\n"
        f"  its longest wait in s, by queue: {urgent}\n"
    )
    if outcome.first_failure:
        sys.stdout.write(f"  first failure: {outcome.first_failure}\n")
    sys.stdout.flush()


def main() -> int:
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--titles", type=int, default=200, help="titles of the largest load")
    parser.add_argument("--shots", type=int, nargs="*", default=SHOT_STEPS, help="shots of single titles, in turn")
    parser.add_argument("--unit-s", type=float, default=0.05, help="seconds that an encoding unit holds its slot")
    parser.add_argument("--json", type=Path, default=Path("load.json"), help="file that is written")
    parser.add_argument("--real", type=int, default=0, metavar="N", help="instead: so many real, tiny titles")
    arguments = parser.parse_args()
    steps = [*(count for count in TITLE_STEPS if count < arguments.titles), arguments.titles]
    if arguments.real:
        outcomes = asyncio.run(measure_real(arguments.real))
    else:
        outcomes = asyncio.run(measure(steps, arguments.shots, arguments.unit_s))
    content = {"schema": "pertitle/load/v1", "loads": [asdict(outcome) for outcome in outcomes]}
    arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0 if all(outcome.finished == outcome.titles for outcome in outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main())
