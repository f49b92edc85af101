"""Key material is found however it is written."""

import base64
import pickle
import secrets
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.errors import KeyLeak, SecretExposed
from protection.leak_scan import WINDOW_BYTES, LeakScanner
from protection.secret_bytes import ContentKey

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "hex": lambda key: key.hex().encode(),
    "HEX": lambda key: key.hex().upper().encode(),
    "mixed case": lambda key: bytes(b ^ 0x20 if i % 2 and b > 0x40 else b for i, b in enumerate(key.hex().encode())),
    "colons": lambda key: key.hex(":").encode(),
    "UUID": lambda key: str(uuid.UUID(bytes=key)).encode(),
    "base64": base64.b64encode,
    "base64url": lambda key: base64.urlsafe_b64encode(key).rstrip(b"="),
    "utf-16 hex": lambda key: key.hex().encode("utf-16-le"),
    "utf-16 base64": lambda key: base64.b64encode(key).decode().encode("utf-16-le"),
}


@pytest.mark.parametrize("way", WAYS)
@given(key=st.binary(min_size=16, max_size=16), before=st.binary(max_size=40), after=st.binary(max_size=40))
def test_every_form_is_found_between_any_bytes(way: str, key: bytes, before: bytes, after: bytes) -> None:
    scanner = LeakScanner([ContentKey(key)])
    assert scanner.scan_bytes(before + WAYS[way](key) + after)
    assert scanner.scan_bytes(before + WAYS[way](key[::-1]) + after)


@given(key=st.binary(min_size=16, max_size=16), before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_a_key_inside_a_larger_base64_text_is_found_at_any_alignment(key: bytes, before: bytes, after: bytes) -> None:
    scanner = LeakScanner([ContentKey(key)])
    for inner in (key, key.hex().encode(), key.hex().upper().encode()):
        assert scanner.scan_bytes(base64.b64encode(before + inner + after))
        assert scanner.scan_bytes(base64.urlsafe_b64encode(before + inner + after))


def test_random_bytes_and_text_without_the_key_are_clean() -> None:
    scanner = LeakScanner([ContentKey(secrets.token_bytes(16)) for _ in range(4)])
    assert scanner.scan_bytes(secrets.token_bytes(1 << 20)) == ()
    assert scanner.scan_bytes(secrets.token_hex(1 << 18).encode()) == ()
    assert scanner.scan_bytes(base64.b64encode(secrets.token_bytes(1 << 18))) == ()


@pytest.mark.parametrize("back_bytes", [0, 1, 7, 31, 32])
def test_a_key_across_two_windows_of_a_file_is_found_at_its_offset(tmp_path: Path, back_bytes: int) -> None:
    key = secrets.token_bytes(16)
    offset = WINDOW_BYTES - back_bytes
    (tmp_path / "media.m4s").write_bytes(bytes(offset) + key.hex().encode() + bytes(100))
    leaks = LeakScanner([ContentKey(key)]).scan_file(tmp_path / "media.m4s")
    assert [(leak.form, leak.offset) for leak in leaks] == [("hex", offset)]


def test_a_key_in_a_file_name_is_found(tmp_path: Path) -> None:
    key = secrets.token_bytes(16)
    (tmp_path / f"{key.hex()}.m4s").touch()
    assert LeakScanner([ContentKey(key)]).scan_folder(tmp_path)


def test_the_gate_names_the_place_and_never_the_key(tmp_path: Path) -> None:
    key = ContentKey(secrets.token_bytes(16))
    scanner = LeakScanner([key])
    (tmp_path / "logs").mkdir()
    scanner.require_none_in(tmp_path)
    (tmp_path / "logs" / "packager.log").write_text(f"--keys label=SD:key={key.reveal_hex()}")
    with pytest.raises(KeyLeak, match=r"KEY-007.*packager\.log at byte 20 \(hex\)") as caught:
        scanner.require_none_in(tmp_path)
    assert scanner.scan_bytes(str(caught.value).encode()) == ()


def test_the_scanner_shows_nothing_of_what_it_looks_for() -> None:
    key = ContentKey(secrets.token_bytes(16))
    scanner = LeakScanner([key])
    shown = repr(scanner) + repr(vars(scanner))
    assert scanner.scan_bytes(shown.encode()) == ()
    with pytest.raises(SecretExposed):
        pickle.dumps(scanner)


def test_a_short_secret_is_refused_because_chance_would_find_it() -> None:
    with pytest.raises(KeyLeak, match="at least 16"):
        LeakScanner([ContentKey(b"short")])
