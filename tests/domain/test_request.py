"""Requests: every fault is named with where, found, expected and fix."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.recipe import Recipe
from domain.request import BadRequest, BadSourceAddress, BadTitleId, TitleRequest, UnknownCodec, parse_title_request

SOURCE = "s3://incoming/sources/film.mov"
GOOD: dict[str, Any] = {"title_id": "my-title", "source": SOURCE}


def test_the_smallest_request_has_house_defaults() -> None:
    assert parse_title_request(GOOD) == TitleRequest(title_id="my-title", source=SOURCE, recipe=Recipe())
    assert parse_title_request(GOOD).priority == "normal"


@pytest.mark.parametrize(
    "title_id",
    ["", "../x", "a/b", "a b", "-a", "_a", "a" * 65, "ä", "a\n", ".", "..", "a.b", 7, None, True, ["a"], {"a": 1}],
)
def test_a_wrong_title_id_is_refused(title_id: object) -> None:
    with pytest.raises(BadTitleId) as caught:
        parse_title_request({**GOOD, "title_id": title_id})
    assert caught.value.where == "title_id"
    assert repr(title_id)[:70] in caught.value.found
    assert "my-title-s01e02" in caught.value.fix


@pytest.mark.parametrize("title_id", ["a", "7", "A-b_c", "x" * 64])
def test_a_right_title_id_is_taken(title_id: str) -> None:
    assert parse_title_request({**GOOD, "title_id": title_id}).title_id == title_id


@pytest.mark.parametrize(
    "source",
    ["", "film.mov", "/etc/passwd", "file:///etc/passwd", "http://h/film.mov", "s3://bucket", "s3://bucket/", "s3:///key",
     "s3://B/key", "s3://bucket//key", "s3://bucket/../key", "s3://bucket/a/../../key", "s3://bucket/..",
     "s3://bucket/-i", "s3://bucket/a\nb", "s3://bucket/a|b", "s3://bucket/%2e", 7, None],
)  # fmt: skip
def test_a_wrong_source_is_refused(source: object) -> None:
    with pytest.raises(BadSourceAddress) as caught:
        parse_title_request({**GOOD, "source": source})
    assert caught.value.where == "source"
    assert "s3://bucket/key" in caught.value.expected
    assert "pertitle submit" in caught.value.fix


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(UnknownCodec) as caught:
        parse_title_request({**GOOD, "recipe": {"codecs": [{"codec": "h264"}, {"codec": "vp9"}]}})
    assert caught.value.code == "REQ-002"
    assert caught.value.where == "recipe.codecs.1.codec"
    assert "'vp9'" in caught.value.found
    assert caught.value.expected == "one of h264, hevc, av1"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"priority": "now"}, "priority"),
        ({"codec": "h264"}, "codec"),
        ({"recipe": 7}, "recipe"),
        ({"recipe": {"bitrate": 7}}, "recipe.bitrate"),
        ({"recipe": {"codecs": []}}, "recipe.codecs"),
        ({"recipe": {"codecs": "h264"}}, "recipe.codecs"),
        ({"recipe": {"heights_px": [1080, "tall"]}}, "recipe.heights_px.1"),
        ({"recipe": {"heights_px": [8000]}}, "recipe.heights_px.0"),
        ({"recipe": {"policy": {"max_rungs": 0}}}, "recipe.policy.max_rungs"),
        ({"recipe": {"packaging": {"scheme": "none"}}}, "recipe.packaging.scheme"),
        ({"recipe": {"packaging": {"segment_s": 5}}}, "recipe.packaging.segment_s"),
        ({"recipe": {"shots": {"idr_grid_s": "0/0"}}}, "recipe.shots.idr_grid_s"),
    ],
)
def test_a_wrong_field_is_named_with_its_path(change: dict[str, Any], where: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_title_request({**GOOD, **change})
    assert caught.value.where.split(", ")[0] == where
    assert all(caught.value.as_record().values())


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadRequest) as caught:
        parse_title_request({"title_id": "../x", "priority": "now", "colour": 1})
    assert set(caught.value.where.split(", ")) == {"title_id", "source", "priority", "colour"}


@pytest.mark.parametrize("content", [None, 7, 1.5, True, "text", [], [GOOD], b"{}"])
def test_what_is_no_object_is_refused(content: object) -> None:
    with pytest.raises(BadRequest, match=r"REQ-001 request: a JSON .* expected: a JSON object"):
        parse_title_request(content)


def test_a_long_value_is_shown_short() -> None:
    with pytest.raises(BadRequest) as caught:
        parse_title_request({**GOOD, "title_id": "x" * 100_000})
    assert len(str(caught.value)) < 1000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["title_id", "source", "recipe", "priority"]
RECIPE_FIELDS = [*Recipe.model_fields, "codec"]


@given(JSON)
def test_no_json_does_anything_but_parse_or_be_refused(content: Any) -> None:
    _parses_or_is_refused(content)


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON),
    st.dictionaries(st.sampled_from(RECIPE_FIELDS), JSON | st.dictionaries(st.sampled_from(["codec", "max_s"]), JSON)),
)
def test_no_value_of_a_known_field_does_either(fields: dict[str, Any], recipe: dict[str, Any]) -> None:
    _parses_or_is_refused({**GOOD, **fields})
    _parses_or_is_refused({**GOOD, "recipe": recipe})


def _parses_or_is_refused(content: Any) -> None:
    try:
        request = parse_title_request(content)
    except BadRequest as error:
        assert all(error.as_record().values()), "where, found, expected and fix"  # noqa: PT017 - both ends are right
    else:
        assert request.title_id
