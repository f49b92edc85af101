"""The leaky bucket over a stitched stream: does it fit what its rung says, also across shots?"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from domain.encodes import RateCap

START_FULLNESS = 0.9
"""Part of the bucket that is full before the first frame: the encoders' own default (x264 ``vbv-init=0.9``)."""


def peak_bitrate(frame_sizes_bits: Sequence[int], frame_rate: Fraction, window_s: float = 1.0) -> float:
    """Returns the largest mean rate in bits per second over any window of ``window_s`` seconds.

    The window is a whole number of frames; a stream that is shorter counts as one window.
    """
    if not frame_sizes_bits:
        return 0.0
    window = min(len(frame_sizes_bits), max(1, round(window_s * frame_rate)))
    sums = np.concatenate(([0], np.cumsum(np.asarray(frame_sizes_bits, dtype=np.int64))))
    return float(np.max(sums[window:] - sums[:-window])) * float(frame_rate) / window


def bucket_overflow(frame_sizes_bits: Sequence[int], frame_rate: Fraction, cap: RateCap) -> tuple[int, ...]:
    """Returns the frames, rising, that are not in the decoder's buffer when they are due.

    The bucket holds ``cap.buffer_bits``, starts at 90 % and is filled at ``cap.maxrate_bps``; each frame takes
    its bits at once. A late frame empties it: what follows is judged by itself, so that one large frame is one
    violation, not a row of them.

    Source: ITU-T H.264 Annex C, hypothetical reference decoder (leaky bucket, variable rate of arrival).
    """
    size = float(cap.buffer_bits)
    fill = cap.maxrate_bps / float(frame_rate)
    fullness = START_FULLNESS * size
    late: list[int] = []
    for frame, bits in enumerate(frame_sizes_bits):
        if bits > fullness:
            late.append(frame)
        fullness = min(size, max(0.0, fullness - bits) + fill)
    return tuple(late)
