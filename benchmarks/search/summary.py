"""The summary of a benchmark run: numbers per codec and preset, in one JSON document."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search.records import SearchRecord, SettingRecord, ShotRecord
from benchmarks.search.rules import mean_losses
from benchmarks.search.shot_grid import sum_of
from ladders.interpolation import Floats

RESAMPLES = 2000
SEED = 20240607
"""Of the bootstrap: equal losses give equal intervals."""
SEARCH_SOURCES = (
    "ladders/search/*.py",
    "ladders/interpolation.py",
    "ladders/quantizer.py",
    "ladders/pooling.py",
    "domain/search.py",
    "domain/search_recipe.py",
    "domain/recipe.py",
    "domain/mezzanine.py",
    "domain/encodes.py",
    "ladders/search_design.py",
    "ladders/trial_design.py",
    "media/ceilings.py",
    "benchmarks/oracle/grid.py",
)
"""The search's maths, how scores become a mean, numbers of trials, ranges and steps of CRF, which frames are scored,
sizes, ceilings, what shares a process."""
_STATISTICS: Mapping[str, Callable[[Floats], float]] = {
    "mean": lambda losses: float(losses.mean()),
    "median": lambda losses: float(np.median(losses)),
    "p95": lambda losses: float(np.percentile(losses, 95)),
    "max": lambda losses: float(losses.max()),
}
_KINDS: Mapping[str, Callable[[ShotRecord], SearchRecord]] = {
    "warm": lambda shot: shot.warm,
    "cold": lambda shot: shot.cold,
}
WORST = 3
DIGITS = 6
"""After the point, of every fraction."""


def summarize_setting(record: SettingRecord) -> dict[str, Any]:
    """Returns the numbers of one codec and preset.

    ``hull_loss`` and ``cpu_ratio`` are of the search as shipped: warm within each clip. All losses and BD-rates are
    fractions. CPU of a search is that of every trial it asked for, of choosing them, its ceilings and its share of shot
    detection;
    the grid's is that of its trials alone. In ``cpu_ratio_at_grid_speed`` the trials' is corrected for a machine that
    was faster or slower while the grid was made, as its encodes tell; the others are as they were counted.
    """
    shots = record.shots
    warm = [shot.warm for shot in shots]
    promised = sum(clip.rungs for clip in record.rungs)
    result = {
        "shots": len(shots),
        "clips": len(record.titles),
        "hull_loss": _losses(warm),
        "hull_loss_looked_up": _rounded(float(np.mean([search.loss_looked_up for search in warm]))),
        "hull_loss_refined": _rounded(float(np.mean([shot.refined_loss for shot in shots]))),
        "cpu_ratio": _rounded(_cpu_ratio(shots, lambda shot: shot.warm)),
        "cpu_ratio_at_grid_speed": _rounded(_cpu_ratio_at_grid_speed(shots, lambda shot: shot.warm)),
        "trials_ratio": _rounded(_trials_ratio(shots, lambda shot: shot.warm)),
        "noise_floor": _rounded(float(np.mean([shot.noise_floor for shot in shots]))),
        "encoding_floor": _rounded(float(np.mean([shot.encoding_floor for shot in shots]))),
        "rungs": promised,
        "rungs_within_half_vmaf": _share(sum(clip.corrected for clip in record.rungs), promised),
        "rungs_within_half_vmaf_uncorrected": _share(sum(clip.at_once for clip in record.rungs), promised),
        "bd_rate": {
            name: _mean_known([getattr(rates, name) for rates in record.titles])
            for name in ("fixed_ladder", "one_crf", "per_title")
        },
        "bd_rate_per_clip": _rates_per_clip(record),
        "title_search_loss": _mean_known([rates.search_loss for rates in record.titles]),
        "title_search_loss_top": _mean_known([rates.search_loss_top for rates in record.titles]),
        "shots_per_clip": [rates.shots for rates in record.titles],
        "bd_rate_standard": _mean_known([search.loss.bd_rate_standard for search in warm]),
        "unreached_targets": sum(search.loss.unreached for search in warm),
        "uncovered_targets": sum(search.loss.uncovered for search in warm),
        "targets": sum(len(search.chosen) for search in warm),
        "cold": {
            "hull_loss": _losses([shot.cold for shot in shots]),
            "hull_loss_looked_up": _rounded(float(np.mean([shot.cold.loss_looked_up for shot in shots]))),
            "hull_loss_refined": _rounded(float(np.mean([shot.refined_loss_cold for shot in shots]))),
            "cpu_ratio": _rounded(_cpu_ratio(shots, lambda shot: shot.cold)),
            "cpu_ratio_at_grid_speed": _rounded(_cpu_ratio_at_grid_speed(shots, lambda shot: shot.cold)),
            "trials_ratio": _rounded(_trials_ratio(shots, lambda shot: shot.cold)),
            "stop_reasons": _stops([shot.cold for shot in shots]),
            "uncovered_targets": sum(shot.cold.loss.uncovered for shot in shots),
        },
        "stop_reasons": _stops(warm),
        "dense_shots": sum(search.dense for search in warm),
        "cpu_split": _cpu_splits(shots),
        "worst_shots": _worst(shots),
        "baselines": _baselines(shots),
    }
    result["cpu_ratio_interval"] = _cpu_ratio_interval(shots)
    return result


def summarize_all(records: Sequence[SettingRecord]) -> dict[str, Any]:
    """Returns losses and CPU over the searches of all settings: what the goals of the search are held against.

    CPU is the sum over the settings as a part of the sum of their grids.
    """
    shots = [shot for record in records for shot in record.shots]
    return {
        kind: {
            "searches": len(shots),
            "hull_loss": _losses([of(shot) for shot in shots]),
            "hull_loss_looked_up": _rounded(float(np.mean([of(shot).loss_looked_up for shot in shots]))),
            "cpu_ratio": _rounded(_cpu_ratio(shots, of)),
            "cpu_ratio_at_grid_speed": _rounded(_cpu_ratio_at_grid_speed(shots, of)),
            "encoding_floor": _rounded(float(np.mean([shot.encoding_floor for shot in shots]))),
        }
        for kind, of in _KINDS.items()
    }


def frozen_digest(root: Path) -> str:
    """Returns the SHA-256 of the sources that decide what a search asks for and sees, the request apart.

    Args:
        root: folder that holds the packages.
    """
    text = hashlib.sha256()
    for path in sorted(found for pattern in SEARCH_SOURCES for found in root.glob(pattern)):
        text.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return text.hexdigest()


def _losses(searches: Sequence[SearchRecord]) -> dict[str, Any]:
    losses = np.asarray([search.loss.mean for search in searches], dtype=np.float64)
    numbers = {name: _rounded(of(losses)) for name, of in _STATISTICS.items()}
    intervals = {
        f"{name}_interval": _resampled(len(losses), partial(_picked, losses, of)) for name, of in _STATISTICS.items()
    }
    return numbers | intervals


def _picked(losses: Floats, of: Callable[[Floats], float], picks: list[int]) -> float:
    return of(losses[picks])


def _cpu_ratio_interval(shots: Sequence[ShotRecord]) -> list[float]:
    ours = np.asarray([shot.warm.cpu_s for shot in shots])
    grids = np.asarray([shot.grid_cpu.total_s for shot in shots])
    return _resampled(len(shots), lambda picks: float(ours[picks].sum() / grids[picks].sum()))


def _resampled(count: int, of: Callable[[list[int]], float]) -> list[float]:
    """Returns the 95 % bootstrap interval of a statistic over shots, drawn with replacement.

    It says how much these clips' shots scatter. Shots of one clip are alike, so it says little of other clips.
    """
    chance = np.random.default_rng(SEED)
    found = [of(chance.integers(0, count, count).tolist()) for _ in range(RESAMPLES)]
    return [_rounded(float(np.percentile(found, part))) for part in (2.5, 97.5)]


def _cpu_ratio(shots: Sequence[ShotRecord], of: Callable[[ShotRecord], SearchRecord]) -> float:
    return sum(of(shot).cpu_s for shot in shots) / sum(shot.grid_cpu.total_s for shot in shots)


def _cpu_ratio_at_grid_speed(shots: Sequence[ShotRecord], of: Callable[[ShotRecord], SearchRecord]) -> float:
    """The trials' encodes are the grid's, but for CRFs between: what differs is how fast the machine was.

    Ceilings and detection are measured once and kept, as the grid is: they are taken as they are.
    """
    then, now = sum(of(shot).encode_s_in_grid for shot in shots), sum(of(shot).cpu.encode_s for shot in shots)
    trials_s = sum(of(shot).cpu.total_s for shot in shots)
    kept_s = sum(of(shot).cpu_s for shot in shots) - trials_s
    grid_s = sum(shot.grid_cpu.total_s for shot in shots)
    return (trials_s * (then / now if then and now else 1.0) + kept_s) / grid_s


def _trials_ratio(shots: Sequence[ShotRecord], of: Callable[[ShotRecord], SearchRecord]) -> float:
    return sum(of(shot).trials for shot in shots) / sum(shot.grid_trials for shot in shots)


def _stops(searches: Sequence[SearchRecord]) -> dict[str, int]:
    return dict(sorted(Counter(search.stop for search in searches).items()))


def _cpu_splits(shots: Sequence[ShotRecord]) -> dict[str, dict[str, float]]:
    """Returns CPU seconds by what they went into."""
    extra = {
        "deciding_s": sum(shot.warm.deciding_cpu_s for shot in shots),
        "ceilings_s": sum(shot.warm.ceilings_cpu_s for shot in shots),
        "detection_s": sum(shot.warm.detection_cpu_s for shot in shots),
    }
    oracle = sum_of(shot.grid_cpu for shot in shots).model_dump()
    search = {**sum_of(shot.warm.cpu for shot in shots).model_dump(), **extra}
    return {
        name: {key: round(value, 3) for key, value in split.items()}
        for name, split in (("oracle", oracle), ("search", search))
    }


def _worst(shots: Sequence[ShotRecord]) -> list[dict[str, Any]]:
    worst = sorted(shots, key=lambda shot: (-shot.warm.loss.mean, shot.shot))[:WORST]
    return [
        {
            "shot": shot.shot,
            "hull_loss": _rounded(shot.warm.loss.mean),
            "noise_floor": _rounded(shot.noise_floor),
            "trials": shot.warm.trials,
            "stop": shot.warm.stop,
            "dense": shot.warm.dense,
            "unreached_targets": shot.warm.loss.unreached,
        }
        for shot in worst
    ]


def _baselines(shots: Sequence[ShotRecord]) -> dict[str, dict[str, float]]:
    found = mean_losses([shot.rules for shot in shots], [shot.grid_cpu.total_s for shot in shots])
    return {
        rule: {
            "hull_loss_mean": _rounded(means.loss),
            "hull_loss_refined": _rounded(means.refined_loss),
            "cpu_ratio": _rounded(means.cpu_ratio),
        }
        for rule, means in sorted(found.items())
    }


def _mean_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _rounded(float(np.mean(known))) if known else None


def _rates_per_clip(record: SettingRecord) -> dict[str, dict[str, float | None]]:
    return {
        rates.clip: {name: _mean_known([getattr(rates, name)]) for name in ("fixed_ladder", "one_crf", "per_title")}
        | {"fixed_rungs": rates.fixed_rungs}
        for rates in record.titles
    }


def _share(part: int, whole: int) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float) -> float:
    # Adding zero turns -0.0 into 0.0.
    return round(value, DIGITS) + 0.0
