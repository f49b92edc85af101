"""Bytes that do not show themselves: not in repr, format, JSON, pickles, copies or tracebacks with locals."""

import hmac
from typing import NoReturn, SupportsIndex

from protection.errors import SecretExposed


class SecretBytes:
    """Secret bytes that must be asked for by name.

    Not a pydantic model and not a dataclass: both show their fields. Python cannot wipe memory, so the bytes stay
    until collected; what this class prevents is showing them by accident.
    """

    __slots__ = ("__hidden",)

    def __init__(self, secret: bytes) -> None:
        self.__hidden = bytes(secret)

    def reveal(self) -> bytes:
        """Returns the bytes. Hand them on at once; do not keep them in a variable longer than a line."""
        return self.__hidden

    def reveal_hex(self) -> str:
        """Returns the bytes in hexadecimal, as the packager's pipe wants them."""
        return self.__hidden.hex()

    def __len__(self) -> int:
        return len(self.__hidden)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretBytes) and hmac.compare_digest(self.__hidden, other.__hidden)

    __hash__ = None  # type: ignore[assignment] # a hash would tell something about the secret

    def __repr__(self) -> str:
        return f"{type(self).__name__}(redacted)"

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        """Refuses pickling and copying: a pickle is a file waiting to happen."""
        raise SecretExposed(
            type(self).__name__,
            found="an attempt to pickle or copy it",
            expected="key material only in memory and on the pipe to the packager",
            fix="pass the key set's name, and open the key set where it is used",
        )


class ContentKey(SecretBytes):
    """The 16-byte key of one label of a release (ISO/IEC 23001-7, AES-128)."""

    __slots__ = ()

    SIZE_BYTES = 16
