"""Large files go up in parts, and no part is left behind. Against the real server."""

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from storage.addresses import parse_address
from storage.connection import connect
from storage.digests import sha256_of_file
from storage.errors import DigestMismatch
from storage.object_store import ObjectStore
from storage.uploads import MAX_PARTS, PART_BYTES, part_bytes
from tests.support.s3_server import RunningS3Server

LARGE_BYTES = PART_BYTES + 4_000_000


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [(0, PART_BYTES), (100 << 30, PART_BYTES), (PART_BYTES * MAX_PARTS, PART_BYTES), (5 << 40, 549_755_814)],
)
def test_parts_are_16_mib_unless_there_would_be_too_many(size_bytes: int, expected: int) -> None:
    assert part_bytes(size_bytes) == expected
    assert part_bytes(size_bytes) * MAX_PARTS >= size_bytes


@pytest.fixture
def in_parts(store: ObjectStore, s3_server: RunningS3Server) -> ObjectStore:
    """A store that sends everything above 1 MiB in parts."""
    return ObjectStore(connect(s3_server.connection), store.buckets, single_put_limit_bytes=1 << 20)


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "large.bin"
    path.write_bytes(secrets.token_bytes(LARGE_BYTES))
    yield path
    path.unlink()


@pytest.mark.slow
def test_a_large_file_comes_back_as_it_went(in_parts: ObjectStore, large: Path, tmp_path: Path) -> None:
    sent: list[int] = []
    stored = in_parts.put_file(large, on_progress=sent.append)
    assert list(dict.fromkeys(sent)) == [0, PART_BYTES, LARGE_BYTES]
    assert sent == sorted(sent)
    assert stored.size_bytes == LARGE_BYTES
    assert sha256_of_file(in_parts.fetch(stored, tmp_path / "back")) == stored.sha256
    facts = in_parts.head(parse_address(stored.uri))
    assert facts is not None
    assert facts.sha256 == stored.sha256
    assert facts.etag.endswith('-2"')  # two parts
    assert in_parts.put_file(large) == stored
    assert in_parts.list_open_uploads() == ()


class Stopped(BaseException):
    """Stands for a canceled step: no Exception."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, Stopped])
def test_a_stopped_upload_leaves_nothing(in_parts: ObjectStore, large: Path, kind: type[BaseException]) -> None:
    open_meanwhile: list[int] = []
    digest = sha256_of_file(large)

    def stop(sent_bytes: int) -> None:
        if sent_bytes in {PART_BYTES, LARGE_BYTES} and len(open_meanwhile) < 2:
            open_meanwhile.append(len(in_parts.list_open_uploads(f"objects/sha256/{digest[:2]}/{digest}")))
        if sent_bytes == LARGE_BYTES:
            raise kind

    with pytest.raises(kind):
        in_parts.put_file(large, on_progress=stop)
    assert open_meanwhile == [1, 1]
    assert in_parts.list_open_uploads() == ()
    assert in_parts.head(in_parts._object_address(digest)) is None


@pytest.mark.slow
def test_a_file_that_changes_meanwhile_is_refused(in_parts: ObjectStore, large: Path) -> None:
    digest = sha256_of_file(large)

    def change(sent_bytes: int) -> None:
        if sent_bytes == PART_BYTES:
            with large.open("r+b") as file:
                file.seek(LARGE_BYTES - 1)
                file.write(b"!" if file.read(1) != b"!" else b"?")
                file.seek(PART_BYTES)
                file.write(b"changed")

    with pytest.raises(DigestMismatch, match=f"while uploading.*{digest}"):
        in_parts.put_file(large, on_progress=change)
    assert in_parts.list_open_uploads() == ()
    assert in_parts.head(in_parts._object_address(digest)) is None


@pytest.mark.slow
def test_a_second_writer_s_parts_are_dropped(in_parts: ObjectStore, store: ObjectStore, large: Path) -> None:
    """Somebody else stores the same content while our parts are on their way: ours are aborted, theirs count."""

    def overtake(sent_bytes: int) -> None:
        if sent_bytes == PART_BYTES:
            store.put_file(large)

    stored = in_parts.put_file(large, on_progress=overtake)
    facts = store.head(parse_address(stored.uri))
    assert facts is not None
    assert "-" not in facts.etag  # the single PUT stands
    assert in_parts.list_open_uploads() == ()


_UPLOADER = """
import sys
from pathlib import Path
from storage.connection import Buckets, StoreConnection, connect
from storage.object_store import ObjectStore

def wait(sent_bytes):
    if not sent_bytes:
        return
    print(sent_bytes, flush=True)
    sys.stdin.read()

connection = StoreConnection.model_validate_json(sys.argv[1])
buckets = Buckets.model_validate_json(sys.argv[2])
ObjectStore(connect(connection), buckets, single_put_limit_bytes=1 << 20).put_file(Path(sys.argv[3]), on_progress=wait)
"""


@pytest.mark.slow
def test_what_a_killed_process_leaves_is_swept(in_parts: ObjectStore, s3_server: RunningS3Server, large: Path) -> None:
    secret = s3_server.connection.secret_access_key
    assert secret is not None
    shown = s3_server.connection.model_dump() | {"secret_access_key": secret.get_secret_value()}
    arguments = [json.dumps(shown), in_parts.buckets.model_dump_json(), str(large)]
    with subprocess.Popen(
        [sys.executable, "-c", _UPLOADER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{PART_BYTES}\n".encode()
        process.send_signal(signal.SIGKILL)
    prefix = f"objects/sha256/{sha256_of_file(large)[:2]}/"
    left = in_parts.list_open_uploads(prefix)
    assert len(left) == 1
    assert in_parts.abort_stale_uploads(prefix, timedelta(hours=1)) == ()
    assert in_parts.abort_stale_uploads("elsewhere/", timedelta(0)) == ()
    assert in_parts.abort_stale_uploads(prefix, timedelta(0)) == left
    assert in_parts.list_open_uploads() == ()
