"""The object store: content-addressed objects in the work bucket, and the conditional primitives beneath.

Every call is synchronous and may be made from many threads at once; activities call it through
``asyncio.to_thread``. Content-addressed objects are written once and proved when read: the digest in a
:class:`StoredFile` is computed here and checked here, whatever the network or the server did in between.
"""

import contextlib
import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError, IncompleteReadError, ResponseStreamingError
from botocore.response import StreamingBody

from domain.files import StoredFile
from domain.values import Sha256, Value
from storage.addresses import ObjectAddress, object_key, parse_address
from storage.connection import Buckets
from storage.digests import Progress, blocks, no_progress, sha256_of_bytes, sha256_of_file, whole_blocks
from storage.errors import DigestMismatch, ObjectMissing
from storage.s3_faults import failed_condition, is_missing, s3_faults_as_ours
from storage.uploads import SINGLE_PUT_LIMIT_BYTES, ObjectHeaders, OpenUpload, Uploader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_OWNED = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
PLAIN_HEADERS = ObjectHeaders()
READS = 3
"""How often a body is read that was damaged on its way, before the step is given back to Temporal."""
ReadT = TypeVar("ReadT")


class ObjectFacts(Value):
    """What the server says about an object without sending it."""

    size_bytes: int
    etag: str
    """Changes with the content; quoted, as conditions want it."""
    sha256: Sha256 | None
    """As noted by whoever wrote it; ``None`` for objects that are not ours. A claim, not a proof."""
    content_type: str
    cache_control: str | None


class ListedObject(Value):
    """One object of a listing."""

    key: str
    size_bytes: int
    modified: datetime


