"""From cuts to the shots of a title: too short ones join a neighbor, too long ones are split. Pure functions."""

import math
from dataclasses import dataclass
from itertools import pairwise

from domain.shots import Shot, ShotList
from domain.video import FrameRange


@dataclass(frozen=True, slots=True)
class Cut:
    """A hard cut."""

    frame: int
    """First frame of the new shot."""
    score: float
    """Picture change across the cut; the larger, the surer."""


@dataclass(frozen=True, slots=True)
class LengthLimits:
    """How long shots may be, in frames."""

    min_frames: int
    max_frames: int
    grid_frames: int
    """Step of the global IDR grid, at which long shots are split; 1 where IDR frames follow the shots."""


def list_shots(cuts: tuple[Cut, ...], changes: tuple[float, ...], limits: LengthLimits) -> ShotList:
    """Returns the shots of a title.

    Args:
        cuts: Detected cuts, rising, within ``[1, frames)``.
        changes: Picture change of each frame against the one before; its length is the number of frames.
        limits: Shortest and longest shot.
    """
    frames = len(changes)
    starts = [0, *(cut.frame for cut in drop_close_cuts(cuts, frames, limits.min_frames)), frames]
    edges = [0]
    for start, end in pairwise(starts):
        edges += [*split_points(start, end, limits), end]
    return ShotList(
        shots=tuple(
            Shot(
                index=index,
                range=FrameRange(start_frame=start, end_frame=end),
                activity=_mean(changes[start + 1 : end]),
            )
            for index, (start, end) in enumerate(pairwise(edges))
        )
    )


def drop_close_cuts(cuts: tuple[Cut, ...], frames: int, min_frames: int) -> tuple[Cut, ...]:
    """Returns the cuts without those that make a shot too short; of its two cuts the weaker one goes.

    The shortest shot is dissolved first. Afterwards every shot has ``min_frames``, or there is only one.
    """
    kept = list(cuts)
    while kept:
        edges = [0, *(cut.frame for cut in kept), frames]
        length, place = min((end - start, index) for index, (start, end) in enumerate(pairwise(edges)))
        if length >= min_frames:
            break
        around = [index for index in (place - 1, place) if 0 <= index < len(kept)]
        del kept[min(around, key=lambda index: (kept[index].score, index))]
    return tuple(kept)


def split_points(start: int, end: int, limits: LengthLimits) -> tuple[int, ...]:
    """Returns where a shot ``[start, end)`` is split so that no part is longer than ``max_frames``.

    The parts are as even as the IDR grid allows: a split there costs no IDR that is not there anyway. Where the grid
    is too coarse for the limit, the parts are even and ignore it.
    """
    length = end - start
    fewest = math.ceil(length / limits.max_frames)
    if fewest <= 1:
        return ()
    for parts in range(fewest, 2 * fewest + 1):
        points = _snapped(start, length, parts, limits.grid_frames)
        edges = (start, *points, end)
        if all(0 < after - before <= limits.max_frames for before, after in pairwise(edges)):
            return points
    return tuple(start + length * part // fewest for part in range(1, fewest))


def _snapped(start: int, length: int, parts: int, grid: int) -> tuple[int, ...]:
    return tuple(grid * round((start + length * part / parts) / grid) for part in range(1, parts))


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values) if values else 0.0
