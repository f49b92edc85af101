"""Key sets: the same for a retry, sealed in the store, closed to everybody else. Against the real server."""

import json
import pickle
import secrets
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from protection.errors import (
    BadKeySetName,
    BrokenRecord,
    ProtectionError,
    SchemeMismatch,
    SecretExposed,
    TamperedRecord,
    WrongKey,
)
from protection.key_file import load_or_create_key
from protection.key_set import LABELS, KeySet, Scheme
from protection.leak_scan import LeakScanner
from protection.local_keys import LocalKeyProvider
from protection.sealed_keys import LABELS_BEFORE
from protection.sealing import Sealer
from protection.secret_bytes import ContentKey, SecretBytes
from storage.addresses import ObjectAddress
from storage.object_store import ObjectStore
from storage.sealed_records import SealedRecordStore

pytestmark = pytest.mark.slow


@pytest.fixture
def name() -> str:
    return f"k{secrets.token_hex(16)}"


@pytest.fixture
def provider(store: ObjectStore, tmp_path: Path) -> LocalKeyProvider:
    return LocalKeyProvider(SealedRecordStore(store), tmp_path / "kek")


def test_a_retry_gets_the_same_keys_from_another_process(
    store: ObjectStore, provider: LocalKeyProvider, name: str, tmp_path: Path
) -> None:
    first = provider.open_or_create_key_set(name, "cbcs")
    second = LocalKeyProvider(SealedRecordStore(store), tmp_path / "kek").open_or_create_key_set(name, "cbcs")
    assert _revealed(first) == _revealed(second)
    assert first.references() == second.references()
    assert first.iv_for("video_h264_720p") == second.iv_for("video_h264_720p")


