"""What others do, decided from the oracle's table and judged as ours is.

Every rule returns choices for the same targets as ours and the CPU seconds of the trials it needs. A choice is judged
at the grid's own trial, or where the exhaustive curve of its size runs between two: no encode is made for a peer. Ours
is encoded again, so what an encoder happens to give between two CRFs of the grid burdens or helps ours only; the losses
against the refined hull are of ours and of peers without that luck. Peers measure every frame unless said otherwise;
where one subsamples, the metric's and the scaler's part of its CPU is multiplied by the ratio of these parts per trial
between our live search and the oracle of the same shot, if need be brought to the peer's own step. Where a rule decides
at a few tested points only, the size between them is that of the nearest in VMAF, and the CRF follows the peer's own
trials by our interpolation: friendlier than the rungs it would publish.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.search.envelope import Choice, Curves
from benchmarks.search.shot_grid import ShotGrid, curves_of, plain_mean, sum_of
from domain.cpu import CpuSplit
from domain.ladder import RateQualityPoint
from domain.video import Resolution
from ladders.interpolation import RateQualityCurve
from ladders.pooling import estimate_mean, pool_scores

VISER_SUBSAMPLE = 5
TESTED_RATE_RATIO = 1.75
"""Between 1.5 and 2, as such ladders are spaced."""
RUNG_TARGETS = (35.0, 45.0, 55.0, 65.0, 75.0, 85.0, 90.0, 95.0)
"""Eight rungs."""


class Decision(NamedTuple):
    """What a rule chooses for each target, and what its trials cost."""

    choices: tuple[Choice, ...]
    cpu_s: float


class _Tested(NamedTuple):
    size: Resolution
    vmaf: float


def cheap_preset(grid: ShotGrid, faster: ShotGrid) -> Decision:
    """Exhaustive search at a faster preset, its sizes and CRFs then used at the production preset.

    Rule: Wu, Kondratenko, Katsavounidis, "Fast encoding parameter selection for convex hull video encoding", 2020: the
    hull is analyzed with a fast encoder on the same QP scale. Replicated: the whole grid of the faster preset is paid,
    its envelope gives size and CRF at each target, the slower preset encodes them.
    """
    return Decision(grid.choose(faster.curves), faster.cpu.total_s)


def spread_crfs(
    grid: ShotGrid, count: int, *, subsample: int, metric_ratio: float, corrects_bias: bool = True
) -> Decision:
    """The same few CRFs at every size, evenly spread over the range, PCHIP between them.

    Rule: four points a size is the usual interpolation design (science report §2.1); nine is viser's grid, which scores
    every fifth frame and pools them plainly (github.com/vbasky/viser). Replicated with the grid's nearest CRFs.
    """
    wanted = np.linspace(grid.crfs[0], grid.crfs[-1], count)
    crfs = {grid.crfs[int(np.argmin(np.abs(np.asarray(grid.crfs) - crf)))] for crf in wanted.tolist()}
    trials = grid.part(crfs)
    curves = curves_of(
        trials, grid.shot.frames, subsample=subsample, pool=estimate_mean if corrects_bias else plain_mean
    )
    cpu = with_metric(sum_of(trial.cpu for trial in trials), metric_ratio)
    return Decision(grid.choose(curves), cpu.total_s)


def best_size_per_rate(grid: ShotGrid) -> Decision:
    """Tests every size at a few rates and takes the best size at each.

    Rule: autovmaf (github.com/Eyevinn/autovmaf) encodes resolution and bitrate pairs and keeps, for each bitrate, the
    resolution of best VMAF; the ladder's rates then stand 1.5 to 2 apart. Replicated with rates 1.75 apart over the
    range of the grid; a size is tested where its own curve has the rate, at the CRF that gives it (autovmaf would have
    the encoder's rate control hit it: that we find the CRF for free favors it).
    """
    ends = [np.exp(curve.sampled_log_rate[[0, -1]]) for curve in grid.curves.values()]
    low, high = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
    count = 1 + int(np.floor(np.log(high / low) / np.log(TESTED_RATE_RATIO)))
    tried: dict[Resolution, set[float]] = {}
    winners: list[_Tested] = []
    for rate in (low * TESTED_RATE_RATIO**number for number in range(count)):
        able = [size for size in grid.curves if _has_rate(grid.curves[size], rate)]
        tested = []
        for size in able:
            crf, vmaf = grid.curves[size].at_log_rates(np.log(np.asarray([rate])))
            tried.setdefault(size, set()).add(float(crf[0]))
            tested.append(_Tested(size, float(vmaf[0])))
        if tested:
            winners.append(max(tested, key=lambda item: (item.vmaf, -item.size.pixels)))
    return Decision(_by_nearest(grid, winners, tried), _cost(grid, tried))


def nearest_vmaf(grid: ShotGrid) -> Decision:
    """Encodes the whole grid and takes, for each target, the encode whose VMAF is nearest, whatever its size or rate.

    Rule: the per-scene ladder notes and code of alabamaEncoder (github.com/kingstefan26/alabamaEncoder): each chunk at
    each resolution and every other CRF, then encodes picked by how near they come to a list of VMAFs.
    Replicated on our grid, which is of that shape.
    """
    measured = [(trial, pool_scores(trial.frame_scores).mean) for trial in grid.trials]
    choices = []
    for target in grid.targets:
        trial, _ = min(measured, key=lambda item: (abs(item[1] - target), item[0].bitrate_bps))
        choices.append(Choice(target, trial.resolution, trial.crf, is_reached=True))
    return Decision(tuple(choices), grid.cpu.total_s)


def search_per_rung(grid: ShotGrid) -> Decision:
    """Searches, for each rung and size, the highest CRF that keeps the rung's VMAF; the cheapest size wins the rung.

    Rule: ``ab-av1 crf-search`` (github.com/alexheretic/ab-av1): an interpolated binary search over CRF for one target;
    a ladder needs one for each rung and size. Replicated for eight rungs with whole CRFs on the exhaustive curves; an
    encode tried for one rung is not paid again for another, as ab-av1's cache would spare it. Every frame is scored.
    """
    tried: dict[Resolution, set[float]] = {}
    winners: list[_Tested] = []
    for target in RUNG_TARGETS:
        found = []
        for size, curve in grid.curves.items():
            crf = _highest_crf(curve, target, tried.setdefault(size, set()), grid.crf_range)
            if crf is not None:
                rate, vmaf = curve.at_crfs(np.asarray([crf]))
                found.append((float(rate[0]), size.pixels, _Tested(size, float(vmaf[0]))))
        if found:
            winners.append(min(found, key=lambda item: item[:2])[2])
    return Decision(_by_nearest(grid, winners, tried), _cost(grid, tried))


def ladder_sizes(grid: ShotGrid, rungs: Sequence[tuple[int, float]]) -> Decision:
    """Takes the sizes that a fixed ladder has at each rate; no trials.

    Rule: the ladder Netflix replaced in 2015 (``ladders.fixed_ladder``), and the 16:9 tables of Apple's HLS Authoring
    Specification. A rung's size is replaced by the nearest of the grid; rungs larger than the display are left out. At
    each target the rung counts whose rate is nearest to what its size needs there; the CRF is taken from the exhaustive
    curve (a fixed ladder is sent at its rates: what is judged is its choice of sizes alone).

    Args:
        grid: the shot.
        rungs: (width in pixels, rate in kbps).
    """
    limit = max(grid.shot.display.width_px, grid.shot.display.height_px)
    fitting = [rung for rung in rungs if rung[0] <= limit] or [rungs[0]]
    placed = [(_nearest_size(grid, width_px), float(np.log(1000 * rate))) for width_px, rate in fitting]
    choices = []
    for target in grid.targets:
        offers = []
        for size, log_rate in placed:
            (choice,) = grid.choose({size: grid.curves[size]}, [target])
            offers.append((abs(float(np.log(grid.look(choice).bitrate_bps)) - log_rate), choice))
        choices.append(min(offers, key=lambda offer: offer[0])[1]._replace(is_reached=True))
    return Decision(tuple(choices), 0.0)


def metric_ratio_at(step: int, *, known_step: int, known_ratio: float) -> float:
    """Returns the CPU of metric and scaling per trial at a subsampling step, over that of scoring every frame.

    In proportion to the scored frames, between every frame (1) and a step at which it is known, or beyond.

    Args:
        step: every n-th frame is scored.
        known_step: another step; if it is 1, nothing but scored frames is taken to cost anything.
        known_ratio: the ratio there.
    """
    if known_step == 1:
        return known_ratio / step
    part = (1 / step - 1 / known_step) / (1 - 1 / known_step)
    return max(0.0, known_ratio + (1 - known_ratio) * part)


def with_metric(cpu: CpuSplit, ratio: float) -> CpuSplit:
    """Returns CPU seconds with the metric's and the scaler's part multiplied."""
    return cpu.model_copy(update={"metric_s": cpu.metric_s * ratio, "scale_s": cpu.scale_s * ratio})


def _has_rate(curve: RateQualityCurve, rate: float) -> bool:
    low, high = np.exp(curve.sampled_log_rate[[0, -1]])
    return bool(low * (1 - 1e-9) <= rate <= high * (1 + 1e-9))


def _cost(grid: ShotGrid, tried: Mapping[Resolution, set[float]]) -> float:
    return sum(grid.cpu_at(size, crf).total_s for size, crfs in tried.items() for crf in sorted(crfs))


def _by_nearest(
    grid: ShotGrid, winners: Sequence[_Tested], tried: Mapping[Resolution, set[float]]
) -> tuple[Choice, ...]:
    curves = _tried_curves(grid, tried)
    known = [winner for winner in winners if winner.size in curves]
    if not known:
        return grid.choose(curves or grid.curves)
    low, high = min(winner.vmaf for winner in known), max(winner.vmaf for winner in known)
    choices = []
    for target in grid.targets:
        size = min(known, key=lambda winner: abs(winner.vmaf - target)).size
        (choice,) = grid.choose({size: curves[size]}, [target])
        inside = choice.is_reached or low <= target <= high
        choices.append(choice._replace(is_reached=inside))
    return tuple(choices)


def _tried_curves(grid: ShotGrid, tried: Mapping[Resolution, set[float]]) -> Curves:
    curves = {}
    for size, crfs in tried.items():
        rates, vmafs = grid.curves[size].at_crfs(np.asarray(sorted(crfs), dtype=np.float64))
        points = [
            RateQualityPoint(resolution=size, crf=crf, bitrate_bps=rate, vmaf=max(0.0, vmaf))
            for crf, rate, vmaf in zip(sorted(crfs), rates.tolist(), vmafs.tolist(), strict=True)
        ]
        if len(points) > 1:
            curves[size] = RateQualityCurve.fit(points)
    return curves


def _highest_crf(
    curve: RateQualityCurve, target: float, tried: set[float], crf_range: tuple[float, float]
) -> float | None:
    """Returns the highest whole CRF that reaches a target, and adds what was encoded to find it."""
    low, high = crf_range
    crf = float(round((low + high) / 2))
    good: tuple[float, float] | None = None
    bad: tuple[float, float] | None = None
    while True:
        tried.add(crf)
        vmaf = float(curve.at_crfs(np.asarray([crf]))[1][0])
        if vmaf >= target:
            good = (crf, vmaf)
        else:
            bad = (crf, vmaf)
        above, below = (good or (low - 1, 0.0))[0], (bad or (high + 1, 0.0))[0]
        if below - above <= 1:
            return good[0] if good else None
        if good and bad and good[1] > bad[1]:
            guess = good[0] + (good[1] - target) / (good[1] - bad[1]) * (bad[0] - good[0])
        else:
            guess = high if good else low
        crf = float(min(max(round(guess), above + 1), below - 1))


def _nearest_size(grid: ShotGrid, long_side_px: int) -> Resolution:
    return min(grid.sizes, key=lambda size: abs(np.log(max(size.width_px, size.height_px) / long_side_px)))
