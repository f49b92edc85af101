"""The page: well formed, self-contained, escaped, deterministic, and with the result's numbers in it."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from domain.release import FirstPlayable
from domain.result import ResultRung, TitleResult
from domain.search import StopReason
from domain.video import Codec
from reports.markup import VOID_TAGS
from reports.numerals import write_kilobits, write_score
from reports.search_tables import STOP_WORDS
from reports.title_report import render_report
from tests.reports.made_up_title import make_pictures, make_result

HOSTILE = '</style></script><script>alert("1")</script>&amp;<img src=http://evil.example/x onerror=alert(1)>'


class Outline(HTMLParser):
    """Checks nesting and collects what tests ask for."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without a start"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text.append(data)

    @property
    def words(self) -> str:
        """All text of the page with single spaces."""
        return " ".join(" ".join(self.text).split())


def outline_of(page: str) -> Outline:
    outline = Outline()
    outline.feed(page)
    outline.close()
    assert outline.open == []
    return outline


@pytest.fixture(scope="module")
def result() -> TitleResult:
    return make_result()


@pytest.fixture(scope="module")
def page(result: TitleResult) -> str:
    return render_report(result, make_pictures())


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return outline_of(page)


def rungs_of(result: TitleResult) -> Iterator[ResultRung]:
    for ladder in result.ladders:
        yield from ladder.rungs


def test_every_element_is_closed_in_order_and_ids_are_unique(outline: Outline) -> None:
    identities = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(identities) > 20
    assert len(identities) == len(set(identities))
    targets = [str(attributes["href"]) for tag, attributes in outline.tags if tag == "a"]
    assert {target.removeprefix("#") for target in targets} <= set(identities)


def test_every_picture_is_xml_and_has_a_name_or_is_hidden_from_screen_readers(page: str) -> None:
    texts = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    pictures = [ET.fromstring(text) for text in texts]  # noqa: S314  (our own page)
    charts = [picture for picture in pictures if picture.get("role") == "img"]
    # Two codecs and the time line in two sizes; five shots in two codecs.
    assert len(charts) == 2 * 2 + 2 + 5 * 2
    for chart in charts:
        assert (chart.findtext("title") or "").strip()
        assert (chart.findtext("desc") or "").strip()
    assert all(picture.get("aria-hidden") == "true" for picture in pictures if picture not in charts)


def test_the_page_refers_to_nothing_outside_itself(page: str, outline: Outline) -> None:
    for tag, attributes in outline.tags:
        assert tag not in {"link", "iframe", "object", "embed", "img", "base"}
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "@import" not in page
    assert "url(" not in page
    assert "http" not in page


def test_equal_input_gives_equal_bytes(page: str) -> None:
    assert render_report(make_result(), make_pictures()).encode() == page.encode()


def test_the_order_of_tools_and_pictures_changes_nothing(result: TitleResult, page: str) -> None:
    turned = result.model_copy(update={"tools": dict(reversed(result.tools.items()))})
    assert render_report(turned, make_pictures()[::-1]) == page


def test_hostile_text_stays_text(result: TitleResult) -> None:
    ladder = result.ladders[0]
    rung = ladder.rungs[0].model_copy(update={"reason": HOSTILE, "name": HOSTILE})
    hostile = result.model_copy(
        update={
            "title_id": HOSTILE,
            "release_id": HOSTILE,
            "notes": (HOSTILE, "nul \x00 and lone \ud800"),
            "tools": {HOSTILE: HOSTILE},
            "manifests": result.manifests.model_copy(update={"dash": HOSTILE, "hls": "javascript:alert(1)"}),
            "ladders": (ladder.model_copy(update={"rungs": (rung, *ladder.rungs[1:])}), *result.ladders[1:]),
        }
    )
    picture = make_pictures()[0]
    hulls = {HOSTILE: next(iter(picture.title_hulls.values()))}
    page = render_report(hostile, [picture.model_copy(update={"title_hulls": hulls})])
    outline = outline_of(page)
    assert [tag for tag, _ in outline.tags].count("script") == 1
    assert "img" not in {tag for tag, _ in outline.tags}
    assert not any(name.startswith("on") for _, attributes in outline.tags for name in attributes)
    assert outline.words.count('alert("1")') >= 5
    assert page.encode("utf-8")
    for text in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        ET.fromstring(text)  # noqa: S314  (our own page)


