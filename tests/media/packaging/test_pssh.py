"""PSSH boxes byte by byte."""

from pathlib import Path

import pytest

from media.packaging.box_writer import box
from media.packaging.boxes import split_boxes
from media.packaging.pssh import (
    PLAYREADY_SYSTEM,
    WIDEVINE_SYSTEM,
    content_of,
    pssh_box,
    replace_pssh,
    system_of,
    widevine_pssh,
)

KID = "0287d7ca3180b4ab41cf62b940f52c2c"


@pytest.mark.parametrize(("scheme", "code"), [("cbcs", "f3c6899b06"), ("cenc", "e3dc959b06")])
def test_the_widevine_box_names_one_key_and_the_scheme(scheme: str, code: str) -> None:
    """The bytes of fields 2 and 9 as Shaka Packager 3.8.0 writes them, which lists all KIDs."""
    made = widevine_pssh(KID, scheme)
    assert content_of(made).hex() == f"1210{KID}48{code}"
    assert system_of(made) == WIDEVINE_SYSTEM
    assert int.from_bytes(made[:4], "big") == len(made) == 56


def test_the_content_of_a_box_of_version_1_stands_behind_its_kids() -> None:
    body = b"pssh\1\0\0\0" + PLAYREADY_SYSTEM + b"\0\0\0\2" + bytes(32) + b"\0\0\0\3abc"
    assert content_of((4 + len(body)).to_bytes(4, "big") + body) == b"abc"


def test_only_the_boxes_of_the_same_system_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "init.mp4"
    playready, theirs = pssh_box(PLAYREADY_SYSTEM, b"header"), pssh_box(WIDEVINE_SYSTEM, b"all keys")
    path.write_bytes(box("ftyp", b"cmfc") + box("moov", box("mvhd", b"x"), theirs, playready))
    ours = widevine_pssh(KID, "cbcs")
    replace_pssh(path, (ours,))
    ftyp, moov = split_boxes(path.read_bytes())
    assert ftyp.body == b"cmfc"
    assert moov.body == box("mvhd", b"x") + playready + ours
