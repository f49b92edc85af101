"""Chooses the shots that tell most about a title when there are too many to draw."""

import math
from dataclasses import dataclass

from domain.result import ResultRung, TitleResult
from reports.numerals import write_difference, write_ladder

MOST_DRAWN = 60
"""More shots than this are folded into a table."""


@dataclass(frozen=True)
class ShotSpread:
    """How far a shot stands from its title, over all rungs of all ladders."""

    shot_index: int
    shortfall_vmaf: float
    """Largest distance of the shot's VMAF below its rung's mean; negative if it is always above."""
    shortfall_place: str
    rate_ratio: float
    """The shot's rate over its rung's rate, where that is furthest from 1; 1 if nothing was measured."""

    @property
    def rate_distance(self) -> float:
        """How many doublings of rate lie between the shot and its rung."""
        return abs(math.log2(self.rate_ratio))

    @property
    def words(self) -> str:
        """Says in a few words what is telling about the shot."""
        parts = []
        if self.shortfall_vmaf >= 1:
            parts.append(f"VMAF {write_difference(-self.shortfall_vmaf)} against the mean of {self.shortfall_place}")
        if self.rate_distance >= 0.25:
            limit = "up to" if self.rate_ratio > 1 else "as little as"
            parts.append(f"takes {limit} {self.rate_ratio:.2f}× the rate of its rung")
        return "; ".join(parts) or "close to the title’s mean"


def spread_of(result: TitleResult, shot_index: int) -> ShotSpread:
    """Returns how far a shot stands from its title, from what was delivered."""
    shortfalls = [(-math.inf, "")]
    ratios = [1.0]
    for ladder in result.ladders:
        for number, rung in enumerate(ladder.rungs, start=1):
            if shot_index < len(rung.shots):
                shot = rung.shots[shot_index]
                shortfalls.append((rung.delivered.vmaf_mean - shot.vmaf, f"{write_ladder(ladder)} rung {number}"))
                ratios.extend(_ratio(shot.bitrate_bps, rung))
    shortfall, place = max(shortfalls)
    return ShotSpread(shot_index, shortfall, place, max(ratios, key=lambda ratio: (abs(math.log2(ratio)), ratio)))


def telling_shots(spreads: list[ShotSpread], most: int = MOST_DRAWN) -> list[int]:
    """Returns the indices of the most telling shots in the order of the title.

    Half of them fall furthest below their rung's VMAF, half differ most in rate; all shots if they are few.

    Args:
        spreads: One for each shot.
        most: How many to choose at most, at least 1.
    """
    by_quality = sorted(spreads, key=lambda spread: (-spread.shortfall_vmaf, spread.shot_index))
    by_rate = sorted(spreads, key=lambda spread: (-spread.rate_distance, spread.shot_index))
    chosen: dict[int, None] = {}
    for pair in zip(by_quality, by_rate, strict=True):
        for spread in pair:
            if len(chosen) < most:
                chosen.setdefault(spread.shot_index)
    return sorted(chosen)


def _ratio(bitrate_bps: float, rung: ResultRung) -> list[float]:
    rung_bps = rung.delivered.bitrate_bps
    is_measured = math.isfinite(bitrate_bps) and math.isfinite(rung_bps) and min(bitrate_bps, rung_bps) > 0
    return [bitrate_bps / rung_bps] if is_measured else []
