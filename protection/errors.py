"""Errors of keys. No message ever holds key material.

::

    ProtectionError
    ├── UnsafeKeyFile      KEY-001  the key-encryption key's file is readable by others, or no file of 32 bytes
    ├── WrongKey           KEY-002  the record was sealed under another key-encryption key
    ├── TamperedRecord     KEY-003  the record does not open: it was changed, or moved from another name
    ├── BrokenRecord       KEY-004  the record does not parse, or lacks keys
    ├── SchemeMismatch     KEY-005  the key set was made for the other scheme
    ├── BadKeySetName      KEY-006  the name of the key set is no name
    ├── KeyLeak            KEY-007  key material stands where it must not
    ├── SecretExposed      KEY-008  somebody tried to serialize a secret
    ├── KeyServiceFailed   KEY-009  the KMS or key server does not answer, or is overloaded (tried again)
    ├── KeyServiceRefused  KEY-010  the KMS or key server refuses us
    ├── KeyServiceForeign  KEY-011  the key server's certificate is not one that we trust
    ├── KeyAnswerInvalid   KEY-012  the key server's answer is not what was asked for
    ├── ContractUnmet      KEY-013  the encryption contract does not fit our tracks
    ├── KeysChanged        KEY-014  the key server gave other keys than the first time
    ├── KeysNotConfigured  KEY-015  a setting of the key provider is missing or wrong
    └── PayloadUnreadable  KEY-016  a Temporal payload is sealed under a key that we do not have, or was changed
"""

from typing import ClassVar

from domain.errors import PertitleError


class ProtectionError(PertitleError):
    """Keys cannot be made, sealed or opened. Trying again gives the same answer."""

    code: ClassVar[str] = "KEY-000"


class UnsafeKeyFile(ProtectionError):
    """The file of the key-encryption key is readable by others, or not a regular file of 32 bytes."""

    code: ClassVar[str] = "KEY-001"


class WrongKey(ProtectionError):
    """The record was sealed under another key-encryption key."""

    code: ClassVar[str] = "KEY-002"


class TamperedRecord(ProtectionError):
    """The record does not open: it was changed, or moved here from another name."""

    code: ClassVar[str] = "KEY-003"


class BrokenRecord(ProtectionError):
    """The record does not parse, or lacks keys."""

    code: ClassVar[str] = "KEY-004"


class SchemeMismatch(ProtectionError):
    """The key set was made for the other scheme."""

    code: ClassVar[str] = "KEY-005"


class BadKeySetName(ProtectionError):
    """The name of the key set cannot be an object name."""

    code: ClassVar[str] = "KEY-006"


class KeyLeak(ProtectionError):
    """Key material stands where it must not."""

    code: ClassVar[str] = "KEY-007"


class SecretExposed(ProtectionError):
    """Somebody tried to pickle, copy or serialize a secret."""

    code: ClassVar[str] = "KEY-008"


class KeyServiceFailed(ProtectionError):
    """The KMS or key server does not answer, or is overloaded. Tried again."""

    code: ClassVar[str] = "KEY-009"
    retryable: ClassVar[bool] = True


class KeyServiceRefused(ProtectionError):
    """The KMS or key server refuses us: wrong credentials, no permission, a disabled key, a bad request."""

    code: ClassVar[str] = "KEY-010"


class KeyServiceForeign(ProtectionError):
    """The key server's certificate is not one that we trust."""

    code: ClassVar[str] = "KEY-011"


class KeyAnswerInvalid(ProtectionError):
    """The key server's answer is not what was asked for."""

    code: ClassVar[str] = "KEY-012"


class ContractUnmet(ProtectionError):
    """The encryption contract does not fit our tracks and their labels."""

    code: ClassVar[str] = "KEY-013"


class KeysChanged(ProtectionError):
    """The key server gave other keys for a key set than the first time."""

    code: ClassVar[str] = "KEY-014"


class KeysNotConfigured(ProtectionError):
    """A setting of the key provider is missing or wrong."""

    code: ClassVar[str] = "KEY-015"


class PayloadUnreadable(ProtectionError):
    """A Temporal payload is sealed under a key that we do not have, or was changed."""

    code: ClassVar[str] = "KEY-016"
