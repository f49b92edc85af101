"""Ceilings of the benchmark's shots, measured once and kept, with what they cost."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from benchmarks.oracle.grid import grid_sizes
from benchmarks.oracle.table import BenchShot
from domain.encodes import MetricRecipe
from domain.values import Value
from domain.video import Resolution
from media.bench import Bench, ShotPiece
from media.ceilings import measure_ceilings
from media.tools import ToolPaths

OWN_SIZE_VMAF = 100.0
"""Ceiling of the display's own size: the shot itself."""


class ShotCeilings(Value):
    """What each size of a shot can reach, and what it cost to know."""

    shot: str
    sizes: tuple[Resolution, ...]
    vmafs: tuple[float, ...]
    cpu_s: float


class CeilingTable:
    """All ceilings of a benchmark, in memory and on disk."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, ShotCeilings] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.endswith("}"):
                    self._remember(ShotCeilings.model_validate_json(line))

    def add(self, ceilings: ShotCeilings) -> None:
        """Keeps one shot's ceilings, on disk too."""
        self._remember(ceilings)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(ceilings.model_dump_json() + "\n")

    def of_shot(self, shot: BenchShot) -> ShotCeilings | None:
        """Returns a shot's ceilings, if they were measured for today's sizes."""
        found = self._known.get(shot.name)
        return found if found is not None and found.sizes == grid_sizes(shot) else None

    def _remember(self, ceilings: ShotCeilings) -> None:
        self._known[ceilings.shot] = ceilings


def no_ceilings(shot: BenchShot) -> ShotCeilings:
    """Returns ceilings that say nothing and cost nothing: for the ablation."""
    sizes = grid_sizes(shot)
    return ShotCeilings(shot=shot.name, sizes=sizes, vmafs=(OWN_SIZE_VMAF,) * len(sizes), cpu_s=0.0)


async def build_ceilings(
    table: CeilingTable, shots: tuple[BenchShot, ...], tools: ToolPaths, out: Path, *, jobs: int
) -> None:
    """Measures the ceilings that are missing.

    Raises:
        PertitleError: if ffmpeg fails.
    """
    slots = asyncio.Semaphore(jobs)

    async def one(shot: BenchShot) -> None:
        async with slots:
            table.add(await _measure(shot, tools, out))

    await asyncio.gather(*(one(shot) for shot in shots if table.of_shot(shot) is None))


async def _measure(shot: BenchShot, tools: ToolPaths, out: Path) -> ShotCeilings:
    sizes = grid_sizes(shot)
    smaller = [size for size in sizes if size != shot.display]
    if not smaller:
        return no_ceilings(shot)
    piece = ShotPiece(out / shot.file, shot.frames, shot.frame_rate, shot.name)
    scratch = Path(tempfile.mkdtemp(prefix="ceiling_", dir=out))
    try:
        found = await measure_ceilings(
            Bench(tools, scratch), piece, smaller, shot.color, MetricRecipe(display=shot.display)
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    known = dict(zip(smaller, found.vmafs, strict=True))
    vmafs = tuple(known.get(size, OWN_SIZE_VMAF) for size in sizes)
    return ShotCeilings(shot=shot.name, sizes=sizes, vmafs=vmafs, cpu_s=found.cpu_s)
