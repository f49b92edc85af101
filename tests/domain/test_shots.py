"""Shots and the IDR plan."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.shots import Shot, ShotList, grid_frames, idr_frames_within, plan_idr_frames
from domain.video import FrameRange

LENGTHS = st.lists(st.integers(1, 500), min_size=1, max_size=30)


def shots_of(lengths: list[int]) -> ShotList:
    edges = [sum(lengths[:count]) for count in range(len(lengths) + 1)]
    return ShotList(
        shots=tuple(
            Shot(index=index, range=FrameRange(start_frame=start, end_frame=end))
            for index, (start, end) in enumerate(pairwise(edges))
        )
    )


@given(LENGTHS, st.integers(1, 300))
def test_the_plan_has_every_shot_start_and_the_whole_grid_and_nothing_else(lengths: list[int], step: int) -> None:
    shots = shots_of(lengths)
    plan = plan_idr_frames(shots, step)
    starts = {shot.range.start_frame for shot in shots.shots}
    assert plan == tuple(sorted(set(plan)))
    assert plan[0] == 0
    assert starts <= set(plan)
    assert all(frame in starts or frame % step == 0 for frame in plan)
    assert all(frame in plan for frame in range(0, shots.frames, step))
    assert max(after - before for before, after in pairwise([*plan, shots.frames])) <= step


@given(LENGTHS, st.integers(1, 300))
def test_the_plans_of_the_shots_make_the_plan_of_the_title(lengths: list[int], step: int) -> None:
    shots = shots_of(lengths)
    plan = plan_idr_frames(shots, step)
    within = [idr_frames_within(plan, shot.range) for shot in shots.shots]
    assert all(frames[0] == 0 for frames in within), "every shot starts with an IDR"
    together = [
        shot.range.start_frame + frame for shot, frames in zip(shots.shots, within, strict=True) for frame in frames
    ]
    assert tuple(together) == plan


@given(LENGTHS)
def test_shots_with_a_gap_or_out_of_order_are_no_list(lengths: list[int]) -> None:
    shots = shots_of([*lengths, 5, 7]).shots
    for wrong in (shots[1:], shots[::-1], (*shots[:-2], shots[-1])):
        with pytest.raises(ValidationError):
            ShotList(shots=wrong)


@pytest.mark.parametrize(
    ("rate", "grid_s", "frames"),
    [(Fraction(24), 2, 48), (Fraction(24000, 1001), 2, 48), (Fraction(25), 2, 50), (Fraction(30000, 1001), 2, 60),
     (Fraction(60000, 1001), Fraction(1, 2), 30), (Fraction(1), Fraction(1, 4), 1)],
)  # fmt: skip
def test_the_grid_is_a_whole_number_of_frames(rate: Fraction, grid_s: Fraction, frames: int) -> None:
    assert grid_frames(rate, Fraction(grid_s)) == frames


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ValidationError, match="empty range"):
        FrameRange(start_frame=5, end_frame=5)
