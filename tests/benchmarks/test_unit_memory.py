"""What steps announce is more than what their programs take: cheap cases of ``benchmarks.unit_memory``."""

import pytest

from activities.needs import encode_memory_bytes, trial_memory_bytes
from benchmarks.unit_memory import Case, cases, measure, size
from domain.video import Codec

SMALL, LARGE = size(180), size(2160)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        Case("trial", Codec.AV1, SMALL, (SMALL,) * 4, frames=48, preset="9"),
        Case("package", Codec.H264, SMALL, (SMALL,) * 4, frames=96),
    ],
    ids=lambda case: case.kind,
)
def test_a_program_takes_no_more_than_is_announced_for_it(case: Case) -> None:
    seen = measure(case)
    assert 20_000_000 < seen.most_rss_bytes <= seen.announced_bytes


def test_the_benchmark_looks_at_each_kind_of_program_in_each_codec() -> None:
    every = list(cases(180))
    assert {case.kind for case in every} == {"encode", "trial", "measure", "inspect", "shots", "split", "package"}
    assert {case.codec for case in every} == set(Codec)
    assert len({case.words for case in every}) == len(every)


def test_ten_bits_scores_and_more_encodes_take_more() -> None:
    one = encode_memory_bytes([LARGE], 8)
    assert one < encode_memory_bytes([LARGE], 10) < 2 * one
    assert one < trial_memory_bytes([LARGE], 8, LARGE)
    assert trial_memory_bytes([SMALL], 8, SMALL) < trial_memory_bytes([SMALL], 8, LARGE)
