"""Which of two measured encodes of a shot a corrected rung delivers."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.encodes import RateCap
from domain.ladder import Promise, Rung, ShotChoice
from domain.video import Resolution
from ladders.rung_moves import DeliveredShot
from ladders.settling import settled_rung

FRAMES = 48
WIDE = RateCap(maxrate_bps=10**9, buffer_bits=10**9)


def rung_of(crfs: list[float], *, promised: float = 80.0, caps: dict[int, RateCap] | None = None) -> Rung:
    shots = [
        ShotChoice(
            shot_index=number,
            crf=crf,
            predicted=Promise(bitrate_bps=1e6, vmaf=promised),
            rate_cap=(caps or {}).get(number),
        )
        for number, crf in enumerate(crfs)
    ]
    return Rung(
        resolution=Resolution(width_px=1280, height_px=720),
        promised=Promise(bitrate_bps=1e6, vmaf=promised),
        rate_cap=WIDE,
        shots=tuple(shots),
    )


def encoded(rung: Rung, vmafs: list[float], *, bits: int = 40_000) -> list[DeliveredShot]:
    return [
        DeliveredShot(
            shot_index=choice.shot_index,
            crf=choice.crf,
            bitrate_bps=24.0 * bits,
            vmaf=vmaf,
            duration_s=2.0,
            frame_sizes_bits=(bits,) * FRAMES,
        )
        for choice, vmaf in zip(rung.shots, vmafs, strict=True)
    ]


def crfs_of(rung: Rung) -> list[float]:
    return [choice.crf for choice in rung.shots]


def test_a_correction_that_overshoots_is_taken_back_in_part() -> None:
    first, second = rung_of([30.0, 30.0, 30.0]), rung_of([28.0, 29.0, 30.0])
    settled = settled_rung([first, second], [encoded(first, [77, 77, 80]), encoded(second, [83, 82, 80])])
    assert crfs_of(settled) == [28.0, 30.0, 30.0]
    assert settled.promised == second.promised


def test_a_correction_that_makes_it_worse_is_taken_back_altogether() -> None:
    first, second = rung_of([30.0, 30.0]), rung_of([29.0, 30.0])
    settled = settled_rung([first, second], [encoded(first, [78.8, 80]), encoded(second, [76, 80])])
    assert crfs_of(settled) == crfs_of(first)


def test_a_correction_that_keeps_the_promise_stays_as_it_is() -> None:
    first, second = rung_of([30.0, 30.0]), rung_of([28.0, 29.0])
    settled = settled_rung([first, second], [encoded(first, [78, 80]), encoded(second, [80.9, 80])])
    assert settled == second


def test_where_both_miss_a_spare_encode_is_taken() -> None:
    ways = [rung_of([30.0, 30.0]), rung_of([28.0, 30.0]), rung_of([29.0, 30.0]), rung_of([29.0, 31.0])]
    vmafs = ([78.0, 80.0], [82.0, 80.0], [78.8, 80.0], [78.8, 79.0])
    settled = settled_rung(ways, [encoded(*made) for made in zip(ways, vmafs, strict=True)])
    assert crfs_of(settled) == [28.0, 31.0], "one shot as corrected, the other as a spare: the mean is 80.5"


def test_a_spare_encode_has_the_cap_of_the_correction() -> None:
    cap = RateCap(maxrate_bps=10**8, buffer_bits=10**8)
    ways = [rung_of([30.0, 30.0]), *(rung_of([crf, 30.0], caps={0: cap}) for crf in (28.0, 29.0))]
    settled = settled_rung(ways, [encoded(way, [vmaf, 80]) for way, vmaf in zip(ways, (80, 86, 80.4), strict=True)])
    assert crfs_of(settled) == [29.0, 30.0]
    assert settled.shots[0].rate_cap == cap


def test_a_shot_with_a_new_cap_never_goes_back() -> None:
    cap = RateCap(maxrate_bps=10**8, buffer_bits=10**8)
    first, second = rung_of([30.0, 30.0]), rung_of([28.0, 30.0], caps={0: cap})
    assert settled_rung([first, second], [encoded(first, [80, 80]), encoded(second, [86, 80])]) == second


def test_a_mix_with_late_frames_is_not_taken() -> None:
    tight = {"rate_cap": RateCap(maxrate_bps=1_500_000, buffer_bits=1_500_000)}
    first = rung_of([30.0, 30.0]).model_copy(update=tight)
    second = rung_of([28.0, 30.0]).model_copy(update=tight)
    delivered = encoded(first, [80, 80])
    before = encoded(first, [80, 80], bits=200_000)[0]
    again = encoded(second, [86, 80])
    assert crfs_of(settled_rung([first, second], [delivered, again])) == [30.0, 30.0]
    assert settled_rung([first, second], [[before, delivered[1]], again]) == second


@given(
    st.lists(st.tuples(st.floats(60, 95), st.floats(60, 95), st.booleans()), min_size=1, max_size=6),
    st.floats(70, 90),
)
def test_a_mix_is_measured_and_never_farther_from_the_promise(
    shots: list[tuple[float, float, bool]], promised: float
) -> None:
    first = rung_of([30.0] * len(shots), promised=promised)
    second = rung_of([29.0 if moves else 30.0 for _, _, moves in shots], promised=promised)
    once = [before for before, _, _ in shots]
    twice = [after if moves else before for before, after, moves in shots]
    settled = settled_rung([first, second], [encoded(first, once), encoded(second, twice)])
    back = [choice.crf == 30.0 for choice in settled.shots]

    def miss(are_back: tuple[bool, ...]) -> float:
        vmafs = [before if goes else after for before, after, goes in zip(once, twice, are_back, strict=True)]
        return abs(sum(vmafs) / len(vmafs) - promised)

    found = miss(tuple(back))
    ends = [miss((False,) * len(shots)), miss((True,) * len(shots))]
    if ends[0] > 0.5:
        assert found <= min(ends) + 1e-6
        moving = sum(moves for _, _, moves in shots)
        if moving <= 2:
            every = itertools.product((False, True), repeat=len(shots))
            assert found == pytest.approx(min(map(miss, every)))
    else:
        assert settled == second
