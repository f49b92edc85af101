"""A ladder in SDR beside the HDR one of the same codec: both drawn, told apart, the chain named."""

from domain.hdr import DynamicRange, ToneMapping
from domain.result import TitlePicture, TitleResult
from reports.title_report import render_report
from tests.reports.made_up_title import make_pictures, make_result
from tests.reports.test_title_report import outline_of

MAPPING = ToneMapping(source_range=DynamicRange.PQ, peak_cd_m2=4000, filters="zscale=t=linear,tonemap=mobius")


def two_ranges() -> tuple[TitleResult, tuple[TitlePicture, ...]]:
    """Returns the made-up title with the first ladder once more, in SDR."""
    result, pictures = make_result(), make_pictures()
    sdr = result.ladders[0].model_copy(update={"tone_mapping": MAPPING, "baseline": None})
    drawn = pictures[0].model_copy(update={"tone_mapped": True})
    return result.model_copy(update={"ladders": (*result.ladders, sdr)}), (*pictures, drawn)


def test_each_ladder_has_a_section_and_a_chart_of_its_own() -> None:
    result, pictures = two_ranges()
    outline = outline_of(render_report(result, pictures))
    ids = [attributes["id"] for _, attributes in outline.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    codec = result.ladders[0].codec.value
    assert {f"ladder-{codec}", f"ladder-sdr-{codec}"} <= set(ids)
    hulls = [attributes for tag, attributes in outline.tags if attributes.get("class") == "hull-line" and tag == "path"]
    alone = outline_of(render_report(make_result(), make_pictures()))
    assert len(hulls) > len([1 for tag, said in alone.tags if said.get("class") == "hull-line" and tag == "path"])
    assert "SDR H.264 ladder" in outline.words
    assert "4000 cd/m² and all above become white" in outline.words
    assert MAPPING.filters in outline.words


def test_a_title_of_one_range_says_nothing_of_it() -> None:
    page = render_report(make_result(), make_pictures())
    assert "tone" not in page
    assert "sdr-" not in page
