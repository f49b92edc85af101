"""The local cache: bounded, shared by processes, and never wrong. Against the real server."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.files import StoredFile
from storage.addresses import parse_address
from storage.digests import Progress
from storage.errors import DigestMismatch
from storage.local_cache import LocalCache
from storage.object_store import ObjectStore
from tests.support.s3_server import RunningS3Server

pytestmark = pytest.mark.slow

SIZE_BYTES = 50_000


@pytest.fixture
def cache(store: ObjectStore, tmp_path: Path) -> Iterator[LocalCache]:
    opened = LocalCache(store, tmp_path / "cache", max_bytes=3 * SIZE_BYTES)
    yield opened
    opened.close()


@pytest.fixture
def objects(store: ObjectStore) -> list[StoredFile]:
    return [store.put_bytes(secrets.token_bytes(SIZE_BYTES)) for _ in range(5)]


def test_a_second_use_needs_no_store(cache: LocalCache, store: ObjectStore, objects: list[StoredFile]) -> None:
    content = store.read_bytes(objects[0])
    with cache.hold(objects[0]) as path:
        assert path.read_bytes() == content
    _remove_from_store(store, objects[0])
    with cache.hold(objects[0]) as path:
        assert path.read_bytes() == content
    assert not path.exists()


def test_a_fetched_file_stays_with_the_caller(cache: LocalCache, objects: list[StoredFile], tmp_path: Path) -> None:
    path = cache.fetch_into(objects[0], tmp_path / "piece.mkv")
    cache.close()
    assert path.stat().st_size == SIZE_BYTES
    assert path.stat().st_mode & 0o222 == 0


def test_the_least_recently_used_go_first(cache: LocalCache, store: ObjectStore, objects: list[StoredFile]) -> None:
    for item in (*objects[:3], objects[0], objects[3]):
        _use(cache, item)
    assert cache.size_bytes() == 3 * SIZE_BYTES
    assert {path.name for path in cache._entries.glob("*/*")} == {objects[index].sha256 for index in (0, 2, 3)}


def test_what_is_shed_was_not_used_for_longest_and_is_not_in_use(
    cache: LocalCache, objects: list[StoredFile], tmp_path: Path
) -> None:
    cache.fetch_into(objects[0], tmp_path / "in use")
    for item in objects[1:3]:
        _use(cache, item)
    assert cache.shed(1) == SIZE_BYTES
    assert {path.name for path in cache._entries.glob("*/*")} == {objects[index].sha256 for index in (0, 2)}
    assert cache.shed(10 * SIZE_BYTES) == SIZE_BYTES
    assert cache.shed(1) == 0


def test_an_entry_in_use_survives_its_eviction(
    cache: LocalCache, store: ObjectStore, objects: list[StoredFile]
) -> None:
    with cache.hold(objects[0]) as path:
        for item in objects[1:]:
            _use(cache, item)
        assert not cache._entry(objects[0].sha256).exists()
        assert path.read_bytes() == store.read_bytes(objects[0])


def test_an_object_larger_than_the_cache_passes_through(cache: LocalCache, store: ObjectStore) -> None:
    large = store.put_bytes(secrets.token_bytes(4 * SIZE_BYTES))
    with cache.hold(large) as path:
        assert path.stat().st_size == 4 * SIZE_BYTES
    assert cache.size_bytes() == 0


@pytest.mark.parametrize("damage", [b"", b"x" * SIZE_BYTES])
def test_a_damaged_entry_is_fetched_anew(
    cache: LocalCache, store: ObjectStore, objects: list[StoredFile], damage: bytes
) -> None:
    _use(cache, objects[0])
    entry = cache._entry(objects[0].sha256)
    entry.chmod(0o644)
    entry.write_bytes(damage)
    with cache.hold(objects[0]) as path:
        assert path.read_bytes() == store.read_bytes(objects[0])
    assert entry.read_bytes() == store.read_bytes(objects[0])


def test_wrong_bytes_from_the_store_never_become_an_entry(
    cache: LocalCache, store: ObjectStore, objects: list[StoredFile]
) -> None:
    address = parse_address(objects[0].uri)
    store._client.put_object(Bucket=address.bucket, Key=address.key, Body=b"wrong")
    with pytest.raises(DigestMismatch):
        _use(cache, objects[0])
    assert cache.size_bytes() == 0
    assert list(cache._held.iterdir()) == []


def test_threads_that_want_the_same_object_download_it_once(
    cache: LocalCache, store: ObjectStore, objects: list[StoredFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads: list[str] = []
    fetch = store.fetch

    def counted(stored: StoredFile, destination: Path, *, on_progress: Progress) -> Path:
        downloads.append(stored.sha256)
        return fetch(stored, destination, on_progress=on_progress)

    monkeypatch.setattr(store, "fetch", counted)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _use(cache, objects[0]), range(16)))
    assert downloads == [objects[0].sha256]


_USER = """
import hashlib, json, random, sys
from pathlib import Path
from domain.files import StoredFile
from storage.connection import Buckets, StoreConnection, connect
from storage.local_cache import LocalCache
from storage.object_store import ObjectStore

