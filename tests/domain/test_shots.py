"""Shots and the IDR plan."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.shots import (
    Shot,
    ShotList,
    grid_frames,
    idr_frames_within,
    plan_idr_frames,
    plan_idr_frames_by_shot,
    plan_segment_starts,
)
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


@given(LENGTHS, st.integers(1, 300))
def test_idr_frames_that_follow_the_shots_split_long_ones_evenly_and_add_nothing_else(
    lengths: list[int], longest: int
) -> None:
    shots = shots_of(lengths)
    plan = plan_idr_frames_by_shot(shots, longest)
    for shot in shots.shots:
        inside = [*idr_frames_within(plan, shot.range), shot.frames]
        parts = [after - before for before, after in pairwise(inside)]
        assert inside[0] == 0
        assert len(parts) == -(-shot.frames // longest)
        assert max(parts) <= longest
        assert max(parts) - min(parts) <= 1


@given(LENGTHS, st.integers(1, 300))
def test_following_the_shots_never_takes_more_idr_frames_than_the_grid(lengths: list[int], longest: int) -> None:
    shots = shots_of(lengths)
    assert len(plan_idr_frames_by_shot(shots, longest)) <= len(plan_idr_frames(shots, longest))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.integers(9, 20))
def test_segments_are_as_few_as_can_be_and_as_even_as_can_be(gops: list[int], longest: int) -> None:
    edges = [sum(gops[:count]) for count in range(len(gops) + 1)]
    starts = plan_segment_starts(tuple(edges[:-1]), edges[-1], longest)
    lengths = [after - before for before, after in pairwise([*starts, edges[-1]])]
    assert starts[0] == 0
    assert set(starts) <= set(edges[:-1])
    assert max(lengths) <= longest
    possible = []
    for chosen in range(1 << (len(gops) - 1)):
        inner = [edge for place, edge in enumerate(edges[1:-1]) if chosen >> place & 1]
        other = [after - before for before, after in pairwise([0, *inner, edges[-1]])]
        if max(other) <= longest:
            possible.append((len(other), sum(length**2 for length in other)))
    assert (len(lengths), sum(length**2 for length in lengths)) == min(possible)


def test_a_gop_that_is_longer_than_a_segment_may_be_is_one_segment() -> None:
    assert plan_segment_starts((0, 10, 60, 70), 80, 30) == (0, 10, 60)


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
