"""Sources: uploaded under their digest, and found again from the address in a request."""

from pathlib import Path

from domain.files import StoredFile
from domain.values import Sha256, Value, digest_of
from storage.addresses import ObjectAddress, parse_address, source_key
from storage.digests import Progress, no_progress, sha256_of_file
from storage.errors import SourceChanged, SourceMissing, SourceNotAllowed
from storage.object_store import ObjectFacts, ObjectStore
from storage.results import ResultStore
from storage.s3_faults import s3_faults_as_ours

DIGEST_KIND = "source-digests"


class SourceDigest(Value):
    """What a source was found to be: a result document, so that a source is read in full only once."""

    uri: str
    etag: str
    size_bytes: int
    sha256: Sha256


class SourceStore:
    """The incoming bucket."""

    def __init__(self, store: ObjectStore, results: ResultStore) -> None:
        """Takes the object store and the results, where digests are remembered."""
        self._store = store
        self._results = results

    def upload_source(self, path: Path, *, on_progress: Progress = no_progress) -> StoredFile:
        """Uploads a local file as ``sources/{sha256}/{name}``; what is there already is not sent again.

        Args:
            path: The source.
            on_progress: Is told the bytes sent so far; if it raises, the upload is aborted and leaves nothing.

        Raises:
            SourceMissing: if there is no such file.
            StorageError: if the server or the disk fails.
        """
        if not path.is_file():
            raise SourceMissing(
                str(path), found="no such file", expected="a media file", fix="check the path of the source"
            )
        with s3_faults_as_ours("read", path):
            sha256 = sha256_of_file(path)
        address = ObjectAddress(self._store.buckets.incoming, source_key(sha256, path.name))
        stored = self._store.put_file_at(address, path, sha256=sha256, on_progress=on_progress)
        facts = self._store.head(address)
        if facts is not None:  # our digest is remembered, so that the title does not start by reading it all back
            self._remember(stored.uri, facts, sha256)
        return stored

    def describe_source(self, uri: str, *, on_progress: Progress = no_progress) -> StoredFile:
        """Returns the object that a request names, with its digest.

        The digest is computed by reading the object once and remembered for its (address, ETag, size).

        Args:
            uri: ``s3://bucket/key`` in the incoming or the work bucket.
            on_progress: Is told the bytes read so far.

        Raises:
            SourceNotAllowed: if the bucket holds no sources.
            SourceMissing: if nothing lies there.
            SourceChanged: if it is replaced while it is read.
        """
        address = self._allowed(uri)
        facts = self._store.head(address)
        if facts is None:
            raise _missing(uri)
        known = self._results.find(DIGEST_KIND, _key(uri, facts), SourceDigest)
        if known is None:
            sha256 = self._store.digest(address, etag=facts.etag, on_progress=on_progress)
            if sha256 is None:
                raise SourceChanged(
                    uri,
                    found="it was replaced while it was read",
                    expected=f"ETag {facts.etag}",
                    fix="let the upload end before the title is submitted",
                )
            known = self._remember(uri, facts, sha256)
        return StoredFile(uri=uri, sha256=known.sha256, size_bytes=facts.size_bytes)

    def _allowed(self, uri: str) -> ObjectAddress:
        address = parse_address(uri)
        allowed = (self._store.buckets.incoming, self._store.buckets.work)
        if address.bucket not in allowed:
            raise SourceNotAllowed(
                "source",
                found=uri,
                expected=" or ".join(f"s3://{bucket}/…" for bucket in allowed),
                fix="upload the source with `pertitle submit FILE`",
            )
        return address

    def _remember(self, uri: str, facts: ObjectFacts, sha256: Sha256) -> SourceDigest:
        found = SourceDigest(uri=uri, etag=facts.etag, size_bytes=facts.size_bytes, sha256=sha256)
        return self._results.keep(DIGEST_KIND, _key(uri, facts), found)


def _key(uri: str, facts: ObjectFacts) -> Sha256:
    return digest_of({"uri": uri, "etag": facts.etag, "size_bytes": facts.size_bytes})


def _missing(uri: str) -> SourceMissing:
    return SourceMissing(
        "source",
        found=f"nothing lies at {uri}",
        expected="an uploaded media file",
        fix="check the address, or upload the file with `pertitle submit FILE`",
    )
