"""The readers alone: addresses, names of codecs, headers of protection systems, pictures, playlists."""

import base64
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.errors import NoPresentation
from media.packaging.boxes import Box
from media.rules.addresses import fill_template, join_base, resolve
from media.rules.check import check_folder
from media.rules.codec_names import codec_name, is_same_codec
from media.rules.media_library import jpeg_size
from media.rules.mpd_reader import parse_duration
from media.rules.playlist_reader import decimal, parse_tags
from media.rules.protection_headers import PLAYREADY, parse_playready_object, parse_pssh, parse_pssh_base64

KID = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize(
    ("base", "uri", "path"),
    [
        ("a/list.m3u8", "b/1.m4s", "a/b/1.m4s"),
        ("a/list.m3u8", "../b/1.m4s?token=1#t=2", "b/1.m4s"),
        ("list.m3u8", "./a%20b.m4s", "a b.m4s"),
        ("list.m3u8", "../x", None),
        ("a/list.m3u8", "..%2f..%2fx", None),
        ("list.m3u8", "/x", None),
        ("list.m3u8", "//host/x", None),
        ("list.m3u8", "https://host/x", None),
        ("list.m3u8", "data:text/plain,x", None),
        ("list.m3u8", "", None),
    ],
)
def test_an_address_is_resolved_or_leads_outside(base: str, uri: str, path: str | None) -> None:
    assert resolve(base, uri) == path


