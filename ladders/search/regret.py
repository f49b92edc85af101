"""Regret: how much rate the present choices are expected to waste, and which trial would tell most.

Two choices are made by what a search finds. Of sizes, at a given quality: what the wrong one wastes is compared with
``stop_regret`` and said in reports. And of qualities, for each shot of a title, where all curves have the same slope:
where rate grows exponentially with quality, a curve that is off by a part e takes its shot to where it wastes e²/2 of
its rate (the Taylor series of the Lagrangian; decision 0045). The latter counts for which trial is made, not for when
it is enough, and not for a shot alone: it alone values the top of the largest size, where no other size is to choose.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from domain.search import SearchTask, SeenTrial, TrialAsk
from domain.video import Resolution
from ladders.interpolation import Floats
from ladders.search.dense import on_step
from ladders.search.surface import NOISE, Places, Surface

VMAF_STEP = 1.0
"""Distance of the qualities at which sizes are compared."""
CEILING_MARGIN_VMAF = 0.3
"""No size is considered nearer than this to its ceiling: its rate grows without bound there."""
REACH_VMAF = 0.5
"""How far below the quality at its last CRF a size may still be considered: that quality is foretold, not known."""
FIXED_COST = 0.3
"""Part of a trial's CPU seconds that does not depend on its size (comparing at display size), where the display's own
size costs 1. Measured: 0.27 for x264 medium, 0.2 for x265 fast. It steers the order of trials only."""
_NONE = -1


@dataclass(frozen=True, eq=False, slots=True)
class Outlook:
    """The model on a grid of sizes and qualities. Rows are sizes, columns qualities."""

    vmafs: Floats
    """Shape (columns,)."""
    log_rates: Floats
    """What each size is expected to need; ``inf`` where it cannot be. Shape (sizes, columns)."""
    crfs: Floats
    """Shape (sizes, columns); ``nan`` at and above the ceiling."""
    best: np.ndarray[tuple[int], np.dtype[np.intp]]
    """The size of least rate, or -1 where no size reaches. Shape (columns,)."""
    regret: Floats
    """Expected excess of log rate by choosing ``best``. Shape (columns,)."""
    cells: "Cells"
    """The same, one feasible place after the other."""

    @property
    def mean_regret(self) -> float:
        """Mean over the qualities that can be reached."""
        reached = self.best != _NONE
        return float(self.regret[reached].mean()) if reached.any() else 0.0


@dataclass(frozen=True, eq=False, slots=True)
class Cells:
    """The feasible cells of the grid, one after the other. All shapes (cells,), but ``covariance`` (cells, cells)."""

    rows: np.ndarray[tuple[int], np.dtype[np.intp]]
    columns: np.ndarray[tuple[int], np.dtype[np.intp]]
    log_rates: Floats
    crfs: Floats
    covariance: Floats
    leader: np.ndarray[tuple[int], np.dtype[np.intp]]
    """The cell of the best size in the same column."""


def look_out(task: SearchTask, surface: Surface) -> Outlook:
    """Returns the model on the grid of the task's window."""
    vmafs = np.arange(task.floor_vmaf, task.top_vmaf + VMAF_STEP / 2, VMAF_STEP)
    shape = (len(task.sizes), len(vmafs))
    rate_grid, crf_grid = np.full(shape, np.inf), np.full(shape, np.nan)
    for row in range(len(task.sizes)):
        curve = surface.curve(row)
        reach = (vmafs >= curve.vmafs[0] - REACH_VMAF) & (vmafs <= curve.vmafs[-1])
        reach &= vmafs < surface.ceilings[row] - CEILING_MARGIN_VMAF
        crf_grid[row, reach] = np.interp(vmafs[reach], curve.vmafs, curve.crfs)
        rate_grid[row, reach] = np.interp(vmafs[reach], curve.vmafs, curve.log_rates)
    best = np.where(np.isfinite(rate_grid).any(axis=0), rate_grid.argmin(axis=0), _NONE)
    rows, columns = np.nonzero(np.isfinite(rate_grid))
    places = Places.of(0, surface.rhos[rows], crf_grid[rows, columns])
    number = np.full(shape, _NONE)
    number[rows, columns] = np.arange(len(rows))
    cells = Cells(
        rows=rows,
        columns=columns,
        log_rates=rate_grid[rows, columns],
        crfs=crf_grid[rows, columns],
        covariance=surface.covariance(places) * surface.inflation**2,
        leader=number[best[columns], columns],
    )
    regret = _regret_by_column(cells, cells.covariance, len(vmafs))
    return Outlook(vmafs, rate_grid, crf_grid, best, regret, cells)


