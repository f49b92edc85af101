"""The two rungs of a provisional release: chosen without any search, so that they can be encoded at once."""

from fractions import Fraction

from domain.encodes import RateCap
from domain.ladder import Ladder, Promise, Rung, ShotChoice
from domain.mezzanine import Mezzanine
from domain.recipe import Recipe
from domain.shots import ShotList
from domain.video import Codec, Resolution
from ladders.fixed_ladder import fixed_ladder
from ladders.trial_design import tried_sizes

PROVISIONAL_CRF: dict[Codec, float] = {Codec.H264: 28.0, Codec.HEVC: 28.0, Codec.AV1: 42.0}
"""One CRF for every shot: coarse enough that plain content stays far below the cap, which holds the rest. A choice, not
a result: nothing of a provisional rung is measured (docs/decisions/0027)."""
REASON = "provisional: nothing was searched, nothing is measured, nothing promised"


def count_first_shots(shots: ShotList, frame_rate: Fraction, first_s: float) -> int:
    """Returns how many whole shots from the start last ``first_s`` seconds together; all, if the title is shorter."""
    wanted = first_s * frame_rate
    reached = (shot.index + 1 for shot in shots.shots if shot.range.end_frame >= wanted)
    return next(reached, len(shots.shots))


def provisional_sizes(display: Resolution, recipe: Recipe) -> tuple[Resolution, ...]:
    """Returns the smallest candidate size and, of the others, the one nearest half the display's height.

    One size only where the recipe has no other.

    Args:
        display: Size at which quality is compared.
        recipe: Candidate heights, and the policy, which may forbid some.
    """
    *larger, smallest = tried_sizes(display, recipe)
    if not larger:
        return (smallest,)
    return smallest, min(larger, key=lambda size: (abs(2 * size.height_px - display.height_px), size.height_px))


def provisional_ladder(mezzanine: Mezzanine) -> Ladder:
    """Returns the rungs of a provisional release in rising rate, in the first codec of the recipe.

    Args:
        mezzanine: The first shots of a title, as a mezzanine of their own.
    """
    codec = mezzanine.recipe.codecs[0].codec
    sizes = provisional_sizes(mezzanine.display, mezzanine.recipe)
    return Ladder(codec=codec, rungs=tuple(_rung(mezzanine, codec, size) for size in sizes))


def _rung(mezzanine: Mezzanine, codec: Codec, size: Resolution) -> Rung:
    cap = _cap(mezzanine, size)
    # The rate is the most that it can be; a VMAF of 0 can be held against nobody.
    bound = Promise(bitrate_bps=float(cap.maxrate_bps), vmaf=0.0)
    crf = PROVISIONAL_CRF[codec]
    choices = (
        ShotChoice(shot_index=shot.index, crf=crf, predicted=bound, rate_cap=cap) for shot in mezzanine.shots.shots
    )
    return Rung(resolution=size, promised=bound, rate_cap=cap, shots=tuple(choices), reason=REASON)


def _cap(mezzanine: Mezzanine, size: Resolution) -> RateCap:
    """Returns the rate of the largest rung of the fixed ladder of 2015 that fits into a size, as the largest rate."""
    rungs = fixed_ladder("netflix-2015", mezzanine.display)
    fitting = [rung.bitrate_bps for rung in rungs if rung.resolution.pixels <= size.pixels]
    maxrate_bps = max(fitting, default=rungs[0].bitrate_bps)
    return RateCap(maxrate_bps=maxrate_bps, buffer_bits=round(mezzanine.recipe.policy.buffer_s * maxrate_bps))
