import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.ladder import Ladder, ShotPoints
from domain.ladder_policy import LadderPolicy
from domain.video import Codec
from ladders.errors import PolicyUnsatisfiable, TooFewPoints
from ladders.rung_reasons import added_vmaf
from ladders.rung_selection import HULL_POINTS, plan_ladder, plan_ladder_from, snap_to_trials, title_hulls
from ladders.rung_spacing import needs_no_gap
from ladders.shot_allocation import fit_title, sweep
from ladders.title_candidates import round_points
from tests.ladders.titles import pilot_title, point, shared_rows, size, smooth_titles, wild_titles

POLICY = LadderPolicy()


def plan(shots: list[ShotPoints], policy: LadderPolicy = POLICY, crf_step: float = 0.5) -> Ladder:
    return plan_ladder(Codec.H264, shots, policy, crf_step=crf_step)


@st.composite
def policies(draw: st.DrawFn) -> LadderPolicy:
    """Policies whose window for a step is wider than one CRF changes the rate of a single shot."""
    min_rate_step = draw(st.floats(1.2, 2.0))
    return LadderPolicy(
        max_rungs=draw(st.integers(1, 10)),
        min_rate_step=min_rate_step,
        max_rate_step=min_rate_step * draw(st.floats(1.2, 2.0)),
        top_vmaf=draw(st.floats(60.0, 99.0)),
        floor_vmaf=draw(st.floats(0.0, 50.0)),
        max_bitrate_bps=draw(st.integers(200_000, 50_000_000)),
        pooling=draw(st.sampled_from(["mean", "harmonic"])),
    )


def check_ladder(ladder: Ladder, shots: list[ShotPoints], policy: LadderPolicy) -> None:
    """What holds for every ladder."""
    rungs = ladder.rungs
    assert 1 <= len(rungs) <= policy.max_rungs
    assert rungs[-1].promised.bitrate_bps <= policy.max_bitrate_bps
    for rung in rungs[:-1]:
        # Trial CRFs may move a rung by 0.1 VMAF after its choice.
        assert rung.promised.vmaf >= policy.floor_vmaf - 0.1
    for lower, upper in itertools.pairwise(rungs):
        assert upper.promised.vmaf > lower.promised.vmaf
        assert upper.promised.bitrate_bps / lower.promised.bitrate_bps >= policy.min_rate_step
        assert upper.resolution.pixels >= lower.resolution.pixels
    weights = [shot.duration_s for shot in shots]
    for rung in rungs:
        assert [choice.shot_index for choice in rung.shots] == [shot.shot_index for shot in shots]
        rates = [choice.predicted.bitrate_bps for choice in rung.shots]
        assert rung.promised.bitrate_bps == pytest.approx(np.average(rates, weights=weights))
        assert rung.rate_cap.maxrate_bps == pytest.approx(policy.peak_ratio * rung.promised.bitrate_bps, rel=1e-3)
        assert rung.reason


@settings(deadline=None, max_examples=60)
@given(smooth_titles(), policies())
def test_every_ladder_keeps_its_policy(shots: list[ShotPoints], policy: LadderPolicy) -> None:
    try:
        ladder = plan(shots, policy)
    except PolicyUnsatisfiable:
        assume(False)
    check_ladder(ladder, shots, policy)
    rates = [rung.promised.bitrate_bps for rung in ladder.rungs]
    assert all(upper / lower <= policy.max_rate_step for lower, upper in itertools.pairwise(rates))


@settings(deadline=None, max_examples=60)
@given(wild_titles(), policies(), st.sampled_from([0.5, 1.0]))
def test_anything_that_can_be_measured_gives_a_ladder_or_a_named_error(
    shots: list[ShotPoints], policy: LadderPolicy, crf_step: float
) -> None:
    try:
        ladder = plan(shots, policy, crf_step)
    except PolicyUnsatisfiable:
        return
    check_ladder(ladder, shots, policy)


@settings(deadline=None, max_examples=30)
@given(smooth_titles(), st.sampled_from([0.5, 1.0]))
def test_the_promise_belongs_to_the_crfs_that_will_be_encoded(shots: list[ShotPoints], crf_step: float) -> None:
    for rung in plan(shots, crf_step=crf_step).rungs:
        title = fit_title(shots, rung.resolution)
        for choice, curve in zip(rung.shots, title.curves, strict=True):
            assert choice.crf % crf_step == 0
            assert choice.predicted.vmaf == pytest.approx(curve.vmaf_at_crf(choice.crf), abs=1e-9)
            assert choice.predicted.bitrate_bps == pytest.approx(curve.bitrate_at_crf(choice.crf))


