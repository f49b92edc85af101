"""Every fault of the client and the disk has our name."""

import errno
import http.server
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from pydantic import SecretStr

from domain.files import StoredFile
from storage import errors
from storage.connection import Buckets, StoreConnection, connect
from storage.errors import StorageError
from storage.object_store import ObjectStore
from storage.s3_faults import s3_faults_as_ours

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "NoSuchKey", errors.ObjectMissing),
        (404, "404", errors.ObjectMissing),
        (400, "BadDigest", errors.DigestMismatch),
        (403, "AccessDenied", errors.AccessDenied),
        (403, "RequestTimeTooSkewed", errors.ClockSkew),
        (400, "ExpiredToken", errors.StorageUnavailable),
        (400, "RequestTimeout", errors.StorageUnavailable),
        (503, "SlowDown", errors.StoreThrottled),
        (500, "InternalError", errors.StorageUnavailable),
        (200, "InternalError", errors.StorageUnavailable),
        (301, "PermanentRedirect", errors.StorageRefused),
        (400, "AuthorizationHeaderMalformed", errors.StorageRefused),
        (409, "ConditionalRequestConflict", errors.WriteConflict),
        (400, "InvalidRequest", errors.StorageRefused),
        (405, "MethodNotAllowed", errors.StorageRefused),
        (400, "InvalidPart", errors.PartsMissing),
        (400, "InvalidPartOrder", errors.PartsMissing),
        (400, "EntityTooSmall", errors.PartTooSmall),
        (400, "EntityTooLarge", errors.UploadTooLarge),
    ],
)
def test_each_answer_has_its_error(status: int, code: str, expected: type[StorageError]) -> None:
    answer = ClientError(
        {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutObject",
    )
    shown = f"PutObject s3://b/k: {status} {code} why"
    with pytest.raises(StorageError, match=shown) as caught, s3_faults_as_ours("PutObject", "s3://b/k"):
        raise answer
    assert type(caught.value) is expected


def test_a_full_disk_and_missing_credentials_have_their_errors_and_other_faults_pass() -> None:
    with pytest.raises(errors.DiskFull, match="No space left"), s3_faults_as_ours("GetObject", "x"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(errors.AccessDenied, match="access key"), s3_faults_as_ours("GetObject", "x"):
        raise NoCredentialsError
    with pytest.raises(FileNotFoundError), s3_faults_as_ours("GetObject", "x"):
        raise FileNotFoundError
    with pytest.raises(ZeroDivisionError), s3_faults_as_ours("GetObject", "x"):
        raise ZeroDivisionError


def test_every_error_has_a_code_of_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, StorageError)]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert errors.__doc__ is not None
    assert all(f"{kind.__name__} " in errors.__doc__ for kind in kinds if kind is not StorageError)
    assert all(kind.code in errors.__doc__ for kind in kinds if kind is not StorageError)


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_unavailable(buckets: Buckets) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        store = ObjectStore(_client(unheard.getsockname()[1]), buckets)
        with pytest.raises(errors.StorageUnavailable, match=r"STO-003.*Could not connect"):
            store.put_bytes(b"x")


class _CutsShort(http.server.BaseHTTPRequestHandler):
    """Promises 1000 bytes, sends 400 and hangs up."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(b"x" * 400)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_a_body_that_ends_early_is_unavailable_and_leaves_no_file(buckets: Buckets, tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _CutsShort) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = ObjectStore(_client(server.server_port), buckets)
        stored = StoredFile(uri=f"s3://{buckets.work}/cut", sha256="0" * 64, size_bytes=1000)
        with pytest.raises(errors.StorageUnavailable, match="STO-003"):
            store.fetch(stored, tmp_path / "file")
        server.shutdown()
    assert list(tmp_path.iterdir()) == []


def _client(port: int) -> "S3Client":
    return connect(
        StoreConnection(endpoint_url=f"http://127.0.0.1:{port}", access_key_id="a", secret_access_key=SecretStr("b"))
    )