@settings(deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_no_address_ever_leads_out_of_the_folder(base: str, uri: str) -> None:
    path = resolve(base.lstrip("/."), uri)
    assert path is None or not (path.startswith("/") or path.split("/")[0] == "..")


def test_templates_are_filled() -> None:
    names: dict[str, str | int] = {"RepresentationID": "v", "Number": 7, "Time": 96, "Bandwidth": "1"}
    template = "$RepresentationID$/$Number%05d$-$Time$-$Bandwidth$-$$.m4s"
    assert fill_template(template, names) == "v/00007-96-1-$.m4s"


def test_bases_are_joined() -> None:
    assert join_base("manifest.mpd", "video/") == "video/"
    assert join_base("video/", "1.m4s") == "video/1.m4s"
    assert join_base("video/", "https://host/1.m4s") == "https://host/1.m4s"


@pytest.mark.parametrize(
    ("kind", "boxes", "name"),
    [
        ("avc1", [Box("avcC", bytes.fromhex("0164001fff"))], "avc1.64001f"),
        ("hvc1", [Box("hvcC", bytes.fromhex("0101600000009000000000005d"))], "hvc1.1.6.L93.90"),
        ("hvc1", [Box("hvcC", bytes.fromhex("01222000000000000000000096"))], "hvc1.2.4.H150"),
        ("av01", [Box("av1C", bytes.fromhex("81050c"))], "av01.0.05M.08"),
        ("av01", [Box("av1C", bytes.fromhex("812dcc"))], "av01.1.13H.10"),
        (
            "mp4a",
            [Box("esds", bytes.fromhex("000000000319000100041140150000000001f4000001f4000502119006"))],
            "mp4a.40.2",
        ),
        ("ec-3", [], "ec-3"),
    ],
)
def test_codec_names_are_made_from_boxes(kind: str, boxes: list[Box], name: str) -> None:
    assert codec_name(kind, boxes) == name


@pytest.mark.parametrize(
    ("stated", "found", "same"),
    [
        ("avc1.64001F", "avc1.64001f", True),
        ("avc1.64001f", "avc1.640028", False),
        ("av01.0.05M.08.0.110.01.01.01.0", "av01.0.05M.08", True),
        ("av01.0.05M", "av01.0.05M.08", False),
        ("hvc1.1.6.L93.90.0.0", "hvc1.1.6.L93.90", True),
        ("hvc1.1.6.L93.B0", "hvc1.1.6.L93.90", False),
        ("mp4a.40.5", "mp4a.40.2", False),
        ("mp4a", "mp4a.40.2", False),
        ("stpp.ttml.im1t", "stpp", True),
    ],
)
def test_codec_names_are_compared(stated: str, found: str, *, same: bool) -> None:
    assert is_same_codec(stated, found) is same


def test_a_pssh_box_of_version_1_names_its_kids() -> None:
    body = b"\1\0\0\0" + bytes(16) + (1).to_bytes(4, "big") + bytes.fromhex(KID) + bytes(4)
    assert parse_pssh(Box("pssh", body)).kids == (KID,)


@pytest.mark.parametrize(
    "kid_element", ['<KIDS><KID ALGID="AESCBC" VALUE="{kid}"></KID></KIDS>', "<DATA><KID>{kid}</KID></DATA>"]
)
def test_a_playready_header_names_version_and_kid(kid_element: str) -> None:
    kid = base64.b64encode(UUID(KID).bytes_le).decode()
    header = f'<WRMHEADER xmlns="x" version="4.3.0.0">{kid_element.format(kid=kid)}</WRMHEADER>'.encode("utf-16-le")
    record = (1).to_bytes(2, "little") + len(header).to_bytes(2, "little") + header
    content = (6 + len(record)).to_bytes(4, "little") + (1).to_bytes(2, "little") + record
    found = parse_playready_object(base64.b64encode(content).decode())
    assert found is not None
    assert (found.system, found.kids, found.version) == (PLAYREADY, (KID,), "4.3.0.0")


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_read_as_headers_without_harm(content: bytes) -> None:
    text = base64.b64encode(content).decode()
    parse_pssh_base64(text)
    parse_playready_object(text)
    parse_pssh(Box("pssh", bytes(20) + content))
    jpeg_size(content)


def test_a_jpeg_frame_header_is_found_behind_other_segments() -> None:
    picture = bytes.fromhex("ffd8ffe000044a46ffc0000b0800b4014001011100ffd9")
    assert jpeg_size(picture) == (320, 180)


def test_durations_are_exact() -> None:
    assert parse_duration("PT1H2M3.5S") == Fraction(7447, 2)
    assert parse_duration("P1DT0.000001S") == 86400 + Fraction(1, 10**6)
    assert parse_duration("soon") is None
    assert decimal("2.002000") == Fraction(1001, 500)
    assert decimal("1e99999") == 0


def test_attribute_lists_keep_commas_in_quotes() -> None:
    tag, uri = parse_tags('#EXT-X-STREAM-INF:CODECS="avc1.64001f,mp4a.40.2",BANDWIDTH=1\n# a remark\n\nv.m3u8')
    assert not isinstance(tag, str)
    assert tag.attributes == {"CODECS": "avc1.64001f,mp4a.40.2", "BANDWIDTH": "1"}
    assert uri == "v.m3u8"


def test_a_folder_without_manifest_and_no_folder_have_a_code(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(NoPresentation, match="none of them an MPD or a playlist"):
        check_folder(tmp_path)
    with pytest.raises(NoPresentation, match="no such folder"):
        check_folder(tmp_path / "missing")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.m4s").write_text("secret")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a.m4s").symlink_to(tmp_path / "secret.m4s")
    (folder / "a.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.m4s\n#EXT-X-ENDLIST\n")
    missing = next(rule for rule in check_folder(folder).rules if rule.rule == "FILE-001")
    assert [item.where for item in missing.findings] == ["a.m4s"]


def test_the_seal_of_a_release_and_sprite_tracks_are_no_strays(tmp_path: Path) -> None:
    (tmp_path / "a.m3u8").write_text("#EXTM3U\n#EXT-X-ENDLIST\n")
    (tmp_path / "release.json").write_text("{}")
    (tmp_path / "sprites.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:02.000\n1.jpg#xywh=0,0,160,90\n")
    (tmp_path / "stray.vtt").write_text("WEBVTT\n")
    stray = next(rule for rule in check_folder(tmp_path).rules if rule.rule == "FILE-004")
    assert [item.where for item in stray.findings] == ["stray.vtt"]
