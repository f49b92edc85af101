"""Results under content keys: the checkpoints of the pipeline. A result that is found is work that is not done."""

import threading
from collections import OrderedDict
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from domain.files import StoredFile
from domain.values import Sha256, canonical_json
from storage.addresses import ObjectAddress, result_key
from storage.errors import BrokenDocument, ObjectMissing
from storage.object_store import ObjectStore
from storage.uploads import ObjectHeaders

ValueT = TypeVar("ValueT", bound=BaseModel)

JSON_HEADERS = ObjectHeaders(content_type="application/json")
REMEMBERED_DOCUMENTS = 64
"""Documents that one process keeps parsed: a worker meets the same plan and mezzanine for each unit."""


class ResultStore:
    """Keeps result documents under content keys, and documents under their digest."""

    def __init__(self, store: ObjectStore, *, remembered_documents: int = REMEMBERED_DOCUMENTS) -> None:
        """Takes the object store; results lie in its work bucket."""
        self._store = store
        self._remembered_documents = remembered_documents
        self._documents: OrderedDict[tuple[Sha256, type[BaseModel]], BaseModel] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, kind: str, key: Sha256, model_class: type[ValueT]) -> ValueT | None:
        """Returns the result that is kept under a content key, or ``None`` if there is none.

        Args:
            kind: The kind of result: ``encodes``, ``scores``; a part of the address.
            key: Digest of everything that decides the result.
            model_class: What the document is.

        Raises:
            BrokenDocument: if what lies there is not such a document.
        """
        address = self._address(kind, key)
        found = self._store.get(address)
        return None if found is None else _parsed(model_class, found[0], address.uri)

    def keep(self, kind: str, key: Sha256, value: ValueT) -> ValueT:
        """Keeps a result under its content key and returns what is kept: the first writer wins.

        Encoders with several threads need not give the same bits twice. Whoever made a result must go on with
        the returned one, so that all steps of a title speak of the same file.
        """
        address = self._address(kind, key)
        if self._store.put_if_absent(address, canonical_json(value), JSON_HEADERS):
            return value
        kept = self.find(kind, key, type(value))
        if kept is None:
            raise ObjectMissing(
                address.uri, found="a result was there and is gone", fix="do not clean the work bucket while titles run"
            )
        return kept

    def put_document(self, value: BaseModel) -> StoredFile:
        """Stores a value as canonical JSON under its digest."""
        return self._store.put_bytes(canonical_json(value))

    def read_document(self, stored: StoredFile, model_class: type[ValueT]) -> ValueT:
        """Returns the document, parsed; the last ones are remembered (values are frozen, so they may be shared).

        Raises:
            ObjectMissing: if nothing lies there.
            DigestMismatch: if the bytes are not the promised ones.
            BrokenDocument: if they are not such a document.
        """
        with self._lock:
            remembered = self._documents.get((stored.sha256, model_class))
            if isinstance(remembered, model_class):
                self._documents.move_to_end((stored.sha256, model_class))
                return remembered
        document = _parsed(model_class, self._store.read_bytes(stored), stored.uri)
        with self._lock:
            self._documents[stored.sha256, model_class] = document
            while len(self._documents) > self._remembered_documents:
                self._documents.popitem(last=False)
        return document

    def _address(self, kind: str, key: Sha256) -> ObjectAddress:
        return ObjectAddress(self._store.buckets.work, result_key(kind, key))


def _parsed(model_class: type[ValueT], content: bytes, where: str) -> ValueT:
    try:
        return model_class.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise BrokenDocument(
            where,
            found=f"{place}: {first['msg']}",
            expected=f"a {model_class.__name__} document",
            fix="it was written by another version: give the result another kind or key, or remove it",
        ) from error
