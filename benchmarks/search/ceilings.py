"""Ceilings of the benchmark's shots, measured once and kept, with what they cost."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from benchmarks.oracle.build import FailedGrid
from benchmarks.oracle.grid import grid_sizes
from benchmarks.oracle.raw_shots import piece_of
from benchmarks.oracle.table import BenchShot
from domain.encodes import MetricRecipe
from domain.errors import PertitleError
from domain.values import Value
from domain.video import Resolution
from media.bench import Bench
from media.ceilings import OWN_SIZE_VMAF, measure_ceilings
from media.tools import ToolPaths
from media.unpacking import unpack


class ShotCeilings(Value):
    """What each size of a shot can reach, and what it cost to know."""

    shot: str
    sizes: tuple[Resolution, ...]
    vmafs: tuple[float, ...]
    cpu_s: float
    """With decoding the shot, once for all that the search makes of it."""


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
) -> tuple[FailedGrid, ...]:
    """Measures the ceilings that are missing; returns what could not be measured: those shots are left out."""
    slots = asyncio.Semaphore(jobs)
    failed: list[FailedGrid] = []

    async def one(shot: BenchShot) -> None:
        async with slots:
            try:
                table.add(await _measure(shot, tools, out))
            except PertitleError as error:
                failed.append(FailedGrid(shot=shot.name, setting="ceilings", code=error.code, why=str(error)))

    await asyncio.gather(*(one(shot) for shot in shots if table.of_shot(shot) is None))
    return tuple(sorted(failed, key=lambda item: item.shot))


async def _measure(shot: BenchShot, tools: ToolPaths, out: Path) -> ShotCeilings:
    sizes, metric = grid_sizes(shot), MetricRecipe(display=shot.display, coded_bits=shot.color.delivered_bits)
    scratch = Path(tempfile.mkdtemp(prefix="ceiling_", dir=out))
    bench = Bench(tools, scratch)
    try:
        piece, unpack_s = await unpack(bench, piece_of(shot, out), sizes, shot.color)
        found = await measure_ceilings(bench, piece, sizes, shot.color, metric)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return ShotCeilings(shot=shot.name, sizes=sizes, vmafs=found.vmafs, cpu_s=unpack_s + found.cpu_s)
