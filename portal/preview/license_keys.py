"""The test license: content keys of one release for whoever holds the local key store."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from domain.release import ReleaseManifest
from domain.values import Value
from portal.errors import ReleaseKeysUnknown
from protection.errors import UnsafeKeyFile
from protection.key_file import load_key
from protection.key_set import LABELS
from protection.local_keys import LocalKeyProvider
from protection.secret_bytes import ContentKey
from storage.object_store import ObjectStore
from storage.release_keys import find_key_set
from storage.results import ResultStore
from storage.sealed_records import SealedRecordStore

KeyId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]
"""A KID of 16 bytes, base64url without padding."""


class LicenseRequest(Value):
    """What a player asks for. Source: W3C Encrypted Media Extensions, 9.1.3 (license request format)."""

    kids: tuple[KeyId, ...] = Field(min_length=1, max_length=64)
    type: Literal["temporary", "persistent-license"] = "temporary"


class LicenseKeys:
    """Content keys by KID, in memory only."""

    def __init__(self, keys: Mapping[str, ContentKey]) -> None:
        """Takes KID (32 hexadecimal digits) → content key."""
        self._keys = {_base64url(bytes.fromhex(kid)): key for kid, key in keys.items()}

    def answer(self, request: LicenseRequest) -> dict[str, object]:
        """Returns the JSON Web Key set with those of the wanted keys that there are.

        Source: W3C Encrypted Media Extensions, 9.1.4 (license format).
        """
        known = [kid for kid in dict.fromkeys(request.kids) if kid in self._keys]
        keys = [{"kty": "oct", "kid": kid, "k": _base64url(self._keys[kid].reveal())} for kid in known]
        return {"keys": keys, "type": request.type}


def open_license_keys(store: ObjectStore, release: ReleaseManifest, key_file: Path | None) -> LicenseKeys:
    """Opens the content keys of a release with the local key-encryption key.

    Args:
        store: Where sealed key sets lie.
        release: What is to be played.
        key_file: The key-encryption key; never made here.

    Raises:
        UnsafeKeyFile: if there is no key-encryption key, or if others can read it.
        WrongKey: if the keys were sealed under another one.
        ReleaseKeysUnknown: if this key store does not have the keys of the release.
    """
    if release.scheme == "clear":
        return LicenseKeys({})
    if key_file is None:
        raise UnsafeKeyFile("key-encryption key", found="none", expected="PERTITLE_KEK_FILE", fix="name the key file")
    load_key(key_file)
    name = find_key_set(ResultStore(store), release.title_id, release.release_id)
    records = SealedRecordStore(store)
    if name is None or records.get(f"key-sets/{name}.json") is None:
        raise _unknown(release, "no sealed keys of this release")
    opened = LocalKeyProvider(records, key_file).open_or_create_key_set(name, release.scheme)
    keys = {opened.kid_for(label): opened.key_for(label) for label in LABELS}
    wanted = {reference.kid for reference in release.keys}
    if not wanted <= set(keys):
        raise _unknown(release, "other keys than the release names")
    return LicenseKeys({kid: key for kid, key in keys.items() if kid in wanted})


def _unknown(release: ReleaseManifest, found: str) -> ReleaseKeysUnknown:
    return ReleaseKeysUnknown(
        f"release {release.release_id}",
        found=found,
        expected="the key set that it was packaged with",
        fix="play it where it was published, or publish it anew",
    )


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
