"""Reasons: for each rung a sentence that tells content ops why it stands in the ladder."""

from dataclasses import dataclass

import numpy as np

from domain.ladder_policy import LadderPolicy
from domain.video import Resolution
from ladders.bandwidth import bandwidth_of, expected_vmaf, shares_served
from ladders.demanded_rungs import Demands
from ladders.interpolation import Floats
from ladders.shot_allocation import OperatingPoint


@dataclass(frozen=True, eq=False, slots=True)
class ChosenLadder:
    """A ladder before its reasons: what was chosen, and from what."""

    rungs: tuple[OperatingPoint, ...]
    """In rising rate."""
    hull: tuple[OperatingPoint, ...]
    """The best points at each rate in rising rate, up to the top, of every size in turn."""
    top_reason: str
    demands: Demands
    policy: LadderPolicy

    @property
    def bitrates_bps(self) -> Floats:
        """Shape (rungs,)."""
        return np.asarray([rung.bitrate_bps for rung in self.rungs], dtype=np.float64)

    @property
    def vmafs(self) -> Floats:
        """Shape (rungs,)."""
        return np.asarray([rung.vmaf for rung in self.rungs], dtype=np.float64)


def give_reasons(ladder: ChosenLadder) -> list[str]:
    """Returns a sentence for each rung: the rule it stands for, what it adds, and whom it serves."""
    gains = added_vmaf(ladder.bitrates_bps, ladder.vmafs, ladder.policy)
    served = _served(ladder)
    reasons = []
    for index in range(len(ladder.rungs)):
        parts = [
            *_rule(ladder, index),
            *_crossover(ladder, index),
            f"adds {gains[index]:.2f} expected VMAF",
            served[index],
        ]
        if index == len(ladder.rungs) - 1:
            parts += _about_the_whole(ladder)
        reasons.append("; ".join(parts))
    return reasons


def added_vmaf(bitrates_bps: Floats, vmafs: Floats, policy: LadderPolicy) -> Floats:
    """Returns for each rung by how much the expected VMAF falls without it. Shapes (rungs,)."""
    bandwidth, safety = bandwidth_of(policy), policy.bandwidth_safety
    whole = expected_vmaf(bitrates_bps, vmafs, bandwidth, safety)
    without = [
        expected_vmaf(np.delete(bitrates_bps, index), np.delete(vmafs, index), bandwidth, safety)
        if len(vmafs) > 1
        else 0.0
        for index in range(len(vmafs))
    ]
    return whole - np.asarray(without, dtype=np.float64)


def _served(ladder: ChosenLadder) -> list[str]:
    policy = ladder.policy
    shares = shares_served(ladder.bitrates_bps, bandwidth_of(policy), policy.bandwidth_safety)
    links = ladder.bitrates_bps / policy.bandwidth_safety
    texts = [
        f"serves links of {_rate(low)} to {_rate(high)}, {share:.1%} of viewing"
        for low, high, share in zip(links[:-1], links[1:], shares[:-1], strict=True)
    ]
    return [*texts, f"serves links above {_rate(links[-1])}, {shares[-1]:.1%} of viewing"]


def _rule(ladder: ChosenLadder, index: int) -> list[str]:
    """Returns the rules of the policy that a rung stands for."""
    rung, last = ladder.rungs[index], len(ladder.rungs) - 1
    rules = []
    if any(rung is fixed for fixed in ladder.demands.fixed):
        rules.append("fixed by the policy")
    if index == last:
        rules.append(ladder.top_reason)
    elif index == 0:
        rules.append(f"the lowest rung: {_why_no_lower(ladder)}")
    others = [other for position, other in enumerate(ladder.rungs) if position != index]
    if rung.resolution in ladder.demands.forced and all(other.resolution != rung.resolution for other in others):
        rules.append(_forced(ladder, rung))
    if last == 0:
        rules.append(f"the only rung: {_why_no_lower(ladder)}")
    if not rules and _is_a_step(ladder, index):
        rules.append(f"keeps the steps down to the lowest rung within {ladder.policy.max_rate_step:g} times")
    return rules


def _is_a_step(ladder: ChosenLadder, index: int) -> bool:
    """Tells whether the ladder needs a rung that does not pay for itself."""
    ratio = ladder.bitrates_bps[index + 1] / ladder.bitrates_bps[index - 1]
    gain = added_vmaf(ladder.bitrates_bps, ladder.vmafs, ladder.policy)[index]
    return bool(ratio > ladder.policy.max_rate_step and gain < ladder.policy.min_gain_vmaf)


def _why_no_lower(ladder: ChosenLadder) -> str:
    policy, rung = ladder.policy, ladder.rungs[0]
    if policy.lowest_bitrate_bps is not None and rung.bitrate_bps <= policy.lowest_bitrate_bps:
        return f"at most {policy.lowest_bitrate_bps / 1000:.0f} kbps, as the policy asks"
    if not any(point.bitrate_bps * policy.min_rate_step <= rung.bitrate_bps for point in ladder.hull):
        return "a further step would leave the policy's floor or the measured points"
    if len(ladder.rungs) == policy.max_rungs:
        return "the policy allows no more rungs and no wider steps"
    return f"a further one would add less than {policy.min_gain_vmaf:g} expected VMAF, or too little quality apart"


def _forced(ladder: ChosenLadder, rung: OperatingPoint) -> str:
    """Returns what holding a forced size costs at this rate."""
    winner = [point for point in ladder.hull if point.bitrate_bps <= rung.bitrate_bps]
    if winner and winner[-1].resolution != rung.resolution and winner[-1].vmaf > rung.vmaf + 0.05:
        cost = f"{winner[-1].resolution} would look {winner[-1].vmaf - rung.vmaf:.1f} VMAF better at this rate"
        return f"holds the forced size {rung.resolution}, although {cost}"
    return f"holds the forced size {rung.resolution}"


def _crossover(ladder: ChosenLadder, index: int) -> list[str]:
    """Returns from where on a rung's size wins, if it is the first rung of a size that wins somewhere."""
    resolution = ladder.rungs[index].resolution
    if index == 0:
        return []
    below = ladder.rungs[index - 1].resolution
    start = next((point for point in ladder.hull if point.resolution == resolution), None)
    if below == resolution or start is None or start.bitrate_bps > ladder.rungs[index].bitrate_bps:
        return []
    return [f"the first at {resolution}, the best size from {_rate(start.bitrate_bps)} (VMAF {start.vmaf:.1f}) on"]


def _about_the_whole(ladder: ChosenLadder) -> list[str]:
    policy, demands = ladder.policy, ladder.demands
    whole = expected_vmaf(ladder.bitrates_bps, ladder.vmafs, bandwidth_of(policy), policy.bandwidth_safety)
    notes = [f"the ladder delivers {whole:.1f} expected VMAF"]
    notes += [f"no rung at the forced height {height_px}: it was not measured" for height_px in demands.unmeasured_px]
    held: set[Resolution] = {rung.resolution for rung in ladder.rungs}
    notes += [
        f"no rung at the forced size {resolution}: its curve holds none in the right place"
        for resolution in demands.forced
        if resolution not in held
    ]
    return notes


def _rate(bitrate_bps: float) -> str:
    return f"{bitrate_bps / 1e6:.2f} Mb/s" if bitrate_bps < 9.995e6 else f"{bitrate_bps / 1e6:.1f} Mb/s"
