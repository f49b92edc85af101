import base64

from media.packaging.pssh import WIDEVINE_SYSTEM, shorten_base64, without_repeated_kids


def box(system: bytes, message: bytes) -> bytes:
    body = b"pssh" + bytes(4) + system + len(message).to_bytes(4, "big") + message
    return (4 + len(body)).to_bytes(4, "big") + body


FIRST, SECOND, SCHEME = b"\x12\x10" + b"a" * 16, b"\x12\x10" + b"b" * 16, b"\x48\xf3\xc6\x89\x9b\x06"


def test_each_kid_is_kept_once_in_its_order() -> None:
    repeated = box(WIDEVINE_SYSTEM, FIRST + FIRST + SECOND + FIRST + SCHEME)
    assert without_repeated_kids(repeated) == box(WIDEVINE_SYSTEM, FIRST + SECOND + SCHEME)


def test_a_box_without_repetition_stays_as_it_is() -> None:
    once = box(WIDEVINE_SYSTEM, FIRST + SECOND + SCHEME)
    assert without_repeated_kids(once) == once


def test_another_system_is_not_touched() -> None:
    other = box(b"\x9a" * 16, FIRST + FIRST)
    assert base64.b64decode(shorten_base64(base64.b64encode(other).decode())) == other
