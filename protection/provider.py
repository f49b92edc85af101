"""What packaging asks of whoever has the keys, and what key providers ask of whoever keeps their records."""

from collections.abc import Collection
from typing import Protocol

from domain.tracks import KeyLabel
from protection.key_set import LABELS, KeySet, Scheme


class KeyProvider(Protocol):
    """Opens the key set of a name, or makes it at the first call; the same for ever after.

    A step that runs twice, also at the same time, gets the same keys.
    """

    @property
    def provider_name(self) -> str:
        """``local``, ``kms`` or ``speke``; a release records it."""
        ...

    def open_or_create_key_set(self, name: str, scheme: Scheme, labels: Collection[KeyLabel] = LABELS) -> KeySet:
        """Returns the key set of a name.

        Args:
            name: Derived from the content that is protected, so that other content gets other keys (see
                :class:`protection.key_set.KeySet`). Letters, digits, ``-`` and ``_``, 8 to 128 characters.
            scheme: ``cbcs`` or ``cenc``.
            labels: Which keys are needed; the set may hold more.

        Raises:
            ProtectionError: a subclass, with its code.
        """
        ...


class SealedRecords(Protocol):
    """Where records are kept. Both calls may be made by many processes at once."""

    def put_if_absent(self, name: str, content: bytes) -> bool:
        """Stores a record where none is yet; tells whether it did."""
        ...

    def get(self, name: str) -> bytes | None:
        """Returns a record, or ``None`` if there is none."""
        ...
