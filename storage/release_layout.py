"""Where the objects of a release lie, in which order they appear, and what seals them. Pure."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from domain.findings import Override
from domain.release import (
    CurrentPointer,
    Presentation,
    PresentationFile,
    ReleaseManifest,
    ReleaseObject,
    ReleaseReference,
)
from domain.request import TITLE_ID_PATTERN
from domain.values import Sha256, Value, digest_of
from storage.addresses import ObjectAddress
from storage.errors import UnsafeReleasePath
from storage.uploads import ObjectHeaders

SEAL = "release.json"
POINTER = "current.json"

IMMUTABLE = "public, max-age=31536000, immutable"
"""A year, the largest age that caches honor (RFC 9111 leaves it open; RFC 8246 defines ``immutable``)."""
POINTER_AGE = "public, max-age=30"
"""How long a cache may show the old release."""

SEAL_HEADERS = ObjectHeaders(content_type="application/json", cache_control=IMMUTABLE)
POINTER_HEADERS = ObjectHeaders(content_type="application/json", cache_control=POINTER_AGE)


class ReleaseDraft(Value):
    """What is to be published, and what it was made from."""

    title_id: str
    presentation: Presentation
    source_sha256: Sha256
    recipe_sha256: Sha256
    provisional: bool = False
    """The first minutes only: never replaces a full release."""
    waved_through: tuple[Override, ...] = ()
    """Findings in the source that named people let pass."""


def release_id_of(files: Iterable[PresentationFile]) -> str:
    """Returns the name of a release: ``r`` and 20 hexadecimal digits of the digest of its inventory.

    The inventory holds path, SHA-256 and content type of each file in rising order of path, so the same
    presentation always has the same name, and another one another name (80 bits).
    """
    inventory = sorted([item.path, item.file.sha256, item.content_type] for item in files)
    return "r" + digest_of(inventory)[:20]


def reference_to(bucket: str, title_id: str, release_id: str) -> ReleaseReference:
    """Returns where a release lies."""
    if not re.fullmatch(TITLE_ID_PATTERN, title_id) or not re.fullmatch(r"r[0-9a-f]{20}", release_id):
        raise UnsafeReleasePath(
            "release",
            found=f"title {title_id[:80]!r}, release {release_id[:80]!r}",
            expected="a title id and a release id",
        )
    uri = f"s3://{bucket}/titles/{title_id}/releases/{release_id}"
    return ReleaseReference(title_id=title_id, release_id=release_id, release_uri=uri)


def pointer_address(bucket: str, title_id: str) -> ObjectAddress:
    """Returns the address of a title's ``current.json``."""
    if not re.fullmatch(TITLE_ID_PATTERN, title_id):
        raise UnsafeReleasePath("title", found=repr(title_id[:80]), expected=f"a title id like {TITLE_ID_PATTERN}")
    return ObjectAddress(bucket, f"titles/{title_id}/{POINTER}")


def object_address(bucket: str, reference: ReleaseReference, path: str) -> ObjectAddress:
    """Returns the address of one object of a release.

    Raises:
        UnsafeReleasePath: if the path leads out of the release's folder or hides behind its seal.
    """
    parts = path.split("/")
    if path in {"", SEAL} or any(part in {"", ".", ".."} for part in parts) or "\\" in path or "\0" in path:
        raise UnsafeReleasePath(
            f"release {reference.release_id}",
            found=repr(path[:200]),
            expected="a relative path without empty parts, '.' and '..'",
        )
    return ObjectAddress(bucket, f"{_prefix(reference)}/{path}")


def seal_address(bucket: str, reference: ReleaseReference) -> ObjectAddress:
    """Returns the address of a release's ``release.json``."""
    return ObjectAddress(bucket, f"{_prefix(reference)}/{SEAL}")


def publishing_stages(presentation: Presentation) -> tuple[tuple[PresentationFile, ...], ...]:
    """Returns the files in the order of appearance: whoever sees a playlist can fetch what it names.

    Media, initialization segments, images and text; then media playlists; then MPD and multivariant playlist.
    """
    ordered = sorted(presentation.files, key=lambda item: item.path)
    manifests = {item.path for item in ordered if PurePosixPath(item.path).suffix in {".m3u8", ".mpd"}}
    # Those for one kind of client stand beside the whole ones.
    beside = {PurePosixPath(path).parent for path in (presentation.dash, presentation.hls)}
    entries = {path for path in manifests if PurePosixPath(path).parent in beside}
    playlists = manifests - entries
    return (
        tuple(item for item in ordered if item.path not in playlists | entries),
        tuple(item for item in ordered if item.path in playlists),
        tuple(item for item in ordered if item.path in entries),
    )


def manifest_of(draft: ReleaseDraft, release_id: str) -> ReleaseManifest:
    """Returns the document that seals a release."""
    presentation = draft.presentation
    return ReleaseManifest(
        title_id=draft.title_id,
        release_id=release_id,
        dash=presentation.dash,
        hls=presentation.hls,
        scheme=presentation.scheme,
        keys=presentation.keys,
        key_provider=presentation.key_provider,
        source_sha256=draft.source_sha256,
        recipe_sha256=draft.recipe_sha256,
        provisional=draft.provisional,
        waved_through=draft.waved_through,
        tone_mapped=presentation.tone_mapped,
        objects=tuple(
            ReleaseObject(
                path=item.path,
                sha256=item.file.sha256,
                size_bytes=item.file.size_bytes,
                content_type=item.content_type,
            )
            for item in sorted(presentation.files, key=lambda item: item.path)
        ),
    )


def pointer_to(reference: ReleaseReference, *, provisional: bool = False) -> CurrentPointer:
    """Returns the document that makes a release current."""
    return CurrentPointer(
        title_id=reference.title_id,
        release_id=reference.release_id,
        release_uri=reference.release_uri,
        provisional=provisional,
    )


def _prefix(reference: ReleaseReference) -> str:
    return f"titles/{reference.title_id}/releases/{reference.release_id}"
