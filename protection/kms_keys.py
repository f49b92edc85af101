"""AWS KMS envelopes: each secret under a data key of its own, which only the KMS can open, and only for its place.

``GenerateDataKey`` gives a data key in the clear and encrypted; the secret is sealed with AES-256-GCM under the clear
one, which is then forgotten. The encryption context of both calls is the secret's place (key set, scheme, label,
KID): the KMS refuses another one, and shows it in its audit log, so that every use of a content key is on record.

Source: AWS KMS developer guide, "Encryption context" and "GenerateDataKey".
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TypedDict

from botocore.exceptions import BotoCoreError, ClientError, SSLError

from protection.errors import KeyServiceFailed, KeyServiceForeign, KeyServiceRefused, ProtectionError, WrongKey
from protection.sealing import SealedKeySet, SealedSecret, Sealer, tampered
from protection.secret_bytes import SecretBytes

_NOT_FOR_THIS_PLACE = {"InvalidCiphertextException", "InvalidCiphertext"}
_ANOTHER_KEY = {"IncorrectKeyException"}
_ASK_AGAIN = {"ThrottlingException", "KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException"}
"""Source: AWS KMS API reference, errors of ``Decrypt`` and ``GenerateDataKey``."""


class DataKey(TypedDict):
    """What ``GenerateDataKey`` answers, as far as we need it."""

    CiphertextBlob: bytes
    Plaintext: bytes


class OpenedDataKey(TypedDict):
    """What ``Decrypt`` answers, as far as we need it."""

    Plaintext: bytes


class KmsCalls(Protocol):
    """The two calls of a boto3 ``kms`` client."""

    # The names are those of the AWS API.
    def generate_data_key(self, *, KeyId: str, KeySpec: str, EncryptionContext: Mapping[str, str]) -> DataKey:  # noqa: N803 - AWS's names
        """Makes a data key."""
        ...

    def decrypt(self, *, CiphertextBlob: bytes, KeyId: str, EncryptionContext: Mapping[str, str]) -> OpenedDataKey:  # noqa: N803 - AWS's names
        """Opens a data key."""
        ...


class KmsSealer:
    """Seals and opens secrets with data keys of one KMS key."""

    provider_name = "kms"

    def __init__(self, kms: KmsCalls, key_id: str) -> None:
        """Takes a KMS client and the id, ARN or alias of a symmetric key."""
        self._kms = kms
        self._key_id = key_id
        self.fingerprint = f"kms:{key_id}"

    def seal(self, secret: SecretBytes, place: dict[str, str]) -> SealedSecret:
        """Returns a secret sealed for one place.

        Raises:
            KeyServiceRefused: if we may not use the key.
            KeyServiceFailed: if the KMS does not answer.
        """
        with _coded(place):
            made = self._kms.generate_data_key(KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=place)
        sealed = Sealer(SecretBytes(made["Plaintext"])).seal(secret, place)
        return sealed.model_copy(update={"data_key": base64.b64encode(made["CiphertextBlob"]).decode()})

    def open(self, sealed: SealedSecret, place: dict[str, str]) -> SecretBytes:
        """Returns the secret of one place.

        Raises:
            TamperedRecord: if it was changed, or sealed for another place.
            WrongKey: if another KMS key sealed it.
            KeyServiceRefused: if we may not use the key.
            KeyServiceFailed: if the KMS does not answer.
        """
        try:
            blob = base64.b64decode(sealed.data_key, validate=True)
        except binascii.Error:
            raise tampered(place) from None
        if not blob:
            raise tampered(place)
        with _coded(place):
            opened = self._kms.decrypt(CiphertextBlob=blob, KeyId=self._key_id, EncryptionContext=place)
        return Sealer(SecretBytes(opened["Plaintext"])).open(sealed, place)

    def require_ours(self, record: SealedKeySet) -> None:
        """Refuses a record that no KMS sealed; whether it was this key, the KMS tells.

        Raises:
            WrongKey: with both names.
        """
        if not record.sealing_key.startswith("kms:"):
            raise WrongKey(
                f"key set {record.name}",
                found=f"sealed under the local key {record.sealing_key}",
                expected=f"KMS key {self._key_id}",
                fix="open it with PERTITLE_KEY_PROVIDER=local, or publish the title under a new key_generation",
            )


@contextmanager
def _coded(place: Mapping[str, str]) -> Iterator[None]:
    """Turns what boto3 raises into our errors; its messages hold no key material, ours neither."""
    try:
        yield
    except ClientError as error:
        raise _of_answer(error, dict(place)) from error
    except SSLError as error:
        raise KeyServiceForeign("KMS", found=type(error).__name__, expected="a certificate that we trust") from error
    except BotoCoreError as error:
        raise KeyServiceFailed("KMS", found=str(error), expected="an answer") from error


def _of_answer(error: ClientError, place: dict[str, str]) -> ProtectionError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _NOT_FOR_THIS_PLACE:
        return tampered(place)
    where = f"key set {place.get('key_set')}"
    if code in _ANOTHER_KEY:
        return WrongKey(where, found="sealed under another KMS key", fix="set PERTITLE_KMS_KEY_ID to that key")
    if code in _ASK_AGAIN or status >= 500:
        return KeyServiceFailed(where, found=f"KMS answered {code or status}", expected="a data key")
    return KeyServiceRefused(
        where,
        found=f"KMS answered {code}",
        expected="kms:GenerateDataKey and kms:Decrypt on an enabled symmetric key",
        fix="check PERTITLE_KMS_KEY_ID, the key's policy and the worker's role",
    )
