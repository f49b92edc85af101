"""A reader of ISO base media file boxes, just large enough to check what the packager wrote.

Source: ISO/IEC 14496-12:2022, 4.2 (object structure).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from media.errors import PresentationInvalid

_SAMPLE_ENTRIES_START = {
    # Offset of the child boxes in a sample entry's body: 12.1.3 (visual) and 12.2.3 (audio).
    "encv": 78, "avc1": 78, "avc3": 78, "hvc1": 78, "hev1": 78, "av01": 78,
    "enca": 28, "mp4a": 28, "ac-3": 28, "ec-3": 28,
    "wvtt": 8,  # 14496-30, 7.5: a plain sample entry
    # 8.5.2: version, flags and entry count stand before the entries.
    "stsd": 8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """A box with its body in memory."""

    kind: str
    body: bytes

    @property
    def version(self) -> int:
        """Version of a full box (4.2.2)."""
        return self.body[0]

    @property
    def flags(self) -> int:
        """Flags of a full box (4.2.2)."""
        return int.from_bytes(self.body[1:4], "big")

    def integer(self, offset: int, size: int = 4) -> int:
        """Returns the unsigned number at an offset of the body.

        Raises:
            PresentationInvalid: if the box ends before it.
        """
        if offset + size > len(self.body):
            found = f"{len(self.body)} bytes"
            raise PresentationInvalid(f"box {self.kind}", found=found, expected=f"a field at {offset}")
        return int.from_bytes(self.body[offset : offset + size], "big")

    def children(self) -> list["Box"]:
        """Returns the boxes inside, in order."""
        return list(split_boxes(self.body, _SAMPLE_ENTRIES_START.get(self.kind, 0)))

    def find(self, *path: str) -> "Box | None":
        """Returns the first box at a path of kinds, or ``None``."""
        if not path:
            return self
        return next((hit for box in self.children() if box.kind == path[0] and (hit := box.find(*path[1:]))), None)

    def require(self, *path: str) -> "Box":
        """Returns the first box at a path of kinds.

        Raises:
            PresentationInvalid: if there is none.
        """
        found = self.find(*path)
        if found is None:
            raise PresentationInvalid(f"box {self.kind}", found="it is missing", expected=f"box {'/'.join(path)}")
        return found


def split_boxes(body: bytes, offset: int = 0) -> Iterator[Box]:
    """Yields the boxes of a body.

    Raises:
        PresentationInvalid: if a box does not fit in it.
    """
    while offset + 8 <= len(body):
        size, header = _size_of(body[offset : offset + 16])
        end = len(body) if size == 0 else offset + size
        if size and (size < header or end > len(body)):
            kind = body[offset + 4 : offset + 8]
            raise PresentationInvalid(
                f"box {kind!r}", found=f"size {size}", expected=f"{header} to {len(body) - offset}"
            )
        yield Box(body[offset + 4 : offset + 8].decode("latin-1"), body[offset + header : end])
        offset = end


def read_boxes(path: Path, *, skip: frozenset[str] = frozenset({"mdat"})) -> Iterator[tuple[int, Box]]:
    """Yields (offset in the file, box) for the top-level boxes; bodies of skipped kinds are not read.

    Raises:
        PresentationInvalid: if a box does not fit in the file.
    """
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        offset = 0
        while offset < length:
            file.seek(offset)
            head = file.read(16)
            size, header = _size_of(head) if len(head) >= 8 else (1, 8)
            size = size or length - offset
            if size < header or offset + size > length:
                expected = f"{header} to {length - offset}"
                raise PresentationInvalid(f"{path.name} at {offset}", found=f"a box of {size} bytes", expected=expected)
            kind = head[4:8].decode("latin-1")
            file.seek(offset + header)
            yield offset, Box(kind, b"" if kind in skip else file.read(size - header))
            offset += size


def _size_of(head: bytes) -> tuple[int, int]:
    """Returns (size, header size); size 1 announces a 64-bit size, size 0 means to the end (4.2.2)."""
    size = int.from_bytes(head[:4], "big")
    return (int.from_bytes(head[8:16], "big"), 16) if size == 1 else (size, 8)
