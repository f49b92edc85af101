"""The order of a title's shots: a few that stand for the rest first, so that the rest start warm."""

from collections.abc import Sequence

from domain.search import PriorShot, TitlePrior

NEIGHBORS = 6
"""Finished shots that a new one hears of."""


def plan_waves(difficulties: Sequence[float]) -> tuple[tuple[int, ...], ...]:
    """Returns the shots in waves: those of a wave do not know of each other, but of all waves before.

    Args:
        difficulties: natural logarithm of the lossless bits a pixel, for each shot of the title.
    """
    return (tuple(range(len(difficulties))),)


def prior_of(difficulty: float, finished: Sequence[PriorShot]) -> TitlePrior:
    """Returns what a shot may know: the finished shots nearest to it in difficulty, nearest first."""
    order = sorted(range(len(finished)), key=lambda index: (abs(finished[index].difficulty - difficulty), index))
    return TitlePrior(shots=tuple(finished[index] for index in order[:NEIGHBORS]))
