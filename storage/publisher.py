"""Publishing a presentation as a release: sealed, immutable, and current only when every byte is proved.

::

    media, initialization segments, images, text ─ media playlists ─ MPD and multivariant playlist   (only if absent)
    └─ every object read back in full and compared
       └─ release.json                                                                               (only if absent)
          └─ current.json                                                                            (compare and swap)

A crash at any point leaves the old release current, and the next attempt goes on where the first ended: what is
there already is compared, not written. Publishing twice changes nothing.
"""

import secrets
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from domain.files import StoredFile
from domain.release import PresentationFile, ReleaseManifest, ReleaseReference
from domain.values import canonical_json
from storage.addresses import ObjectAddress
from storage.errors import CurrentMoved, DigestMismatch, FullReleaseStands, ReleaseConflict
from storage.object_store import ObjectStore
from storage.release_layout import (
    IMMUTABLE,
    POINTER_HEADERS,
    SEAL_HEADERS,
    ReleaseDraft,
    manifest_of,
    object_address,
    pointer_address,
    pointer_to,
    publishing_stages,
    reference_to,
    release_id_of,
    seal_address,
)
from storage.release_reader import is_sealed, parse_pointer, read_release, stored_object
from storage.side_by_side import for_each
from storage.uploads import ObjectHeaders

OnStep = Callable[[str], None]
"""Is told each step after it is done; it may raise to stop publishing there."""


def no_step(_name: str) -> None:
    """Tells nobody."""


def publish_release(
    store: ObjectStore, draft: ReleaseDraft, *, scratch: Path | None = None, on_step: OnStep = no_step
) -> ReleaseReference:
    """Publishes a presentation and makes it the title's current release.

    Args:
        store: Holds the presentation's files in the work bucket, and the release in the releases bucket.
        draft: What to publish.
        scratch: Folder for a file or two on their way; one that is emptied if this process is killed. Default: the
            system's folder for temporary files.
        on_step: Is told ``stored PATH`` and ``proved PATH`` for each file, then ``sealed`` and ``current``.

    Returns:
        Where the release lies.

    Raises:
        ReleaseConflict: if an object of the release exists with other bytes.
        DigestMismatch: if the bytes read back are not those written.
        CurrentMoved: if another publisher made another release current at the same moment.
        FullReleaseStands: if the draft is provisional and a full release is current: viewers would lose the rest of it.
        UnsafeReleasePath: if a file would land outside the release.
    """
    release_id = release_id_of(draft.presentation.files)
    reference = reference_to(store.buckets.releases, draft.title_id, release_id)
    manifest = manifest_of(draft, release_id)
    if not is_sealed(store, reference):
        with tempfile.TemporaryDirectory(prefix="publish-", dir=scratch) as folder:
            _store_objects(store, draft, Path(folder), on_step)
        _prove_objects(store, reference, manifest, on_step)
    _seal(store, reference, manifest)
    on_step("sealed")
    _make_current(store, reference, provisional=draft.provisional)
    on_step("current")
    return reference


def _store_objects(store: ObjectStore, draft: ReleaseDraft, scratch: Path, on_step: OnStep) -> None:
    files = draft.presentation.files
    reference = reference_to(store.buckets.releases, draft.title_id, release_id_of(files))
    for item in files:
        object_address(store.buckets.releases, reference, item.path)  # refuse all bad paths before the first write
    for stage in publishing_stages(draft.presentation):
        for_each(
            partial(_store_object, store, reference, scratch),
            stage,
            on_done=lambda item: on_step(f"stored {item.path}"),
        )


def _store_object(store: ObjectStore, reference: ReleaseReference, scratch: Path, item: PresentationFile) -> None:
    """Copies one file from the work bucket, proved on the way."""
    address = object_address(store.buckets.releases, reference, item.path)
    local = store.fetch(item.file, scratch / secrets.token_hex(8))
    try:
        headers = ObjectHeaders(content_type=item.content_type, cache_control=IMMUTABLE)
        written = store.put_file_if_absent(address, local, headers, sha256=item.file.sha256)
    finally:
        local.unlink()
    if not written:
        _require_same(store, address, item)


def _require_same(store: ObjectStore, address: ObjectAddress, item: PresentationFile) -> None:
    """Refuses an object that was there before us with other bytes, or that browsers would be told wrong about."""
    facts = store.head(address)
    found_type = facts.content_type if facts else "nothing"
    there = item.file.model_copy(update={"uri": address.uri})
    try:
        _verify_twice(store, there)
    except DigestMismatch as error:
        raise _conflict(address, error.found, error.expected) from error
    if found_type != item.content_type:
        raise _conflict(address, f"content type {found_type}", item.content_type)


def _verify_twice(store: ObjectStore, there: StoredFile) -> None:
    """One read may have been damaged on its way, and the verdict is final: only two of them say what lies there."""
    try:
        store.verify(there)
    except DigestMismatch:
        store.verify(there)


def _prove_objects(store: ObjectStore, reference: ReleaseReference, manifest: ReleaseManifest, on_step: OnStep) -> None:
    for_each(
        lambda item: store.verify(stored_object(store, reference, item)),
        manifest.objects,
        on_done=lambda item: on_step(f"proved {item.path}"),
    )


def _seal(store: ObjectStore, reference: ReleaseReference, manifest: ReleaseManifest) -> None:
    address = seal_address(store.buckets.releases, reference)
    if store.put_if_absent(address, canonical_json(manifest), SEAL_HEADERS):
        return
    sealed = read_release(store, reference)
    # The same bytes may come of another recipe (a field without effect here), or of a run in which somebody else waved
    # the same findings through: the first maker's origin stays.
    origin = {name: getattr(sealed, name) for name in _ORIGIN}
    ours = manifest.model_copy(update=origin)
    if ours != sealed:
        raise _conflict(address, "the seal of other objects or keys", "the seal of this presentation")


_ORIGIN = ("source_sha256", "recipe_sha256", "waved_through", "tone_mapped")


def _make_current(store: ObjectStore, reference: ReleaseReference, *, provisional: bool) -> None:
    """Moves the title's pointer by compare and swap; leaves it alone if it points here already."""
    address = pointer_address(store.buckets.releases, reference.title_id)
    content = canonical_json(pointer_to(reference, provisional=provisional))
    found = store.get(address)
    if found is None:
        moved = store.put_if_absent(address, content, POINTER_HEADERS)
    elif found[0] == content:
        return
    else:
        if provisional:
            _require_provisional(found[0], address)
        moved = store.put_if_match(address, content, POINTER_HEADERS, etag=found[1])
    if moved:
        return
    found = store.get(address)
    if found is None or found[0] != content:
        raise CurrentMoved(
            address.uri,
            found="another release became current at the same moment",
            expected=reference.release_id,
            fix="publish again if this one should be current",
        )


def _require_provisional(content: bytes, address: ObjectAddress) -> None:
    """Refuses to replace a full release by a provisional one; compare and swap makes this hold against others, too."""
    current = parse_pointer(content, address)
    if not current.provisional:
        raise FullReleaseStands(
            address.uri,
            found=f"the full release {current.release_id}",
            expected="no release, or a provisional one",
            fix="nothing: the provisional release is not needed",
        )


def _conflict(address: ObjectAddress, found: str, expected: str) -> ReleaseConflict:
    return ReleaseConflict(
        address.uri,
        found=found,
        expected=expected,
        fix="somebody wrote into the release: find out who, remove the unsealed release, and publish again",
    )
