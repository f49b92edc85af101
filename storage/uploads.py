"""Conditional uploads: one PUT for small files, parts for large ones; nothing is ever overwritten by chance."""

import contextlib
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from domain.values import Sha256, Value
from storage.addresses import ObjectAddress
from storage.digests import Progress, as_checksum_header, sha256_of_bytes
from storage.errors import DigestMismatch, StorageError, WriteConflict
from storage.s3_faults import failed_condition, is_missing, s3_faults_as_ours
from storage.told_bytes import ToldBytes, told

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

SINGLE_PUT_LIMIT_BYTES = 64 << 20
"""Files above this go up in parts. (S3 itself allows one PUT up to 5 GiB.)"""
PART_BYTES = 16 << 20
"""Smallest part we make. (S3 asks for at least 5 MiB.)"""
MAX_PARTS = 10_000
"""Source: Amazon S3 user guide, "Multipart upload limits"."""


CONFLICTS_BORNE = 3
"""Writes in a row that may meet another writer. (S3: begin the upload anew, for parts too.)"""


class ObjectHeaders(Value):
    """What a browser or a cache is told with an object."""

    content_type: str = "application/octet-stream"
    cache_control: str | None = None


class OpenUpload(Value):
    """A multipart upload that was begun and neither completed nor aborted."""

    bucket: str
    key: str
    upload_id: str
    initiated: datetime


