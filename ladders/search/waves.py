"""The order of a title's shots: a few that stand for the rest first, so that the rest start warm."""

import math
from collections.abc import Sequence

from domain.search import PriorShot, TitlePrior
from domain.search_recipe import SearchStart

NEIGHBORS = 6
"""Finished shots that a new one hears of: more of them change little, and each adds its trials to the model."""
WARM_FROM = 2
"""Finished shots from which on a search starts warm; one alone may be unlike any other."""
MOST_FIRST = 12
"""Shots of the first wave at most."""
FEWEST_SHOTS = 4
"""A title of fewer shots has one wave: there is nothing to learn from."""
FEWEST_FOR_THREE_WAVES = 8
"""A title of fewer shots has no second wave: it would be most of the rest."""


def plan_waves(difficulties: Sequence[float]) -> tuple[tuple[int, ...], ...]:
    """Returns the shots in waves: those of a wave do not know of each other, but of all waves before.

    Of n shots the first wave holds half of √n, but two at least: nothing helps them, and a warm start needs two. The
    second holds √n, the third the rest. The shots of a wave are spread evenly over the difficulties of all that are
    left: each stands for its neighbors. Each wave is a barrier for the workers, so there are no more.

    Args:
        difficulties: natural logarithm of the lossless bits a pixel, for each shot of the title.
    """
    count = len(difficulties)
    if count < FEWEST_SHOTS:
        return (tuple(range(count)),)
    root = math.sqrt(count)
    sizes = [min(MOST_FIRST, max(WARM_FROM, round(root / 2)))]
    if count >= FEWEST_FOR_THREE_WAVES:
        sizes.append(round(root))
    left = sorted(range(count), key=lambda shot: (difficulties[shot], shot))
    waves = []
    for size in sizes:
        # The middle of each of ``size`` equal parts.
        medoids = {left[int((part + 0.5) * len(left) / size)] for part in range(size)}
        waves.append(tuple(sorted(medoids)))
        left = [shot for shot in left if shot not in medoids]
    return (*waves, tuple(sorted(left)))


def start_of(shots: int, finished: int) -> SearchStart:
    """Returns what a shot of a title of so many shots has to go by, where so many of them are finished."""
    if finished >= WARM_FROM:
        return SearchStart.WARM
    return SearchStart.FIRST if shots >= FEWEST_SHOTS else SearchStart.ALONE


def prior_of(difficulty: float, finished: Sequence[PriorShot]) -> TitlePrior:
    """Returns what a shot may know: the finished shots nearest to it in difficulty, nearest first."""
    order = sorted(range(len(finished)), key=lambda index: (abs(finished[index].difficulty - difficulty), index))
    return TitlePrior(shots=tuple(finished[index] for index in order[:NEIGHBORS]))
