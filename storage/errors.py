"""Errors of the store and of releases.

::

    StorageError
    ├── ObjectMissing       STO-001  nothing lies at the address
    │   └── ReleaseMissing  REL-003  no sealed release there
    ├── DigestMismatch      STO-002  the bytes are not the ones that were promised
    ├── StorageUnavailable  STO-003  no answer, or "try again later"
    │   └── StoreThrottled  STO-021  it asks for fewer requests
    ├── AccessDenied        STO-004  our identity may not do this
    ├── StorageRefused      STO-005  the server says that the request is wrong
    │   ├── PartsMissing    UPL-001  an upload in parts lacks one, or their order is wrong
    │   ├── PartTooSmall    UPL-002  a part of an upload is smaller than the server takes
    │   └── UploadTooLarge  UPL-003  an upload is larger than the server takes
    ├── ClockSkew           STO-006  our clock and the server's differ too much
    ├── BrokenDocument      STO-007  a stored document does not parse
    ├── DiskFull            STO-008  no room on the local disk
    ├── WriteConflict       STO-020  another writer was at the same key at the same moment
    ├── SourceChanged       STO-009  the source was replaced while it was read
    ├── SourceNotAllowed    REQ-005  the request names a bucket that holds no sources
    ├── SourceMissing       CNT-001  the request names an object that is not there
    ├── ReleaseConflict     REL-001  an object of the release exists with other bytes
    ├── CurrentMoved        REL-002  another publisher moved ``current.json`` first
    ├── UnsafeReleasePath   REL-004  a file of a release would land outside its folder
    ├── FolderInUse         REL-005  the folder to fetch into holds something else
    └── FullReleaseStands   REL-006  a provisional release would replace a full one
"""

from typing import ClassVar

from domain.errors import PertitleError


class StorageError(PertitleError):
    """The store could not do what was asked."""

    code: ClassVar[str] = "STO-000"
    retryable: ClassVar[bool] = True


class ObjectMissing(StorageError):
    """Nothing lies at the address (S3 is read-after-write consistent: waiting does not help)."""

    code: ClassVar[str] = "STO-001"
    retryable: ClassVar[bool] = False


class DigestMismatch(StorageError):
    """The bytes are not the ones that were promised: cut short, flipped on the way, or replaced."""

    code: ClassVar[str] = "STO-002"


class StorageUnavailable(StorageError):
    """No answer, or the server asks to try again later."""

    code: ClassVar[str] = "STO-003"


class StoreThrottled(StorageUnavailable):
    """The server asked for fewer requests, in every one of our tries."""

    code: ClassVar[str] = "STO-021"
    retry_after_s: ClassVar[float | None] = 20.0


class WriteConflict(StorageError):
    """Another writer was at the same key at the same moment, and none of both has written yet."""

    code: ClassVar[str] = "STO-020"
    retryable: ClassVar[bool] = True


class AccessDenied(StorageError):
    """Our identity may not do this."""

    code: ClassVar[str] = "STO-004"
    retryable: ClassVar[bool] = False


class StorageRefused(StorageError):
    """The server says that the request itself is wrong: trying again gives the same answer."""

    code: ClassVar[str] = "STO-005"
    retryable: ClassVar[bool] = False


class PartsMissing(StorageRefused):
    """An upload in parts cannot be completed: a part is missing, or their order is wrong."""

    code: ClassVar[str] = "UPL-001"


class PartTooSmall(StorageRefused):
    """A part of an upload, not the last, is smaller than the server takes."""

    code: ClassVar[str] = "UPL-002"


class UploadTooLarge(StorageRefused):
    """An upload is larger than the server takes."""

    code: ClassVar[str] = "UPL-003"


class ClockSkew(StorageError):
    """Our clock and the server's differ too much for signed requests; another worker's clock may be right."""

    code: ClassVar[str] = "STO-006"


class BrokenDocument(StorageError):
    """A stored document does not parse as what it should be."""

    code: ClassVar[str] = "STO-007"
    retryable: ClassVar[bool] = False


class DiskFull(StorageError):
    """No room on the local disk; another worker may have some."""

    code: ClassVar[str] = "STO-008"
    retry_after_s: ClassVar[float | None] = 30.0


class SourceChanged(StorageError):
    """The source was replaced while it was read; the next attempt reads the new one."""

    code: ClassVar[str] = "STO-009"


class SourceNotAllowed(StorageError):
    """The request names a bucket that holds no sources."""

    code: ClassVar[str] = "REQ-005"
    retryable: ClassVar[bool] = False


class SourceMissing(StorageError):
    """The request names an object that is not there."""

    code: ClassVar[str] = "CNT-001"
    retryable: ClassVar[bool] = False


class ReleaseConflict(StorageError):
    """An object of the release exists with other bytes; releases are immutable, so this stays."""

    code: ClassVar[str] = "REL-001"
    retryable: ClassVar[bool] = False


class CurrentMoved(StorageError):
    """Another publisher moved ``current.json`` between our look and our write; the next attempt looks again."""

    code: ClassVar[str] = "REL-002"


class ReleaseMissing(ObjectMissing):
    """No sealed release lies there: it was never published, or publishing has not ended."""

    code: ClassVar[str] = "REL-003"


class UnsafeReleasePath(StorageError):
    """A file of a release would land outside the release's folder."""

    code: ClassVar[str] = "REL-004"
    retryable: ClassVar[bool] = False


class FolderInUse(StorageError):
    """The folder to fetch into holds something that is not a fetched release."""

    code: ClassVar[str] = "REL-005"
    retryable: ClassVar[bool] = False


class FullReleaseStands(StorageError):
    """A full release is current: a provisional one does not replace it."""

    code: ClassVar[str] = "REL-006"
