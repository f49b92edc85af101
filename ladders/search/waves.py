"""The order of a title's shots: a few that stand for the rest first, so that the rest start warm."""

import math
from collections.abc import Sequence

from domain.search import PriorShot, TitlePrior

NEIGHBORS = 6
"""Finished shots that a new one hears of: more of them change little, and each adds its trials to the model."""
WARM_FROM = 2
"""Finished shots from which on a search starts warm; one alone may be unlike any other."""
MOST_FIRST = 12
"""Shots of the first wave at most."""
FEWEST_SHOTS = 4
"""A title of fewer shots has one wave: there is nothing to learn from."""


def plan_waves(difficulties: Sequence[float]) -> tuple[tuple[int, ...], ...]:
    """Returns the shots in waves: those of a wave do not know of each other, but of all waves before.

    The first wave holds as many shots as the square root of all, spread evenly over the difficulties: each stands for
    its neighbors. The rest is the second wave. Each wave is a barrier for the workers, so there are two.

    Args:
        difficulties: natural logarithm of the lossless bits a pixel, for each shot of the title.
    """
    count = len(difficulties)
    if count < FEWEST_SHOTS:
        return (tuple(range(count)),)
    first = min(MOST_FIRST, max(2, round(math.sqrt(count))))
    order = sorted(range(count), key=lambda shot: (difficulties[shot], shot))
    # The middle of each of ``first`` equal parts.
    medoids = {order[int((part + 0.5) * count / first)] for part in range(first)}
    return (tuple(sorted(medoids)), tuple(shot for shot in range(count) if shot not in medoids))


def prior_of(difficulty: float, finished: Sequence[PriorShot]) -> TitlePrior:
    """Returns what a shot may know: the finished shots nearest to it in difficulty, nearest first."""
    order = sorted(range(len(finished)), key=lambda index: (abs(finished[index].difficulty - difficulty), index))
    return TitlePrior(shots=tuple(finished[index] for index in order[:NEIGHBORS]))