def test_the_pilot_title_climbs_through_the_sizes_up_to_its_top_quality() -> None:
    ladder = plan(pilot_title())
    check_ladder(ladder, pilot_title(), POLICY)
    assert ladder.rungs[-1].promised.vmaf == pytest.approx(95.0, abs=0.3)
    assert ladder.rungs[-1].reason.startswith("top of the ladder: VMAF 95 is reached; adds ")
    assert ladder.rungs[0].reason.startswith("the lowest rung: at most 300 kbps, as the policy asks; adds ")
    assert [str(rung.resolution) for rung in ladder.rungs[:1] + ladder.rungs[-1:]] == ["768x432", "1280x720"]
    rates = [rung.promised.bitrate_bps for rung in ladder.rungs]
    assert all(1.5 <= upper / lower <= 2.2 for lower, upper in itertools.pairwise(rates))


def test_curves_that_are_ready_give_the_ladder_of_their_points() -> None:
    shots = pilot_title()
    titles = {size(height): fit_title(shots, size(height)) for height in (270, 720, 360, 432, 540)}
    assert plan_ladder_from(Codec.H264, shots, titles, POLICY, crf_step=0.5) == plan(shots)
    with pytest.raises(TooFewPoints, match="no resolution with curves"):
        plan_ladder_from(Codec.H264, shots, {}, POLICY, crf_step=0.5)


def test_each_rung_says_its_rule_what_it_adds_and_whom_it_serves() -> None:
    ladder = plan(pilot_title())
    rates = np.asarray([rung.promised.bitrate_bps for rung in ladder.rungs])
    vmafs = np.asarray([rung.promised.vmaf for rung in ladder.rungs])
    gains = added_vmaf(rates, vmafs, POLICY)
    for index, rung in enumerate(ladder.rungs[:-1]):
        low, high = rates[index : index + 2] / 0.8e6
        assert f"adds {gains[index]:.2f} expected VMAF; serves links of {low:.2f} Mb/s to {high:.2f}" in rung.reason
        paid = gains[index] >= POLICY.min_gain_vmaf
        assert paid or index == 0 or "keeps the steps down to the lowest rung within 2.2 times" in rung.reason
    first_large = next(rung for rung in ladder.rungs if rung.resolution == size(720))
    assert "the first at 1280x720, the best size from " in first_large.reason
    assert "; the ladder delivers " in ladder.rungs[-1].reason


def test_without_a_wish_for_a_low_rung_every_rung_pays_for_itself() -> None:
    policy = LadderPolicy(lowest_bitrate_bps=None, min_gain_vmaf=0.5)
    ladder = plan(pilot_title(), policy)
    rates = np.asarray([rung.promised.bitrate_bps for rung in ladder.rungs])
    vmafs = np.asarray([rung.promised.vmaf for rung in ladder.rungs])
    assert added_vmaf(rates, vmafs, policy)[0] >= 0.5
    assert "the lowest rung: a further one would add less than 0.5 expected VMAF" in ladder.rungs[0].reason
    assert len(ladder.rungs) < len(plan(pilot_title()).rungs)


@pytest.mark.parametrize("preset", ["default", "apple-hls", "mobile"])
def test_presets_plan_sensible_ladders(preset: str) -> None:
    policy = LadderPolicy.model_validate({"preset": preset})
    ladder = plan(pilot_title(), policy)
    check_ladder(ladder, pilot_title(), policy)
    assert policy.lowest_bitrate_bps is not None
    assert ladder.rungs[0].promised.bitrate_bps <= policy.lowest_bitrate_bps
    for lower, upper in itertools.pairwise(ladder.rungs):
        ratio = upper.promised.bitrate_bps / lower.promised.bitrate_bps
        gap = upper.promised.vmaf - lower.promised.vmaf
        assert ratio <= policy.max_rate_step
        assert gap >= policy.min_vmaf_step or needs_no_gap(ratio, policy)


def test_no_size_is_used_where_a_smaller_one_looks_as_good() -> None:
    upscaled = pilot_title()[5]
    ladder = plan([upscaled])
    assert ladder.rungs[-1].resolution == size(432)
    assert "reach VMAF 93.2 at most" in ladder.rungs[-1].reason


def test_an_easy_title_gets_a_single_rung() -> None:
    black = ShotPoints(
        shot_index=0,
        duration_s=3.0,
        points=tuple(
            point(3_000 + 100 * (43 - crf), 97.4, crf=crf, height_px=height)
            for crf in (16, 25, 34, 43)
            for height in (720, 360)
        ),
    )
    (rung,) = plan([black]).rungs
    assert rung.promised.bitrate_bps == pytest.approx(3_000)
    assert "the only rung" in rung.reason


def test_a_cap_is_given_only_to_shots_where_it_can_bind() -> None:
    for rung in plan(pilot_title()).rungs:
        for choice in rung.shots:
            binds = choice.predicted.bitrate_bps > 0.5 * 1.001 * rung.rate_cap.maxrate_bps
            assert choice.rate_cap == (rung.rate_cap if binds else None)
        assert any(choice.rate_cap is None for choice in rung.shots)


