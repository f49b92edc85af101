from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.encodes import RateCap
from ladders.leaky_bucket import bucket_overflow, peak_bitrate

FPS = Fraction(24)
frames = st.lists(st.integers(0, 100_000), min_size=1, max_size=200)


def test_a_stream_of_equal_frames_has_its_mean_rate_as_peak() -> None:
    assert peak_bitrate([1_000] * 100, FPS) == pytest.approx(24_000)


def test_the_peak_is_the_dearest_second() -> None:
    assert peak_bitrate([0] * 24 + [1_000] * 24 + [0] * 24, FPS) == pytest.approx(24_000)
    assert peak_bitrate([0] * 24 + [1_000] * 12 + [0] * 24, FPS) == pytest.approx(12_000)


def test_a_stream_shorter_than_the_window_counts_as_one_window() -> None:
    assert peak_bitrate([1_000] * 12, FPS) == pytest.approx(24_000)
    assert peak_bitrate([], FPS) == 0.0


@given(frames, st.floats(0.1, 4.0))
def test_the_peak_is_at_most_the_largest_frame_and_over_all_frames_it_is_the_mean(
    sizes: list[int], window_s: float
) -> None:
    peak = peak_bitrate(sizes, FPS, window_s)
    assert peak <= max(sizes) * 24 + 1e-6
    assert peak_bitrate(sizes, FPS, len(sizes) / 24) == pytest.approx(sum(sizes) * 24 / len(sizes))


def test_a_frame_larger_than_what_the_bucket_holds_is_late() -> None:
    cap = RateCap(maxrate_bps=24_000, buffer_bits=10_000)
    assert bucket_overflow([9_000, 1_000, 1_000], FPS, cap) == ()
    assert bucket_overflow([9_001, 1_000, 1_000], FPS, cap) == (0,)
    assert bucket_overflow([9_000, 2_000, 1_000], FPS, cap) == (1,)


def test_frames_at_the_caps_rate_never_come_late() -> None:
    assert bucket_overflow([1_000] * 1_000, FPS, RateCap(maxrate_bps=24_000, buffer_bits=2_000)) == ()


def test_two_shots_that_fit_alone_may_not_fit_together() -> None:
    cap = RateCap(maxrate_bps=24_000, buffer_bits=48_000)
    shot = [1_000] * 24 + [2_500] * 24
    assert bucket_overflow(shot, FPS, cap) == ()
    assert bucket_overflow(shot + shot[24:], FPS, cap) != ()


@given(frames, st.integers(1_000, 1_000_000), st.integers(1_000, 1_000_000))
def test_a_larger_cap_never_has_a_late_frame_where_a_smaller_has_none(sizes: list[int], rate: int, size: int) -> None:
    if not bucket_overflow(sizes, FPS, RateCap(maxrate_bps=rate, buffer_bits=size)):
        assert bucket_overflow(sizes, FPS, RateCap(maxrate_bps=2 * rate, buffer_bits=2 * size)) == ()
