"""Secrets do not show themselves."""

import copy
import json
import pickle
import traceback

import pytest

from protection.errors import SecretExposed
from protection.leak_scan import LeakScanner
from protection.secret_bytes import ContentKey

SECRET = bytes(range(0xA0, 0xB0))


def test_a_secret_is_redacted_in_every_text() -> None:
    key = ContentKey(SECRET)
    texts = [repr(key), str(key), f"{key}", f"{key!r:>40}", "%s" % key, repr([key]), repr({"key": key})]  # noqa: UP031 - the old way must be safe, too
    assert LeakScanner([key]).scan_bytes("\n".join(texts).encode()) == ()
    assert repr(key) == "ContentKey(redacted)"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(SecretExposed, match="KEY-008"):
        pickle.dumps(ContentKey(SECRET), protocol)


@pytest.mark.parametrize("expose", [copy.copy, copy.deepcopy])
def test_a_secret_cannot_be_copied(expose: object) -> None:
    assert callable(expose)
    with pytest.raises(SecretExposed):
        expose(ContentKey(SECRET))


def test_a_secret_is_no_json_and_has_no_dictionary_or_hash() -> None:
    key = ContentKey(SECRET)
    with pytest.raises(TypeError):
        json.dumps({"key": key})
    with pytest.raises(TypeError):
        vars(key)
    with pytest.raises(TypeError):
        hash(key)


def test_a_traceback_with_locals_shows_no_secret() -> None:
    key = ContentKey(SECRET)

    def fail(held: ContentKey) -> None:
        raise ValueError(f"while holding {held}")

    with pytest.raises(ValueError, match="redacted") as caught:
        fail(key)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "held = ContentKey(redacted)" in shown
    assert LeakScanner([key]).scan_bytes(shown.encode()) == ()


def test_equal_secrets_are_equal_and_reveal_the_same_bytes() -> None:
    assert ContentKey(SECRET) == ContentKey(SECRET)
    assert ContentKey(SECRET) != ContentKey(SECRET[::-1])
    assert ContentKey(SECRET) != SECRET
    assert ContentKey(SECRET).reveal() == SECRET
    assert ContentKey(SECRET).reveal_hex() == SECRET.hex()
