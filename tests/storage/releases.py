"""Small presentations for the tests of releases."""

from pathlib import PurePosixPath

from domain.files import StoredFile
from domain.release import KeyReference, Presentation, PresentationFile
from storage.digests import sha256_of_bytes
from storage.object_store import ObjectStore
from storage.release_layout import ReleaseDraft

TYPES = {
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".jpg": "image/jpeg",
}


def stored_file(content: bytes) -> StoredFile:
    """Returns a reference to bytes that lie nowhere."""
    return StoredFile(uri="s3://pertitle-work/none", sha256=sha256_of_bytes(content), size_bytes=len(content))


def draft_of(title_id: str, files: dict[str, bytes], store: ObjectStore | None = None) -> ReleaseDraft:
    """Returns a draft of a release with these files; with a store, they lie in its work bucket."""
    put = store.put_bytes if store else stored_file
    presentation = Presentation(
        files=tuple(
            PresentationFile(path=path, file=put(content), content_type=TYPES[PurePosixPath(path).suffix])
            for path, content in sorted(files.items())
        ),
        dash="manifest.mpd",
        hls="multivariant.m3u8",
        scheme="cbcs",
        keys=(KeyReference(label="SD", kid="ab" * 16),),
        key_set="k-test-key-set",
    )
    return ReleaseDraft(title_id=title_id, presentation=presentation, source_sha256="1" * 64, recipe_sha256="2" * 64)
