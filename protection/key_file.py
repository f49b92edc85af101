"""The key-encryption key in a file that only we can read."""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from protection.errors import UnsafeKeyFile
from protection.secret_bytes import SecretBytes

KEY_BYTES = 32
"""AES-256."""
LARGEST_BYTES = 65_536
"""Keys, certificates and credentials are far smaller."""

_EXPECTED = f"a regular file that belongs to us, mode 0600; of {KEY_BYTES} bytes if it is a key-encryption key"


def load_or_create_key(path: Path) -> SecretBytes:
    """Returns the key-encryption key, made at random if there is no file yet.

    Several processes may start at once: the file gets its name only when it is whole, and only one can give it.

    Raises:
        UnsafeKeyFile: if the file is readable by others, foreign, a link, or not of 32 bytes.
    """
    if not path.exists() and not path.is_symlink():
        create_private_file(path, secrets.token_bytes(KEY_BYTES))
    return load_key(path)


def load_key(path: Path) -> SecretBytes:
    """Returns the key-encryption key.

    Raises:
        UnsafeKeyFile: if there is none, or if it is readable by others, foreign, a link, or not of 32 bytes.
    """
    key = read_private_file(path)
    if len(key) != KEY_BYTES:
        raise _unsafe(path, f"it has {len(key)} bytes")
    return key


def read_private_file(path: Path) -> SecretBytes:
    """Returns the content of a small file that only we can read.

    Raises:
        UnsafeKeyFile: if there is none, or if it is readable by others, foreign, a link, or longer than 64 KiB.
    """
    try:
        # Checked and read through one descriptor, so that nobody swaps the file in between.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unsafe(path, f"it cannot be opened ({error.strerror})") from error
    with os.fdopen(descriptor, "rb") as file:
        fault = _fault(os.fstat(file.fileno()))
        if fault:
            raise _unsafe(path, fault)
        return SecretBytes(file.read(LARGEST_BYTES))


def _fault(facts: os.stat_result) -> str:
    if not stat.S_ISREG(facts.st_mode):
        return "it is not a regular file"
    if facts.st_uid != os.geteuid():
        return f"it belongs to user {facts.st_uid}"
    if stat.S_IMODE(facts.st_mode) & 0o077:
        return f"its mode is {stat.S_IMODE(facts.st_mode):04o}: others can reach it"
    if facts.st_size > LARGEST_BYTES:
        return f"it has {facts.st_size} bytes"
    return ""


def create_private_file(path: Path, content: bytes) -> None:
    """Makes a file that only we can read, whole or not at all; if another process was first, its content counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unnamed = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # every sealed record depends on these bytes
        with contextlib.suppress(FileExistsError):  # another process was first: its key counts
            os.link(unnamed, path)
    finally:
        unnamed.unlink()


def _unsafe(path: Path, found: str) -> UnsafeKeyFile:
    return UnsafeKeyFile(
        f"secret file {path}",
        found=found,
        expected=_EXPECTED,
        fix=f"chmod 600 {path}, or restore it; without it no sealed key opens",
    )
