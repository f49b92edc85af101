"""Sealed payloads: they come back whole, under the right key only; keys can be changed; what is not sealed passes."""

import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from protection.errors import KeysNotConfigured, PayloadUnreadable, UnsafeKeyFile
from protection.payload_codec import SealedPayloads, data_converter
from protection.payload_keys import NO_KEYS, PayloadKeys, ensure_payload_keys, load_payload_keys
from protection.secret_bytes import SecretBytes

OLD, NEW = SecretBytes(bytes(range(32))), SecretBytes(bytes(32))
KEYS = PayloadKeys({"old": OLD})


@given(data=st.binary(max_size=2000), metadata=st.dictionaries(st.text(max_size=10), st.binary(max_size=10)))
async def test_a_payload_comes_back_whole_and_cannot_be_read_meanwhile(data: bytes, metadata: dict[str, bytes]) -> None:
    payload = Payload(metadata=metadata, data=data)
    codec = SealedPayloads(KEYS)
    (sealed,) = await codec.encode([payload])
    assert set(sealed.metadata) == {"encoding", "encryption-cipher", "encryption-key-id"}
    assert len(data) < 4 or data not in sealed.data
    assert await codec.decode([sealed]) == [payload]


async def test_the_same_payload_is_never_sealed_the_same_way_twice() -> None:
    sealed = await SealedPayloads(KEYS).encode([Payload(data=b"same")] * 100)
    assert len({item.data for item in sealed}) == 100


async def test_after_a_change_of_keys_the_new_one_seals_and_both_open() -> None:
    (before,) = await SealedPayloads(KEYS).encode([Payload(data=b"before")])
    changed = SealedPayloads(PayloadKeys({"new": NEW, "old": OLD}))
    (after,) = await changed.encode([Payload(data=b"after")])
    assert after.metadata["encryption-key-id"] == b"new"
    assert [item.data for item in await changed.decode([before, after])] == [b"before", b"after"]
    with pytest.raises(PayloadUnreadable, match=r"KEY-016.*'new'.*expected: one of our keys: old"):
        await SealedPayloads(KEYS).decode([after])


@pytest.mark.parametrize("at", [0, 12, -1])
async def test_a_changed_payload_is_refused(at: int) -> None:
    (sealed,) = await SealedPayloads(KEYS).encode([Payload(data=b"content")])
    changed = bytearray(sealed.data)
    changed[at] ^= 1
    sealed.data = bytes(changed)
    with pytest.raises(PayloadUnreadable, match="KEY-016"):
        await SealedPayloads(KEYS).decode([sealed])


async def test_one_id_for_two_keys_and_a_payload_under_another_s_id_are_refused() -> None:
    (sealed,) = await SealedPayloads(KEYS).encode([Payload(data=b"content")])
    with pytest.raises(PayloadUnreadable):
        await SealedPayloads(PayloadKeys({"old": NEW})).decode([sealed])
    sealed.metadata["encryption-key-id"] = b"twin"
    with pytest.raises(PayloadUnreadable):
        await SealedPayloads(PayloadKeys({"old": OLD, "twin": OLD})).decode([sealed])


async def test_what_is_not_sealed_passes_so_that_a_running_system_can_be_switched_on() -> None:
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b"1")
    assert await SealedPayloads(KEYS).decode([plain]) == [plain]
    assert await SealedPayloads(NO_KEYS).encode([plain]) == [plain]


@pytest.mark.parametrize("keys", [NO_KEYS, KEYS], ids=["clear", "sealed"])
async def test_failures_say_their_type_and_nothing_else_when_sealed(keys: PayloadKeys) -> None:
    converter = data_converter(keys)
    failure = Failure()
    error = ApplicationError("source film.mov: found nothing", {"found": "film.mov"}, type="CNT-002")
    await converter.encode_failure(error, failure)
    assert (b"film.mov" in failure.SerializeToString()) is (keys is NO_KEYS)
    assert failure.application_failure_info.type == "CNT-002"
    back = await converter.decode_failure(failure)
    assert isinstance(back, ApplicationError)
    assert (back.message, back.details[0]) == ("source film.mov: found nothing", {"found": "film.mov"})


def test_a_key_file_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "payload-keys"
    ensure_payload_keys(path)
    made = path.read_bytes()
    ensure_payload_keys(path)
    assert path.read_bytes() == made
    keys = load_payload_keys(path)
    assert keys.sealing_id == "k1"
    assert made.split()[1].decode() not in f"{keys!r} {vars(keys)} {keys.endpoint_token}"
    path.chmod(0o644)
    with pytest.raises(UnsafeKeyFile, match="KEY-001"):
        load_payload_keys(path)
    assert load_payload_keys(None) is NO_KEYS


@pytest.mark.parametrize(
    "text", ["", "k1\n", "k1 abc\n", f"k 1 {'0' * 64}\n", f"k1 {'0' * 64}\nk1 {'1' * 64}\n", f"{'k' * 65} {'0' * 64}\n"]
)
def test_a_file_that_holds_something_else_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(KeysNotConfigured, match="KEY-015") as caught:
        load_payload_keys(path)
    assert "0" * 32 not in str(caught.value)


def test_the_endpoint_s_token_follows_the_sealing_key() -> None:
    other = PayloadKeys({"k1": SecretBytes(secrets.token_bytes(32))})
    assert KEYS.endpoint_token == PayloadKeys({"old": OLD, "new": NEW}).endpoint_token
    assert len({KEYS.endpoint_token, other.endpoint_token, PayloadKeys({"new": NEW}).endpoint_token}) == 3
