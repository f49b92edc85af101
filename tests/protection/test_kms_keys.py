"""KMS envelopes, against moto's KMS over HTTP: it really encrypts data keys, bound to key and context.

What it does not do, and what is therefore not proved here: permissions (key policies, roles), throttling, audit logs.
"""

import base64
import json
import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from protection.errors import (
    KeyServiceFailed,
    KeyServiceRefused,
    ProtectionError,
    TamperedRecord,
    WrongKey,
)
from protection.key_set import LABELS, KeySet
from protection.kms_keys import KmsSealer
from protection.leak_scan import LeakScanner
from protection.sealed_keys import SealedKeyProvider
from tests.support.records import RecordsInMemory

NAME = "title-0123456789"
ADDRESS = f"key-sets/{NAME}.json"


def kms_client(url: str) -> Any:
    return boto3.client(
        "kms",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, connect_timeout=1, read_timeout=5),
    )


@pytest.fixture(scope="module")
def kms() -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield kms_client(f"http://{host}:{port}")
    server.stop()


@pytest.fixture
def key_id(kms: Any) -> str:
    return str(kms.create_key()["KeyMetadata"]["KeyId"])


def provider(kms: Any, key_id: str, records: RecordsInMemory) -> SealedKeyProvider:
    return SealedKeyProvider(records, KmsSealer(kms, key_id))


def made(kms: Any, key_id: str) -> tuple[RecordsInMemory, KeySet]:
    records = RecordsInMemory()
    return records, provider(kms, key_id, records).open_or_create_key_set(NAME, "cbcs")


def changed(records: RecordsInMemory, change: Any) -> RecordsInMemory:
    record = json.loads(records.content[ADDRESS])
    change(record)
    records.content[ADDRESS] = json.dumps(record).encode()
    return records


def test_a_retry_opens_the_same_keys(kms: Any, key_id: str) -> None:
    records, first = made(kms, key_id)
    second = provider(kms, key_id, records).open_or_create_key_set(NAME, "cbcs")
    assert first.provider_name == second.provider_name == "kms"
    assert first.secrets() == second.secrets()
    assert first.references() == second.references()
    assert len({first.key_for(label).reveal() for label in LABELS}) == len(LABELS)


def test_the_record_holds_data_keys_and_no_secret(kms: Any, key_id: str) -> None:
    records, keys = made(kms, key_id)
    record = records.content[ADDRESS]
    sealed = [item["sealed"]["data_key"] for item in json.loads(record)["keys"]]
    assert len(set(sealed)) == len(LABELS)
    assert LeakScanner(keys.secrets()).scan_bytes(record) == ()


def test_the_kms_itself_refuses_another_place(kms: Any, key_id: str) -> None:
    """Not only our additional data: the data key does not open for another label, KID, scheme or key set."""
    records, keys = made(kms, key_id)
    (item, *_) = json.loads(records.content[ADDRESS])["keys"]
    right = {"key_set": NAME, "scheme": "cbcs", "label": item["label"], "kid": item["kid"]}
    blob = base64.b64decode(item["sealed"]["data_key"])
    assert len(kms.decrypt(CiphertextBlob=blob, KeyId=key_id, EncryptionContext=right)["Plaintext"]) == 32
    for name in right:
        with pytest.raises(kms.exceptions.InvalidCiphertextException):
            kms.decrypt(CiphertextBlob=blob, KeyId=key_id, EncryptionContext={**right, name: "another"})
    assert keys.kid_for(item["label"]) == item["kid"]


def _swap(record: Any) -> None:
    first, second = record["keys"][:2]
    first["sealed"], second["sealed"] = second["sealed"], first["sealed"]


def _flip_data_key(record: Any) -> None:
    sealed = record["keys"][0]["sealed"]
    blob = bytearray(base64.b64decode(sealed["data_key"]))
    blob[-1] ^= 1
    sealed["data_key"] = base64.b64encode(blob).decode()


def _set_data_key(text: str) -> Any:
    def change(record: Any) -> None:
        record["keys"][0]["sealed"]["data_key"] = text

    return change


@pytest.mark.parametrize("change", [_swap, _flip_data_key, _set_data_key(""), _set_data_key("%%%")])
def test_a_changed_record_does_not_open(kms: Any, key_id: str, change: Any) -> None:
    records, _ = made(kms, key_id)
    with pytest.raises(TamperedRecord, match="KEY-003"):
        provider(kms, key_id, changed(records, change)).open_or_create_key_set(NAME, "cbcs")


def test_another_kms_key_does_not_open_it(kms: Any, key_id: str) -> None:
    records, _ = made(kms, key_id)
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    # moto says AccessDenied; AWS says IncorrectKeyException (below).
    with pytest.raises(ProtectionError, match=r"KEY-0(02|10)"):
        provider(kms, other, records).open_or_create_key_set(NAME, "cbcs")


def test_a_record_of_a_local_key_is_named_as_such(kms: Any, key_id: str) -> None:
    records, _ = made(kms, key_id)
    changed(records, lambda record: record.update(sealing_key="0" * 32))
    with pytest.raises(WrongKey, match=r"KEY-002.*local key"):
        provider(kms, key_id, records).open_or_create_key_set(NAME, "cbcs")


def test_an_unknown_key_is_refused(kms: Any) -> None:
    with pytest.raises(KeyServiceRefused, match="KEY-010"):
        provider(kms, "alias/unknown", RecordsInMemory()).open_or_create_key_set(NAME, "cbcs")


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("IncorrectKeyException", 400, WrongKey),
        ("InvalidCiphertextException", 400, TamperedRecord),
        ("DisabledException", 409, KeyServiceRefused),
        ("AccessDeniedException", 400, KeyServiceRefused),
        ("KMSInvalidStateException", 409, KeyServiceRefused),
        ("ThrottlingException", 400, KeyServiceFailed),
        ("KMSInternalException", 500, KeyServiceFailed),
    ],
)
def test_what_moto_never_answers_has_its_code_too(
    kms: Any, key_id: str, code: str, status: int, error: type[ProtectionError]
) -> None:
    """The answers of the API reference, put in by botocore itself: moto has no permissions, states and limits."""
    records, _ = made(kms, key_id)
    answering = kms_client("http://127.0.0.1:9")
    with Stubber(answering) as stubber:
        stubber.add_client_error("decrypt", code, http_status_code=status)
        with pytest.raises(error):
            provider(answering, key_id, records).open_or_create_key_set(NAME, "cbcs")


def test_a_kms_that_is_not_there_fails_the_step_for_now() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        gone = kms_client(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(KeyServiceFailed, match="KEY-009"):
            provider(gone, "any", RecordsInMemory()).open_or_create_key_set(NAME, "cbcs")
