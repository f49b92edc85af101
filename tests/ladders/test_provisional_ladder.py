"""The rungs of a provisional release, and which shots it holds."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.recipe import Recipe
from domain.shots import Shot, ShotList
from domain.video import FrameRange, Resolution
from ladders.provisional_ladder import count_first_shots, provisional_sizes

HD = Resolution(width_px=1920, height_px=1080)
HEIGHTS = (2160, 1440, 1080, 720, 540, 432, 360, 270)
RATE = Fraction(24000, 1001)


def shot_list(lengths: list[int]) -> ShotList:
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    return ShotList(
        shots=tuple(
            Shot(index=index, range=FrameRange(start_frame=start, end_frame=start + length))
            for index, (start, length) in enumerate(zip(starts, lengths, strict=True))
        )
    )


@given(st.lists(st.integers(1, 480), min_size=1, max_size=60), st.floats(1.0, 900.0))
def test_the_first_shots_are_as_few_as_reach_the_length_or_all(lengths: list[int], first_s: float) -> None:
    count = count_first_shots(shot_list(lengths), RATE, first_s)
    wanted = first_s * RATE
    assert 1 <= count <= len(lengths)
    assert sum(lengths[:count]) >= wanted or count == len(lengths)
    assert sum(lengths[: count - 1]) < wanted


@pytest.mark.parametrize(
    ("display", "heights_px", "expected"),
    [
        (HD, HEIGHTS, ["480x270", "960x540"]),
        (Resolution(width_px=3840, height_px=2160), HEIGHTS, ["480x270", "1920x1080"]),
        (Resolution(width_px=1080, height_px=1920), HEIGHTS, ["270x480", "540x960"]),
        (Resolution(width_px=1280, height_px=720), (720, 540, 360), ["640x360", "960x540"]),
        (HD, (1080, 270), ["480x270", "1920x1080"]),
        (HD, (1080,), ["1920x1080"]),
    ],
    ids=str,
)
def test_one_rung_is_the_smallest_the_other_near_half_the_height(
    display: Resolution, heights_px: tuple[int, ...], expected: list[str]
) -> None:
    assert [str(size) for size in provisional_sizes(display, Recipe(heights_px=heights_px))] == expected