def test_the_headline_says_rungs_and_bits_against_the_fixed_ladder(outline: Outline) -> None:
    assert "5 rungs of H.264 and 5 rungs of AV1;" in outline.words
    assert (
        "31.2 % fewer bits in H.264 and 47.8 % fewer bits in AV1 than the fixed ladder at equal VMAF." in outline.words
    )


def test_every_number_of_every_rung_stands_in_the_page(result: TitleResult, outline: Outline) -> None:
    for rung in rungs_of(result):
        delivered = rung.delivered
        for rate in (rung.promised.bitrate_bps, delivered.bitrate_bps, delivered.peak_bitrate_bps):
            assert write_kilobits(rate) in outline.text
        for score in (
            rung.promised.vmaf,
            delivered.vmaf_mean,
            delivered.vmaf_harmonic,
            delivered.vmaf_p5,
            delivered.vmaf_min,
        ):
            assert write_score(score) in outline.text
        for shot in rung.shots:
            assert write_score(shot.vmaf) in outline.text
            assert write_kilobits(shot.bitrate_bps) in outline.text


def test_the_fixed_ladder_stands_in_the_page(result: TitleResult, outline: Outline) -> None:
    baseline = result.ladders[0].baseline
    assert baseline is not None
    assert "netflix-2015" in outline.words
    for rung in baseline.rungs:
        assert write_kilobits(rung.bitrate_bps) in outline.text
        assert write_score(rung.vmaf_mean) in outline.text


def test_a_missed_promise_is_said_in_words_and_a_corrected_rung_too(outline: Outline) -> None:
    assert "▼ missed: 0.8 below" in outline.words
    assert "▼ Rung 3 of AV1 missed its promise: 0.83 VMAF below." in outline.words
    assert "9 of 10 rungs kept the promise within 0.5 VMAF." in outline.words
    assert outline.text.count("corrected once") == 1
    missed = [attributes for tag, attributes in outline.tags if tag == "tr" and attributes.get("class") == "missed"]
    assert [attributes["data-rung"] for attributes in missed] == ["av1-3"]


def test_hulls_are_called_predicted_and_rungs_measured(outline: Outline) -> None:
    assert "hull of a resolution, predicted for the title from trial encodes" in outline.words
    assert "delivered: the rung as published, measured on every frame" in outline.words


def test_header_cells_say_what_they_head(outline: Outline) -> None:
    headers = [attributes for tag, attributes in outline.tags if tag == "th"]
    assert headers
    assert all(attributes.get("scope") in {"col", "row", "colgroup"} for attributes in headers)


def test_cost_audio_notes_and_tools_stand_in_the_page(outline: Outline) -> None:
    for words in (
        "2 min 11 s",
        "40 found in the store",
        "audio_1_eng_stereo",
        "−23.1 LUFS",
        "bt709 is assumed",
        "165 r3222",
    ):
        assert words in outline.words


def test_the_time_to_the_first_playable_segment_is_said_where_it_is_known(result: TitleResult) -> None:
    early = FirstPlayable(after_s=41.2, release_id="r0", duration_s=120.0, provisional=True)
    page = render_report(result.model_copy(update={"first_playable": early}), make_pictures())
    assert "First playable after" in page
    assert "provisional: 2 min" in page
    assert "First playable after" not in render_report(result, make_pictures())


def test_without_a_fixed_ladder_nothing_is_claimed_about_it(result: TitleResult) -> None:
    ladders = tuple(ladder.model_copy(update={"baseline": None}) for ladder in result.ladders)
    words = outline_of(render_report(result.model_copy(update={"ladders": ladders}), make_pictures())).words
    assert "fewer bits" not in words
    assert "fixed ladder" not in words


def test_ladders_without_common_quality_say_that_there_is_no_bd_rate(result: TitleResult) -> None:
    ladder = result.ladders[0]
    assert ladder.baseline is not None
    silent = ladder.model_copy(update={"baseline": ladder.baseline.model_copy(update={"bd_rate": None})})
    words = outline_of(render_report(result.model_copy(update={"ladders": (silent,)}), ())).words
    assert "No BD-rate: the two ladders share no range of VMAF." in words


