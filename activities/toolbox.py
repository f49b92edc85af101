"""What activities are given: programs, store, keys, a scratch folder."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from activities.admission import Admission, Needs
from activities.heartbeats import Pulse
from domain.files import StoredFile
from domain.mezzanine import Mezzanine
from domain.video import SourceDescription
from media.bench import Bench, ShotPiece
from media.errors import ToolMissing
from media.probe import LocalSource
from media.progress import ignore_progress
from media.tools import ToolPaths
from protection.provider import KeyProvider
from storage.local_cache import LocalCache
from storage.object_store import ObjectStore
from storage.results import ResultStore
from storage.sources import SourceStore


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Everything an activity may touch; made once by the worker."""

    tools: ToolPaths
    versions: dict[str, str]
    """Program → version."""
    tools_digest: str
    store: ObjectStore
    results: ResultStore
    sources: SourceStore
    cache: LocalCache
    scratch: Path
    keys: KeyProvider | None
    """Only the worker that packages has keys."""
    report_base_url: str = ""
    admission: Admission | None = None
    """Makes units wait for room; without it they begin at once."""
    heartbeat_timeout_s: float = 60.0
    """Silence after which a step of a title counts as lost; see ``workers.settings``."""

    @asynccontextmanager
    async def roomy_bench(self, pulse: Pulse, needs: Needs) -> AsyncIterator[Bench]:
        """Gives a bench as soon as there is room for what a unit needs.

        Raises:
            NoRoom: if there is none for long.
        """
        async with self.admission.admit(needs, pulse) if self.admission else nullcontext():
            with self.bench(pulse) as bench:
                yield bench

    @asynccontextmanager
    async def memory(self, pulse: Pulse, needs: Needs) -> AsyncIterator[None]:
        """Waits for the memory of one process, inside a bench."""
        async with self.admission.memory.take(needs.memory_bytes, pulse) if self.admission else nullcontext():
            yield

    @contextmanager
    def bench(self, pulse: Pulse | None = None) -> Iterator[Bench]:
        """Gives a bench with an empty scratch folder and removes the folder afterwards, whatever happened."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            yield Bench(self.tools, folder, pulse or ignore_progress)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def read_mezzanine(self, reference: StoredFile) -> Mezzanine:
        """Reads a mezzanine and makes sure that this worker has the build its title was begun with.

        Raises:
            ToolMissing: if this worker has another ffmpeg; encodes of two builds must not meet in one rendition.
        """
        mezzanine = self.results.read_document(reference, Mezzanine)
        if mezzanine.tools_digest != self.tools_digest:
            raise ToolMissing(
                "worker",
                found=f"ffmpeg {self.versions['ffmpeg']}",
                expected=f"ffmpeg {mezzanine.tools['ffmpeg']}, with which the title was begun",
                fix="let workers of the old build finish, or submit the title again",
            )
        return mezzanine

    async def fetch_source(self, source: StoredFile, bench: Bench, pulse: Pulse) -> Path:
        """Fetches a source under a name of ours: its own could be read as an option or a pattern."""
        suffix = Path(source.uri).suffix.lower()
        safe = suffix if suffix[1:].isalnum() and len(suffix) <= 6 else ""
        return await pulse.run(self.cache.fetch_into, source, bench.scratch / f"source{safe}", on_progress=pulse)

    async def open_source(self, source: SourceDescription, bench: Bench, pulse: Pulse) -> LocalSource:
        """Fetches an inspected source, to be read as the container that inspection found and as no other."""
        return LocalSource.of_container(await self.fetch_source(source.file, bench, pulse), source.container)

    async def fetch_piece(self, mezzanine: Mezzanine, shot: int, folder: Path, pulse: Pulse) -> ShotPiece:
        """Fetches one shot of the mezzanine into a folder."""
        piece = mezzanine.pieces[shot]
        path = folder / f"shot_{shot:05d}.mov"
        await pulse.run(self.cache.fetch_into, piece.file, path, on_progress=pulse)
        return ShotPiece(path, piece.frames, mezzanine.frame_rate, f"shot {shot}")
