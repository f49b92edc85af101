"""Objects are written once and proved when read. Against the real server."""

import errno
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from domain.files import StoredFile
from storage.addresses import ObjectAddress, parse_address
from storage.connection import Buckets, connect
from storage.digests import as_checksum_header, sha256_of_bytes
from storage.errors import AccessDenied, DigestMismatch, DiskFull, ObjectMissing
from storage.object_store import ObjectStore
from storage.uploads import ObjectHeaders
from tests.support.s3_server import RunningS3Server

pytestmark = pytest.mark.slow


@pytest.fixture
def content() -> bytes:
    return secrets.token_bytes(300_000)


@pytest.fixture
def path(tmp_path: Path, content: bytes) -> Path:
    file = tmp_path / "content.bin"
    file.write_bytes(content)
    return file


def test_a_file_comes_back_as_it_went(store: ObjectStore, path: Path, content: bytes, tmp_path: Path) -> None:
    stored = store.put_file(path)
    digest = sha256_of_bytes(content)
    assert stored == StoredFile(
        uri=f"s3://{store.buckets.work}/objects/sha256/{digest[:2]}/{digest}", sha256=digest, size_bytes=len(content)
    )
    assert store.fetch(stored, tmp_path / "back").read_bytes() == content
    assert store.read_bytes(stored) == content
    assert sorted(item.name for item in tmp_path.iterdir()) == ["back", "content.bin"]


@pytest.mark.parametrize("size_bytes", [0, 1])
def test_tiny_objects_are_objects(store: ObjectStore, size_bytes: int) -> None:
    content = b"x" * size_bytes
    assert store.read_bytes(store.put_bytes(content)) == content


def test_the_same_content_is_stored_once_whoever_stores_it(store: ObjectStore, path: Path, content: bytes) -> None:
    first = store.put_file(path)
    facts = store.head(parse_address(first.uri))
    assert store.put_bytes(content) == first == store.put_file(path)
    assert store.head(parse_address(first.uri)) == facts


