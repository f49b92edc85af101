"""Addresses of objects: ``s3://bucket/key``, and the keys under which things lie."""

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from domain.values import Sha256
from storage.errors import StorageRefused


class ObjectAddress(NamedTuple):
    """A bucket and a key."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"

    def __str__(self) -> str:
        return self.uri


def parse_address(uri: str) -> ObjectAddress:
    """Returns the address in an ``s3://bucket/key`` text.

    Raises:
        StorageRefused: if it is not such a text.
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise StorageRefused("address", found=repr(uri[:200]), expected="s3://bucket/key")
    return ObjectAddress(bucket, key)


def object_key(sha256: Sha256) -> str:
    """Returns the key of a content-addressed object; two digits spread the objects over folders."""
    return f"objects/sha256/{sha256[:2]}/{sha256}"


def result_key(kind: str, key: Sha256) -> str:
    """Returns the key of a result document: ``results/{kind}/{ab}/{key}.json``."""
    return f"results/{kind}/{key[:2]}/{key}.json"


def source_key(sha256: Sha256, name: str) -> str:
    """Returns the key of an uploaded source; the name is for people, the digest for us."""
    return f"sources/{sha256}/{safe_name(name)}"


def safe_name(name: str) -> str:
    """Returns a file name with only letters, digits, ``.``, ``-`` and ``_``: at most 100, the first a letter or digit.

    The extension is kept where the name has to be cut.
    """
    parts = PurePosixPath(re.sub(r"[^A-Za-z0-9._-]+", "_", name))
    stem = parts.stem.lstrip("._-") or "source"
    suffix = parts.suffix[:16]
    return stem[: 100 - len(suffix)].rstrip(".") + suffix
