"""Subtitle files of every kind: what becomes of them, and by which line they are refused."""

from fractions import Fraction

import pytest

from media.errors import EmptyText, TextOutOfRange, TextTooLarge, UnreadableText
from media.progress import ignore_progress
from media.text.cues import MAX_CUES, ParsedText, Place, write_webvtt
from media.text.reading import MAX_BYTES, read_subtitles

SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello <i>you</i>\nthere\n\n2\n00:00:03,000 --> 00:00:04,000\n{\\an8}Above\n"
VTT = "WEBVTT\n\n00:01.000 --> 00:02.500 line:0 bogus:1\nHello\n"
TTML = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling"
    xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xml:lang="en" ttp:frameRate="24">
<head><layout><region xml:id="r" tts:origin="10% 80%" tts:extent="80% 10%" tts:displayAlign="after"/></layout></head>
<body region="r"><div>
<p begin="00:00:01.000" end="00:00:03.500">A &lt; B &amp; <span tts:fontStyle="italic">it</span></p>
<p begin="00:00:03.000" end="00:00:04:12">over</p>
</div></body></tt>
"""
POP_ON = "9420 9420 94ae 94ae 9470 9470 c8e5 ecec ef80 942f 942f"
SCC = f"Scenarist_SCC V1.0\n\n00:00:59;28\t{POP_ON}\n\n00:01:02;02\t942c 942c\n"


def read(
    content: str | bytes,
    *,
    duration_s: Fraction = Fraction(100),
    offset_s: Fraction = Fraction(0),
    language: str = "en",
) -> ParsedText:
    raw = content if isinstance(content, bytes) else content.encode()
    place = Place("subtitles en", duration_s, offset_s)
    return read_subtitles(raw, place, language=language, on_progress=ignore_progress)


def test_subrip_keeps_its_styles_and_its_places() -> None:
    assert write_webvtt(read(SRT)) == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nHello <i>you</i>\nthere\n\n"
        "00:00:03.000 --> 00:00:04.000 line:0\nAbove\n"
    )


def test_webvtt_keeps_settings_that_exist_and_styles_that_fetch_nothing() -> None:
    styled = VTT.replace(
        "WEBVTT\n",
        "WEBVTT\n\nSTYLE\n::cue(.x) { color: red }\n\nSTYLE\n::cue { background: url(http://x) }\n\nNOTE x\n",
    )
    text = read(styled)
    assert text.blocks == ("STYLE\n::cue(.x) { color: red }",)
    assert [cue.settings for cue in text.cues] == ["line:0"]
    assert any("fetches" in note for note in text.notes)


def test_what_was_written_reads_as_the_same() -> None:
    once = write_webvtt(read(VTT.replace("Hello", "<v Ann>5 < 6 &amp; 7 &gt; 2</v> <font color=red>AT&T</font> <x>")))
    assert "<v Ann>5 &lt; 6 &amp; 7 &gt; 2</v> AT&amp;T &lt;x>" in once
    assert write_webvtt(read(once)) == once


def test_ttml_becomes_cues_with_rows_also_where_they_overlap() -> None:
    cues = read(TTML).cues
    assert {(cue.start_ms, cue.end_ms) for cue in cues} == {(1000, 3000), (3000, 3500), (3500, 4500)}
    assert cues[0].text == "A &lt; B &amp; <i>it</i>"
    assert "line:90%,end" in cues[0].settings


def test_drop_frame_captions_are_timed_at_29_97() -> None:
    (cue,) = read(SCC).cues
    # 59;28 is frame 1798; the words before the caption shows (942f) are sent at one a frame.
    assert cue.start_ms == pytest.approx(1000 * (1798 + 9) * 1001 / 30000, abs=1)
    # 01:02;02 is frame 62 * 30 + 2 - 2.
    assert cue.end_ms == pytest.approx(1000 * 1860 * 1001 / 30000, abs=1)
    assert cue.text == "<c.bg_black>Hello</c>"


def test_captions_without_drop_frames_fall_behind_the_clock() -> None:
    (cue,) = read(SCC.replace(";", ":")).cues
    assert cue.end_ms == pytest.approx(1000 * (62 * 30 + 2) * 1001 / 30000, abs=1)


def test_cues_are_sorted_and_overlapping_ones_stay() -> None:
    text = read("2\n00:00:05,0 --> 00:00:08,0\nlater\n\n1\n00:00:01,0 --> 00:00:06,0\nfirst\n")
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in text.cues] == [(1000, 6000, "first"), (5000, 8000, "later")]


def test_subtitles_longer_than_the_video_end_with_it_and_say_so() -> None:
    text = read(SRT, duration_s=Fraction(2002, 1001))
    assert [(cue.start_ms, cue.end_ms) for cue in text.cues] == [(1000, 2000)]
    assert text.notes == (
        "subtitles en: 1 cues after the last picture left out",
        "subtitles en: 1 cues cut at the last picture",
    )


def test_times_that_begin_elsewhere_are_moved_to_the_first_picture() -> None:
    text = read(SRT.replace("00:00:0", "01:00:0"), offset_s=Fraction(3602))
    assert [(cue.start_ms, cue.end_ms) for cue in text.cues] == [(0, 500), (1000, 2000)]


def test_times_inside_a_moved_text_are_left_out() -> None:
    text = read(VTT.replace("Hello", "<00:01.500>Hel<00:02.000>lo"), offset_s=Fraction(1, 2))
    assert text.cues[0].text == "Hello"


def test_cues_without_a_text_or_a_length_are_left_out() -> None:
    text = read(f"{SRT}\n3\n00:00:05,000 --> 00:00:06,000\n<i> </i>\n\n4\n00:00:07,000 --> 00:00:07,000\nx\n")
    assert len(text.cues) == 2
    assert text.notes == ("subtitles en: 2 cues without a text left out",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_unicode_encoding_is_read(encoding: str) -> None:
    text = read(SRT.replace("Hello", "Žluťoučký 日本").replace("\n", "\r\n").encode(encoding), language="ja")
    assert text.cues[0].text.startswith("Žluťoučký 日本")
    assert text.notes == ()


def test_western_letters_that_are_not_unicode_are_read_with_a_warning() -> None:
    text = read(SRT.replace("Hello", "Garçon – œuf").encode("cp1252"), language="fr-CA")
    assert text.cues[0].text.startswith("Garçon – œuf")
    assert "Windows-1252" in text.notes[0]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("not a subtitle", 1, "SRT, WebVTT, SCC or TTML"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", 1, "SRT, WebVTT"),
        (SRT.replace("00:00:03,000 -->", "00:00:03 -->"), 7, "a timing"),
        (SRT.replace("there", "\nthere"), 5, "a timing"),
        (SRT.replace("00:00:04,000", "00:00:02,999"), 7, "before it begins"),
        (VTT.replace("00:02.500", "00:02,500"), 3, "a timing"),
        (f"{VTT}\nlost words\n", 6, "a cue"),
        (VTT.replace("00:02.500", "00:00.500"), 3, "before it begins"),
        (SCC.replace("c8e5", "c8xx"), 3, "hexadecimal"),
        (SCC.replace("00:01:02;02", "00:01:00;00"), 5, "drop-frame"),
        (SCC.replace("00:01:02;02", "00:01:62;02"), 5, "time code"),
        (TTML.replace("00:00:04:12", "4:12"), 7, "a time such as"),
        (TTML.replace("</div>", ""), 8, "well-formed"),
        (TTML.replace("<tt xmlns", '<!DOCTYPE tt [<!ENTITY a "aaaa">]>\n<tt xmlns', 1), 2, "DOCTYPE"),
        ('<?xml version="1.0"?>\n<html/>', 2, "a tt element"),
        (SRT.replace("there", "Привет").encode("cp1251"), 4, "UTF-8"),
    ],
)
def test_a_file_that_breaks_its_format_is_refused_by_line(content: str | bytes, line: int, words: str) -> None:
    with pytest.raises(UnreadableText) as caught:
        read(content, language="ru" if isinstance(content, bytes) and b"\xcf" in content else "en")
    assert caught.value.code == "TXT-001"
    assert caught.value.where == f"subtitles en, line {line}"
    assert words in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize(
    "content", ["WEBVTT\n", "WEBVTT\n\n00:01.000 --> 00:02.000\n<b></b>\n", "Scenarist_SCC V1.0\n"]
)
def test_a_file_that_shows_nothing_is_refused(content: str) -> None:
    with pytest.raises(EmptyText):
        read(content)


@pytest.mark.parametrize(
    ("content", "offset"),
    [
        (SRT.replace("00:00:0", "01:00:0"), "offset_s: 3600,"),
        (SCC.replace("00:0", "01:0").replace(";", ":"), "offset_s: 3603.6,"),
        (SRT.replace("00:00:0", "00:30:0"), "of this title"),
    ],
)
def test_a_file_that_lies_outside_the_title_is_refused_and_told_where_it_may_begin(content: str, offset: str) -> None:
    with pytest.raises(TextOutOfRange) as caught:
        read(content)
    assert offset in caught.value.fix


def test_a_file_larger_than_any_film_needs_is_refused() -> None:
    many = "".join(f"00:00:{n % 60:02d},000 --> 00:00:{n % 60:02d},500\nx\n\n" for n in range(MAX_CUES + 1))
    with pytest.raises(TextTooLarge, match=f"{MAX_CUES} at most"):
        read(many)
    with pytest.raises(TextTooLarge):
        read(b"W" * (MAX_BYTES + 1))
    with pytest.raises(TextTooLarge):
        read(TTML + " " * 4_000_000)
