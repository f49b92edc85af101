"""A cache of stored objects on the local disk, shared by the processes of one machine without locks.

An entry is a read-only file named by its digest. It is made by rename and handed out as a hard link, so an
eviction by anybody at any moment takes nothing from a user: the link keeps the bytes until it goes. (Bytes in
use therefore may exceed the limit for a while.) Every use proves the digest again: an entry that was damaged on
disk is thrown away and fetched anew.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from domain.files import StoredFile
from domain.values import Sha256
from storage.digests import Progress, no_progress, sha256_of_file
from storage.object_store import ObjectStore
from storage.s3_faults import s3_faults_as_ours

_STRIPES = 64


class LocalCache:
    """An on-disk cache of stored objects; the least recently used go first.

    Attributes:
        folder: Where entries lie; on the file system of the scratch folders, links replace copies.
        max_bytes: Size of all entries that is kept, in bytes.
    """

    def __init__(self, store: ObjectStore, folder: Path, *, max_bytes: int) -> None:
        """Makes the folder where it is missing, and removes what dead processes left in it."""
        self._store = store
        self.folder = folder
        self.max_bytes = max_bytes
        self._entries = folder / "objects"
        self._entries.mkdir(parents=True, exist_ok=True)
        # Two threads that want the same object download it once.
        self._stripes = tuple(threading.Lock() for _ in range(_STRIPES))
        _remove_folders_of_the_dead(folder)
        self._held, self._claim = _claim_folder(folder)

    def close(self) -> None:
        """Gives up the process's folder of held links."""
        shutil.rmtree(self._held, ignore_errors=True)
        self._held.with_suffix(".lock").unlink(missing_ok=True)
        self._claim.close()

    def fetch_into(self, stored: StoredFile, destination: Path, *, on_progress: Progress = no_progress) -> Path:
        """Puts an object at a path of the caller's, which the caller removes.

        Args:
            stored: What.
            destination: Where; its folder exists and nothing lies there. The file is read-only and may share its
                bytes with the cache: never write into it.
            on_progress: Is told the bytes proved or fetched so far; it may raise to stop.

        Returns:
            The destination.

        Raises:
            ObjectMissing: if nothing lies in the store.
            DigestMismatch: if the store's bytes are not the promised ones.
        """
        entry = self._entry(stored.sha256)
        with self._stripes[int(stored.sha256[:8], 16) % _STRIPES]:
            if not self._take(entry, destination, stored.sha256, on_progress):
                self._download(stored, destination, on_progress)
                self._add(destination, entry)
        return destination

    @contextlib.contextmanager
    def hold(self, stored: StoredFile) -> Iterator[Path]:
        """Gives an object as a file for the length of a ``with`` block; it is not evicted meanwhile."""
        path = self._held / f"{secrets.token_hex(6)}-{stored.sha256[:16]}"
        try:
            yield self.fetch_into(stored, path)
        finally:
            path.unlink(missing_ok=True)

    def shed(self, wanted_bytes: int) -> int:
        """Removes what has not been used for longest, until so many bytes are free; what is in use stays.

        Returns:
            The bytes that were freed, perhaps fewer than wanted.
        """
        freed_bytes = 0
        for _, size, path in sorted(self._listed()):
            if freed_bytes >= wanted_bytes:
                break
            with contextlib.suppress(FileNotFoundError):
                # While somebody has a link to it, its bytes stay.
                if path.stat().st_nlink == 1:
                    path.unlink()
                    freed_bytes += size
        return freed_bytes

    def size_bytes(self) -> int:
        """Returns the size of all entries."""
        return sum(size for _, size, _ in self._listed())

    def _entry(self, sha256: Sha256) -> Path:
        return self._entries / sha256[:2] / sha256

    def _take(self, entry: Path, destination: Path, sha256: Sha256, on_progress: Progress) -> bool:
        """Links an entry to the destination if it is there and whole."""
        with s3_faults_as_ours("link", entry):
            if not _link_or_copy(entry, destination):
                return False
            if sha256_of_file(destination, on_progress=on_progress) == sha256:
                with contextlib.suppress(FileNotFoundError):
                    os.utime(entry)  # the time of last use decides who goes first
                return True
        destination.unlink()
        entry.unlink(missing_ok=True)
        return False

    def _download(self, stored: StoredFile, destination: Path, on_progress: Progress) -> None:
        self._store.fetch(stored, destination, on_progress=on_progress)
        destination.chmod(0o444)

    def _add(self, path: Path, entry: Path) -> None:
        entry.parent.mkdir(exist_ok=True)
        fresh = self._held / f"{secrets.token_hex(6)}-entry"
        with s3_faults_as_ours("link", entry):
            try:
                if _link_or_copy(path, fresh):
                    fresh.replace(entry)
            finally:
                # Renaming a link over a link of the same file does nothing and leaves both (POSIX rename).
                fresh.unlink(missing_ok=True)
        self._evict()

    def _evict(self) -> None:
        entries = sorted(self._listed())
        excess_bytes = sum(size for _, size, _ in entries) - self.max_bytes
        for _, size, path in entries:
            if excess_bytes <= 0:
                return
            path.unlink(missing_ok=True)
            excess_bytes -= size

    def _listed(self) -> Iterator[tuple[int, int, Path]]:
        """Yields (time of last use in ns, size in bytes, path) of each entry that does not go meanwhile."""
        for path in self._entries.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                yield facts.st_mtime_ns, facts.st_size, path


def _link_or_copy(source: Path, destination: Path) -> bool:
    """Links a file, or copies it to another file system; tells whether the source was there."""
    try:
        os.link(source, destination)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EMLINK, errno.EPERM}:
            raise
        try:
            shutil.copyfile(source, destination)
        except FileNotFoundError:
            return False
        except BaseException:
            destination.unlink(missing_ok=True)
            raise
    return True


def _claim_folder(folder: Path) -> tuple[Path, BinaryIO]:
    """Makes a folder that belongs to this process for as long as it lives.

    The lock is taken before its file gets its name, so nobody can meet it unlocked while we live.
    """
    held = folder / f"held-{secrets.token_hex(8)}"
    unnamed = held.with_suffix(".claim")
    claim = unnamed.open("wb")
    fcntl.flock(claim, fcntl.LOCK_EX)
    unnamed.rename(held.with_suffix(".lock"))
    held.mkdir()
    return held, claim


def _remove_folders_of_the_dead(folder: Path) -> None:
    """Removes the held links of processes that ended without closing: the kernel has dropped their locks."""
    for lock in folder.glob("held-*.lock"):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
