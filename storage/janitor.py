"""What dead runs leave in the store, and its removal when it is old enough.

Three things can be left: open multipart uploads (a worker was killed in the middle of one), releases without a seal
(a publisher died and the title was never finished), and objects that no result and no document speaks of (a worker died
between an object and the result that names it). Everything else in the work bucket is kept: it is what makes a second
run cheap.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.values import Value
from storage.addresses import ObjectAddress
from storage.object_store import ListedObject, ObjectStore
from storage.release_layout import POINTER, SEAL
from storage.uploads import OpenUpload

DOCUMENT_LIMIT_BYTES = 64 << 20
"""Larger objects are media: they name nothing."""
_DIGEST = re.compile(rb"\b[0-9a-f]{64}\b")


class Leftovers(Value):
    """What dead runs have left."""

    uploads: tuple[OpenUpload, ...] = ()
    unsealed: tuple[ListedObject, ...] = ()
    """Objects of releases that never got their seal."""
    orphans: tuple[ListedObject, ...] = ()
    """Objects of the work bucket that nothing speaks of."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.uploads) + len(self.unsealed) + len(self.orphans)

    @property
    def size_bytes(self) -> int:
        """Bytes of the objects; open uploads do not tell theirs."""
        return sum(item.size_bytes for item in (*self.unsealed, *self.orphans))


def find_leftovers(store: ObjectStore, *, before: datetime) -> Leftovers:
    """Returns what was left before a moment.

    Args:
        store: The store.
        before: Nothing younger is touched. Choose it before the start of the oldest title that runs: a running title
            may just be about to name what it has written.
    """
    return Leftovers(
        uploads=tuple(upload for upload in store.list_open_uploads() if upload.initiated < before),
        unsealed=tuple(_unsealed(store, before)),
        orphans=tuple(_orphans(store, before)),
    )


def remove_leftovers(store: ObjectStore, left: Leftovers) -> None:
    """Aborts the uploads and removes the objects; what is gone already is fine."""
    for upload in left.uploads:
        store.abort_upload(upload)
    for item in left.unsealed:
        store.remove(ObjectAddress(store.buckets.releases, item.key))
    for item in left.orphans:
        store.remove(ObjectAddress(store.buckets.work, item.key))


def safe_moment(now: datetime, older_than: timedelta, oldest_start: datetime | None) -> datetime:
    """Returns the moment before which things may go: old enough, and before the oldest running title began."""
    moment = now - older_than
    return min(moment, oldest_start) if oldest_start is not None else moment


def _unsealed(store: ObjectStore, before: datetime) -> Iterator[ListedObject]:
    releases: dict[str, list[ListedObject]] = {}
    for item in store.list_objects(store.buckets.releases, "titles/"):
        if not item.key.endswith(f"/{POINTER}"):
            releases.setdefault("/".join(item.key.split("/")[:4]), []).append(item)
    for release, items in releases.items():
        is_sealed = any(item.key == f"{release}/{SEAL}" for item in items)
        if not is_sealed and max(item.modified for item in items) < before:
            yield from items


def _orphans(store: ObjectStore, before: datetime) -> Iterator[ListedObject]:
    objects = list(store.list_objects(store.buckets.work, "objects/"))
    digests, documents = _named_digests(store, objects)
    for item in objects:
        is_named = item.key.rpartition("/")[2].encode() in digests
        if item.modified < before and not is_named and item.key not in documents:
            yield item


def _named_digests(store: ObjectStore, objects: list[ListedObject]) -> tuple[set[bytes], set[str]]:
    """Returns all digests that results, reports and documents speak of, and the keys of the documents.

    A document that only the history of a run speaks of cannot be told from a forgotten one: they are small, and stay.
    """
    digests: set[bytes] = set()
    documents: set[str] = set()
    work = store.buckets.work
    for prefix in ("results/", "reports/"):
        for item in store.list_objects(work, prefix):
            digests.update(_digests_in(store, ObjectAddress(work, item.key)) or ())
    for item in objects:
        found = _digests_in(store, ObjectAddress(work, item.key)) if item.size_bytes < DOCUMENT_LIMIT_BYTES else None
        if found is not None:
            documents.add(item.key)
            digests.update(found)
    return digests, documents


def _digests_in(store: ObjectStore, address: ObjectAddress) -> set[bytes] | None:
    """Returns the digests that a JSON document speaks of, ``None`` for anything else, of which one block is read."""
    content = b""
    for block in store.read_blocks(address):
        content += block
        if not content.startswith((b"{", b"[")):
            return None
    try:
        json.loads(content)
    except ValueError:
        return None
    return set(_DIGEST.findall(content))
