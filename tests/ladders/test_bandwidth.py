"""Bandwidth, and the quality that a ladder delivers under it."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.ladder_policy import LadderPolicy
from domain.video import Codec
from ladders.bandwidth import (
    HistogramBandwidth,
    LogNormalBandwidth,
    bandwidth_of,
    expected_vmaf,
    expected_vmaf_of,
    shares_served,
)
from ladders.rung_selection import plan_ladder
from tests.ladders.titles import pilot_title


def test_half_of_the_viewers_are_below_the_median_and_a_sigma_holds_a_third() -> None:
    bandwidth = LogNormalBandwidth(9e6, 0.9)
    assert bandwidth.share_below(np.asarray([9e6]))[0] == pytest.approx(0.5)
    assert bandwidth.share_below(np.asarray([9e6 * math.exp(0.9)]))[0] == pytest.approx(0.8413, abs=1e-4)


def test_the_defaults_fit_the_connections_that_they_are_taken_from() -> None:
    above = 1 - bandwidth_of(LadderPolicy()).share_below(np.asarray([10e6, 15e6, 25e6]))
    assert above == pytest.approx([0.45, 0.28, 0.12], abs=0.015)


def test_a_histogram_is_spread_half_way_to_its_neighbors() -> None:
    bandwidth = HistogramBandwidth.of([(1_000_000, 1.0), (4_000_000, 3.0)])
    below = bandwidth.share_below(np.asarray([4e5, 5e5, 1e6, 2e6, 4e6, 8e6, 9e6]))
    assert below == pytest.approx([0, 0, 0.125, 0.25, 0.625, 1, 1])


def test_a_histogram_of_one_pair_is_a_point() -> None:
    bandwidth = HistogramBandwidth.of([(1_000_000, 5.0)])
    assert bandwidth.share_below(np.asarray([999_999, 1_000_001])).tolist() == [0, 1]


@given(
    st.lists(st.tuples(st.integers(1_000, 10**9), st.floats(0.01, 10)), min_size=1, unique_by=lambda pair: pair[0]),
    st.lists(st.floats(1e3, 1e9), min_size=2),
)
def test_shares_rise_from_nothing_to_all(pairs: list[tuple[int, float]], bandwidths: list[float]) -> None:
    for bandwidth in (HistogramBandwidth.of(sorted(pairs)), LogNormalBandwidth(5e6, 1.0)):
        shares = bandwidth.share_below(np.sort(np.asarray(bandwidths)))
        assert np.all(np.diff(shares) >= -1e-12)
        assert shares.min() >= 0
        assert shares.max() <= 1 + 1e-12


def test_delivered_quality_is_counted_by_hand() -> None:
    # A quarter of the weight below 2 Mb/s and evenly spread in log bandwidth: see the histogram's test.
    bandwidth = HistogramBandwidth.of([(1_000_000, 1.0), (4_000_000, 3.0)])
    rates, vmafs = np.asarray([0.5e6, 1e6, 2e6]), np.asarray([40.0, 60.0, 90.0])
    # With safety 0.5 the rungs need 1, 2 and 4 Mb/s: 12.5 % get nothing.
    assert shares_served(rates, bandwidth, 0.5) == pytest.approx([0.125, 0.375, 0.375])
    assert expected_vmaf(rates, vmafs, bandwidth, 0.5) == pytest.approx(0.125 * 40 + 0.375 * 60 + 0.375 * 90)


@given(
    st.lists(st.tuples(st.floats(1e5, 2e7), st.floats(1, 100)), min_size=1, max_size=8),
    st.floats(0.1, 1.0),
    st.integers(10_000, 30_000_000),
)
def test_delivered_quality_is_that_of_the_dearest_rung_a_link_carries(
    rungs: list[tuple[float, float]], safety: float, bandwidth_bps: int
) -> None:
    rungs.sort()
    assume(all(abs(rate / safety - bandwidth_bps) > 1 for rate, _ in rungs))
    rates, vmafs = (np.asarray(column) for column in zip(*rungs, strict=True))
    played = [vmaf for rate, vmaf in rungs if rate <= safety * bandwidth_bps]
    found = expected_vmaf(rates, vmafs, HistogramBandwidth.of([(bandwidth_bps, 1.0)]), safety)
    assert found == pytest.approx(played[-1] if played else 0.0)


def test_a_planned_ladder_states_what_it_delivers() -> None:
    policy = LadderPolicy()
    ladder = plan_ladder(Codec.H264, pilot_title(), policy, crf_step=0.5)
    delivered = expected_vmaf_of(ladder, policy)
    assert f"the ladder delivers {delivered:.1f} expected VMAF" in ladder.rungs[-1].reason
    assert ladder.rungs[0].promised.vmaf < delivered < ladder.rungs[-1].promised.vmaf
    lower = ladder.model_copy(update={"rungs": ladder.rungs[:-1]})
    assert expected_vmaf_of(lower, policy) < delivered