asked = json.loads(sys.argv[1])
store = ObjectStore(connect(StoreConnection(**asked["connection"])), Buckets(**asked["buckets"]))
cache = LocalCache(store, Path(asked["folder"]), max_bytes=asked["max_bytes"])
objects = [StoredFile(**item) for item in asked["objects"]]
if asked["uses"] == 0:
    with cache.hold(objects[0]) as path:
        print(path, flush=True)
        sys.stdin.read()
for _ in range(asked["uses"]):
    item = random.choice(objects)
    with cache.hold(item) as path:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == item.sha256
cache.close()
"""


def _user(
    server: RunningS3Server, cache: LocalCache, objects: list[StoredFile], uses: int
) -> "subprocess.Popen[bytes]":
    secret = server.connection.secret_access_key
    assert secret is not None
    asked = {
        "connection": server.connection.model_dump() | {"secret_access_key": secret.get_secret_value()},
        "buckets": cache._store.buckets.model_dump(),
        "folder": str(cache.folder),
        "max_bytes": cache.max_bytes,
        "objects": [item.model_dump() for item in objects],
        "uses": uses,
    }
    arguments = [sys.executable, "-c", _USER, json.dumps(asked)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_several_processes_share_a_cache_that_is_too_small_for_them(
    cache: LocalCache, s3_server: RunningS3Server, objects: list[StoredFile]
) -> None:
    users = [_user(s3_server, cache, objects, 150) for _ in range(3)]
    for user in users:
        user.communicate(timeout=120)
    assert [user.returncode for user in users] == [0, 0, 0]
    assert cache.size_bytes() <= cache.max_bytes
    left = [path.name for path in cache.folder.iterdir() if path.name.startswith("held-")]
    assert sorted(left) == sorted([cache._held.name, f"{cache._held.name}.lock"])


def test_what_a_killed_process_held_is_removed_by_the_next_one(
    cache: LocalCache, s3_server: RunningS3Server, store: ObjectStore, objects: list[StoredFile]
) -> None:
    with _user(s3_server, cache, objects, 0) as user:
        assert user.stdout is not None
        held = Path(os.fsdecode(user.stdout.readline().strip()))
        LocalCache(store, cache.folder, max_bytes=1).close()
        assert held.exists()  # its owner lives
        user.kill()
    LocalCache(store, cache.folder, max_bytes=1).close()
    assert not held.parent.exists()
    assert cache._held.exists()  # so do we


def _use(cache: LocalCache, stored: StoredFile) -> None:
    with cache.hold(stored) as path:
        assert path.stat().st_size == stored.size_bytes


def _remove_from_store(store: ObjectStore, stored: StoredFile) -> None:
    address = parse_address(stored.uri)
    store._client.delete_object(Bucket=address.bucket, Key=address.key)
