"""Frame rates from real frame times, combing, and the log of frame hashes."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.decode_check import FieldReport, FrameLog, are_fields_apart, exact_rate, parse_field_report
from media.errors import ToolOutputInvalid, VariableFrameRate

RATES = [Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(50),
         Fraction(60000, 1001), Fraction(60)]  # fmt: skip
MILLISECOND = Fraction(1, 1000)


def times(rate: Fraction, frames: int, *, tick: Fraction, start: Fraction = Fraction(0)) -> tuple[Fraction, ...]:
    """Frame times as a container rounds them."""
    return tuple(round((start + n / rate) / tick) * tick for n in range(frames))


@settings(deadline=None)
@given(
    rate=st.sampled_from(RATES),
    frames=st.integers(240, 600),
    tick=st.sampled_from([MILLISECOND, Fraction(1, 90000), Fraction(1, 24000)]),
    start=st.fractions(0, 10),
)
def test_a_rounded_constant_rate_is_recognized_exactly(
    rate: Fraction, frames: int, tick: Fraction, start: Fraction
) -> None:
    assert exact_rate(times(rate, frames, tick=tick, start=start), (rate,), tick=tick, where="source") == rate


@settings(deadline=None)
@given(rate=st.sampled_from(RATES), frames=st.integers(8, 100), lost=st.integers(1, 5))
def test_a_lost_frame_makes_a_source_variable(rate: Fraction, frames: int, lost: int) -> None:
    regular = times(rate, frames, tick=Fraction(1, 90000))
    with pytest.raises(VariableFrameRate, match="VID-003 source, frame"):
        exact_rate(regular[:lost] + regular[lost + 1 :], (rate,), tick=Fraction(1, 90000), where="source")


def test_what_the_container_claims_is_not_believed() -> None:
    seconds = times(Fraction(24), 300, tick=MILLISECOND)
    assert exact_rate(seconds, (Fraction(1200), Fraction(612)), tick=MILLISECOND, where="source") == 24


def test_in_a_clip_too_short_to_tell_the_container_decides() -> None:
    seconds = times(Fraction(24000, 1001), 8, tick=MILLISECOND)
    assert exact_rate(seconds, (Fraction(24000, 1001),), tick=MILLISECOND, where="source") == Fraction(24000, 1001)


def test_the_mean_of_irregular_frames_is_no_rate() -> None:
    odd = Fraction(2505000, 83831)
    with pytest.raises(VariableFrameRate):
        exact_rate(times(odd, 160, tick=Fraction(1, 90000)), (odd,), tick=Fraction(1, 90000), where="source")


def test_a_variable_rate_names_the_frame_and_its_length() -> None:
    seconds = (Fraction(0), Fraction(1, 25), Fraction(3, 25), Fraction(4, 25), Fraction(5, 25))
    with pytest.raises(VariableFrameRate, match=r"frame 1: it lasts 80.00 ms, most last 40.00 ms") as caught:
        exact_rate(seconds, (Fraction(25),), tick=MILLISECOND, where="source")
    assert caught.value.expected == "a constant frame rate, such as 25"


def test_combed_frames_are_counted_and_weighed() -> None:
    report = parse_field_report("[idet] Multi frame detection: TFF:  20 BFF:  32 Progressive:  1189 Undetermined: 12")
    assert (report.combed, report.order) == (52, "bff")
    assert report.share == pytest.approx(52 / 1241)
    assert not report.is_suspicious
    assert FieldReport(40, 0, 4).is_suspicious
    assert not FieldReport(5, 0, 0).is_suspicious
    with pytest.raises(ToolOutputInvalid):
        parse_field_report("nothing")


def test_fields_are_apart_when_motion_lies_inside_frames_too() -> None:
    def printed(*steps: float) -> str:
        return "\n".join(f"frame:{n}\nlavfi.signalstats.YDIF={16 * step}" for n, step in enumerate(steps))

    for is_flagged in (True, False):
        assert are_fields_apart(printed(0, 2.0, 2.1, 1.9, 2.0), is_flagged=is_flagged)
        assert not are_fields_apart(printed(0, 0.2, 2.1, 0.3, 2.0), is_flagged=is_flagged)
        assert not are_fields_apart(printed(0, 0.0, 0.0, 0.0, 0.0), is_flagged=is_flagged)
    hardly = printed(0, 0.08, 0.08, 0.08, 0.08)
    assert are_fields_apart(hardly, is_flagged=True)
    assert not are_fields_apart(hardly, is_flagged=False), "and no container says so"


def test_the_frame_log_counts_times_and_hashes() -> None:
    seen: list[int] = []
    log = FrameLog(seen.append)
    for line in ("#tb 0: 1/1000", "#dimensions 0: 4x2", "0, 0, 0, 42, 12, aa", "0, 42, 42, 41, 12, bb"):
        log.read(line)
    assert log.hashes == ["aa", "bb"]
    assert log.sizes_bytes == [12, 12]
    assert [after - before for before, after in pairwise(log.seconds)] == [Fraction(42, 1000)]
    assert seen == [1, 2]
