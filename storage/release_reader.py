"""Reading releases: what is current, what a release holds, and a whole release fetched into a folder."""

import secrets
import shutil
from pathlib import Path

from pydantic import ValidationError

from domain.files import StoredFile
from domain.release import CurrentPointer, ReleaseManifest, ReleaseObject, ReleaseReference
from domain.values import canonical_json
from storage.addresses import ObjectAddress
from storage.errors import BrokenDocument, FolderInUse, ReleaseMissing
from storage.object_store import ObjectStore
from storage.release_layout import SEAL, object_address, pointer_address, reference_to, seal_address
from storage.s3_faults import s3_faults_as_ours
from storage.side_by_side import for_each


def read_current(store: ObjectStore, title_id: str) -> ReleaseReference | None:
    """Returns the current release of a title, or ``None`` if it has none."""
    pointer = read_pointer(store, title_id)
    return None if pointer is None else reference_to(store.buckets.releases, title_id, pointer.release_id)


def read_pointer(store: ObjectStore, title_id: str) -> CurrentPointer | None:
    """Returns a title's ``current.json``, or ``None`` if it has none.

    Raises:
        BrokenDocument: if it does not parse.
    """
    address = pointer_address(store.buckets.releases, title_id)
    found = store.get(address)
    return None if found is None else parse_pointer(found[0], address)


def parse_pointer(content: bytes, address: ObjectAddress) -> CurrentPointer:
    """Returns what ``current.json`` says.

    Raises:
        BrokenDocument: if it does not parse.
    """
    try:
        return CurrentPointer.model_validate_json(content)
    except ValidationError as error:
        raise BrokenDocument(address.uri, found="not a pointer to a release", expected="pertitle/current/v1") from error


def current_reference(store: ObjectStore, title_id: str) -> ReleaseReference:
    """Returns the current release of a title.

    Raises:
        ReleaseMissing: if it has none.
    """
    current = read_current(store, title_id)
    if current is None:
        raise ReleaseMissing(
            f"title {title_id}", found="no current release", expected="a published title", fix="publish the title first"
        )
    return current


def read_release(store: ObjectStore, reference: ReleaseReference) -> ReleaseManifest:
    """Returns what a sealed release holds.

    Raises:
        ReleaseMissing: if it is not sealed.
        BrokenDocument: if its seal does not parse, or speaks of another release.
    """
    address = seal_address(store.buckets.releases, reference)
    found = store.get(address)
    if found is None:
        raise ReleaseMissing(
            reference.release_uri,
            found="no release.json",
            expected="a sealed release",
            fix="publish the title; a release without its seal does not exist",
        )
    try:
        manifest = ReleaseManifest.model_validate_json(found[0])
    except ValidationError as error:
        raise BrokenDocument(address.uri, found="not a seal", expected="pertitle/release/v1") from error
    if (manifest.title_id, manifest.release_id) != (reference.title_id, reference.release_id):
        raise BrokenDocument(
            address.uri,
            found=f"the seal of {manifest.title_id}/{manifest.release_id}",
            expected=f"{reference.title_id}/{reference.release_id}",
        )
    return manifest


def is_sealed(store: ObjectStore, reference: ReleaseReference) -> bool:
    """Tells whether a release exists, that is, whether it has its seal."""
    return store.head(seal_address(store.buckets.releases, reference)) is not None


def verify_release(store: ObjectStore, reference: ReleaseReference) -> ReleaseManifest:
    """Reads every object of a sealed release in full and proves it.

    Raises:
        ReleaseMissing: if it is not sealed.
        ObjectMissing: if one of its objects is gone.
        DigestMismatch: if one of its objects has other bytes.
    """
    manifest = read_release(store, reference)
    for_each(store.verify, [stored_object(store, reference, item) for item in manifest.objects])
    return manifest


def fetch_release(store: ObjectStore, wanted: ReleaseReference | str, out_dir: Path) -> ReleaseManifest:
    """Downloads a sealed release, every byte proved; the folder appears only when whole.

    Args:
        store: Where the release lies.
        wanted: The release, or a title id for its current one.
        out_dir: The folder to make. A fetched release that lies there is replaced; anything else is refused.

    Returns:
        The release's ``release.json``, which lies in the folder too.

    Raises:
        ReleaseMissing: if there is no such sealed release.
        DigestMismatch: if an object has other bytes than the seal says.
        FolderInUse: if the folder holds something that is not a fetched release.
    """
    reference = wanted if isinstance(wanted, ReleaseReference) else current_reference(store, wanted)
    manifest = read_release(store, reference)
    _require_replaceable(out_dir)
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    partial = out_dir.with_name(f".{out_dir.name}.{secrets.token_hex(6)}.partial")
    try:
        with s3_faults_as_ours("write", partial):
            partial.mkdir()
            _fetch_objects(store, reference, manifest, partial)
            (partial / SEAL).write_bytes(canonical_json(manifest))
            _move_into_place(partial, out_dir)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def stored_object(store: ObjectStore, reference: ReleaseReference, item: ReleaseObject) -> StoredFile:
    """Returns an object of a release with what proves it."""
    address = object_address(store.buckets.releases, reference, item.path)
    return StoredFile(uri=address.uri, sha256=item.sha256, size_bytes=item.size_bytes)


def _fetch_objects(store: ObjectStore, reference: ReleaseReference, manifest: ReleaseManifest, folder: Path) -> None:
    def fetch(item: ReleaseObject) -> None:
        stored = stored_object(store, reference, item)  # refuses a path that would leave the folder
        path = folder / item.path
        path.parent.mkdir(parents=True, exist_ok=True)
        store.fetch(stored, path)

    for_each(fetch, manifest.objects)


def _require_replaceable(out_dir: Path) -> None:
    if not out_dir.exists() or (out_dir / SEAL).is_file():
        return
    if not out_dir.is_dir() or any(out_dir.iterdir()):
        raise FolderInUse(
            str(out_dir),
            found="files that are not a fetched release",
            expected="no folder, an empty one, or one with a release.json",
            fix="name another folder, or empty this one",
        )


def _move_into_place(partial: Path, out_dir: Path) -> None:
    if not out_dir.exists():
        partial.rename(out_dir)
        return
    old = partial.with_suffix(".old")
    out_dir.rename(old)
    partial.rename(out_dir)
    shutil.rmtree(old)