def test_many_at_once_agree_on_one_key_set(provider: LocalKeyProvider, name: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        sets = list(pool.map(lambda _: provider.open_or_create_key_set(name, "cenc"), range(16)))
    assert len({_revealed(item) for item in sets}) == 1


def test_each_label_has_a_key_and_an_identifier_of_its_own(provider: LocalKeyProvider, name: str) -> None:
    keys = provider.open_or_create_key_set(name, "cbcs")
    assert [item.label for item in keys.references()] == list(LABELS)
    assert len({item.kid for item in keys.references()}) == len(LABELS)
    assert len({keys.key_for(label).reveal() for label in LABELS}) == len(LABELS)
    assert {len(keys.key_for(label)) for label in LABELS} == {16}
    assert keys.kid_for("SD") == keys.references(("SD",))[0].kid


def test_another_name_has_other_keys(provider: LocalKeyProvider, name: str) -> None:
    ours, others = (provider.open_or_create_key_set(item, "cbcs") for item in (name, f"{name}2"))
    assert not set(_revealed(ours)) & set(_revealed(others))
    assert ours.iv_for("video") != others.iv_for("video")


@pytest.mark.parametrize(("scheme", "size_bytes"), [("cbcs", 16), ("cenc", 8)])
def test_each_track_has_a_vector_of_its_own_of_the_scheme_s_size(
    provider: LocalKeyProvider, name: str, scheme: Scheme, size_bytes: int
) -> None:
    keys = provider.open_or_create_key_set(name, scheme)
    vectors = [keys.iv_for(f"video_{index}") for index in range(50)]
    assert {len(vector) for vector in vectors} == {size_bytes}
    assert len(set(vectors)) == 50


def test_the_record_in_the_store_shows_no_secret(store: ObjectStore, provider: LocalKeyProvider, name: str) -> None:
    keys = provider.open_or_create_key_set(name, "cbcs")
    record = _record(store, name)
    assert LeakScanner(keys.secrets()).scan_bytes(record) == ()
    assert json.loads(record)["schema"] == "pertitle/key-set/v2"
    assert keys.kid_for("HD").encode() in record


def test_another_key_encryption_key_is_refused(
    store: ObjectStore, provider: LocalKeyProvider, name: str, tmp_path: Path
) -> None:
    provider.open_or_create_key_set(name, "cbcs")
    stranger = LocalKeyProvider(SealedRecordStore(store), tmp_path / "other")
    with pytest.raises(WrongKey, match="KEY-002"):
        stranger.open_or_create_key_set(name, "cbcs")


def test_the_other_scheme_is_refused(provider: LocalKeyProvider, name: str) -> None:
    provider.open_or_create_key_set(name, "cbcs")
    with pytest.raises(SchemeMismatch, match=r"KEY-005.*cbcs.*expected: cenc"):
        provider.open_or_create_key_set(name, "cenc")


def _flip_ciphertext(record: dict[str, Any]) -> None:
    sealed = record["keys"][1]["sealed"]
    sealed["ciphertext"] = f"{int(sealed['ciphertext'][:2], 16) ^ 1:02x}{sealed['ciphertext'][2:]}"


def _change_identifier(record: dict[str, Any]) -> None:
    record["keys"][0]["kid"] = "0" * 32


def _swap_keys(record: dict[str, Any]) -> None:
    first, second = record["keys"][:2]
    first["sealed"], second["sealed"] = second["sealed"], first["sealed"]


def _relabel(record: dict[str, Any]) -> None:
    first, second = record["keys"][:2]
    first["label"], second["label"] = second["label"], first["label"]


def _change_scheme(record: dict[str, Any]) -> None:
    record["scheme"] = "cenc"


def _claim_other_seed(record: dict[str, Any]) -> None:
    record["iv_seed"] = record["keys"][0]["sealed"]


@pytest.mark.parametrize(
    "tamper", [_flip_ciphertext, _change_identifier, _swap_keys, _relabel, _change_scheme, _claim_other_seed]
)
def test_a_tampered_record_is_refused(store: ObjectStore, provider: LocalKeyProvider, name: str, tamper: Any) -> None:
    keys = provider.open_or_create_key_set(name, "cbcs")
    record = json.loads(_record(store, name))
    tamper(record)
    _replace(store, name, json.dumps(record).encode())
    with pytest.raises(TamperedRecord, match="KEY-003") as caught:
        provider.open_or_create_key_set(name, "cbcs")
    _require_nothing_shown(caught.value, keys)


def test_a_record_under_another_name_is_refused(store: ObjectStore, provider: LocalKeyProvider, name: str) -> None:
    provider.open_or_create_key_set(name, "cbcs")
    SealedRecordStore(store).put_if_absent(f"key-sets/{name}-copy.json", _record(store, name))
    with pytest.raises(TamperedRecord):
        provider.open_or_create_key_set(f"{name}-copy", "cbcs")


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"schema": "pertitle/key-set/v9"}'])
def test_a_record_that_does_not_parse_is_refused(
    store: ObjectStore, provider: LocalKeyProvider, name: str, content: bytes
) -> None:
    SealedRecordStore(store).put_if_absent(f"key-sets/{name}.json", content)
    with pytest.raises(BrokenRecord, match="KEY-004"):
        provider.open_or_create_key_set(name, "cbcs")


def test_a_record_that_lacks_a_key_is_refused(store: ObjectStore, provider: LocalKeyProvider, name: str) -> None:
    provider.open_or_create_key_set(name, "cbcs")
    record = json.loads(_record(store, name))
    del record["keys"][3]
    _replace(store, name, json.dumps(record).encode())
    with pytest.raises(BrokenRecord, match="one key for each label"):
        provider.open_or_create_key_set(name, "cbcs")


@pytest.mark.parametrize("bad", ["", "short", "../../work/x", "a/b/c/d/e", "k" * 129, "name\n12345", "-leading-dash"])
def test_a_name_that_is_no_name_is_refused(provider: LocalKeyProvider, bad: str) -> None:
    with pytest.raises(BadKeySetName, match="KEY-006"):
        provider.open_or_create_key_set(bad, "cbcs")


