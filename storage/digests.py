"""SHA-256 of files and streams, in the two spellings that S3 and we use."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from domain.values import Sha256

BLOCK_BYTES = 1 << 16
"""Small enough that a store of 64 kB/s still tells progress every second."""

Progress = Callable[[int], None]
"""Is told the bytes moved so far; it may raise to stop the transfer, which then cleans up behind itself."""


def no_progress(_size_bytes: int) -> None:
    """Tells nobody."""


class Readable(Protocol):
    """Something that gives its bytes piece by piece."""

    def read(self, amount: int, /) -> bytes:
        """Returns at most ``amount`` bytes; none at the end."""
        ...


def blocks(stream: Readable) -> Iterator[bytes]:
    """Yields a stream's bytes in blocks of at most 64 KiB."""
    while block := stream.read(BLOCK_BYTES):
        yield block


def whole_blocks(stream: Readable) -> Iterator[bytes]:
    """Yields a stream's bytes in blocks of exactly 64 KiB, only the last one shorter: block numbers tell a place."""
    rest = b""
    for block in blocks(stream):
        rest += block
        while len(rest) >= BLOCK_BYTES:
            yield rest[:BLOCK_BYTES]
            rest = rest[BLOCK_BYTES:]
    if rest:
        yield rest


def sha256_of_bytes(content: bytes) -> Sha256:
    """Returns the digest of bytes, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path, *, on_progress: Progress = no_progress) -> Sha256:
    """Returns the digest of a file, 64 hexadecimal digits; tells the bytes read so far."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        for block in blocks(file):
            digest.update(block)
            done += len(block)
            on_progress(done)
    return digest.hexdigest()


def as_checksum_header(sha256: Sha256) -> str:
    """Returns a digest as S3's ``x-amz-checksum-sha256`` spells it: base64 of the 32 bytes."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()
