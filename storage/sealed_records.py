"""Sealed key records in the keys bucket: small, written once, opaque to us."""

from storage.addresses import ObjectAddress
from storage.object_store import ObjectStore
from storage.uploads import ObjectHeaders

RECORD_HEADERS = ObjectHeaders(content_type="application/json", cache_control="no-store")


class SealedRecordStore:
    """Puts and gets records by name; the first writer wins. Implements what key providers ask for."""

    def __init__(self, store: ObjectStore) -> None:
        """Takes the object store; records lie in its keys bucket."""
        self._store = store

    def put_if_absent(self, name: str, content: bytes) -> bool:
        """Stores a record where none is yet; tells whether it did."""
        return self._store.put_if_absent(self._address(name), content, RECORD_HEADERS)

    def get(self, name: str) -> bytes | None:
        """Returns a record, or ``None`` if there is none."""
        found = self._store.get(self._address(name))
        return None if found is None else found[0]

    def _address(self, name: str) -> ObjectAddress:
        return ObjectAddress(self._store.buckets.keys, name)
