"""Every peer's rule on one shot, with the loss and the CPU seconds that come of it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.search import peers
from benchmarks.search.envelope import Choice, Envelope
from benchmarks.search.fixed_rates import NETFLIX, apple_rates
from benchmarks.search.hull_loss import hull_loss
from benchmarks.search.peers import Decision
from benchmarks.search.records import RuleRecord
from benchmarks.search.shot_grid import ShotGrid
from benchmarks.search.title_rates import FlatPoint
from domain.recipe import PRESETS
from domain.video import Codec

VISER_CRFS = 9
FOUR_CRFS = 4


def apply_rules(
    grid: ShotGrid,
    faster: ShotGrid | None,
    flat: Sequence[FlatPoint],
    *,
    refined: Envelope,
    subsample: int,
    metric_ratio: float,
) -> tuple[RuleRecord, ...]:
    """Returns every rule's loss on a shot.

    Args:
        grid: the shot's exhaustive grid.
        faster: the same of the next faster preset of the codec, if it was made.
        flat: the whole clip at one size and one CRF: its best points, rising.
        refined: hull of the grid and of what was encoded to judge our searches.
        subsample: of our search.
        metric_ratio: CPU of metric and scaling per trial, our live search over the oracle.
    """
    viser_ratio = peers.metric_ratio_at(peers.VISER_SUBSAMPLE, known_step=subsample, known_ratio=metric_ratio)
    decisions: dict[str, Decision] = {
        "four_crfs_per_size": peers.spread_crfs(grid, FOUR_CRFS, subsample=1, metric_ratio=1.0),
        "four_crfs_per_size_subsampled": peers.spread_crfs(
            grid, FOUR_CRFS, subsample=subsample, metric_ratio=metric_ratio
        ),
        "viser_nine_crfs": peers.spread_crfs(
            grid, VISER_CRFS, subsample=peers.VISER_SUBSAMPLE, metric_ratio=viser_ratio, corrects_bias=False
        ),
        "autovmaf_best_size_per_rate": peers.best_size_per_rate(grid),
        "alabama_nearest_vmaf": peers.nearest_vmaf(grid),
        "ab_av1_search_per_rung": peers.search_per_rung(grid),
        "one_crf_for_all_shots": _one_crf(grid, flat),
        "netflix_2015": peers.ladder_sizes(grid, NETFLIX),
        "apple_hls": peers.ladder_sizes(grid, apple_rates(grid.setting.codec)),
    }
    if faster is not None:
        decisions["cheap_preset_grid"] = peers.cheap_preset(grid, faster)
    return tuple(_judged(grid, refined, rule, decision) for rule, decision in decisions.items())


def faster_preset(codec: Codec, preset: str, others: Sequence[str]) -> str | None:
    """Returns the nearest faster preset among others, if there is one."""
    order = PRESETS[codec] if codec is not Codec.AV1 else tuple(reversed(PRESETS[codec]))
    able = [other for other in others if order.index(other) < order.index(preset)]
    return max(able, key=order.index) if able else None


class RuleMeans(NamedTuple):
    """A rule over the shots where it was applied."""

    loss: float
    refined_loss: float
    cpu_ratio: float
    """Its CPU as a part of the grid's."""


def mean_losses(records: Sequence[Sequence[RuleRecord]], grid_cpu_s: Sequence[float]) -> Mapping[str, RuleMeans]:
    """Returns what each rule loses on average, and what it costs.

    Args:
        records: for each shot.
        grid_cpu_s: what its exhaustive grid cost.
    """
    found: dict[str, list[tuple[RuleRecord, float]]] = {}
    for rules, grid_s in zip(records, grid_cpu_s, strict=True):
        for record in rules:
            found.setdefault(record.rule, []).append((record, grid_s))
    return {
        rule: RuleMeans(
            loss=sum(record.loss for record, _ in rows) / len(rows),
            refined_loss=sum(record.refined_loss for record, _ in rows) / len(rows),
            cpu_ratio=sum(record.cpu_s for record, _ in rows) / sum(grid_s for _, grid_s in rows),
        )
        for rule, rows in found.items()
    }


def _judged(grid: ShotGrid, refined: Envelope, rule: str, decision: Decision) -> RuleRecord:
    looked_up = [grid.look(choice) for choice in decision.choices]
    return RuleRecord(
        rule=rule,
        loss=hull_loss(grid.envelope, decision.choices, looked_up).mean,
        refined_loss=hull_loss(refined, decision.choices, looked_up).mean,
        cpu_s=decision.cpu_s,
    )


def _one_crf(grid: ShotGrid, flat: Sequence[FlatPoint]) -> Decision:
    """One CRF for all shots of the clip, the best size of the clip at each quality.

    What a plain CRF ladder does, with its sizes chosen as well as the whole grid of the title allows; so its trials are
    the whole grid. At each target the clip's cheapest flat point of that VMAF counts; the shot is judged where it
    then stands.
    """
    choices = []
    for target in grid.targets:
        point = next((point for point in flat if point.vmaf >= target), flat[-1])
        choices.append(Choice(target, point.resolution, point.crf, is_reached=True))
    return Decision(tuple(choices), grid.cpu.total_s)
