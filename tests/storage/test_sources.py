"""Sources go up under their digest and are found from a request. Against the real server."""

import secrets
from pathlib import Path

import pytest

from domain.files import StoredFile
from storage.addresses import ObjectAddress
from storage.digests import sha256_of_bytes
from storage.errors import SourceChanged, SourceMissing, SourceNotAllowed, StorageRefused
from storage.object_store import ObjectStore
from storage.results import ResultStore
from storage.sources import SourceStore

pytestmark = pytest.mark.slow


@pytest.fixture
def sources(store: ObjectStore) -> SourceStore:
    return SourceStore(store, ResultStore(store))


@pytest.fixture
def content() -> bytes:
    return secrets.token_bytes(3_000_000)


def test_an_uploaded_source_is_found_without_reading_it_again(
    sources: SourceStore, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "My film (4K).mov"
    path.write_bytes(content)
    read: list[int] = []
    stored = sources.upload_source(path)
    assert stored.uri == f"s3://pertitle-incoming/sources/{sha256_of_bytes(content)}/My_film_4K_.mov"
    assert sources.describe_source(stored.uri, on_progress=read.append) == stored
    assert sources.upload_source(path) == stored
    assert read == []


def test_a_source_that_others_delivered_is_read_once(sources: SourceStore, store: ObjectStore, content: bytes) -> None:
    uri = _deliver(store, content)
    read: list[int] = []
    expected = StoredFile(uri=uri, sha256=sha256_of_bytes(content), size_bytes=len(content))
    assert sources.describe_source(uri, on_progress=read.append) == expected
    assert read[-1] == len(content)
    read.clear()
    assert sources.describe_source(uri, on_progress=read.append) == expected
    assert read == []


def test_a_replaced_source_is_read_again(sources: SourceStore, store: ObjectStore, content: bytes) -> None:
    uri = _deliver(store, content)
    sources.describe_source(uri)
    _deliver(store, content[::-1], uri)
    assert sources.describe_source(uri).sha256 == sha256_of_bytes(content[::-1])


def test_a_source_that_is_replaced_between_look_and_read_is_noticed(
    sources: SourceStore, store: ObjectStore, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = _deliver(store, content)
    head = store.head

    def head_then_replace(address: ObjectAddress) -> object:
        facts = head(address)
        _deliver(store, content[::-1], uri)
        return facts

    monkeypatch.setattr(store, "head", head_then_replace)
    with pytest.raises(SourceChanged, match="STO-009") as caught:
        sources.describe_source(uri)
    assert caught.value.retryable


@pytest.mark.parametrize("bucket", ["pertitle-releases", "pertitle-keys", "other-bucket"])
def test_another_bucket_is_refused_before_it_is_asked(sources: SourceStore, bucket: str) -> None:
    with pytest.raises(SourceNotAllowed, match=r"REQ-005.*s3://pertitle-incoming/"):
        sources.describe_source(f"s3://{bucket}/film.mov")


@pytest.mark.parametrize(
    "uri", ["file:///etc/passwd", "http://169.254.169.254/x", "concat:a|b", "s3://pertitle-incoming"]
)
def test_what_is_no_address_is_refused(sources: SourceStore, uri: str) -> None:
    with pytest.raises(StorageRefused):
        sources.describe_source(uri)


def test_a_missing_source_says_what_to_do(sources: SourceStore, tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"CNT-001.*nothing lies at.*fix: check the address") as caught:
        sources.describe_source("s3://pertitle-incoming/not/there.mov")
    assert not caught.value.retryable
    with pytest.raises(SourceMissing, match="no such file"):
        sources.upload_source(tmp_path / "none.mov")


def _deliver(store: ObjectStore, content: bytes, uri: str | None = None) -> str:
    key = uri.removeprefix("s3://pertitle-incoming/") if uri else f"studio/{secrets.token_hex(8)}.mov"
    store._client.put_object(Bucket="pertitle-incoming", Key=key, Body=content)
    return f"s3://pertitle-incoming/{key}"
