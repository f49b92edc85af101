"""Which shots of a rung to encode again, and at which CRFs, so that its mean quality comes back to the promise."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from domain.ladder import Promise, RateQualityPoint, Rung, ShotChoice
from domain.video import Resolution
from ladders.interpolation import Floats, RateQualityCurve
from ladders.title_candidates import encodable_crfs

GOOD_ENOUGH_VMAF = 0.25
"""No further shot is looked for when the predicted miss is at most this."""
FARTHEST_VMAF = 4.0
"""A shot that moves for others stays within this of what was planned for it."""
SURE_VMAF = 0.4
"""A single measured encode that brings the predicted miss within this is taken before anything is encoded anew."""
LARGE_PART = 0.25
"""A shot that is more than this of its title is corrected in finer steps: no other shot makes up for it."""
JUMPY_FRAMES = 1500
"""A title of more frames needs no spare encodes. Encoders jump between two CRFs, but the more frames the less: one shot
by 0.45 VMAF (one standard deviation) over its first 32 frames, by 0.18 over all 289."""
SPARE_SHOTS = 2
"""So many shots of a rung have spare encodes, the longest first."""
SPARE_VMAFS = (0.3, -0.3, 0.6, -0.6)
"""What the spare encodes of a rung are expected to do to the title's mean VMAF."""
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


class CrfSteps(NamedTuple):
    """In which steps CRFs are corrected."""

    usual: float
    finest: float
    """Of a shot that is a large part of its title."""


class Moves(NamedTuple):
    """What to encode again."""

    choices: dict[int, ShotChoice]
    """New ones, by shot."""
    spares: tuple[ShotChoice, ...] = ()
    """More of the longest shots, to be measured too: one of them may come nearer."""


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
    measured: tuple[int, ...]
    """Places at which an encode of the shot was measured, but for the delivered one."""

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

    def spare(self, vmaf: float, taken: Sequence[float]) -> ShotChoice | None:
        """Returns the shot at that CRF which is expected nearest to a quality and not taken, if it is near at all."""
        order = np.argsort(np.abs(self.vmafs - vmaf), kind="stable").tolist()
        place = next((place for place in order if self.crfs[place] not in taken), None)
        return None if place is None or abs(self.vmafs[place] - vmaf) > FARTHEST_VMAF else self.at(place)

    def at(self, place: int) -> ShotChoice:
        """Returns the shot's choice at a place."""
        expected = Promise(bitrate_bps=float(self.rates_bps[place]), vmaf=float(self.vmafs[place]))
        return self.choice.model_copy(update={"crf": float(self.crfs[place]), "predicted": expected})


def recoded(rung: Rung, delivered: Sequence[DeliveredShot], known: KnownCurves, crf_steps: CrfSteps) -> Moves:
    """Returns new choices by shot, so that the expected mean VMAF comes as near to the promise as CRFs allow.

    First of all, what is sure: one shot that goes to a CRF at which it was measured already, so that the miss is within
    ``SURE_VMAF``; of several a guilty shot, one that deviates from its own predicted VMAF in the direction of the miss.
    An encoder may jump by some VMAF between two CRFs (decision 0040), and only what was measured is known.

    Otherwise the guilty shots: worst contribution first, each by no more than it deviates and no more than the miss
    asks for, until the rest is within ``GOOD_ENOUGH_VMAF``. Where that is not enough (a rate cap binds, or a whole CRF
    is too much for a single shot), other shots go along: one CRF at a time where a bit buys most, or costs least, none
    farther than ``FARTHEST_VMAF``.

    A shot that is a large part of its title moves in finer steps. And in a title of few frames two shots have spare
    encodes: where a curve says 0.2 VMAF an encoder may jump by a whole one, and little else makes up for that. They
    have them, too, where no CRF is expected to come nearer than what was delivered (decision 0054).

    Raises:
        TooFewPoints: nothing is known of a shot that is to move at the rung's resolution.
    """
    total_s = sum(shot.duration_s for shot in delivered)
    miss = sum(shot.vmaf * shot.duration_s for shot in delivered) / total_s - rung.promised.vmaf
    pairs = [
        (choice, shot)
        for choice, shot in zip(rung.shots, delivered, strict=True)
        if miss > 0 or not cap_binds(choice, shot)
    ]
    reaches = _Reaches(rung, known, crf_steps, total_s)
    choices = _sure_move(reaches, pairs, miss) or _likely_moves(reaches, pairs, miss)
    is_jumpy = sum(len(shot.frame_sizes_bits) for shot in delivered) <= JUMPY_FRAMES
    return Moves(choices, _spares(reaches, pairs, choices) if pairs and is_jumpy else ())


