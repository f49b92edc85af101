"""Shots, and the one plan of IDR frames that all renditions of a title share."""

from fractions import Fraction
from typing import Self

from pydantic import Field, model_validator

from domain.values import Value
from domain.video import FrameRange


class Shot(Value):
    """Frames between two cuts (or between a cut and a forced split of a long shot)."""

    index: int = Field(ge=0)
    range: FrameRange
    activity: float = 0.0
    """Mean picture change between neighboring frames, as the shot detector scores it; ``>= 0``."""

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.range.frames


class ShotList(Value):
    """The shots of a title: contiguous, in order, covering ``[0, frames)``."""

    shots: tuple[Shot, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _covers(self) -> Self:
        expected = 0
        for index, shot in enumerate(self.shots):
            if shot.index != index or shot.range.start_frame != expected:
                raise ValueError(
                    f"shot {index}: start {expected} expected, index {shot.index} start {shot.range.start_frame} found"
                )
            expected = shot.range.end_frame
        return self

    @property
    def frames(self) -> int:
        """Number of frames of the title."""
        return self.shots[-1].range.end_frame


def grid_frames(frame_rate: Fraction, grid_s: Fraction) -> int:
    """Returns the IDR grid step in frames: the whole number nearest to ``grid_s`` seconds, at least 1."""
    return max(1, round(grid_s * frame_rate))


def plan_idr_frames(shots: ShotList, step_frames: int) -> tuple[int, ...]:
    """Returns the title's IDR frames, rising: every shot start and every multiple of ``step_frames``.

    Source: IOP and RFC 8216 ask for aligned segments; deriving all renditions' IDRs from one list
    aligns them by construction (docs/architecture.md, decision 9).
    """
    grid = range(0, shots.frames, step_frames)
    return tuple(sorted({*grid, *(shot.range.start_frame for shot in shots.shots)}))


def plan_idr_frames_by_shot(shots: ShotList, longest_frames: int) -> tuple[int, ...]:
    """Returns IDR frames that follow the shots, rising: every shot start, longer shots split evenly.

    Args:
        shots: The title's shots.
        longest_frames: Most frames from one IDR to the next, at least 1.
    """
    return tuple(
        shot.range.start_frame + frame
        for shot in shots.shots
        for frame in idr_frames_of_shot(shot.frames, longest_frames)
    )


def idr_frames_of_shot(frames: int, longest_frames: int) -> tuple[int, ...]:
    """Returns the IDR frames of one shot that follow it, counted from its start: as few as can be, evenly.

    Args:
        frames: Of the shot, at least 1.
        longest_frames: Most frames from one IDR to the next, at least 1.
    """
    parts = -(-frames // longest_frames)
    return tuple(part * frames // parts for part in range(parts))


def plan_segment_starts(idr_frames: tuple[int, ...], frames: int, longest_frames: int) -> tuple[int, ...]:
    """Returns the frames at which segments start: as few segments as can be, and among those the most even ones.

    Args:
        idr_frames: The title's IDR frames, rising, the first 0.
        frames: Frames of the title.
        longest_frames: Most frames of a segment. Only a GOP that is longer by itself makes a longer segment.
    """
    edges = (*idr_frames, frames)
    # best[i]: (segments, sum of squared lengths, edge where the last one starts) of the cheapest cut of [0, edges[i])
    best: list[tuple[int, int, int]] = [(0, 0, 0)]
    for end in range(1, len(edges)):
        choices = []
        for start in range(end - 1, -1, -1):
            length = edges[end] - edges[start]
            if length > longest_frames and start < end - 1:
                break
            choices.append((best[start][0] + 1, best[start][1] + length * length, start))
        best.append(min(choices))
    starts: list[int] = []
    place = len(edges) - 1
    while place:
        place = best[place][2]
        starts.append(edges[place])
    return tuple(reversed(starts))


def idr_frames_within(plan: tuple[int, ...], frames: FrameRange) -> tuple[int, ...]:
    """Returns the plan's IDR frames inside a range, counted from the range's first frame."""
    return tuple(frame - frames.start_frame for frame in plan if frames.start_frame <= frame < frames.end_frame)
