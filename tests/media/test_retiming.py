"""Irregular times on a constant rate: which picture each frame shows."""

import tracemalloc
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import ResourceBomb, VariableFrameRate
from media.retiming import FREE_FRAMES, STANDARD_RATES, place_pictures, plan_constant_rate, slot_of

gaps = st.lists(st.integers(min_value=1, max_value=400), min_size=1, max_size=60)


def at_ms(*times: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(time, 1000) for time in times)


def test_a_gap_is_filled_with_the_picture_before_it() -> None:
    seconds = tuple(Fraction(n, 30) for n in (0, 1, 2, 5, 6))
    planned = plan_constant_rate(seconds, (Fraction(30),), where="source")
    assert (planned.frame_rate, planned.frames) == (Fraction(30), 7)
    assert (planned.retiming.repeated, planned.retiming.dropped, planned.retiming.tail_frames) == (2, 0, 1)
    assert list(place_pictures(zip(seconds, "abcde", strict=True), planned.frame_rate, planned.frames)) == list(
        "abcccde"
    )


def test_the_word_of_the_container_decides_between_rates_that_change_equally_much() -> None:
    seconds = at_ms(*(round(1000 * n / 24) for n in range(60) if n != 40))
    for rate in (Fraction(24), Fraction(24000, 1001)):
        assert plan_constant_rate(seconds, (rate,), where="source").frame_rate == rate


def test_the_rate_rises_until_the_pictures_of_the_fast_part_are_kept() -> None:
    slow = [Fraction(n, 25) for n in range(60)]
    fast = [slow[-1] + Fraction(n + 1, 50) for n in range(50)]
    planned = plan_constant_rate((*slow, *fast), (), where="source")
    assert planned.frame_rate == 50
    assert planned.retiming.dropped == 0


def test_a_last_picture_of_slow_material_stands_as_long_as_the_others() -> None:
    planned = plan_constant_rate(tuple(Fraction(n) for n in range(5)), (), where="source")
    assert planned.retiming.mean_rate == 1
    assert planned.frames == 5 * planned.frame_rate
    assert planned.retiming.tail_frames == planned.frame_rate


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        (at_ms(0, 40, 20, 80), "frame 2: it comes -0.020 s after"),
        (at_ms(0, 40, 80, 3_600_000), "frame 3: it comes 3599.920 s after"),
        (at_ms(*range(0, 60, 2)), "30 pictures in 0.058 s, usually 2.00 ms apart: at 120 frames per second 22"),
    ],
)
def test_a_clock_that_makes_no_sense_is_refused(seconds: tuple[Fraction, ...], found: str) -> None:
    with pytest.raises(VariableFrameRate, match=found):
        plan_constant_rate(seconds, (), where="source")


@given(gaps)
def test_no_picture_is_more_than_half_a_frame_off_and_all_are_counted(steps_ms: list[int]) -> None:
    times = [sum(steps_ms[:n]) for n in range(len(steps_ms) + 1)]
    seconds = at_ms(*times)
    try:
        planned = plan_constant_rate(seconds, (), where="source")
    except VariableFrameRate:
        return
    rate, retiming = planned.frame_rate, planned.retiming
    shown = list(place_pictures(zip(seconds, range(len(seconds)), strict=True), rate, planned.frames))
    assert rate in STANDARD_RATES
    assert len(shown) == planned.frames
    assert shown == sorted(shown)
    assert shown[-1] == len(seconds) - 1
    assert len(set(shown)) == len(seconds) - retiming.dropped == planned.frames - retiming.repeated
    for picture in set(shown):
        assert abs(Fraction(shown.index(picture)) / rate - (seconds[picture] - seconds[0])) <= 1 / (2 * rate)


def test_halves_go_up() -> None:
    assert [slot_of(Fraction(n, 100), Fraction(10)) for n in (4, 5, 14, 15)] == [0, 1, 1, 2]


def test_a_clock_of_ten_years_is_refused_before_a_frame_of_it_is_planned() -> None:
    """Each step is one that a slow title may have; all of them together would fill disks with repeated pictures."""
    ten_years = tuple(Fraction(600 * n) for n in range(10 * 365 * 24 * 6))
    tracemalloc.start()
    with pytest.raises(ResourceBomb, match="SEC-002 source: 525,600 pictures over 87,600 hours"):
        plan_constant_rate(ten_years, (), where="source")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_clock_of_a_day_is_filled_only_where_the_request_allows_it() -> None:
    day = tuple(Fraction(600 * n) for n in range(24 * 6))
    with pytest.raises(ResourceBomb, match="SEC-002 source: 144 pictures that would become 864,000 frames at 10 a"):
        plan_constant_rate(day, (), where="source")
    assert plan_constant_rate(day, (), where="source", repeats=6000).frames == 24 * 3600 * 10


def test_a_handful_of_pictures_makes_no_millions_of_frames() -> None:
    """Most steps are short, so that the rate is high; the others are as long as a step may be."""
    bursts = tuple(Fraction(600 * n) + Fraction(k, 120) for n in range(60) for k in range(3))
    with pytest.raises(ResourceBomb, match="180 pictures that would become 4,243,759 frames at 120000/1001 a"):
        plan_constant_rate(bursts, (), where="source")


def test_an_hour_of_slides_passes_whatever_their_number() -> None:
    slides = tuple(Fraction(590 * n) for n in range(7))
    assert plan_constant_rate(slides, (), where="source", repeats=1).frames == 41_300


@given(gaps, st.integers(min_value=1, max_value=50))
def test_no_planned_title_has_more_frames_than_it_may(steps_s: list[int], repeats: int) -> None:
    seconds = tuple(Fraction(sum(steps_s[:n])) for n in range(len(steps_s) + 1))
    try:
        planned = plan_constant_rate(seconds, (), where="source", repeats=repeats)
    except ResourceBomb:
        return
    assert planned.frames <= max(FREE_FRAMES, repeats * len(seconds))
