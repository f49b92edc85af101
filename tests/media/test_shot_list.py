"""Cuts become shots: properties that hold for all lists of cuts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media.shot_list import Cut, LengthLimits, drop_close_cuts, list_shots, split_points


@st.composite
def titles(draw: st.DrawFn) -> tuple[int, tuple[Cut, ...]]:
    """Lengths in frames with cuts somewhere."""
    frames = draw(st.integers(1, 400))
    places = draw(st.sets(st.integers(1, max(1, frames - 1)), max_size=12)) if frames > 1 else set()
    return frames, tuple(Cut(place, draw(st.floats(1, 200))) for place in sorted(places))


@given(title=titles(), min_frames=st.integers(1, 40))
def test_no_shot_is_too_short_unless_it_is_the_only_one(title: tuple[int, tuple[Cut, ...]], min_frames: int) -> None:
    frames, cuts = title
    kept = drop_close_cuts(cuts, frames, min_frames)
    lengths = [end - start for start, end in pairwise([0, *(cut.frame for cut in kept), frames])]
    assert set(kept) <= set(cuts)
    assert len(lengths) == 1 or min(lengths) >= min_frames


@given(title=titles())
def test_cuts_far_enough_apart_all_stay(title: tuple[int, tuple[Cut, ...]]) -> None:
    frames, cuts = title
    assert drop_close_cuts(cuts, frames, 1) == cuts


def test_of_two_cuts_around_a_short_shot_the_weaker_goes() -> None:
    cuts = (Cut(100, 130.0), Cut(104, 39.0))
    assert drop_close_cuts(cuts, 200, 12) == (Cut(100, 130.0),)
    assert drop_close_cuts((Cut(100, 20.0), Cut(104, 39.0)), 200, 12) == (Cut(104, 39.0),)


def test_a_short_first_or_last_shot_joins_its_only_neighbor() -> None:
    assert drop_close_cuts((Cut(3, 99.0), Cut(50, 1.0)), 100, 12) == (Cut(50, 1.0),)
    assert drop_close_cuts((Cut(50, 1.0), Cut(98, 99.0)), 100, 12) == (Cut(50, 1.0),)


@given(
    start=st.integers(0, 500), length=st.integers(1, 3000), max_frames=st.integers(48, 600), grid=st.integers(1, 300)
)
def test_long_shots_are_split_into_parts_that_are_short_enough(
    start: int, length: int, max_frames: int, grid: int
) -> None:
    edges = (start, *split_points(start, start + length, LengthLimits(1, max_frames, grid)), start + length)
    parts = [after - before for before, after in pairwise(edges)]
    assert all(0 < part <= max_frames for part in parts)
    assert length > max_frames or len(parts) == 1


@given(start=st.integers(0, 500), length=st.integers(481, 5000))
def test_splits_lie_on_the_grid_and_parts_are_even(start: int, length: int) -> None:
    points = split_points(start, start + length, LengthLimits(12, 480, 48))
    parts = [after - before for before, after in pairwise((start, *points, start + length))]
    assert all(point % 48 == 0 for point in points)
    assert max(parts) - min(parts) <= 96


def test_a_grid_too_coarse_for_the_limit_is_ignored() -> None:
    assert split_points(0, 100, LengthLimits(1, 50, 240)) == (50,)


@given(title=titles())
def test_shots_cover_the_title_without_gap(title: tuple[int, tuple[Cut, ...]]) -> None:
    frames, cuts = title
    shots = list_shots(cuts, (1.0,) * frames, LengthLimits(12, 100, 48))
    assert shots.frames == frames
    assert sum(shot.frames for shot in shots.shots) == frames


def test_activity_is_the_mean_change_inside_a_shot_without_its_cut() -> None:
    shots = list_shots((Cut(3, 90.0),), (0.0, 1.0, 3.0, 90.0, 5.0, 5.0), LengthLimits(1, 100, 48))
    assert [shot.activity for shot in shots.shots] == [2.0, 5.0]
