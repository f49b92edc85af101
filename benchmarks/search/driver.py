"""Runs the search of one shot: asks it what to make, has it made, until it says that it is enough."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.oracle.table import Trial
from domain.search import SearchTask, SeenTrial, StopReason, TitlePrior, TrialAsk
from ladders.search.calibration import Calibration, mean_of
from ladders.search.shot_search import next_step

Measure = Callable[[Sequence[TrialAsk]], Awaitable[Sequence[SeenTrial]]]
"""Makes trials and returns what was seen, in the order of what was asked; ffmpeg or a table stands behind it."""

Clock = Callable[[], float]
"""CPU seconds that this process has spent."""


@dataclass(frozen=True, slots=True)
class Search:
    """A finished search of one shot."""

    task: SearchTask
    prior: TitlePrior
    seen: tuple[SeenTrial, ...]
    first_round: tuple[TrialAsk, ...]
    rounds: int
    stop: StopReason
    regret: float
    dense: bool
    deciding_cpu_s: float
    """CPU seconds of choosing trials."""


async def search_shot(task: SearchTask, prior: TitlePrior, measure: Measure, clock: Clock) -> Search:
    """Runs a search to its end.

    Args:
        task: where to search.
        prior: finished shots of the same title.
        measure: makes the trials.
        clock: counts the CPU of choosing them.

    Raises:
        RuntimeError: the search neither asks for a trial nor ends.
    """
    seen: list[SeenTrial] = []
    first: tuple[TrialAsk, ...] = ()
    rounds, dense, deciding_s = 0, False, 0.0
    while True:
        began = clock()
        step = next_step(task, seen, prior)
        deciding_s += clock() - began
        dense = dense or step.dense
        if step.stop is not None:
            return Search(task, prior, tuple(seen), first, rounds, step.stop, step.regret, dense, deciding_s)
        if not step.trials:
            raise RuntimeError(f"the search asks for nothing after {len(seen)} trials, and does not end")
        first = first or tuple(step.trials)
        seen += await measure(step.trials)
        rounds += 1


def seen_of(trial: Trial, frames: int, calibration: Calibration | None = None) -> SeenTrial:
    """Returns a trial as the search sees it.

    Args:
        trial: as it was measured.
        frames: number of frames of the shot.
        calibration: how the shot's scored frames are weighted.
    """
    return SeenTrial(
        resolution=trial.resolution,
        crf=trial.crf,
        bitrate_bps=trial.bitrate_bps,
        vmaf=mean_of(trial.frame_scores, frames, step=trial.subsample, calibration=calibration),
        cpu_s=trial.cpu.total_s,
    )
