"""After a correction some shots of a rung have two measured encodes: which of them to deliver."""

from collections.abc import Sequence

import numpy as np

from domain.ladder import Rung
from ladders.correction import OFF_PROMISE_VMAF, late_frames, mean_of
from ladders.interpolation import Floats
from ladders.rung_moves import DeliveredShot

_SAME_VMAF = 1e-9


def settled_rung(
    first: Rung, second: Rung, delivered: Sequence[DeliveredShot], delivered_again: Sequence[DeliveredShot]
) -> Rung:
    """Returns the corrected rung, or the mix of it and the one before it that comes nearest to the promise.

    Encoders may jump by some VMAF between two CRFs, so that a correction lands on the other side of the promise. All
    encodes are measured by then: for each shot the one is taken with which the mean is as promised, and nothing is
    encoded for it (decision 0040). A correction that has brought the mean within 0.5 VMAF stays as it is, and so does
    a shot whose rate cap was changed. No mix has more late frames than the corrected rung.

    Args:
        first: the rung as it was planned.
        second: the same rung after its correction.
        delivered: its shots in title order, as planned.
        delivered_again: the same after the correction.
    """
    miss = mean_of(delivered_again).vmaf - second.promised.vmaf
    free = [
        number
        for number, (was, now) in enumerate(zip(first.shots, second.shots, strict=True))
        if was.crf != now.crf and was.rate_cap == now.rate_cap
    ]
    if abs(miss) <= OFF_PROMISE_VMAF or not free:
        return second
    total_s = sum(shot.duration_s for shot in delivered_again)
    gains = np.asarray([
        (delivered[number].vmaf - delivered_again[number].vmaf) * delivered_again[number].duration_s / total_s
        for number in free
    ])  # fmt: skip
    most_late = len(late_frames(second, delivered_again))
    for left, is_back in sorted(
        (_nearest(miss, gains, start=start) for start in (False, True)), key=lambda mix: abs(mix[0])
    ):
        back = {number for number, goes in zip(free, is_back, strict=True) if goes}
        mixed = [delivered[number] if number in back else shot for number, shot in enumerate(delivered_again)]
        if abs(left) < abs(miss) and len(late_frames(second, mixed)) <= most_late:
            shots = [first.shots[number] if number in back else choice for number, choice in enumerate(second.shots)]
            return second.model_copy(update={"shots": tuple(shots)})
    return second


def _nearest(miss: float, gains: Floats, *, start: bool) -> tuple[float, list[bool]]:
    """Returns the smallest miss found, and which shots go back for it: one flip after the other, the best first.

    Args:
        miss: of the corrected rung.
        gains: what the mean gains by each shot that goes back.
        start: whether all of them go back at the beginning, or none.
    """
    is_back = np.full(len(gains), start)
    miss += float(gains.sum()) if start else 0.0
    while True:
        after = miss + np.where(is_back, -gains, gains)
        best = int(np.argmin(np.abs(after)))
        if abs(after[best]) >= abs(miss) - _SAME_VMAF:
            return miss, is_back.tolist()
        miss, is_back[best] = float(after[best]), not is_back[best]
