"""The search replayed on a measured grid: 6 shots of 32 frames, x264 veryfast and slow, 5 sizes, 11 CRFs.

The search may only ask for CRFs of the grid. What it loses is judged against curves through all eleven.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from domain.ladder import RateQualityPoint
from domain.search import SearchTask, SeenTrial
from domain.search_recipe import SearchRecipe, SearchStart
from domain.video import Codec, Resolution
from ladders.interpolation import RateQualityCurve
from ladders.search.shot_model import fit_curves
from tests.ladders.titles import shared_rows, size
from tests.support.searches import NO_PRIOR, Oracle, Search, run_search

pytestmark = pytest.mark.media

METRIC_SHARE = 0.4
"""Part of the metric's CPU seconds that odd subsampling leaves."""
ABOVE_CRF_16_VMAF = 1.5
"""The table has no ceilings: a size is taken to reach so much more than it does at CRF 16."""
GRAIN = "grain"
SHIPPED = SearchRecipe()


@dataclass(frozen=True)
class Grid:
    """All trials of one shot and preset."""

    trials: dict[tuple[Resolution, float], SeenTrial]

    @property
    def sizes(self) -> tuple[Resolution, ...]:
        return tuple(sorted({size for size, _ in self.trials}, key=lambda size: -size.pixels))

    @property
    def cpu_s(self) -> float:
        return sum(trial.cpu_s for trial in self.trials.values())

    def search(self, start: SearchStart) -> Search:
        """Searches with the numbers of trials, limits and seeds that ship."""
        lower = [min(100.0, self.trials[size, 16.0].vmaf + ABOVE_CRF_16_VMAF) for size in self.sizes[1:]]
        task = SearchTask(
            codec=Codec.H264, sizes=self.sizes, ceilings=(100.0, *lower), lowest_crf=16, highest_crf=46, crf_step=3,
            floor_vmaf=30, top_vmaf=95.5, stop_regret=SHIPPED.stop_regret,
            max_trials=SHIPPED.most_trials(len(self.sizes), start), patience=SHIPPED.patience(len(self.sizes), start),
            more_if_dense=SHIPPED.more_if_dense(len(self.sizes), start), is_alone=start is SearchStart.ALONE,
        )  # fmt: skip
        return run_search(task, lambda ask: self.trials[ask.resolution, ask.crf])

    def loss(self, search: Search) -> float:
        curves = {
            size: RateQualityCurve.fit(
                [
                    RateQualityPoint(resolution=size, crf=trial.crf, bitrate_bps=trial.bitrate_bps, vmaf=trial.vmaf)
                    for trial in self.trials.values()
                    if trial.resolution == size
                ]
            )
            for size in self.sizes
        }

        def truth(size: Resolution, crf: float) -> tuple[float, float]:
            rates, vmafs = curves[size].at_crfs(np.asarray([crf]))
            return float(np.log(rates[0])), float(vmafs[0])

        oracle = Oracle(search.task.model_copy(update={"crf_step": 0.5}), truth)
        return oracle.loss(fit_curves(search.task, search.seen, NO_PRIOR).curves)


@pytest.fixture(scope="module")
def grids() -> dict[tuple[str, str], Grid]:
    trials: dict[tuple[str, str], dict[tuple[Resolution, float], SeenTrial]] = defaultdict(dict)
    for row in shared_rows("pilot_grid.jsonl"):
        trials[row["shot"], row["preset"]][size(row["height_px"]), float(row["crf"])] = SeenTrial(
            resolution=size(row["height_px"]),
            crf=row["crf"],
            bitrate_bps=row["bitrate_bps"],
            vmaf=float(np.mean(row["vmaf_frames"])),
            cpu_s=row["encode_cpu_s"] + METRIC_SHARE * row["measure_cpu_s"],
        )
    return {name: Grid(found) for name, found in trials.items()}


class Bounds(NamedTuple):
    """What a replay may lose (fractions), and cost as a part of the 55 trials."""

    median: float
    mean_smooth: float
    worst_smooth: float
    worst: float
    cpu: float


@pytest.mark.parametrize(
    ("start", "bounds"),
    [
        (SearchStart.ALONE, Bounds(median=0.002, mean_smooth=0.005, worst_smooth=0.02, worst=0.10, cpu=0.36)),
        (SearchStart.FIRST, Bounds(median=0.008, mean_smooth=0.015, worst_smooth=0.08, worst=0.08, cpu=0.23)),
    ],
)
def test_losses_and_costs_stay_within_bounds(
    grids: dict[tuple[str, str], Grid], start: SearchStart, bounds: Bounds
) -> None:
    losses, costs = {}, []
    for name, grid in grids.items():
        assert len(grid.trials) == 55
        search = grid.search(start)
        losses[name] = grid.loss(search)
        costs.append(sum(trial.cpu_s for trial in search.seen) / grid.cpu_s)
    smooth = [loss for (shot, _), loss in losses.items() if shot != GRAIN]
    assert len(losses) == 12
    assert np.median(list(losses.values())) <= bounds.median
    assert np.mean(smooth) <= bounds.mean_smooth
    assert max(smooth) <= bounds.worst_smooth
    assert max(losses.values()) <= bounds.worst, "grain: nine tenths of the bits go between two CRFs"
    # The grid of CRFs three apart is a fifth of the exhaustive one.
    assert np.mean(costs) <= bounds.cpu


def test_grain_is_recognized(grids: dict[tuple[str, str], Grid]) -> None:
    found = [grid.search(SearchStart.ALONE) for (shot, _), grid in grids.items() if shot == GRAIN]
    assert found
    assert all(search.was_dense for search in found)
