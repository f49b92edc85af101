"""The local key provider: keys sealed under a key-encryption key in a file that only we can read."""

import secrets
from collections.abc import Callable
from pathlib import Path

from protection.key_file import load_or_create_key
from protection.provider import SealedRecords
from protection.sealed_keys import SealedKeyProvider
from protection.sealing import Sealer


class LocalKeyProvider(SealedKeyProvider):
    """Seals key sets under a key file."""

    def __init__(
        self, records: SealedRecords, key_file: Path, *, draw: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        """Reads the key-encryption key, or makes it.

        Args:
            records: Where sealed key sets are kept.
            key_file: The key-encryption key.
            draw: Gives that many random bytes. Another one is for tests only, which need a release to come out
                the same twice.

        Raises:
            UnsafeKeyFile: if others can read the key file.
        """
        super().__init__(records, Sealer(load_or_create_key(key_file)), draw=draw)