class Uploader:
    """Uploads files under a condition: only where nothing lies yet, or over anything."""

    def __init__(self, client: "S3Client", *, single_put_limit_bytes: int = SINGLE_PUT_LIMIT_BYTES) -> None:
        """Takes a client; the limit is a parameter so that tests need no large files."""
        self._client = client
        self._single_put_limit_bytes = single_put_limit_bytes

    def put_bytes(
        self, address: ObjectAddress, content: bytes, headers: ObjectHeaders, *, condition: dict[str, str]
    ) -> bool:
        """Stores bytes in one PUT.

        Args:
            address: Where.
            content: What.
            headers: Content type and caching.
            condition: ``{"IfNoneMatch": "*"}``, ``{"IfMatch": etag}`` or nothing.

        Returns:
            Whether it was written: ``False`` if the condition does not hold.

        Raises:
            DigestMismatch: if what arrived at the server is not what was sent.
        """
        sha256 = sha256_of_bytes(content)
        attributes = self._attributes(headers, sha256) | condition
        return _until_no_conflict(lambda: self._put(address, content, attributes, sha256))

    def put_file(
        self, address: ObjectAddress, path: Path, *, sha256: Sha256, headers: ObjectHeaders, on_progress: Progress
    ) -> bool:
        """Stores a file where nothing lies yet.

        Returns:
            Whether it was written: ``False`` if something lies there.

        Raises:
            DigestMismatch: if the file is not (or no more) the one that the digest names.
        """
        size_bytes = path.stat().st_size
        if size_bytes > self._single_put_limit_bytes:
            return _until_no_conflict(
                lambda: self._put_in_parts(address, path, sha256=sha256, headers=headers, on_progress=on_progress)
            )
        with s3_faults_as_ours("read", path):
            content = path.read_bytes()
        attributes = {**self._attributes(headers, sha256), "IfNoneMatch": "*"}
        with told(content, lambda: on_progress(0)) as body:
            written = _until_no_conflict(lambda: self._put(address, body, attributes, sha256))
        on_progress(size_bytes)
        return written

    def _put(
        self, address: ObjectAddress, content: bytes | ToldBytes, attributes: dict[str, Any], sha256: Sha256
    ) -> bool:
        if isinstance(content, ToldBytes):
            content.seek(0)
        with s3_faults_as_ours("PutObject", address):
            try:
                self._client.put_object(
                    Bucket=address.bucket,
                    Key=address.key,
                    Body=content,
                    ChecksumSHA256=as_checksum_header(sha256),
                    **attributes,
                )
            except ClientError as error:
                if failed_condition(error):
                    return False
                raise
        return True

    def _put_in_parts(
        self, address: ObjectAddress, path: Path, *, sha256: Sha256, headers: ObjectHeaders, on_progress: Progress
    ) -> bool:
        with s3_faults_as_ours("CreateMultipartUpload", address):
            upload_id = self._client.create_multipart_upload(
                Bucket=address.bucket,
                Key=address.key,
                ChecksumAlgorithm="SHA256",
                **self._attributes(headers, sha256),
            )["UploadId"]
        written = False
        try:
            parts = self._upload_parts(address, upload_id, path, sha256=sha256, on_progress=on_progress)
            written = self._complete(address, upload_id, parts)
        finally:
            # Also for KeyboardInterrupt and a canceled step: open parts cost money and are seen by nobody.
            # An abort that fails too must not hide the first failure; `abort_stale` removes the rest.
            if not written:
                with contextlib.suppress(StorageError):
                    self.abort(address, upload_id)
        return written

    def _upload_parts(
        self, address: ObjectAddress, upload_id: str, path: Path, *, sha256: Sha256, on_progress: Progress
    ) -> "list[CompletedPartTypeDef]":
        whole = hashlib.sha256()
        parts: list[CompletedPartTypeDef] = []
        sent_bytes = 0
        size_of_part = part_bytes(path.stat().st_size)
        with path.open("rb") as file:
            while content := file.read(size_of_part):
                whole.update(content)
                with told(content, partial(on_progress, sent_bytes)) as body:
                    checksum = as_checksum_header(sha256_of_bytes(content))
                    parts.append(self._upload_part(address, upload_id, len(parts) + 1, body, checksum))
                sent_bytes += len(content)
                on_progress(sent_bytes)
        if whole.hexdigest() != sha256:
            # S3 checks each part, but nobody checks the whole: a file that grew meanwhile would pass.
            raise DigestMismatch(str(path), found=f"SHA-256 {whole.hexdigest()} while uploading", expected=sha256)
        return parts

    def _upload_part(
        self, address: ObjectAddress, upload_id: str, number: int, body: ToldBytes, checksum: str
    ) -> "CompletedPartTypeDef":
        with s3_faults_as_ours("UploadPart", address):
            answer = self._client.upload_part(
                Bucket=address.bucket,
                Key=address.key,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                ChecksumSHA256=checksum,
            )
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def _complete(self, address: ObjectAddress, upload_id: str, parts: "list[CompletedPartTypeDef]") -> bool:
        with s3_faults_as_ours("CompleteMultipartUpload", address):
            try:
                self._client.complete_multipart_upload(
                    Bucket=address.bucket,
                    Key=address.key,
                    UploadId=upload_id,
                    IfNoneMatch="*",
                    MultipartUpload={"Parts": parts},
                )
            except ClientError as error:
                # "No such upload" after a lost answer: the client's own second attempt finds it completed.
                # Either way the caller looks at what lies there.
                if failed_condition(error) or is_missing(error):
                    return False
                raise
        return True

    def abort(self, address: ObjectAddress, upload_id: str) -> None:
        """Removes an open upload and its parts; one that is gone already is fine."""
        with s3_faults_as_ours("AbortMultipartUpload", address):
            try:
                self._client.abort_multipart_upload(Bucket=address.bucket, Key=address.key, UploadId=upload_id)
            except ClientError as error:
                if not is_missing(error):
                    raise

    def list_open(self, bucket: str, prefix: str = "") -> tuple[OpenUpload, ...]:
        """Returns the open uploads of a bucket under a prefix."""
        with s3_faults_as_ours("ListMultipartUploads", f"s3://{bucket}/{prefix}"):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix)
            return tuple(
                OpenUpload(bucket=bucket, key=item["Key"], upload_id=item["UploadId"], initiated=item["Initiated"])
                for page in pages
                for item in page.get("Uploads", [])
            )

    def abort_stale(self, bucket: str, prefix: str, older_than: timedelta) -> tuple[OpenUpload, ...]:
        """Aborts the open uploads under a prefix that are older than a span, and returns them.

        A worker killed in the middle of an upload leaves one; nobody else removes it.
        """
        stale = tuple(
            upload
            for upload in self.list_open(bucket, prefix)
            if datetime.now(upload.initiated.tzinfo) - upload.initiated >= older_than
        )
        for upload in stale:
            self.abort(ObjectAddress(upload.bucket, upload.key), upload.upload_id)
        return stale

    @staticmethod
    def _attributes(headers: ObjectHeaders, sha256: Sha256) -> dict[str, Any]:
        # The digest of the whole as metadata: S3's own checksum of a multipart object is one over its parts.
        attributes: dict[str, Any] = {"ContentType": headers.content_type, "Metadata": {"sha256": sha256}}
        if headers.cache_control is not None:
            attributes["CacheControl"] = headers.cache_control
        return attributes


def part_bytes(size_bytes: int) -> int:
    """Returns the part size for a file: at least 16 MiB, and so that 10,000 parts suffice."""
    return max(PART_BYTES, -(-size_bytes // MAX_PARTS))


def _until_no_conflict(write: Callable[[], bool]) -> bool:
    for _ in range(CONFLICTS_BORNE - 1):
        with contextlib.suppress(WriteConflict):
            return write()
    return write()
