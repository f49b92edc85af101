"""Keys for what Temporal keeps: AES-256-GCM over whole payloads, with key ids so that keys can be changed.

The file has one key on each line, ``ID HEX`` (64 hexadecimal digits). The first key seals, every key opens. To change
keys, put a new line first, restart all workers and clients, and remove the old line when no history under it is kept.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protection.errors import KeysNotConfigured, PayloadUnreadable
from protection.key_file import create_private_file, read_private_file
from protection.secret_bytes import SecretBytes

NONCE_BYTES = 12
"""Random for each payload. Source: NIST SP 800-38D, 8.3 (safe for 2³² payloads under one key: change keys before)."""
_LINE = re.compile(r"([A-Za-z0-9_.-]{1,64}) ([0-9a-f]{64})\Z")


class PayloadKeys:
    """The keys of one deployment; none at all opens nothing and seals nothing."""

    def __init__(self, keys: Mapping[str, SecretBytes]) -> None:
        """Takes keys of 32 bytes by id; the first seals."""
        self._keys = dict(keys)

    @property
    def sealing_id(self) -> str | None:
        """Id of the key that seals, ``None`` if nothing is sealed."""
        return next(iter(self._keys), None)

    @property
    def endpoint_token(self) -> str:
        """The secret part of the codec endpoint's address, different for each sealing key.

        Whoever has the keys can compute it, and nobody else; it tells nothing about them.
        """
        key = self._keys[self.sealing_id or ""].reveal()
        return hmac.new(key, b"pertitle/codec-endpoint/v1", hashlib.sha256).hexdigest()[:32]

    def seal(self, content: bytes) -> bytes:
        """Returns nonce and ciphertext under the first key."""
        key_id = self.sealing_id or ""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher(key_id).encrypt(nonce, content, _bound(key_id))

    def open(self, key_id: str, sealed: bytes) -> bytes:
        """Returns what was sealed under a key.

        Raises:
            PayloadUnreadable: if we do not have that key, or the payload was changed.
        """
        if key_id not in self._keys:
            raise PayloadUnreadable(
                "Temporal payload",
                found=f"sealed under key {key_id[:64]!r}",
                expected=f"one of our keys: {', '.join(self._keys) or 'none'}",
                fix="give this process the deployment's key file in PERTITLE_PAYLOAD_KEY_FILE",
            )
        try:
            return self._cipher(key_id).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound(key_id))
        except (InvalidTag, ValueError):
            raise PayloadUnreadable(
                "Temporal payload",
                found=f"it does not open under our key {key_id!r}",
                expected="a payload as it was sealed",
                fix="compare the key files of workers and clients: one id may stand for two keys",
            ) from None

    def _cipher(self, key_id: str) -> AESGCM:
        return AESGCM(self._keys[key_id].reveal())


NO_KEYS = PayloadKeys({})
"""Seals nothing; says with a code when it meets something sealed."""


def load_payload_keys(path: Path | None) -> PayloadKeys:
    """Returns the keys of a file that only we can read; no keys for no file.

    Raises:
        UnsafeKeyFile: if others can read the file, or there is none.
        KeysNotConfigured: if a line is not ``ID HEX``, an id comes twice, or there is no key.
    """
    if path is None:
        return NO_KEYS
    keys: dict[str, SecretBytes] = {}
    for number, line in enumerate(read_private_file(path).reveal().decode("ascii", "replace").splitlines(), start=1):
        found = _LINE.match(line)
        if found is None or found[1] in keys:
            raise KeysNotConfigured(
                f"{path}, line {number}",
                found="no key, or an id for the second time",
                expected="ID and 64 hexadecimal digits, one key on each line",
            )
        keys[found[1]] = SecretBytes(bytes.fromhex(found[2]))
    if not keys:
        raise KeysNotConfigured(str(path), found="no key", expected="ID and 64 hexadecimal digits on a line")
    return PayloadKeys(keys)


def ensure_payload_keys(path: Path) -> None:
    """Makes a file with one random key where there is none; whoever comes first counts."""
    if not path.exists():
        create_private_file(path, f"k1 {secrets.token_hex(32)}\n".encode())


def _bound(key_id: str) -> bytes:
    return f"pertitle/payload/v1/{key_id}".encode()
