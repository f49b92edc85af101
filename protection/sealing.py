"""Sealed key records: what lies in the keys bucket, and how it opens.

AES-256-GCM under the key-encryption key. The additional data of each sealed secret binds it to its place (key set,
scheme, label, KID), so that a secret that is moved, relabeled or renamed does not open.
"""

import hashlib
import hmac
import secrets
from typing import Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import Field

from domain.tracks import RecordedLabel
from domain.values import Value, canonical_json
from protection.errors import TamperedRecord, WrongKey
from protection.key_set import Scheme
from protection.secret_bytes import SecretBytes

NONCE_BYTES = 12
"""Random for each sealed secret: safe for 2³² secrets under one key. Source: NIST SP 800-38D, 8.3."""


class SealedSecret(Value):
    """A secret under AES-256-GCM, in hexadecimal."""

    nonce: str = Field(pattern=r"^[0-9a-f]{24}$")
    ciphertext: str = Field(pattern=r"^([0-9a-f]{2}){17,}$")
    """With its 16-byte tag at the end."""
    data_key: str = ""
    """The data key that it is sealed under, itself encrypted by a KMS, base64; empty under a local key."""


class SealedKey(Value):
    """One content key."""

    label: RecordedLabel
    kid: str = Field(pattern=r"^[0-9a-f]{32}$")
    sealed: SealedSecret


class SealedKeySet(Value):
    """The record of a key set: public facts and sealed secrets."""

    schema_name: Literal["pertitle/key-set/v1", "pertitle/key-set/v2"] = Field(
        default="pertitle/key-set/v2", alias="schema"
    )
    """v1 has one key for all video above HD, v2 has two."""
    name: str
    scheme: Scheme
    sealing_key: str
    """Fingerprint of the key-encryption key."""
    keys: tuple[SealedKey, ...]
    iv_seed: SealedSecret


class SecretSealer(Protocol):
    """Seals and opens secrets, each for one place."""

    @property
    def provider_name(self) -> str:
        """Which kind of provider this is."""
        ...

    @property
    def fingerprint(self) -> str:
        """Names the sealing key in records, without telling anything secret about it."""
        ...

    def seal(self, secret: SecretBytes, place: dict[str, str]) -> SealedSecret:
        """Returns a secret sealed for one place."""
        ...

    def open(self, sealed: SealedSecret, place: dict[str, str]) -> SecretBytes:
        """Returns the secret of one place, or raises ``TamperedRecord``."""
        ...

    def require_ours(self, record: SealedKeySet) -> None:
        """Refuses a record that another key sealed: ``WrongKey``."""
        ...


class Sealer:
    """Seals and opens secrets under one key-encryption key."""

    provider_name = "local"

    def __init__(self, key: SecretBytes) -> None:
        """Takes the 32-byte key-encryption key."""
        self._cipher = AESGCM(key.reveal())
        self.fingerprint = hmac.new(key.reveal(), b"pertitle/sealing-key/v1", hashlib.sha256).hexdigest()[:32]
        """Names the key without telling anything about it."""

    def seal(self, secret: SecretBytes, place: dict[str, str]) -> SealedSecret:
        """Returns a secret sealed for one place."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        ciphertext = self._cipher.encrypt(nonce, secret.reveal(), canonical_json(place))
        return SealedSecret(nonce=nonce.hex(), ciphertext=ciphertext.hex())

    def open(self, sealed: SealedSecret, place: dict[str, str]) -> SecretBytes:
        """Returns the secret of one place.

        Raises:
            TamperedRecord: if it was changed, or sealed for another place.
        """
        nonce, ciphertext = bytes.fromhex(sealed.nonce), bytes.fromhex(sealed.ciphertext)
        try:
            return SecretBytes(self._cipher.decrypt(nonce, ciphertext, canonical_json(place)))
        except InvalidTag:
            raise tampered(place) from None

    def require_ours(self, record: SealedKeySet) -> None:
        """Refuses a record that another key-encryption key sealed.

        Raises:
            WrongKey: with both fingerprints.
        """
        if record.sealing_key != self.fingerprint:
            raise WrongKey(
                f"key set {record.name}",
                found=f"sealed under key {record.sealing_key}",
                expected=f"key {self.fingerprint}",
                fix="give the worker the key file that the record was made with",
            )


def tampered(place: dict[str, str]) -> TamperedRecord:
    """Returns the error of a sealed secret that does not open at its place."""
    return TamperedRecord(
        f"key set {place.get('key_set')}",
        found=f"the sealed secret of {place.get('label')} does not open",
        expected="the record as it was written",
        fix="restore the record from a backup; if there is none, publish the title anew under new keys",
    )


def place_of_key(name: str, scheme: Scheme, label: RecordedLabel, kid: str) -> dict[str, str]:
    """Returns what binds a content key to its place."""
    return {"key_set": name, "scheme": scheme, "label": label, "kid": kid}


def place_of_iv_seed(name: str, scheme: Scheme) -> dict[str, str]:
    """Returns what binds the seed of the initialization vectors to its place."""
    return {"key_set": name, "scheme": scheme, "label": "iv-seed"}
