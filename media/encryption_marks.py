"""Sources that are encrypted, told by their sample entries: without the key they decode to noise, or as if damaged.

Nothing but box heads is read, and of them a bounded number. Source: ISO/IEC 14496-12:2022, 8.12 (protected sample
entries); ISO/IEC 23001-7 (Common Encryption).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from media.errors import EncryptedSource

_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_PROTECTED = {
    b"encv": "video", b"enca": "audio", b"enct": "text", b"encs": "system",
    # FairPlay, in files of the iTunes store.
    b"drmi": "video", b"drms": "audio",
}  # fmt: skip
_MOST_BOXES = 100_000


def refuse_encrypted(path: Path, *, where: str) -> None:
    """Refuses an MP4 or MOV with an encrypted track.

    Raises:
        EncryptedSource: naming the kinds of the tracks.
    """
    with path.open("rb") as file:
        kinds = sorted({_PROTECTED[entry] for entry in BoxWalk(file).sample_entries() if entry in _PROTECTED})
    if kinds:
        raise EncryptedSource(
            where,
            found=f"encrypted {' and '.join(kinds)}",
            expected="tracks in the clear",
            fix="deliver the title unencrypted; it is encrypted anew when it is packaged",
        )


class BoxWalk:
    """Reads the heads of boxes on the way to the sample entries, at most so many."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = _MOST_BOXES

    def sample_entries(self) -> Iterator[bytes]:
        """Yields the kind of each sample entry of each track."""
        yield from self._below(0, self._file.seek(0, 2), _PATH)

    def _below(self, start: int, end: int, path: tuple[bytes, ...]) -> Iterator[bytes]:
        for kind, inside, after in self._boxes(start, end):
            if not path:
                yield kind
            elif kind == path[0]:
                # Version, flags and number stand before the entries (8.5.2).
                yield from self._below(inside + 8 if kind == b"stsd" else inside, after, path[1:])

    def _boxes(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Yields kind, start of the body and end of each box of a level; stops where one makes no sense."""
        while start + 8 <= end and self._left > 0:
            self._left -= 1
            self._file.seek(start)
            head = self._file.read(16)
            size, header = int.from_bytes(head[:4], "big"), 8
            if size == 1:
                size, header = int.from_bytes(head[8:16], "big"), 16
            after = start + size if size else end
            if after < start + header or after > end:
                return
            yield head[4:8], start + header, after
            start = after
