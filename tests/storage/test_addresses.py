"""Addresses and names. Pure."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.request import SOURCE_PATTERN
from storage.addresses import object_key, parse_address, result_key, safe_name, source_key
from storage.errors import StorageRefused

DIGEST = "ab" * 32


def test_an_address_survives_its_text() -> None:
    address = parse_address("s3://pertitle-work/objects/a b.mov")
    assert address == ("pertitle-work", "objects/a b.mov")
    assert address.uri == str(address) == "s3://pertitle-work/objects/a b.mov"


@pytest.mark.parametrize("text", ["", "s3://", "s3://bucket", "s3://bucket/", "s3:///key", "http://host/key", "/etc/x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(StorageRefused, match="s3://bucket/key"):
        parse_address(text)


def test_keys_spread_by_the_first_two_digits() -> None:
    assert object_key(DIGEST) == f"objects/sha256/ab/{DIGEST}"
    assert result_key("encodes", DIGEST) == f"results/encodes/ab/{DIGEST}.json"
    assert source_key(DIGEST, "My film.mov") == f"sources/{DIGEST}/My_film.mov"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("film.mov", "film.mov"),
        ("Été à Paris (4K).mxf", "t_Paris_4K_.mxf"),
        ("-rf", "rf"),
        ("..", "source"),
        ("", "source"),
        (".hidden", "hidden"),
        ("a" * 300 + ".mov", "a" * 96 + ".mov"),
        ("x\0y\n.mp4", "x_y_.mp4"),
    ],
)
def test_names_are_made_safe_and_keep_their_extension(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=200))
def test_any_name_gives_an_address_that_a_request_accepts(name: str) -> None:
    assert re.match(SOURCE_PATTERN, f"s3://pertitle-incoming/{source_key(DIGEST, name)}")
    assert len(safe_name(name)) <= 100