class ObjectStore:
    """One S3 server and our four buckets."""

    def __init__(
        self, client: "S3Client", buckets: Buckets, *, single_put_limit_bytes: int = SINGLE_PUT_LIMIT_BYTES
    ) -> None:
        """Takes a client of :func:`storage.connection.connect`; larger files than the limit go up in parts."""
        self._client = client
        self.buckets = buckets
        self._uploader = Uploader(client, single_put_limit_bytes=single_put_limit_bytes)

    def ensure_buckets(self) -> None:
        """Creates the buckets that are not there yet (the local stack and tests; a cluster's are made for it)."""
        for bucket in self.buckets.all:
            with s3_faults_as_ours("CreateBucket", f"s3://{bucket}"):
                try:
                    self._client.create_bucket(Bucket=bucket)
                except ClientError as error:
                    if error.response.get("Error", {}).get("Code") not in _OWNED:
                        raise

    # Content-addressed objects

    def put_file(
        self, path: Path, *, on_progress: Progress = no_progress, on_read: Progress = no_progress
    ) -> StoredFile:
        """Stores a file under its digest; what is there already is not sent again.

        Args:
            path: The file; it must not change meanwhile.
            on_progress: Is told the bytes sent so far. If it raises, the upload is aborted and leaves nothing.
            on_read: Is told the bytes read so far while the digest is made, before anything is sent.

        Raises:
            DigestMismatch: if the file changes while it is read, or the bytes change on the way.
            StorageError: for any other failure of the server or the disk.
        """
        with s3_faults_as_ours("read", path):
            sha256 = sha256_of_file(path, on_progress=on_read)
        return self.put_file_at(self._object_address(sha256), path, sha256=sha256, on_progress=on_progress)

    def put_file_at(
        self, address: ObjectAddress, path: Path, *, sha256: Sha256, on_progress: Progress = no_progress
    ) -> StoredFile:
        """Stores a file under a key that contains its digest; see :meth:`put_file`."""
        size_bytes = path.stat().st_size
        stored = StoredFile(uri=address.uri, sha256=sha256, size_bytes=size_bytes)
        if not self._holds(stored):
            written = self._uploader.put_file(
                address, path, sha256=sha256, headers=PLAIN_HEADERS, on_progress=on_progress
            )
            if not written:
                self._require(stored)
        on_progress(size_bytes)
        return stored

    def put_bytes(self, content: bytes) -> StoredFile:
        """Stores bytes under their digest."""
        sha256 = sha256_of_bytes(content)
        address = self._object_address(sha256)
        stored = StoredFile(uri=address.uri, sha256=sha256, size_bytes=len(content))
        if not self.put_if_absent(address, content):
            self._require(stored)
        return stored

    def fetch(self, stored: StoredFile, destination: Path, *, on_progress: Progress = no_progress) -> Path:
        """Downloads an object; the destination appears only when whole and proved.

        Args:
            stored: What.
            destination: Where; its folder exists. A file that is there already is replaced.
            on_progress: Is told the bytes received so far; if it raises, nothing is left behind.

        Returns:
            The destination.

        Raises:
            ObjectMissing: if nothing lies there.
            DigestMismatch: if the bytes are not the promised ones.
            DiskFull: if the disk has no room; the partial file is removed.
        """
        # A random part in the name: two threads may fetch to the same place.
        partial = destination.with_name(f".{destination.name}.{secrets.token_hex(6)}.partial")
        try:
            with s3_faults_as_ours("GetObject", stored.uri):
                read_again(lambda: self._write_proved(stored, partial, on_progress))
            partial.replace(destination)
        finally:
            partial.unlink(missing_ok=True)
        return destination

    def read_bytes(self, stored: StoredFile) -> bytes:
        """Returns an object's bytes, proved; for documents and other small things.

        Raises:
            ObjectMissing: if nothing lies there.
            DigestMismatch: if the bytes are not the promised ones.
        """
        with s3_faults_as_ours("GetObject", stored.uri):
            return read_again(lambda: b"".join(block for _, block in self._proved_blocks(stored)))

    def verify(self, stored: StoredFile) -> None:
        """Reads an object in full and proves it.

        Raises:
            ObjectMissing: if nothing lies there.
            DigestMismatch: if the bytes are not the promised ones.
        """
        with s3_faults_as_ours("GetObject", stored.uri):
            read_again(lambda: deque(self._proved_blocks(stored), maxlen=0))

    # Primitives under any key

    def head(self, address: ObjectAddress) -> ObjectFacts | None:
        """Returns what the server knows of an object, or ``None`` if nothing lies there."""
        with s3_faults_as_ours("HeadObject", address):
            try:
                answer = self._client.head_object(Bucket=address.bucket, Key=address.key)
            except ClientError as error:
                if is_missing(error):
                    return None
                raise
        return ObjectFacts(
            size_bytes=answer["ContentLength"],
            etag=answer["ETag"],
            sha256=answer.get("Metadata", {}).get("sha256"),
            content_type=answer.get("ContentType", ""),
            cache_control=answer.get("CacheControl"),
        )

    def get(self, address: ObjectAddress) -> tuple[bytes, str] | None:
        """Returns a small object's bytes and ETag, or ``None`` if nothing lies there.

        Raises:
            DigestMismatch: if the bytes are not those whose digest its writer noted beside them.
        """
        with s3_faults_as_ours("GetObject", address):
            return read_again(lambda: self._get(address))

    def digest(self, address: ObjectAddress, *, etag: str, on_progress: Progress = no_progress) -> Sha256 | None:
        """Returns the SHA-256 of an object by reading it once, or ``None`` if it is no more the one of the ETag."""
        digest = hashlib.sha256()
        received_bytes = 0
        with s3_faults_as_ours("GetObject", address):
            try:
                answer = self._client.get_object(Bucket=address.bucket, Key=address.key, IfMatch=etag)
            except ClientError as error:
                if failed_condition(error) or is_missing(error):
                    return None
                raise
            with contextlib.closing(answer["Body"]) as body:
                for block in blocks(body):
                    digest.update(block)
                    received_bytes += len(block)
                    on_progress(received_bytes)
        return digest.hexdigest()

    def put_if_absent(self, address: ObjectAddress, content: bytes, headers: ObjectHeaders = PLAIN_HEADERS) -> bool:
        """Stores bytes where nothing lies yet; tells whether it did."""
        return self._uploader.put_bytes(address, content, headers, condition={"IfNoneMatch": "*"})

    def put_if_match(self, address: ObjectAddress, content: bytes, headers: ObjectHeaders, *, etag: str) -> bool:
        """Replaces the object that has this ETag; tells whether it did (``False``: it is another one by now)."""
        return self._uploader.put_bytes(address, content, headers, condition={"IfMatch": etag})

    def put_file_if_absent(self, address: ObjectAddress, path: Path, headers: ObjectHeaders, *, sha256: Sha256) -> bool:
        """Stores a file where nothing lies yet; tells whether it did."""
        return self._uploader.put_file(address, path, sha256=sha256, headers=headers, on_progress=no_progress)

    # Listings, and what has to go

    def list_objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """Yields the objects of a bucket under a prefix, in rising order of their keys."""
        with s3_faults_as_ours("ListObjectsV2", f"s3://{bucket}/{prefix}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    yield ListedObject(key=item["Key"], size_bytes=item["Size"], modified=item["LastModified"])

    def remove(self, address: ObjectAddress) -> None:
        """Removes an object; for the janitor only: nothing else of ours ever deletes."""
        with s3_faults_as_ours("DeleteObject", address):
            self._client.delete_object(Bucket=address.bucket, Key=address.key)

    def read_blocks(self, address: ObjectAddress) -> Iterator[bytes]:
        """Yields what lies at an address in blocks of 64 KiB, proved by nothing; none if nothing lies there."""
        with s3_faults_as_ours("GetObject", address):
            try:
                answer = self._client.get_object(Bucket=address.bucket, Key=address.key)
            except ClientError as error:
                if is_missing(error):
                    return
                raise
            with contextlib.closing(answer["Body"]) as body:
                yield from whole_blocks(body)

    # Multipart leftovers

    def list_open_uploads(self, prefix: str = "") -> tuple[OpenUpload, ...]:
        """Returns the open multipart uploads of all our buckets."""
        return tuple(upload for bucket in self.buckets.all for upload in self._uploader.list_open(bucket, prefix))

    def abort_upload(self, upload: OpenUpload) -> None:
        """Aborts an open upload; one that is gone already is fine."""
        self._uploader.abort(ObjectAddress(upload.bucket, upload.key), upload.upload_id)

    def abort_stale_uploads(self, prefix: str, older_than: timedelta) -> tuple[OpenUpload, ...]:
        """Aborts the open multipart uploads of all our buckets that are older than a span, and returns them."""
        return tuple(
            upload for bucket in self.buckets.all for upload in self._uploader.abort_stale(bucket, prefix, older_than)
        )

    def _get(self, address: ObjectAddress) -> tuple[bytes, str] | None:
        try:
            answer = self._client.get_object(Bucket=address.bucket, Key=address.key)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        with contextlib.closing(answer["Body"]) as body:
            content = body.read()
        _require_noted_digest(address, content, answer["Metadata"].get("sha256"))
        return content, answer["ETag"]

    def _object_address(self, sha256: Sha256) -> ObjectAddress:
        return ObjectAddress(self.buckets.work, object_key(sha256))

    def _holds(self, stored: StoredFile) -> bool:
        facts = self.head(parse_address(stored.uri))
        return facts is not None and (facts.size_bytes, facts.sha256) == (stored.size_bytes, stored.sha256)

    def _require(self, stored: StoredFile) -> None:
        """Somebody else wrote under the same digest: their bytes must be ours."""
        if not self._holds(stored):
            self.verify(stored)

    def _write_proved(self, stored: StoredFile, path: Path, on_progress: Progress) -> None:
        with path.open("wb") as file:
            for received_bytes, block in self._proved_blocks(stored):
                file.write(block)
                on_progress(received_bytes)

    def _proved_blocks(self, stored: StoredFile) -> Iterator[tuple[int, bytes]]:
        """Yields (bytes so far, block); the end is reached only by the promised bytes."""
        digest = hashlib.sha256()
        received_bytes = 0
        with contextlib.closing(self._open(stored)) as body:
            for block in blocks(body):
                digest.update(block)
                received_bytes += len(block)
                yield received_bytes, block
        if digest.hexdigest() != stored.sha256:
            raise DigestMismatch(
                stored.uri,
                found=f"SHA-256 {digest.hexdigest()} over {received_bytes} bytes",
                expected=f"{stored.sha256} over {stored.size_bytes} bytes",
                fix="if it stays: the object was damaged or replaced; remove it and run the title again",
            )

    def _open(self, stored: StoredFile) -> StreamingBody:
        address = parse_address(stored.uri)
        try:
            return self._client.get_object(Bucket=address.bucket, Key=address.key)["Body"]
        except ClientError as error:
            if is_missing(error):
                raise ObjectMissing(
                    stored.uri, found="nothing there", expected=f"{stored.size_bytes} bytes of {stored.sha256}"
                ) from error
            raise


def read_again(read: Callable[[], ReadT]) -> ReadT:
    """Reads, and reads again where a body was cut or changed on its way: ``READS`` times at most.

    The client repeats requests that fail, but never sees what becomes of a body. Without this, a step that reads
    thousands of objects would hardly ever get through a network that damages one in a thousand.
    """
    for _ in range(READS - 1):
        with contextlib.suppress(DigestMismatch, IncompleteReadError, ResponseStreamingError):
            return read()
    return read()


def _require_noted_digest(address: ObjectAddress, content: bytes, noted: Sha256 | None) -> None:
    """Documents have keys that do not tell their bytes: one flipped bit could be another number that parses."""
    found = sha256_of_bytes(content)
    if noted is not None and found != noted:
        raise DigestMismatch(
            address.uri,
            found=f"SHA-256 {found} over {len(content)} bytes",
            expected=noted,
            fix="if it stays: the object was damaged; remove it and run the title again",
        )
