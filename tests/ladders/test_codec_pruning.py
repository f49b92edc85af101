"""Pruning across codecs: nothing that a device needs goes."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.encodes import RateCap
from domain.ladder import Ladder, Promise, Rung
from domain.ladder_policy import LadderPolicy
from domain.video import Codec
from ladders.codec_pruning import prune_covered
from tests.ladders.titles import size

CAP = RateCap(maxrate_bps=1, buffer_bits=1)


def ladder(codec: Codec, *rungs: tuple[int, float, float]) -> Ladder:
    """A ladder of (height, megabits per second, VMAF)."""
    return Ladder(
        codec=codec,
        rungs=tuple(
            Rung(
                resolution=size(height),
                promised=Promise(bitrate_bps=1e6 * rate, vmaf=vmaf),
                rate_cap=CAP,
                shots=(),
                reason="because",
            )
            for height, rate, vmaf in rungs
        ),
    )


def heights(pruned: Ladder) -> list[int]:
    return [rung.resolution.height_px for rung in pruned.rungs]


def policy(**fields: Any) -> LadderPolicy:
    return LadderPolicy(prune_covered=True, **fields)


H264 = ladder(Codec.H264, (360, 0.5, 60), (720, 1.5, 80), (1080, 3.0, 88), (1080, 6.0, 95), (2160, 14.0, 96))
HEVC = ladder(Codec.HEVC, (360, 0.3, 60), (720, 1.0, 81), (1080, 2.0, 90), (1080, 4.0, 95), (2160, 9.0, 96.5))
AV1 = ladder(Codec.AV1, (360, 0.25, 61), (720, 0.8, 81), (1080, 1.6, 90), (1080, 3.2, 95), (2160, 7.0, 97))


def test_nothing_goes_unless_it_is_asked_for() -> None:
    assert prune_covered([H264, AV1], LadderPolicy(plays_av1_above_px=270)) == (H264, AV1)


def test_old_devices_keep_every_rung_up_to_their_height() -> None:
    h264, av1 = prune_covered([H264, AV1], policy(plays_av1_above_px=720))
    assert heights(h264) == [360, 720]
    assert av1 == AV1
    assert h264.rungs[:1] == H264.rungs[:1]
    assert h264.rungs[1].reason == (
        "because; the top for devices that play nothing better than h264: 3 dearer left out, "
        "as every device that shows more than 720 lines plays av1"
    )


def test_an_assumption_about_one_codec_says_nothing_about_another() -> None:
    assert prune_covered([H264, AV1], policy(plays_hevc_above_px=720)) == (H264, AV1)
    assert prune_covered([H264], policy(plays_hevc_above_px=720)) == (H264,)


def test_each_codec_is_pruned_by_what_is_left_of_the_better_ones() -> None:
    h264, hevc, av1 = prune_covered([H264, HEVC, AV1], policy(plays_hevc_above_px=720, plays_av1_above_px=1080))
    assert heights(h264) == [360, 720]
    assert heights(hevc) == [360, 720, 1080, 1080]
    assert av1 == AV1


@pytest.mark.parametrize("better", [(1080, 5.0, 94.0), (1080, 6.5, 96.0), (2160, 5.0, 96.0)])
def test_a_rung_stays_where_the_better_codec_is_worse_dearer_or_too_tall(better: tuple[int, float, float]) -> None:
    old = ladder(Codec.H264, (360, 0.5, 60), (1080, 6.0, 95))
    new = ladder(Codec.AV1, better)
    assert prune_covered([old, new], policy(plays_av1_above_px=720)) == (old, new)


def test_a_rung_below_one_that_is_needed_stays_too() -> None:
    old = ladder(Codec.H264, (360, 0.5, 60), (1080, 3.0, 85), (1080, 6.0, 95))
    new = ladder(Codec.AV1, (1080, 2.0, 90))
    assert prune_covered([old, new], policy(plays_av1_above_px=720)) == (old, new)


def test_the_lowest_rung_always_stays() -> None:
    old, new = ladder(Codec.H264, (1080, 3.0, 85)), ladder(Codec.AV1, (1080, 2.0, 90))
    assert prune_covered([old, new], policy(plays_av1_above_px=720)) == (old, new)


def test_the_order_of_the_ladders_is_kept() -> None:
    pruned = prune_covered([AV1, H264], policy(plays_av1_above_px=720))
    assert [item.codec for item in pruned] == [Codec.AV1, Codec.H264]


RUNGS = st.lists(
    st.tuples(st.sampled_from([360, 720, 1080, 2160]), st.floats(0.1, 20), st.floats(20, 100)), min_size=1, max_size=6
)


@given(st.permutations(list(Codec)), st.tuples(RUNGS, RUNGS, RUNGS), st.sampled_from([360, 720, 1080]), st.booleans())
def test_every_device_that_could_show_a_rung_still_has_as_good_a_one(
    codecs: list[Codec],
    rungs: tuple[list[tuple[int, float, float]], ...],
    above_px: int,
    everywhere: bool,  # noqa: FBT001 - drawn by Hypothesis
) -> None:
    before = [
        ladder(codec, *zip(*(sorted(column) for column in zip(*drawn, strict=True)), strict=True))
        for codec, drawn in zip(codecs, rungs, strict=True)
    ]
    hevc_px = above_px if everywhere else None
    after = prune_covered(before, policy(plays_av1_above_px=above_px, plays_hevc_above_px=hevc_px))
    left = [rung for item in after if item.codec is not Codec.H264 for rung in item.rungs]
    for old, new in zip(before, after, strict=True):
        assert [rung.promised for rung in new.rungs] == [rung.promised for rung in old.rungs[: len(new.rungs)]]
        for rung in old.rungs[len(new.rungs) :]:
            assert rung.resolution.height_px > above_px
            assert any(
                other.promised.bitrate_bps <= rung.promised.bitrate_bps
                and other.promised.vmaf >= rung.promised.vmaf - 0.5
                and other.resolution.pixels <= rung.resolution.pixels
                for other in left
            )
    assert all(a.codec is b.codec for a, b in itertools.zip_longest(before, after))
