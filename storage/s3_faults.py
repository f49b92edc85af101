"""What the S3 client and the local disk raise, as our errors."""

import contextlib
import errno
from collections.abc import Iterator

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from storage.errors import (
    AccessDenied,
    ClockSkew,
    DigestMismatch,
    DiskFull,
    ObjectMissing,
    PartsMissing,
    PartTooSmall,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    StoreThrottled,
    UploadTooLarge,
    WriteConflict,
)

# Error codes of the S3 API reference ("Error responses"), and the bare numbers that HEAD gives.
_MISSING = {"NoSuchKey", "NoSuchBucket", "NoSuchUpload", "404", "NotFound"}
_WRONG_DIGEST = {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
_SKEW = {"RequestTimeTooSkewed", "RequestInTheFuture"}
_DENIED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled", "403", "Forbidden"}
# A 4xx by number, yet the next attempt may pass: a fresh token, a slower pace, a part that was cut short.
_LATER = {"ExpiredToken", "RequestTimeout", "IncompleteBody", "OperationAborted"}
_THROTTLED = {"SlowDown", "TooManyRequests", "429"}

# Two writers met, and the other may yet fail. Source: S3 API reference, PutObject and CompleteMultipartUpload, 409.
_CONFLICT = {"ConditionalRequestConflict"}
_REGION = {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"}

# What an upload can do wrong. Source: S3 API reference, CompleteMultipartUpload and PutObject.
_PARTS = {"InvalidPart", "InvalidPartOrder"}

_CAUSES: tuple[tuple[set[str], type[StorageError]], ...] = (
    (_MISSING, ObjectMissing),
    (_WRONG_DIGEST, DigestMismatch),
    (_SKEW, ClockSkew),
    (_DENIED, AccessDenied),
    (_THROTTLED, StoreThrottled),
    (_LATER, StorageUnavailable),
    (_CONFLICT, WriteConflict),
    (_REGION, StorageRefused),
    (_PARTS, PartsMissing),
    ({"EntityTooSmall"}, PartTooSmall),
    ({"EntityTooLarge"}, UploadTooLarge),
)

_FIX: dict[type[StorageError], str] = {
    AccessDenied: "allow this action to the identity of the credentials, or check the credentials",
    ClockSkew: "synchronize the clock of this machine (NTP)",
    StorageUnavailable: "check that the S3 server runs and can be reached; the step is tried again",
    StoreThrottled: "give the store room, or let fewer workers use it; the step is tried again",
    PartsMissing: "upload the file again from its beginning; remove the open upload if your client does not",
    PartTooSmall: "upload in parts of 5 MiB at least (only the last may be smaller)",
    UploadTooLarge: "upload in parts (one PUT takes 5 GiB at most, an object 5 TiB), or deliver a smaller file",
    DiskFull: "free some space in the scratch folder, or give the worker a larger one",
}


def failed_condition(error: ClientError) -> bool:
    """Tells whether a conditional write lost: something (else) lies there."""
    return _status(error) == 412


def is_missing(error: ClientError) -> bool:
    """Tells whether the server says that there is no such object or upload."""
    return _code(error) in _MISSING


@contextlib.contextmanager
def s3_faults_as_ours(action: str, where: object) -> Iterator[None]:
    """Turns what botocore and the disk raise inside the block into storage errors.

    Args:
        action: S3's name of what is done (``PutObject``): an administrator looks it up in a policy.
        where: The address.

    Raises:
        StorageError: the subclass for the cause.
    """
    try:
        yield
    except ClientError as error:
        raise _from_answer(error, f"{action} {where}") from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise AccessDenied(
            f"{action} {where}", found=str(error), fix="set the access key and secret of the S3 server"
        ) from error
    except ParamValidationError as error:
        raise StorageRefused(f"{action} {where}", found=str(error)) from error
    except BotoCoreError as error:
        # What is left is transport: no connection, a cut one, a time-out, a body that ended early.
        raise StorageUnavailable(f"{action} {where}", found=str(error), fix=_FIX[StorageUnavailable]) from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(f"{action} {where}", found=str(error), fix=_FIX[DiskFull]) from error
        raise


def _from_answer(error: ClientError, where: str) -> StorageError:
    kind = _kind(error)
    message = error.response.get("Error", {}).get("Message", "")
    fix = _FIX.get(kind, "")
    if _code(error) in _REGION:
        fix = "set the region of the S3 server (PERTITLE_S3_REGION), or its address"
    return kind(where, found=f"{_status(error)} {_code(error)} {message}".strip(), fix=fix)


def _kind(error: ClientError) -> type[StorageError]:
    for codes, kind in _CAUSES:
        if _code(error) in codes:
            return kind
    # "200 with an error inside" happens to CompleteMultipartUpload: not the caller's fault, so try again.
    return StorageRefused if 400 <= _status(error) < 500 else StorageUnavailable


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
