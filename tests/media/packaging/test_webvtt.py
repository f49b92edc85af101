"""Cues read, and cut for HLS and for DASH: nothing lost, nothing between."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import PresentationInvalid
from media.packaging.boxes import split_boxes
from media.packaging.text_tracks import text_timescale
from media.packaging.webvtt import TIMESTAMP_MAP, Cue, Subtitles, parse_webvtt, subtitle_segment
from media.packaging.wvtt import text_init, text_samples, text_segment

CUES = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(1, 9_000), st.integers(0, 99)).map(
        lambda drawn: Cue(drawn[0], drawn[0] + drawn[1], f"line {drawn[2]}")
    ),
    max_size=8,
)


def test_a_file_is_read_with_its_styles_and_without_its_comments() -> None:
    lines = ["\ufeffWEBVTT - a title", "", "STYLE", "::cue {}", "", "NOTE", "hidden --> text", ""]
    text = "\r\n".join([*lines, "00:01.000 --> 00:02.500", "- a", "- b", ""])
    found = parse_webvtt(text, "text_1")
    assert found.header == "WEBVTT\n\nSTYLE\n::cue {}"
    assert found.cues == (Cue(1000, 2500, "- a\n- b"),)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no WEBVTT line"),
        ("WEBVTTX\n", "no WEBVTT line"),
        ("1\n00:00:01,000 --> 00:00:02,000\nSRT", "no WEBVTT line"),
        ("WEBVTT\n\n00:02.000 --> 00:02.000\na", "a cue from 00:02.000 to 00:02.000"),
        ("WEBVTT\n\n00:61.000 --> 01:62.000\na", "time '00:61.000'"),
        ("WEBVTT\n\njust words", "without times"),
    ],
)
def test_what_is_no_webvtt_is_refused(text: str, found: str) -> None:
    with pytest.raises(PresentationInvalid, match=found):
        parse_webvtt(text, "text_1")


@given(cues=CUES, segment_s=st.sampled_from([2, 4, 6]))
def test_the_segments_together_show_every_cue_at_its_own_time(cues: list[Cue], segment_s: int) -> None:
    whole = Subtitles("WEBVTT", tuple(sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms))))
    shown = set()
    for start_s in range(0, 30, segment_s):
        text = subtitle_segment(whole, Fraction(start_s), Fraction(start_s + segment_s))
        assert text.split("\n")[1] == TIMESTAMP_MAP
        part = parse_webvtt(text.replace(f"{TIMESTAMP_MAP}\n", ""), "segment")
        assert all(cue.start_ms < 1000 * (start_s + segment_s) and cue.end_ms > 1000 * start_s for cue in part.cues)
        shown |= set(part.cues)
    assert shown == set(cues)


@given(cues=CUES, rate=st.sampled_from([Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001)]))
def test_the_samples_leave_no_gap_and_show_what_the_cues_say(cues: list[Cue], rate: Fraction) -> None:
    whole, timescale = Subtitles("WEBVTT", tuple(cues)), text_timescale(rate)
    start_s, end_s = 48 / rate, 144 / rate
    samples = text_samples(whole, start_s, end_s, timescale)
    assert sum(sample.duration for sample in samples) == (end_s - start_s) * timescale
    at = start_s
    for sample in samples:
        middle_ms = 1000 * (at + Fraction(sample.duration, 2 * timescale))
        wanted = sorted(cue.payload.encode() for cue in cues if cue.start_ms < middle_ms < cue.end_ms)
        boxes = list(split_boxes(sample.content))
        if [box.kind for box in boxes] == ["vtte"]:
            boxes = []
        assert sorted(part.body for box in boxes for part in box.children()) == wanted
        at += Fraction(sample.duration, timescale)


def test_the_language_is_packed_and_an_odd_one_is_undetermined() -> None:
    english, unknown = (text_init(Subtitles("WEBVTT", ()), 1000, language) for language in ("eng", "pt-BR"))
    assert english.count(b"\x15\xc7\0\0") == 1  # e, n, g in five bits each
    assert unknown.count(b"\x55\xc4\0\0") == 1  # und


def test_a_segment_tells_where_its_samples_are() -> None:
    samples = text_samples(Subtitles("WEBVTT", (Cue(500, 1500, "hello"),)), Fraction(0), Fraction(2), 1000)
    _, moof, mdat = split_boxes(text_segment(samples, 1, 0))
    offset = moof.require("traf", "trun").integer(8)
    assert offset == 8 + len(moof.body) + 8
    assert mdat.body == b"".join(sample.content for sample in samples)