def choose_trials(
    task: SearchTask, seen: Sequence[SeenTrial], outlook: Outlook, count: int, *, asked: Sequence[TrialAsk] = ()
) -> tuple[TrialAsk, ...]:
    """Returns at most ``count`` trials: one after the other, the one that takes most waste for its CPU seconds.

    A trial is valued by the waste, of sizes and of qualities, that is left when its place is known and all means stay
    as they are; a trial that is chosen, or that is ``asked`` for anyway, counts as known for the next one.
    """
    cells = outlook.cells
    known = {(trial.resolution, trial.crf) for trial in seen} | {(ask.resolution, ask.crf) for ask in asked}
    covariance = cells.covariance.copy()
    for ask in asked:
        covariance = _known_near(task, cells, covariance, ask)
    asks: list[TrialAsk] = []
    for _ in range(count):
        gains = _gains(task, cells, covariance, len(outlook.vmafs)) / _costs(task, cells)
        for cell in np.argsort(-gains, kind="stable"):
            ask = TrialAsk(resolution=task.sizes[cells.rows[cell]], crf=on_step(task, float(cells.crfs[cell])))
            if gains[cell] > 0 and not _is_near(ask, known, task):
                known.add((ask.resolution, ask.crf))
                asks.append(ask)
                covariance = _known_at(covariance, int(cell))
                break
        else:
            break
    return tuple(asks)


def _known_near(task: SearchTask, cells: Cells, covariance: Floats, ask: TrialAsk) -> Floats:
    """Returns the covariance once a trial is known; one that lies on no cell changes nothing."""
    distances = np.where(cells.rows == task.sizes.index(ask.resolution), np.abs(cells.crfs - ask.crf), np.inf)
    cell = int(np.argmin(distances)) if distances.size else _NONE
    return _known_at(covariance, cell) if cell != _NONE and distances[cell] <= 1.0 else covariance


def _known_at(covariance: Floats, cell: int) -> Floats:
    pull = covariance[:, cell] / np.sqrt(covariance[cell, cell] + NOISE**2)
    left: Floats = covariance - np.outer(pull, pull)
    return left


def _is_near(ask: TrialAsk, known: set[tuple[Resolution, float]], task: SearchTask) -> bool:
    """A CRF next to a known one at the same size tells nothing new."""
    least = max(task.crf_step, 1.0)
    return any(size == ask.resolution and abs(crf - ask.crf) < least for size, crf in known)


def _costs(task: SearchTask, cells: Cells) -> Floats:
    pixels = np.asarray([size.pixels for size in task.sizes], dtype=np.float64)
    costs: Floats = (FIXED_COST + (1 - FIXED_COST) * pixels / pixels[0])[cells.rows]
    return costs


def _gains(task: SearchTask, cells: Cells, covariance: Floats, columns: int) -> Floats:
    """Returns for each cell how much waste, summed over the columns, its measurement would take away."""
    before = _regret_by_column(cells, covariance, columns).sum()
    differences = cells.log_rates - cells.log_rates[cells.leader]
    variances = _difference_variances(cells, covariance)
    pulls = covariance / np.sqrt(np.diag(covariance) + NOISE**2)
    # One column of ``taken`` for each cell that might be measured: the variance it takes from each difference.
    taken = (pulls - pulls[cells.leader]) ** 2
    left = np.sqrt(np.maximum(variances[:, None] - taken, 1e-12))
    excess = _expected_excess(differences[:, None], left)
    excess[cells.leader == np.arange(len(differences))] = 0.0
    after = np.zeros((columns, len(differences)))
    np.maximum.at(after, cells.columns, excess)
    gains: Floats = before - after.sum(axis=0)
    if not task.is_alone:
        leaders = cells.leader[np.unique(cells.columns, return_index=True)[1]]
        gains += 0.5 * np.sum(pulls[leaders] ** 2, axis=0)
    return gains


def _regret_by_column(cells: Cells, covariance: Floats, columns: int) -> Floats:
    differences = cells.log_rates - cells.log_rates[cells.leader]
    deviations = np.sqrt(np.maximum(_difference_variances(cells, covariance), 1e-12))
    excess = _expected_excess(differences, deviations)
    excess[cells.leader == np.arange(len(differences))] = 0.0
    regret = np.zeros(columns)
    np.maximum.at(regret, cells.columns, excess)
    return regret


def _difference_variances(cells: Cells, covariance: Floats) -> Floats:
    own = np.diag(covariance)
    every = np.arange(len(own))
    variances: Floats = own + own[cells.leader] - 2 * covariance[every, cells.leader]
    return variances


def _expected_excess(differences: Floats, deviations: Floats) -> Floats:
    """Returns E[max(0, -x)] for x normal with these means and deviations: what the leader would waste.

    Source: the expected improvement of Jones, Schonlau and Welch, 1998.
    """
    z = differences / deviations
    excess: Floats = deviations * (np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) - z * ndtr(-z))
    return np.maximum(excess, 0.0)
