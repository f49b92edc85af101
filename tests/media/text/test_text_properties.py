"""Any text: read to something valid, or refused by code; never anything else."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from media.errors import TextError
from media.progress import ignore_progress
from media.text.cues import Cue, ParsedText, Place, normalize_text, write_webvtt
from media.text.markup import clean_cue_text
from media.text.reading import read_subtitles
from media.text.webvtt import parse_webvtt

PLACE = Place("subtitles", Fraction(60))
CUES = st.builds(Cue, st.integers(0, 90_000), st.integers(0, 90_000), st.text(max_size=30).map(clean_cue_text)).filter(
    lambda cue: cue.start_ms <= cue.end_ms
)


@given(st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_read_or_refused(text: str) -> None:
    for head in ("", "WEBVTT\n\n", "Scenarist_SCC V1.0\n\n", "1\n00:00:01,000 --> 00:00:02,000\n"):
        try:
            read = read_subtitles((head + text).encode(), PLACE, language="en", on_progress=ignore_progress)
        except TextError:
            continue
        assert parse_webvtt(write_webvtt(read), where="").cues


@given(st.lists(CUES, min_size=1, max_size=20))
@settings(max_examples=80, deadline=None)
def test_what_is_published_is_sorted_inside_the_title_and_reads_back(cues: list[Cue]) -> None:
    try:
        text = normalize_text(ParsedText(tuple(cues)), PLACE)
    except TextError:
        return
    starts = [cue.start_ms for cue in text.cues]
    assert starts == sorted(starts)
    assert all(0 <= cue.start_ms < cue.end_ms <= 60_000 and cue.text for cue in text.cues)
    again = parse_webvtt(write_webvtt(text), where="")
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in again.cues] == [
        (cue.start_ms, cue.end_ms, cue.text) for cue in text.cues
    ]
