"""What the preview serves: the files of a published release, or of a folder."""

import mimetypes
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from domain.release import ReleaseManifest, ReleaseReference
from storage.object_store import ObjectStore
from storage.release_reader import stored_object

_TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml", ".m4s": "video/iso.segment"}


class ServedFile(NamedTuple):
    """A file on this machine and what it is."""

    path: Path
    content_type: str


class PresentationFiles(Protocol):
    """The files of one presentation."""

    def find(self, path: str) -> ServedFile | None:
        """Returns a file, or ``None`` if the presentation has none of that path."""
        ...


class ReleaseFiles:
    """A published release; each object is fetched when it is asked for first, and proved by its digest."""

    def __init__(
        self, store: ObjectStore, reference: ReleaseReference, manifest: ReleaseManifest, folder: Path
    ) -> None:
        """Takes the release and a folder for what was fetched."""
        self._store = store
        self._reference = reference
        self._folder = folder
        self._objects = {item.path: item for item in manifest.objects}

    def find(self, path: str) -> ServedFile | None:
        """Returns an object of the release as a local file.

        Raises:
            StorageError: if it cannot be fetched, or has other bytes than the seal says.
        """
        item = self._objects.get(path)
        if item is None:
            return None
        local = self._folder / item.sha256
        if not local.is_file():
            self._store.fetch(stored_object(self._store, self._reference, item), local)
        return ServedFile(local, item.content_type)


class FolderFiles:
    """A presentation in a folder; nothing outside it is served, also not through links."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder that holds the manifests."""
        self._folder = folder.resolve()

    def find(self, path: str) -> ServedFile | None:
        """Returns a file of the folder."""
        parts = PurePosixPath(path).parts
        if not parts or any(part.startswith(".") or "\0" in part for part in parts):
            return None
        local = (self._folder / path).resolve()
        if not local.is_relative_to(self._folder) or not local.is_file():
            return None
        kind = _TYPES.get(local.suffix) or mimetypes.guess_type(local.name)[0] or "application/octet-stream"
        return ServedFile(local, kind)
