"""The search of one shot: ask, be told, ask again, and know when it is enough."""

from collections.abc import Sequence

from domain.search import Crossover, SearchStep, SearchTask, SeenTrial, StopReason, TitlePrior
from ladders.search.dense import dense_design


def next_step(task: SearchTask, seen: Sequence[SeenTrial], prior: TitlePrior) -> SearchStep:
    """Returns the next trials, to be made together, or the end.

    A function of its arguments alone: the same task, trials and prior give the same step, byte for byte.

    Args:
        task: where to search, and when it is enough.
        seen: all trials of this shot so far, in the order in which they were asked for.
        prior: finished shots of the same title; empty for a cold shot.
    """
    del prior
    known = {(trial.resolution, trial.crf) for trial in seen}
    missing = tuple(ask for ask in dense_design(task) if (ask.resolution, ask.crf) not in known)
    return SearchStep(trials=missing, why="dense design") if missing else SearchStep(stop=StopReason.EXHAUSTED)


def crossovers(task: SearchTask, seen: Sequence[SeenTrial], prior: TitlePrior) -> tuple[Crossover, ...]:
    """Returns where the best size changes, in falling quality."""
    del task, seen, prior
    return ()