@settings(deadline=None, max_examples=30)
@given(smooth_titles())
def test_crfs_move_to_near_trials_as_long_as_the_promise_hardly_moves(shots: list[ShotPoints]) -> None:
    title = fit_title(shots, size(540))
    for planned in round_points(title, sweep(title, "mean"), 0.5)[::10]:
        moved = snap_to_trials(title, planned, 0.5)
        assert abs(moved.vmaf - planned.vmaf) < 0.1
        assert np.max(np.abs(moved.crfs - planned.crfs)) <= 0.5
        trials = (16, 25, 34, 43)
        assert np.isin(moved.crfs, trials).sum() >= np.isin(planned.crfs, trials).sum()


def test_a_trial_serves_where_quality_is_flat() -> None:
    flat = [
        ShotPoints(shot_index=0, duration_s=5, points=(point(1e6, 96.2, crf=16), point(2e5, 95.0, crf=34))),
        ShotPoints(shot_index=1, duration_s=5, points=(point(9e6, 98.0, crf=16), point(1e5, 40.0, crf=34))),
    ]
    title = fit_title(flat, size(720))
    rates, vmafs = zip(*(curve.at_crfs(np.asarray([33.5])) for curve in title.curves), strict=True)
    planned = title.total(np.asarray([33.5, 33.5]), np.concatenate(rates), np.concatenate(vmafs))
    assert snap_to_trials(title, planned, 0.5).crfs.tolist() == [34.0, 33.5]


def test_a_smaller_rate_limit_ends_the_ladder_lower() -> None:
    ladder = plan(pilot_title(), LadderPolicy(max_bitrate_bps=1_000_000))
    assert 900_000 < ladder.rungs[-1].promised.bitrate_bps <= 1_000_000
    assert ladder.rungs[-1].reason.startswith("top of the ladder: the largest allowed rate is 1000 kbps; ")


def test_shots_whose_qualities_do_not_overlap_are_held_at_their_measured_ends() -> None:
    easy = ShotPoints(shot_index=0, duration_s=5, points=(point(40_000, 95, crf=43), point(400_000, 99, crf=16)))
    hard = ShotPoints(shot_index=1, duration_s=5, points=(point(300_000, 20, crf=43), point(9_000_000, 70, crf=16)))
    ladder = plan([easy, hard])
    check_ladder(ladder, [easy, hard], POLICY)
    assert len(ladder.rungs) > 3
    assert ladder.rungs[0].shots[0].predicted.vmaf >= 95 - 1e-6
    assert ladder.rungs[-1].shots[1].predicted.vmaf <= 70 + 1e-6


def test_rates_that_nothing_can_keep_are_said_with_a_way_out() -> None:
    strict = LadderPolicy(min_bitrate_bps=10_000, max_bitrate_bps=100_000)
    hard = ShotPoints(shot_index=0, duration_s=5, points=(point(300_000, 20, crf=43), point(9_000_000, 70, crf=16)))
    with pytest.raises(PolicyUnsatisfiable, match=r"LAD-003.*300 kbps.*raise max_bitrate_bps"):
        plan([hard], strict)
    with pytest.raises(PolicyUnsatisfiable, match=r"floor_vmaf, 35"):
        plan([hard], strict.model_copy(update={"max_bitrate_bps": 310_000}))


def test_nothing_measured_is_an_error() -> None:
    with pytest.raises(TooFewPoints):
        plan([])
    with pytest.raises(TooFewPoints, match="one resolution"):
        plan([ShotPoints(shot_index=0, duration_s=1, points=(point(100_000, 50, crf=30),))])


def test_title_hulls_rise_and_cover_every_usable_size() -> None:
    hulls = title_hulls(pilot_title(), POLICY)
    assert [str(resolution) for resolution in hulls] == ["1280x720", "960x540", "768x432", "640x360", "480x270"]
    for points in hulls.values():
        assert 10 < len(points) <= HULL_POINTS
        assert np.all(np.diff(np.asarray(points), axis=0) > 0)


def test_ladders_of_measured_user_clips_keep_the_policy() -> None:
    policy = LadderPolicy(max_bitrate_bps=60_000_000)
    count = 0
    for row in shared_rows("ugc_hulls.jsonl")[::25]:
        points = [
            point(1000 * rate, vmaf, crf=10 + index, height_px=height)
            for index, (height, rate, vmaf) in enumerate(row["points"])
            if vmaf >= 0  # -1 stands for a failed measurement
        ]
        shot = ShotPoints(shot_index=0, duration_s=20, points=tuple(points))
        if any(sum(other.resolution == point_.resolution for other in points) >= 2 for point_ in points):
            check_ladder(plan([shot], policy), [shot], policy)
            count += 1
    assert count > 20