@dataclass(frozen=True, eq=False, slots=True)
class _Reaches:
    """What the shots of a rung could be encoded at instead: a curve takes milliseconds, so only if asked for."""

    rung: Rung
    known: KnownCurves
    crf_steps: CrfSteps
    total_s: float
    found: dict[int, _Reach] = field(default_factory=dict)

    def of(self, choice: ShotChoice, shot: DeliveredShot) -> _Reach:
        """Returns what one shot could be encoded at."""
        if shot.shot_index not in self.found:
            self.found[shot.shot_index] = self._look(choice, shot)
        return self.found[shot.shot_index]

    def _look(self, choice: ShotChoice, shot: DeliveredShot) -> _Reach:
        """Returns a shot's curve, moved so that it goes through what was delivered."""
        point = None
        if not cap_binds(choice, shot) and shot.bitrate_bps > 0:
            # A cap makes an encode that belongs to no CRF.
            point = RateQualityPoint(
                resolution=self.rung.resolution, crf=shot.crf, bitrate_bps=shot.bitrate_bps, vmaf=max(0.0, shot.vmaf)
            )
        curve = self.known.curve_with(choice.shot_index, self.rung.resolution, point)
        weight = shot.duration_s / self.total_s
        step = self.crf_steps.finest if weight > LARGE_PART else self.crf_steps.usual
        crfs = np.unique(np.append(encodable_crfs(curve, step), shot.crf))
        rates_bps, vmafs = curve.at_crfs(crfs)
        here = int(np.searchsorted(crfs, shot.crf))
        return _Reach(
            choice=choice,
            shot=shot,
            weight=weight,
            crfs=crfs,
            vmafs=vmafs - vmafs[here] + shot.vmaf,
            rates_bps=shot.bitrate_bps * rates_bps / rates_bps[here],
            measured=tuple(np.flatnonzero(np.isin(crfs, curve.trial_crfs) & (crfs != shot.crf)).tolist()),
        )


def _sure_move(
    reaches: _Reaches, pairs: Sequence[tuple[ShotChoice, DeliveredShot]], miss: float
) -> dict[int, ShotChoice]:
    """Returns the one shot that goes where it was measured, and is enough; or nothing.

    Another than a guilty one goes only where no guilty one lies far from its plan: that would stay as it is.
    """
    sign = math.copysign(1.0, miss)
    is_one_far = any(_guilt(*pair, sign) > FARTHEST_VMAF for pair in pairs)
    sure: list[tuple[bool, float, int, ShotChoice]] = []
    for choice, shot in pairs:
        guilt = _guilt(choice, shot, sign)
        farthest = (FARTHEST_VMAF + abs(guilt)) * shot.duration_s / reaches.total_s
        # A trial has no cap: where the shot has one, it is not what would be delivered.
        if choice.rate_cap is not None or abs(miss) - farthest > SURE_VMAF or (guilt <= 0 and is_one_far):
            continue
        able = reaches.of(choice, shot)
        for place in able.measured:
            left = abs(miss + able.weight * (float(able.vmafs[place]) - shot.vmaf))
            if left <= SURE_VMAF and abs(able.vmafs[place] - choice.predicted.vmaf) <= FARTHEST_VMAF:
                sure.append((guilt <= 0, left, shot.shot_index, able.at(place)))
    best = min(sure, key=lambda move: move[:3], default=None)
    return {} if best is None else {best[2]: best[3]}


def _likely_moves(
    reaches: _Reaches, pairs: Sequence[tuple[ShotChoice, DeliveredShot]], miss: float
) -> dict[int, ShotChoice]:
    """Returns the shots that go where their curves bring the mean nearest to the promise."""
    sign = math.copysign(1.0, miss)
    moved: dict[int, int] = {}
    for choice, shot in sorted(pairs, key=lambda pair: -_guilt(pair[0], pair[1], sign) * pair[1].duration_s):
        deviation = _guilt(choice, shot, sign)
        if deviation <= 0 or sign * miss <= GOOD_ENOUGH_VMAF:
            break
        able = reaches.of(choice, shot)
        place = able.nearest(shot.vmaf - sign * min(deviation, sign * miss / able.weight))
        if able.crfs[place] != shot.crf:
            moved[shot.shot_index] = place
            miss += able.weight * (float(able.vmafs[place]) - shot.vmaf)
    if sign * miss > GOOD_ENOUGH_VMAF:
        _share_out([reaches.of(*pair) for pair in pairs], moved, miss)
    return {index: reaches.found[index].at(place) for index, place in moved.items()}


def _spares(
    reaches: _Reaches, pairs: Sequence[tuple[ShotChoice, DeliveredShot]], choices: Mapping[int, ShotChoice]
) -> tuple[ShotChoice, ...]:
    """Returns further encodes of a rung's longest shots, to both sides of what it will deliver.

    A correction follows curves, encoders jump: what it misses, one of these may make up for.
    """
    longest = sorted(pairs, key=lambda pair: -pair[1].duration_s)[:SPARE_SHOTS]
    taken = {shot.shot_index: [shot.crf] for _, shot in longest}
    for index, choice in choices.items():
        taken.setdefault(index, []).append(choice.crf)
    spares: list[ShotChoice] = []
    for number, vmaf in enumerate(SPARE_VMAFS):
        planned, shot = longest[number // 2 % len(longest)]
        able, moved = reaches.of(planned, shot), choices.get(shot.shot_index)
        change = min(max(vmaf / able.weight, -FARTHEST_VMAF), FARTHEST_VMAF)
        spare = able.spare((shot.vmaf if moved is None else moved.predicted.vmaf) + change, taken[shot.shot_index])
        if spare is not None:
            taken[shot.shot_index].append(spare.crf)
            spares.append(spare)
    return tuple(spares)


def cap_binds(choice: ShotChoice, shot: DeliveredShot) -> bool:
    """Tells whether a rate cap, and not the CRF, has shaped a delivered shot."""
    return choice.rate_cap is not None and shot.bitrate_bps >= _CAP_BINDS * choice.rate_cap.maxrate_bps


def _guilt(choice: ShotChoice, shot: DeliveredShot, sign: float) -> float:
    return sign * (shot.vmaf - choice.predicted.vmaf)


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
