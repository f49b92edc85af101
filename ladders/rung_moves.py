"""Which shots of a rung to encode again, and at which CRFs, so that its mean quality comes back to the promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from domain.ladder import Promise, RateQualityPoint, Rung, ShotChoice
from domain.video import Resolution
from ladders.interpolation import Floats, RateQualityCurve
from ladders.title_candidates import encodable_crfs

GOOD_ENOUGH_VMAF = 0.25
"""No further shot is looked for when the predicted miss is at most this."""
FARTHEST_VMAF = 4.0
"""A shot that moves for others stays within this of what was planned for it."""
_CAP_BINDS = 0.9
"""A capped shot that spends this part of its cap cannot spend more: a lower CRF would change nothing."""


@dataclass(frozen=True, slots=True)
class DeliveredShot:
    """One shot of a rendition as it was encoded and measured."""

    shot_index: int
    crf: float
    bitrate_bps: float
    vmaf: float
    """Mean over all frames."""
    duration_s: float
    frame_sizes_bits: tuple[int, ...]
    """In coding or presentation order, one for each frame."""


class KnownCurves(Protocol):
    """What is known of a title's shots, and can take in what was delivered."""

    def curve_with(
        self, shot_index: int, resolution: Resolution, delivered: RateQualityPoint | None
    ) -> RateQualityCurve:
        """Returns a shot's curve with what was delivered, if given, as one more point of it.

        Raises:
            TooFewPoints: nothing is known of the shot at this resolution.
        """


@dataclass(frozen=True, eq=False, slots=True)
class _Reach:
    """What one shot could be encoded at instead, and what to expect of that."""

    choice: ShotChoice
    shot: DeliveredShot
    weight: float
    """Part of the title's duration."""
    crfs: Floats
    """Rising. Shape (places,), as the next two."""
    vmafs: Floats
    """Expected, never rising."""
    rates_bps: Floats

    def nearest(self, vmaf: float) -> int:
        """Returns the place whose quality is nearest."""
        return int(np.argmin(np.abs(self.vmafs - vmaf)))

    def may_step(self, place: int, step: int) -> bool:
        """Tells whether the place beside one exists, changes anything and is near enough to what was planned."""
        then = place + step
        is_there = 0 <= then < len(self.crfs) and self.vmafs[then] != self.vmafs[place]
        return bool(is_there and abs(self.vmafs[then] - self.choice.predicted.vmaf) <= FARTHEST_VMAF)

    def gain_of_a_step(self, place: int, step: int) -> float:
        """Returns what the title's mean VMAF gains by a step to the place beside one."""
        return self.weight * float(self.vmafs[place + step] - self.vmafs[place])

    def worth_of_a_step(self, place: int, step: int) -> float:
        """Returns the quality for a bit of a step upwards, or the bits for the quality of one downwards."""
        bits = self.weight * abs(float(self.rates_bps[place + step] - self.rates_bps[place]))
        gain = abs(self.gain_of_a_step(place, step))
        return gain / max(bits, 1e-9) if step < 0 else bits / gain

    def at(self, place: int) -> ShotChoice:
        """Returns the shot's choice at a place."""
        expected = Promise(bitrate_bps=float(self.rates_bps[place]), vmaf=float(self.vmafs[place]))
        return self.choice.model_copy(update={"crf": float(self.crfs[place]), "predicted": expected})


