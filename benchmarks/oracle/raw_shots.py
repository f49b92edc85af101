"""Raw pictures of the shots that are being worked on, as the pipeline's searches have them; a few at a time."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.oracle.grid import grid_sizes
from benchmarks.oracle.table import BenchShot
from media.bench import Bench, ShotPiece
from media.tools import ToolPaths
from media.unpacking import MOST_RAW_BYTES, unpack

KEPT_BYTES = 8 * MOST_RAW_BYTES
"""Raw pictures that nobody reads just now stay as long as all of them are no more."""


def piece_of(shot: BenchShot, out: Path) -> ShotPiece:
    """Returns a shot as the trial unit takes it."""
    return ShotPiece(out / shot.file, shot.frames, shot.frame_rate, shot.name)


@dataclass
class _Held:
    folder: Path
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    piece: ShotPiece | None = None
    size_bytes: int = 0
    readers: int = 0


class RawShots:
    """Unpacks a shot when it is first read. A search is charged for that with its ceilings, the oracle not at all."""

    def __init__(self, tools: ToolPaths, out: Path) -> None:
        self._tools = tools
        self._out = out
        self._folder = tempfile.TemporaryDirectory(prefix="raw_", dir=out)
        self._held: dict[str, _Held] = {}

    @asynccontextmanager
    async def reading(self, shot: BenchShot) -> AsyncIterator[ShotPiece]:
        """Gives a shot to be read: its raw pictures, if they are not too large.

        Raises:
            PertitleError: if it cannot be decoded.
        """
        held = self._held.get(shot.name)
        if held is None:
            held = self._held[shot.name] = _Held(Path(tempfile.mkdtemp(dir=self._folder.name)))
        held.readers += 1
        try:
            async with held.lock:
                if held.piece is None:
                    held.piece = await self._unpacked(shot, held.folder)
                    lying = (held.piece.path, *held.piece.scaled.values())
                    held.size_bytes = sum(path.stat().st_size for path in lying)
            yield held.piece
        finally:
            held.readers -= 1
            self._forget_old()

    async def _unpacked(self, shot: BenchShot, folder: Path) -> ShotPiece:
        piece, _ = await unpack(Bench(self._tools, folder), piece_of(shot, self._out), grid_sizes(shot), shot.color)
        return piece

    def _forget_old(self) -> None:
        idle = {name: held for name, held in self._held.items() if not held.readers}
        over = sum(held.size_bytes for held in idle.values()) - KEPT_BYTES
        for name, held in idle.items():
            if over <= 0:
                return
            over -= held.size_bytes
            shutil.rmtree(held.folder, ignore_errors=True)
            del self._held[name]