def test_a_key_set_shows_nothing_and_cannot_be_pickled(provider: LocalKeyProvider, name: str) -> None:
    keys = provider.open_or_create_key_set(name, "cbcs")
    scanner = LeakScanner(keys.secrets())
    held = [getattr(keys, slot) for slot in KeySet.__slots__]
    assert scanner.scan_bytes(f"{keys} {keys!r} {held} {provider!r} {vars(provider)}".encode()) == ()
    with pytest.raises(SecretExposed):
        pickle.dumps(keys)
    with pytest.raises(TypeError):
        json.dumps(keys)


@pytest.mark.parametrize("scheme", ["cbcs", "cenc"])
def test_a_record_of_the_first_version_opens_and_its_uhd_key_serves_all_above_hd(
    store: ObjectStore, name: str, tmp_path: Path, scheme: Scheme
) -> None:
    """The record is written as version 0.1 wrote it, field by field."""
    sealer = Sealer(load_or_create_key(tmp_path / "kek"))
    keys = {label: ContentKey(secrets.token_bytes(16)) for label in LABELS_BEFORE}
    kids = {label: secrets.token_hex(16) for label in LABELS_BEFORE}
    record = {
        "schema": "pertitle/key-set/v1",
        "name": name,
        "scheme": scheme,
        "sealing_key": sealer.fingerprint,
        "keys": [
            {
                "label": label,
                "kid": kids[label],
                "sealed": sealer.seal(
                    keys[label], {"key_set": name, "scheme": scheme, "label": label, "kid": kids[label]}
                ).model_dump(),
            }
            for label in LABELS_BEFORE
        ],
        "iv_seed": sealer.seal(
            SecretBytes(secrets.token_bytes(32)), {"key_set": name, "scheme": scheme, "label": "iv-seed"}
        ).model_dump(),
    }
    SealedRecordStore(store).put_if_absent(f"key-sets/{name}.json", json.dumps(record).encode())
    opened = LocalKeyProvider(SealedRecordStore(store), tmp_path / "kek").open_or_create_key_set(name, scheme)
    served = {label: (opened.kid_for(label), opened.key_for(label)) for label in LABELS}
    assert served["UHD1"] == served["UHD2"] == (kids["UHD"], keys["UHD"])
    for label in ("SD", "HD", "AUDIO"):
        assert served[label] == (kids[label], keys[label])
    assert len(opened.secrets()) == 5
    assert opened.key_of_kid(kids["UHD"]) == keys["UHD"]
    assert opened.key_of_kid("0" * 32) is None


def test_chosen_randomness_gives_the_same_keys_in_two_stores(store: ObjectStore, name: str, tmp_path: Path) -> None:
    def provider(kek: str) -> LocalKeyProvider:
        count = iter(range(1000))
        return LocalKeyProvider(SealedRecordStore(store), tmp_path / kek, draw=lambda size: bytes([next(count)]) * size)

    first = provider("a").open_or_create_key_set(name, "cbcs")
    second = provider("b").open_or_create_key_set(f"{name}2", "cbcs")
    assert _revealed(first) == _revealed(second)


def test_every_error_has_a_code_of_its_own_and_only_a_silent_service_is_asked_again() -> None:
    errors = ProtectionError.__subclasses__()
    assert len({error.code for error in errors}) == len(errors)
    assert [error.code for error in errors if error.retryable] == ["KEY-009"]


def _record(store: ObjectStore, name: str) -> bytes:
    record = SealedRecordStore(store).get(f"key-sets/{name}.json")
    assert record is not None
    return record


def _replace(store: ObjectStore, name: str, content: bytes) -> None:
    address = ObjectAddress(store.buckets.keys, f"key-sets/{name}.json")
    store._client.put_object(Bucket=address.bucket, Key=address.key, Body=content)


def _revealed(keys: KeySet) -> tuple[bytes, ...]:
    return tuple(secret.reveal() for secret in keys.secrets())


def _require_nothing_shown(error: BaseException, keys: KeySet) -> None:
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert LeakScanner(keys.secrets()).scan_bytes(shown.encode()) == ()