def recoded(
    rung: Rung, delivered: Sequence[DeliveredShot], known: KnownCurves, crf_step: float
) -> dict[int, ShotChoice]:
    """Returns new choices by shot, so that the expected mean VMAF comes as near to the promise as CRFs allow.

    First the guilty shots, those that deviate from their own predicted VMAF in the direction of the miss: worst
    contribution first, each by no more than it deviates and no more than the miss asks for, until the rest is within
    ``GOOD_ENOUGH_VMAF``. Where that is not enough (a rate cap binds, or a whole CRF is too much for a single shot),
    other shots go along: one CRF at a time where a bit buys most, or costs least, none farther than ``FARTHEST_VMAF``.

    Raises:
        TooFewPoints: nothing is known of a shot that is to move at the rung's resolution.
    """
    total_s = sum(shot.duration_s for shot in delivered)
    miss = sum(shot.vmaf * shot.duration_s for shot in delivered) / total_s - rung.promised.vmaf
    sign = 1.0 if miss > 0 else -1.0
    pairs = [
        (choice, shot)
        for choice, shot in zip(rung.shots, delivered, strict=True)
        if sign > 0 or not cap_binds(choice, shot)
    ]
    reaches: dict[int, _Reach] = {}

    def reach(choice: ShotChoice, shot: DeliveredShot) -> _Reach:
        # A curve takes milliseconds, and most shots of a long title never move.
        if shot.shot_index not in reaches:
            reaches[shot.shot_index] = _reach(rung, choice, shot, known, crf_step, shot.duration_s / total_s)
        return reaches[shot.shot_index]

    moved: dict[int, int] = {}
    for choice, shot in sorted(pairs, key=lambda pair: -_guilt(pair[0], pair[1], sign) * pair[1].duration_s):
        deviation = _guilt(choice, shot, sign)
        if deviation <= 0 or sign * miss <= GOOD_ENOUGH_VMAF:
            break
        able = reach(choice, shot)
        place = able.nearest(shot.vmaf - sign * min(deviation, sign * miss / able.weight))
        if able.crfs[place] != shot.crf:
            moved[shot.shot_index] = place
            miss += able.weight * (float(able.vmafs[place]) - shot.vmaf)
    if sign * miss > GOOD_ENOUGH_VMAF:
        _share_out([reach(*pair) for pair in pairs], moved, miss)
    return {index: reaches[index].at(place) for index, place in moved.items()}


def cap_binds(choice: ShotChoice, shot: DeliveredShot) -> bool:
    """Tells whether a rate cap, and not the CRF, has shaped a delivered shot."""
    return choice.rate_cap is not None and shot.bitrate_bps >= _CAP_BINDS * choice.rate_cap.maxrate_bps


def _guilt(choice: ShotChoice, shot: DeliveredShot, sign: float) -> float:
    return sign * (shot.vmaf - choice.predicted.vmaf)


def _reach(
    rung: Rung, choice: ShotChoice, shot: DeliveredShot, known: KnownCurves, crf_step: float, weight: float
) -> _Reach:
    """Returns what a shot could be encoded at: its curve, moved so that it goes through what was delivered."""
    point = None
    if not cap_binds(choice, shot) and shot.bitrate_bps > 0:
        # A cap makes an encode that belongs to no CRF.
        point = RateQualityPoint(
            resolution=rung.resolution, crf=shot.crf, bitrate_bps=shot.bitrate_bps, vmaf=max(0.0, shot.vmaf)
        )
    curve = known.curve_with(choice.shot_index, rung.resolution, point)
    crfs = np.unique(np.append(encodable_crfs(curve, crf_step), shot.crf))
    rates_bps, vmafs = curve.at_crfs(crfs)
    here = int(np.searchsorted(crfs, shot.crf))
    return _Reach(
        choice, shot, weight, crfs, vmafs - vmafs[here] + shot.vmaf, shot.bitrate_bps * rates_bps / rates_bps[here]
    )


def _share_out(reaches: Sequence[_Reach], moved: dict[int, int], miss: float) -> None:
    """Moves shots by one CRF after the other, the best bargain first, while that brings the mean nearer."""
    step = 1 if miss > 0 else -1
    places = [moved.get(able.shot.shot_index, int(np.searchsorted(able.crfs, able.shot.crf))) for able in reaches]
    while abs(miss) > GOOD_ENOUGH_VMAF:
        bargains = [
            (able.worth_of_a_step(place, step), number)
            for number, (able, place) in enumerate(zip(reaches, places, strict=True))
            if able.may_step(place, step) and abs(miss + able.gain_of_a_step(place, step)) < abs(miss)
        ]
        if not bargains:
            return
        _, number = max(bargains)
        miss += reaches[number].gain_of_a_step(places[number], step)
        places[number] += step
        moved[reaches[number].shot.shot_index] = places[number]
