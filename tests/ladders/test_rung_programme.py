"""The dynamic programme equals brute force, and its ladders are sensible."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ladder_policy import LadderPolicy
from domain.video import Resolution
from ladders.bandwidth import bandwidth_of, expected_vmaf
from ladders.errors import UnplaceableRung
from ladders.rung_programme import MISSED_HEIGHT, UNCOVERED, choose_rungs
from ladders.shot_allocation import OperatingPoint
from tests.ladders.titles import dense_hull, operating_point, size

FREE_RATE_STEP = 2.0


@st.composite
def hulls(draw: st.DrawFn) -> list[OperatingPoint]:
    """A few points in rising rate; quality mostly rises, sizes mostly do."""
    count = draw(st.integers(1, 8))
    rate, vmaf, points = draw(st.floats(5e4, 5e5)), draw(st.floats(20, 60)), []
    for _ in range(count):
        points.append(operating_point(rate, vmaf, draw(st.sampled_from([360, 540, 720]))))
        rate *= draw(st.floats(1.01, 2.5))
        vmaf += draw(st.floats(-1.0, 12.0))
    return points


@st.composite
def policies(draw: st.DrawFn) -> LadderPolicy:
    min_rate_step = draw(st.floats(1.05, 2.0))
    return LadderPolicy(
        max_rungs=draw(st.integers(1, 6)),
        min_rate_step=min_rate_step,
        max_rate_step=min_rate_step * draw(st.floats(1.0, 2.0)),
        min_vmaf_step=draw(st.sampled_from([0.0, 3.0, 6.0])),
        min_gain_vmaf=draw(st.sampled_from([0.0, 0.3, 2.0])),
        storage_price_vmaf_per_mbps=draw(st.sampled_from([0.0, 0.5])),
        lowest_bitrate_bps=draw(st.sampled_from([None, 100_000, 300_000])),
        bandwidth_median_bps=draw(st.integers(100_000, 5_000_000)),
    )


def may_follow(points: list[OperatingPoint], upper: int, lower: int, policy: LadderPolicy) -> bool:
    """The rules about a step of a ladder without fixed rungs, said once more and slowly."""
    above = points[upper]
    ratios = {
        index: above.bitrate_bps / point.bitrate_bps
        for index, point in enumerate(points[:upper])
        if point.vmaf < above.vmaf and point.resolution.pixels <= above.resolution.pixels
    }
    inside = [i for i, ratio in ratios.items() if policy.min_rate_step <= ratio <= policy.max_rate_step]
    free = min(FREE_RATE_STEP, 0.9 * policy.max_rate_step)
    differs = [i for i in inside if above.vmaf - points[i].vmaf >= policy.min_vmaf_step or ratios[i] >= free]
    wider = [i for i, ratio in ratios.items() if ratio > policy.max_rate_step]
    allowed = differs or ((inside or wider[-1:]) if wider else [])
    return lower in allowed


def worth(rungs: list[OperatingPoint], cheapest_bps: float, policy: LadderPolicy, forced: list[Resolution]) -> float:
    """What the programme promises to maximize, from the finished ladder."""
    rates = np.asarray([rung.bitrate_bps for rung in rungs])
    vmafs = np.asarray([rung.vmaf for rung in rungs])
    value = expected_vmaf(rates, vmafs, bandwidth_of(policy), policy.bandwidth_safety)
    value -= policy.min_gain_vmaf * len(rungs) + policy.storage_price_vmaf_per_mbps * float(rates.sum()) / 1e6
    if policy.lowest_bitrate_bps is not None:
        lowest = policy.lowest_bitrate_bps
        wanted = lowest if cheapest_bps <= lowest else cheapest_bps * policy.min_rate_step
        value -= UNCOVERED * max(0.0, math.log(rungs[0].bitrate_bps / wanted))
    held = {rung.resolution.pixels for rung in rungs}
    reachable = [size for size in forced if size.pixels < rungs[-1].resolution.pixels]
    return value - MISSED_HEIGHT * sum(size.pixels not in held for size in reachable)


@settings(deadline=None, max_examples=300)
@given(hulls(), policies(), st.lists(st.sampled_from([size(360), size(540)]), unique=True))
def test_no_ladder_that_keeps_the_rules_is_better(
    points: list[OperatingPoint], policy: LadderPolicy, forced: list[Resolution]
) -> None:
    chosen = choose_rungs(points, policy, forced=forced)
    top = len(points) - 1
    best = -math.inf
    for count in range(min(policy.max_rungs, len(points))):
        for below in itertools.combinations(range(top), count):
            ladder = [*below, top]
            if all(may_follow(points, upper, lower, policy) for lower, upper in itertools.pairwise(ladder)):
                rungs = [points[index] for index in ladder]
                best = max(best, worth(rungs, points[0].bitrate_bps, policy, forced))
    indices = [next(index for index, point in enumerate(points) if point is rung) for rung in chosen]
    assert all(may_follow(points, upper, lower, policy) for lower, upper in itertools.pairwise(indices))
    assert chosen[-1] is points[-1]
    assert len(chosen) <= policy.max_rungs
    assert worth(list(chosen), points[0].bitrate_bps, policy, forced) == pytest.approx(best, abs=1e-5)


@settings(deadline=None, max_examples=200)
@given(hulls(), policies(), st.data())
def test_fixed_rungs_stand_and_nothing_around_them_is_better(
    points: list[OperatingPoint], policy: LadderPolicy, data: st.DataObject
) -> None:
    wide = policy.model_copy(update={"min_rate_step": 1.0001, "max_rate_step": 8.0, "min_vmaf_step": 0.0})
    fixed = data.draw(st.lists(st.sampled_from(points), unique_by=id, max_size=3))
    ladders = [
        [points[index] for index in (*below, len(points) - 1)]
        for count in range(min(wide.max_rungs, len(points)))
        for below in itertools.combinations(range(len(points) - 1), count)
    ]
    rules = [
        ladder
        for ladder in ladders
        if all(any(rung is other for other in ladder) for rung in fixed)
        and all(
            upper.vmaf > lower.vmaf
            and upper.resolution.pixels >= lower.resolution.pixels
            and upper.bitrate_bps / lower.bitrate_bps <= 8
            for lower, upper in itertools.pairwise(ladder)
        )
    ]
    if not rules:
        # A step wider than 8 is crossed only where nothing lies inside; that is another test's business.
        return
    chosen = choose_rungs(points, wide, fixed=fixed)
    assert all(any(rung is other for other in chosen) for rung in fixed)
    best = max(worth(ladder, points[0].bitrate_bps, wide, []) for ladder in rules)
    assert worth(list(chosen), points[0].bitrate_bps, wide, []) >= best - 1e-5


@settings(deadline=None)
@given(st.floats(1.0, 400.0), st.integers(1, 12))
def test_steps_stay_inside_the_policy_where_points_are_dense(span: float, max_rungs: int) -> None:
    candidates = dense_hull(1e5, 1e5 * span * 1.03)
    policy = LadderPolicy(max_rungs=max_rungs)
    rungs = choose_rungs(candidates, policy)
    assert rungs[-1] is candidates[-1]
    ratios = [upper.bitrate_bps / lower.bitrate_bps for lower, upper in itertools.pairwise(rungs)]
    assert all(1.5 <= ratio <= 2.2 for ratio in ratios)
    if max_rungs > 8:
        assert rungs[0].bitrate_bps <= 300_000


def test_rungs_stand_where_the_viewers_are() -> None:
    policy = LadderPolicy(lowest_bitrate_bps=None, max_rate_step=8.0, min_vmaf_step=0.0, min_gain_vmaf=1.0)
    slow = policy.model_copy(update={"bandwidth_histogram": ((600_000, 1.0), (9_000_000, 1.0), (20_000_000, 0.2))})
    fast = policy.model_copy(update={"bandwidth_histogram": ((6_000_000, 1.0), (9_000_000, 1.0), (20_000_000, 0.2))})
    hull = dense_hull(1e5, 1.2e7)
    assert choose_rungs(hull, slow)[0].bitrate_bps < 480_000
    assert choose_rungs(hull, fast)[0].bitrate_bps > 1_000_000


def test_one_more_rung_must_add_enough() -> None:
    hull = dense_hull(1e5, 1.2e7)
    counts = [
        len(choose_rungs(hull, LadderPolicy(min_gain_vmaf=gain, lowest_bitrate_bps=None, max_rungs=20)))
        for gain in (0.0, 0.3, 1.0, 5.0)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_stored_bits_have_their_price() -> None:
    hull = dense_hull(1e5, 1.2e7)
    free, dear = (
        choose_rungs(hull, LadderPolicy(storage_price_vmaf_per_mbps=price, lowest_bitrate_bps=None))
        for price in (0.0, 1.0)
    )
    assert sum(rung.bitrate_bps for rung in dear) < sum(rung.bitrate_bps for rung in free)


def test_rungs_of_nearly_the_same_quality_stand_a_factor_of_two_apart() -> None:
    flat = [operating_point(1e5 * 1.02**step, 90 + 0.02 * step) for step in range(200)]
    rungs = choose_rungs(flat, LadderPolicy())
    ratios = [upper.bitrate_bps / lower.bitrate_bps for lower, upper in itertools.pairwise(rungs)]
    assert len(ratios) > 1
    assert all(1.98 <= ratio <= 2.2 for ratio in ratios)


def test_a_gap_that_holds_no_point_is_crossed() -> None:
    rungs = choose_rungs([operating_point(1e5, 40), operating_point(1e6, 90)], LadderPolicy())
    assert [rung.bitrate_bps for rung in rungs] == [1e5, 1e6]


def test_points_too_close_to_the_top_are_not_rungs() -> None:
    rungs = choose_rungs([operating_point(9e5, 80), operating_point(1e6, 90)], LadderPolicy())
    assert [rung.bitrate_bps for rung in rungs] == [1e6]


def test_too_few_rungs_for_the_way_down_reach_as_far_as_the_steps_allow() -> None:
    rungs = choose_rungs(dense_hull(1e5, 1.2e7), LadderPolicy(max_rungs=3))
    assert rungs[-1].bitrate_bps / rungs[0].bitrate_bps == pytest.approx(2.2**2, rel=0.05)


@pytest.mark.parametrize("ratio", [1.2, 1.9, 2.23, 4.0, 8.0])
def test_fixed_rungs_at_any_distance_are_both_in_the_ladder(ratio: float) -> None:
    hull = dense_hull(1e5, 1.2e7)
    low = next(point for point in hull if point.bitrate_bps > 5e5)
    high = next(point for point in hull if point.bitrate_bps > ratio * low.bitrate_bps)
    rungs = choose_rungs(hull, LadderPolicy(), fixed=[low, high])
    assert low in rungs
    assert high in rungs
    planned = [
        upper.bitrate_bps / lower.bitrate_bps
        for lower, upper in itertools.pairwise(rungs)
        if (lower, upper) != (low, high)
    ]
    assert all(1.5 <= step <= 2.2 for step in planned)


def test_steps_give_way_where_fixed_rungs_leave_no_other() -> None:
    # 3.2 times between them: two steps need 1.7 at least, and nothing is there but one point at 2.4.
    low, middle, high = operating_point(1e5, 40), operating_point(2.4e5, 60), operating_point(3.2e5, 70)
    rungs = choose_rungs([low, middle, high], LadderPolicy(min_rate_step=1.7, max_rate_step=2.0), fixed=[low])
    assert rungs == (low, high)


def test_fixed_rungs_that_contradict_each_other_are_an_error() -> None:
    worse = [operating_point(1e5, 60), operating_point(3e5, 50), operating_point(6e5, 90)]
    with pytest.raises(UnplaceableRung, match=r"LAD-007.*100 kbps \(VMAF 60.0\).*300 kbps \(VMAF 50.0\)"):
        choose_rungs(worse, LadderPolicy(), fixed=worse[:2])
    larger = [operating_point(1e5, 50, 1080), operating_point(3e5, 60, 720)]
    with pytest.raises(UnplaceableRung, match="sizes that do not fall"):
        choose_rungs(larger, LadderPolicy(), fixed=larger[:1])
    rising = [operating_point(1e5, 50), operating_point(3e5, 60)]
    with pytest.raises(UnplaceableRung, match="in at most 1 rungs"):
        choose_rungs(rising, LadderPolicy(max_rungs=1), fixed=rising[:1])
