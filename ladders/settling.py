"""After a correction some shots of a rung have several measured encodes: which of them to deliver."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.ladder import Rung, ShotChoice
from ladders.correction import OFF_PROMISE_VMAF, late_frames, mean_of
from ladders.rung_moves import DeliveredShot

_SAME_VMAF = 1e-9
_CORRECTED = 1
"""Place of the corrected rung among the ways to make it."""


@dataclass(frozen=True, slots=True)
class _Encode:
    """One measured encode of a shot."""

    choice: ShotChoice
    delivered: DeliveredShot
    gain: float
    """What the title's mean VMAF gains by it over the corrected encode."""


_Shots = list[list[_Encode]]
"""For each shot that has several encodes all of them: the corrected one, then the others."""


def settled_rung(ways: Sequence[Rung], delivered: Sequence[Sequence[DeliveredShot]]) -> Rung:
    """Returns the corrected rung, or the mix of all its measured encodes that comes nearest to the promise.

    Encoders may jump by some VMAF between two CRFs, so that a correction lands on the other side of the promise. All
    encodes are measured by then: for each shot the one is taken with which the mean is as promised, and nothing is
    encoded for it (decision 0040). A correction that has brought the mean within 0.5 VMAF stays as it is. A shot whose
    rate cap was changed does not go back. No mix has more late frames than the corrected rung.

    Args:
        ways: the rung as it was planned, as it was corrected, then with its spare encodes (:meth:`Rung.ways`).
        delivered: for each way its shots in title order.
    """
    corrected, now = ways[_CORRECTED], delivered[_CORRECTED]
    miss = mean_of(now).vmaf - corrected.promised.vmaf
    shots = _shots_of(ways, delivered)
    if abs(miss) <= OFF_PROMISE_VMAF or not shots:
        return corrected
    most_late = len(late_frames(corrected, now))
    starts = [[min(number, len(encodes) - 1) for encodes in shots] for number in range(len(ways))]
    for left, picks in sorted((_nearest(miss, shots, start) for start in starts), key=lambda mix: abs(mix[0])):
        taken = {item[pick].choice.shot_index: item[pick] for item, pick in zip(shots, picks, strict=True)}
        mixed = [taken[shot.shot_index].delivered if shot.shot_index in taken else shot for shot in now]
        if abs(left) < abs(miss) and len(late_frames(corrected, mixed)) <= most_late:
            chosen = (taken[was.shot_index].choice if was.shot_index in taken else was for was in corrected.shots)
            return corrected.model_copy(update={"shots": tuple(chosen)})
    return corrected


def _shots_of(ways: Sequence[Rung], delivered: Sequence[Sequence[DeliveredShot]]) -> _Shots:
    """Returns the encodes of each shot that has several with the corrected one's rate cap."""
    total_s = sum(shot.duration_s for shot in delivered[_CORRECTED])
    shots = []
    for number, (choice, now) in enumerate(zip(ways[_CORRECTED].shots, delivered[_CORRECTED], strict=True)):
        encodes = {choice.crf: _Encode(choice, now, 0.0)}
        for way, made in zip(ways, delivered, strict=True):
            other, shot = way.shots[number], made[number]
            if other.rate_cap == choice.rate_cap and other.crf not in encodes:
                encodes[other.crf] = _Encode(other, shot, (shot.vmaf - now.vmaf) * now.duration_s / total_s)
        if len(encodes) > 1:
            shots.append(list(encodes.values()))
    return shots


def _nearest(miss: float, shots: _Shots, start: list[int]) -> tuple[float, list[int]]:
    """Returns the smallest miss found, and each shot's encode: one change after the other, the best first.

    Args:
        miss: of the corrected rung.
        shots: the encodes that there are.
        start: each shot's encode at the beginning.
    """
    picks = list(start)
    miss += sum(encodes[pick].gain for encodes, pick in zip(shots, picks, strict=True))
    places = [(shot, pick) for shot, encodes in enumerate(shots) for pick in range(len(encodes))]
    gains = np.asarray([shots[shot][pick].gain for shot, pick in places])
    while True:
        after = miss + gains - np.asarray([shots[shot][picks[shot]].gain for shot, _ in places])
        best = int(np.argmin(np.abs(after)))
        if abs(after[best]) >= abs(miss) - _SAME_VMAF:
            return miss, picks
        shot, pick = places[best]
        miss, picks[shot] = float(after[best]), pick