def test_more_bits_than_the_fixed_ladder_are_called_more(result: TitleResult) -> None:
    ladder = result.ladders[0]
    assert ladder.baseline is not None
    worse = ladder.model_copy(update={"baseline": ladder.baseline.model_copy(update={"bd_rate": 0.04})})
    words = outline_of(render_report(result.model_copy(update={"ladders": (worse,)}), ())).words
    assert "4.0 % more bits" in words


def test_a_title_of_one_shot_and_one_rung_without_pictures_is_drawn(result: TitleResult) -> None:
    ladder = result.ladders[0]
    rung = ladder.rungs[0].model_copy(update={"shots": ladder.rungs[0].shots[:1]})
    small = result.model_copy(
        update={"ladders": (ladder.model_copy(update={"rungs": (rung,)}),), "shots": result.shots[:1], "audio": ()}
    )
    words = outline_of(render_report(small, ())).words
    assert "1 rung of H.264" in words
    assert "The rung kept its promise within 0.5 VMAF." in words
    assert "no audio track" in words


def test_numbers_that_cannot_be_drawn_do_not_break_the_page(result: TitleResult) -> None:
    ladder = result.ladders[0]
    broken = ladder.rungs[0].model_copy(
        update={
            "delivered": ladder.rungs[0].delivered.model_copy(update={"vmaf_mean": float("nan"), "bitrate_bps": 0.0}),
            "shots": (),
        }
    )
    odd = result.model_copy(update={"ladders": (ladder.model_copy(update={"rungs": (broken,)}),)})
    page = render_report(odd, make_pictures())
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", page.lower())
    outline_of(page)


def test_nine_hundred_shots_are_folded_to_sixty_cards_and_a_table_of_all() -> None:
    result = make_result(900)
    page = render_report(result, make_pictures(900))
    outline = outline_of(page)
    cards = [attributes for tag, attributes in outline.tags if tag == "article"]
    assert len(cards) == 60
    assert "840 shots are folded into the table of all shots." in outline.words
    assert "All 900 shots" in outline.words
    assert len(page.encode()) < 5_000_000
    assert {ladder.codec for ladder in result.ladders} == {Codec.H264, Codec.AV1}


def test_the_search_of_a_codec_is_told_with_its_cpu_by_kind_of_work() -> None:
    outline = Outline()
    outline.feed(render_report(make_result(), make_pictures()))
    text = " ".join(outline.text)
    for words in (
        "70, 14.0 a shot",
        "decode 8.10 s (10 %)",
        "metric 20.5 s (26 %)",
        "0.31 % on average, 0.74 % at most",
        "largest number of trials: 1",
        "14 of 15",
        "shot 2",
        "shot 1",
    ):
        assert words in text
    regions = [attributes.get("aria-label") for _, attributes in outline.tags]
    assert "Search, AV1" in regions
    assert "Search, H.264" not in regions


def test_there_are_words_for_every_end_of_a_search() -> None:
    assert set(STOP_WORDS) == set(StopReason)
    assert len(set(STOP_WORDS.values())) == len(StopReason)


def test_a_promise_stands_with_its_error_where_it_has_one() -> None:
    page = render_report(make_result(), make_pictures())
    assert "one standard deviation, in VMAF at this rate; or 1.2 % of rate" in page
    assert ">0.21<" in page


def test_checks_show_what_is_not_kept_and_fold_the_rest(outline: Outline) -> None:
    assert "1 of 2 rules that apply are kept, on 40 files with 36 segments" in outline.words
    assert "No MUST is broken" in outline.words
    assert "a clear <entry>" in outline.words
    assert "… 4 in all" in outline.words
    assert "All 3 rules" in outline.words
    assert ("a", {"href": "#checks"}) in outline.tags


def test_results_of_before_have_no_checks(result: TitleResult) -> None:
    before = result.model_copy(update={"checks": None})
    assert "checks" not in render_report(before, make_pictures()).partition("<body>")[2]
