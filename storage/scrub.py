"""Scrubbing: every object of every sealed release is read again and held against its seal.

Disks forget. A seal holds one digest for each object, so damage is found by object; where the work bucket still has the
object that was published, the two are compared block by block, and the damaged blocks are named.
"""

from collections.abc import Callable, Iterator
from itertools import islice, zip_longest
from typing import Literal

from pydantic import Field

from domain.files import StoredFile
from domain.release import ReleaseObject, ReleaseReference
from domain.values import Value, canonical_json
from storage.addresses import ObjectAddress, object_key
from storage.errors import BrokenDocument, DigestMismatch, ObjectMissing, ReleaseMissing, StorageUnavailable
from storage.object_store import ObjectStore
from storage.release_layout import SEAL, object_address, reference_to
from storage.release_reader import read_current, read_release, stored_object
from storage.results import JSON_HEADERS
from storage.side_by_side import for_each

MOST_BLOCKS = 20
"""Damaged blocks named for one object."""


class DamagedObject(Value):
    """An object that is not what its seal says."""

    path: str
    """Within its release; ``release.json`` for the seal itself."""
    uri: str
    found: str
    expected: str
    blocks: tuple[int, ...] = ()
    """Numbers of the damaged blocks of 64 KiB, from 0, where a good copy is left to compare with; at most 20."""


class ScrubbedRelease(Value):
    """What a scrub found in one release: kept as ``scrubs/{title_id}/{release_id}.json`` in the work bucket."""

    schema_name: Literal["pertitle/scrub/v1"] = Field(default="pertitle/scrub/v1", alias="schema")
    title_id: str
    release_id: str
    is_current: bool
    objects: int
    size_bytes: int
    damaged: tuple[DamagedObject, ...] = ()


def sealed_releases(store: ObjectStore, title_id: str | None = None) -> Iterator[ReleaseReference]:
    """Yields the sealed releases of a title, or of all titles."""
    prefix = f"titles/{title_id}/releases/" if title_id else "titles/"
    for item in store.list_objects(store.buckets.releases, prefix):
        parts = item.key.split("/")
        if len(parts) == 5 and parts[2] == "releases" and parts[4] == SEAL:
            yield reference_to(store.buckets.releases, parts[1], parts[3])


def scrub_release(
    store: ObjectStore, reference: ReleaseReference, *, on_object: Callable[[str], None] = lambda _path: None
) -> ScrubbedRelease:
    """Reads every object of a sealed release again, and keeps what was found beside the results.

    Args:
        store: Where the release lies.
        reference: Which.
        on_object: Is told the path of each object that was read; it may raise to stop.

    Raises:
        StorageUnavailable: if the server gives none of the objects: that says nothing about the release.
    """
    damaged: list[DamagedObject] = []
    unreadable: list[StorageUnavailable] = []
    objects: tuple[ReleaseObject, ...] = ()

    def look(item: ReleaseObject) -> None:
        try:
            store.verify(stored_object(store, reference, item))
        except (DigestMismatch, ObjectMissing) as error:
            damaged.append(_damage(store, reference, item, error))
        except StorageUnavailable as error:
            # A server that knows its disk is rotten refuses to read from it.
            unreadable.append(error)
            damaged.append(_unreadable(store, reference, item, error))

    try:
        objects = read_release(store, reference).objects
    except (BrokenDocument, DigestMismatch, ReleaseMissing) as error:
        uri = f"{reference.release_uri}/{SEAL}"
        damaged.append(DamagedObject(path=SEAL, uri=uri, found=error.found, expected=error.expected))
    for_each(look, objects, on_done=lambda item: on_object(item.path))
    if unreadable and len(unreadable) == len(objects):
        raise unreadable[0]
    current = read_current(store, reference.title_id)
    scrubbed = ScrubbedRelease(
        title_id=reference.title_id,
        release_id=reference.release_id,
        is_current=current == reference,
        objects=len(objects),
        size_bytes=sum(item.size_bytes for item in objects),
        damaged=tuple(sorted(damaged, key=lambda item: item.path)),
    )
    _flag(store, scrubbed)
    return scrubbed


def flag_address(bucket: str, title_id: str, release_id: str) -> ObjectAddress:
    """Returns where the last scrub of a release is kept."""
    return ObjectAddress(bucket, f"scrubs/{title_id}/{release_id}.json")


def _damage(
    store: ObjectStore, reference: ReleaseReference, item: ReleaseObject, error: DigestMismatch | ObjectMissing
) -> DamagedObject:
    address = object_address(store.buckets.releases, reference, item.path)
    blocks = _damaged_blocks(store, address, item) if isinstance(error, DigestMismatch) else ()
    return DamagedObject(
        path=item.path, uri=address.uri, found=error.found, expected=error.expected or item.sha256, blocks=blocks
    )


def _unreadable(
    store: ObjectStore, reference: ReleaseReference, item: ReleaseObject, error: StorageUnavailable
) -> DamagedObject:
    address = object_address(store.buckets.releases, reference, item.path)
    return DamagedObject(path=item.path, uri=address.uri, found=f"unreadable: {error.found}", expected=item.sha256)


def _damaged_blocks(store: ObjectStore, address: ObjectAddress, item: ReleaseObject) -> tuple[int, ...]:
    """Compares with the copy in the work bucket, if that is there and good."""
    copy = ObjectAddress(store.buckets.work, object_key(item.sha256))
    try:
        store.verify(StoredFile(uri=copy.uri, sha256=item.sha256, size_bytes=item.size_bytes))
    except (DigestMismatch, ObjectMissing):
        return ()
    pairs = zip_longest(store.read_blocks(address), store.read_blocks(copy))
    differing = (number for number, (there, should) in enumerate(pairs) if there != should)
    return tuple(islice(differing, MOST_BLOCKS))


def _flag(store: ObjectStore, scrubbed: ScrubbedRelease) -> None:
    """Keeps the newest scrub; where two run at once, one of both answers stands."""
    address = flag_address(store.buckets.work, scrubbed.title_id, scrubbed.release_id)
    content, seen = canonical_json(scrubbed), store.head(address)
    if seen is None:
        store.put_if_absent(address, content, JSON_HEADERS)
    else:
        store.put_if_match(address, content, JSON_HEADERS, etag=seen.etag)
