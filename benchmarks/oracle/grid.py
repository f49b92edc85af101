"""The exhaustive grid: which sizes, which CRFs, and which of them share a process."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.oracle.table import BenchShot
from domain.encodes import MetricRecipe
from domain.recipe import Recipe
from domain.search import HIGHEST_CRF, LOWEST_CRF
from domain.video import Codec, Resolution
from ladders.trial_design import PIXELS_IN_MEMORY, candidate_resolutions

MOST_SIZES = 7


@dataclass(frozen=True, slots=True)
class GridCell:
    """CRFs of one size that share a process: one decode of the reference for all."""

    resolution: Resolution
    crfs: tuple[float, ...]


def grid_sizes(shot: BenchShot) -> tuple[Resolution, ...]:
    """Returns the sizes of the grid, largest first: those that the pipeline would try, at most seven."""
    return candidate_resolutions(shot.display, Recipe().heights_px)[:MOST_SIZES]


def grid_crfs(codec: Codec, step: int) -> tuple[float, ...]:
    """Returns the CRFs of the grid, rising; both ends of what the pipeline's search may ask for are among them."""
    first, last = int(LOWEST_CRF[codec]), int(HIGHEST_CRF[codec])
    return tuple(float(crf) for crf in sorted({*range(first, last + 1, step), last}))


def grid_cells(shot: BenchShot, crfs: Sequence[float]) -> tuple[GridCell, ...]:
    """Returns every size at every CRF once, as many CRFs to a process as its memory allows."""
    most = MetricRecipe(display=shot.display).most_together
    cells = []
    for size in grid_sizes(shot):
        hands = max(-(-size.pixels * len(crfs) // PIXELS_IN_MEMORY), -(-len(crfs) // most))
        cells += [GridCell(size, tuple(crfs[hand::hands])) for hand in range(hands)]
    return tuple(cells)