def test_many_threads_may_store_the_same_content_at_once(store: ObjectStore, path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stored = set(pool.map(lambda _: store.put_file(path).uri, range(16)))
    assert len(stored) == 1


def test_progress_ends_at_the_size(store: ObjectStore, path: Path, content: bytes, tmp_path: Path) -> None:
    sent: list[int] = []
    received: list[int] = []
    stored = store.put_file(path, on_progress=sent.append)
    store.fetch(stored, tmp_path / "back", on_progress=received.append)
    assert sent[-1] == received[-1] == len(content)
    assert received == sorted(received)


def test_a_wrong_checksum_is_refused_by_the_server(store: ObjectStore, path: Path) -> None:
    address = ObjectAddress(store.buckets.work, f"wrong/{secrets.token_hex(8)}")
    with pytest.raises(DigestMismatch, match=r"STO-002.*PutObject.*BadDigest"):
        store.put_file_at(address, path, sha256=sha256_of_bytes(b"other"))
    assert store.head(address) is None


@pytest.mark.parametrize("found", [b"other bytes", b""])
def test_an_object_with_other_bytes_is_refused_when_read(
    store: ObjectStore, content: bytes, tmp_path: Path, found: bytes
) -> None:
    stored = store.put_bytes(content)
    _overwrite(store, stored, found)
    with pytest.raises(DigestMismatch, match=f"STO-002.*{stored.sha256}"):
        store.fetch(stored, tmp_path / "back")
    with pytest.raises(DigestMismatch):
        store.read_bytes(stored)
    with pytest.raises(DigestMismatch):
        store.verify(stored)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_object_is_noticed_when_the_same_content_is_stored_again(
    store: ObjectStore, content: bytes, path: Path
) -> None:
    stored = store.put_bytes(content)
    _overwrite(store, stored, b"damaged")
    with pytest.raises(DigestMismatch):
        store.put_bytes(content)
    with pytest.raises(DigestMismatch):
        store.put_file(path)


def test_a_missing_object_is_missing(store: ObjectStore, tmp_path: Path) -> None:
    nothing = StoredFile(uri=f"s3://{store.buckets.work}/nothing/here", sha256="0" * 64, size_bytes=7)
    with pytest.raises(ObjectMissing, match=r"STO-001 s3://.*nothing there"):
        store.fetch(nothing, tmp_path / "back")
    assert store.head(parse_address(nothing.uri)) is None
    assert store.get(parse_address(nothing.uri)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_missing_bucket_is_missing_and_not_made_by_the_way(store: ObjectStore, s3_server: RunningS3Server) -> None:
    other = ObjectStore(connect(s3_server.connection), store.buckets.model_copy(update={"work": "not-there"}))
    with pytest.raises(ObjectMissing, match="NoSuchBucket"):
        other.put_bytes(b"x")


def test_a_stopped_download_leaves_nothing_and_keeps_what_was_there(
    store: ObjectStore, content: bytes, tmp_path: Path
) -> None:
    def stop(_size_bytes: int) -> None:
        raise KeyboardInterrupt

    stored = store.put_bytes(content)
    (tmp_path / "back").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        store.fetch(stored, tmp_path / "back", on_progress=stop)
    assert [(item.name, item.read_bytes()) for item in tmp_path.iterdir()] == [("back", b"old")]


def test_a_full_disk_has_its_error_and_leaves_nothing(store: ObjectStore, content: bytes, tmp_path: Path) -> None:
    def fill(_size_bytes: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DiskFull, match="STO-008"):
        store.fetch(store.put_bytes(content), tmp_path / "back", on_progress=fill)
    assert list(tmp_path.iterdir()) == []


def test_conditions_hold(store: ObjectStore) -> None:
    address = ObjectAddress(store.buckets.work, f"conditions/{secrets.token_hex(8)}")
    headers = ObjectHeaders(content_type="application/json", cache_control="public, max-age=30")
    assert store.put_if_absent(address, b"first", headers)
    assert not store.put_if_absent(address, b"second", headers)
    found = store.get(address)
    assert found is not None
    assert found[0] == b"first"
    assert not store.put_if_match(address, b"third", headers, etag='"0123"')
    assert store.put_if_match(address, b"third", headers, etag=found[1])
    assert not store.put_if_match(address, b"fourth", headers, etag=found[1])
    facts = store.head(address)
    assert facts is not None
    assert (facts.content_type, facts.cache_control) == ("application/json", "public, max-age=30")
    assert facts.sha256 == sha256_of_bytes(b"third")


def test_one_of_many_writers_wins(store: ObjectStore) -> None:
    address = ObjectAddress(store.buckets.work, f"race/{secrets.token_hex(8)}")
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda index: store.put_if_absent(address, str(index).encode()), range(24)))
    assert won.count(True) == 1
    found = store.get(address)
    assert found is not None
    assert won[int(found[0])]


def test_an_identity_without_the_right_is_denied(s3_server: RunningS3Server, buckets: Buckets) -> None:
    reader = s3_server.connection.model_copy(
        update={"access_key_id": "reader", "secret_access_key": SecretStr("reader-secret")}
    )
    with pytest.raises(AccessDenied, match="STO-004 PutObject") as caught:
        ObjectStore(connect(reader), buckets).put_bytes(b"x")
    assert not caught.value.retryable


def test_a_wrong_secret_is_denied(s3_server: RunningS3Server, buckets: Buckets) -> None:
    wrong = s3_server.connection.model_copy(update={"secret_access_key": SecretStr("wrong")})
    with pytest.raises(AccessDenied, match="SignatureDoesNotMatch"):
        ObjectStore(connect(wrong), buckets).put_bytes(b"x")


def test_the_connection_shows_no_secret(s3_server: RunningS3Server) -> None:
    secret = s3_server.connection.secret_access_key
    assert secret is not None
    assert secret.get_secret_value() not in repr(s3_server.connection) + s3_server.connection.model_dump_json()


def test_making_the_buckets_twice_is_fine(store: ObjectStore) -> None:
    store.ensure_buckets()
    assert store.list_open_uploads("no-such-prefix/") == ()


def _overwrite(store: ObjectStore, stored: StoredFile, content: bytes) -> None:
    address = parse_address(stored.uri)
    store._client.put_object(
        Bucket=address.bucket,
        Key=address.key,
        Body=content,
        ChecksumSHA256=as_checksum_header(sha256_of_bytes(content)),
    )
