"""What a trial process spent its CPU seconds on, from threads as they were seen."""

import pytest

from media.process import ToolRun
from media.thread_cpu import ThreadCpu
from media.trial_cost import trial_cost

MAIN, DEMUX, DECODER = ("ffmpeg", 0.3), ("dmx0:mov", 0.1), ("dec0:0:h264", 0.4)


def run_of(*threads: tuple[str, float], cpu_s: float) -> ToolRun:
    """A process whose threads were started in this order."""
    seen = tuple(ThreadCpu(100 + number, name, seconds) for number, (name, seconds) in enumerate(threads))
    return ToolRun("", "", cpu_s=cpu_s, wall_s=1.0, threads=seen)


def test_each_thread_counts_for_what_it_does() -> None:
    run = run_of(
        MAIN, DEMUX, DECODER, ("av:h264:df0", 0.2), ("fc0", 1.0), ("fc1", 0.5), ("enc0:0:libx264", 3.0),
        ("enc1:0:libx264", 2.0), ("mux0:mp4", 0.05), ("dec0:0:h264", 0.6), ("dav1d-worker", 0.7), ("fc1", 1.5),
        ("fc1", 1.6), cpu_s=12.5,
    )  # fmt: skip
    cost = trial_cost(run, 2)
    assert cost.encode_s == pytest.approx((3.0, 2.0))
    assert cost.split.encode_s == pytest.approx(5.0)
    assert cost.split.decode_s == pytest.approx(0.1 + 0.4 + 0.2 + 0.6 + 0.7)
    assert cost.split.scale_s == pytest.approx(1.0 + 0.5), "the oldest fc thread of each graph is the graph itself"
    assert cost.split.metric_s == pytest.approx(1.5 + 1.6), "the others behind the encoders are libvmaf's"
    assert cost.split.total_s == pytest.approx(12.5)
    assert cost.split.other_s == pytest.approx(12.5 - 2.0 - 1.5 - 3.1 - 5.0)


def test_threads_that_x265_starts_from_the_graph_count_as_encoding() -> None:
    run = run_of(
        MAIN, DECODER, ("fc0", 0.5), ("fc0", 4.0), ("fc0", 2.0), ("enc0:0:libx265", 0.3), ("enc1:0:libx265", 0.1),
        ("fc1", 0.4), ("fc1", 1.0), cpu_s=9.0,
    )  # fmt: skip
    cost = trial_cost(run, 2)
    assert cost.split.scale_s == pytest.approx(0.9)
    assert cost.encode_s == pytest.approx((0.3 + 6.0 * 0.75, 0.1 + 6.0 * 0.25)), "dealt out as their own threads used"
    assert sum(cost.encode_s) == pytest.approx(cost.split.encode_s) == pytest.approx(6.4)


def test_encoders_of_which_nothing_was_seen_share_equally() -> None:
    run = run_of(("fc0", 0.5), ("fc0", 3.0), cpu_s=4.0)
    assert trial_cost(run, 3).encode_s == pytest.approx((1.0, 1.0, 1.0))


def test_two_digits_of_encodes_are_told_apart() -> None:
    run = run_of(*((f"enc{number}:0:libx264", float(number + 1)) for number in range(12)), cpu_s=78.0)
    assert trial_cost(run, 12).encode_s == pytest.approx([float(number + 1) for number in range(12)])


def test_what_was_not_seen_is_other_and_is_never_negative() -> None:
    nothing_seen = trial_cost(run_of(cpu_s=0.02), 2)
    assert nothing_seen.split.other_s == nothing_seen.split.total_s == pytest.approx(0.02)
    assert nothing_seen.encode_s == (0.0, 0.0)
    a_tick_more = trial_cost(run_of(("enc0:0:libx264", 1.004), cpu_s=1.0), 1)
    assert a_tick_more.split.other_s == 0.0


def test_an_encode_stands_for_its_own_encoding_and_a_share_of_the_rest() -> None:
    run = run_of(("fc0", 1.0), ("enc0:0:libx264", 3.0), ("enc1:0:libx264", 1.0), ("fc1", 1.0), cpu_s=6.0)
    cost = trial_cost(run, 2)
    first, second = cost.share_of(0), cost.share_of(1)
    assert (first.encode_s, second.encode_s) == pytest.approx((3.0, 1.0))
    assert first.scale_s == second.scale_s == pytest.approx(1.0)
    assert first.plus(second).total_s == pytest.approx(6.0)
