"""What is said of a key, by us and by its provider."""

import base64
import xml.etree.ElementTree as ET

from domain.drm import FAIRPLAY, PLAYREADY, WIDEVINE, DrmSignal
from media.packaging.plan import TrackKey
from media.packaging.pssh import PLAYREADY_SYSTEM, WIDEVINE_SYSTEM, pssh_box, widevine_pssh
from media.packaging.signaling import boxes_of, content_protection, key_tags, session_key_tags
from media.packaging.track_header import TrackHeader

KID = "0287d7ca3180b4ab41cf62b940f52c2c"
HEADER = pssh_box(PLAYREADY_SYSTEM, b"header")
GIVEN = base64.b64encode(pssh_box(WIDEVINE_SYSTEM, b"theirs")).decode()
SIGNALS = (
    DrmSignal(system_id=WIDEVINE, kid=KID, pssh=GIVEN, hls_multivariant="#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,A"),
    DrmSignal(
        system_id=PLAYREADY,
        kid=KID,
        content_protection='<pro xmlns="urn:microsoft:playready">dGhlaXJz</pro>',
    ),
    DrmSignal(system_id=FAIRPLAY, kid=KID, hls_media='#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://theirs"'),
)


def key(*signals: DrmSignal) -> TrackKey:
    return TrackKey("HD", KID, b"k" * 16, b"i" * 16, signals)


def header(*pssh: bytes) -> TrackHeader:
    return TrackHeader("vide", 24000, 0, 1000, 0, 0, ("encv",), None, pssh=pssh)


def test_without_a_word_of_the_provider_all_is_ours() -> None:
    boxes = boxes_of(key(), "cbcs")
    assert boxes == (widevine_pssh(KID, "cbcs"),)
    tags = key_tags(header(HEADER, *boxes), key(), "cbcs")
    assert [tag.split('KEYFORMAT="')[1].split('"')[0] for tag in tags] == [
        "com.apple.streamingkeydelivery",
        "com.microsoft.playready",
        f"urn:uuid:{WIDEVINE}",
    ]
    assert not any("IV=" in tag or "identity" in tag for tag in tags)
    assert f'URI="skd://{KID}"' in tags[0]
    assert len(key_tags(header(HEADER, *boxes), key(), "cenc")) == 2


def test_what_the_provider_says_stands_instead_and_nothing_else_changes() -> None:
    theirs = key(*SIGNALS)
    boxes = boxes_of(theirs, "cbcs")
    assert [base64.b64encode(box).decode() for box in boxes] == [GIVEN]
    tags = key_tags(header(HEADER, *boxes), theirs, "cbcs")
    assert tags[0] == '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://theirs"'
    assert f"base64,{GIVEN}" in tags[2]
    _, playready, widevine = content_protection(header(HEADER, *boxes), theirs, "cbcs")
    assert [child.text for child in playready] == ["dGhlaXJz"]
    assert [child.text for child in widevine] == [GIVEN]
    assert b"cenc" not in ET.tostring(playready)


def test_session_keys_are_named_once() -> None:
    assert session_key_tags([key(*SIGNALS), key(*SIGNALS)]) == ["#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,A"]
