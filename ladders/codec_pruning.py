"""Pruning across codecs: rungs that no device needs, because a better codec of the release covers them."""

from collections.abc import Sequence

from domain.ladder import Ladder, Rung
from domain.ladder_policy import LadderPolicy
from domain.video import Codec
from ladders.picture_sizes import nominal_height_px

CODECS_BY_AGE = (Codec.H264, Codec.HEVC, Codec.AV1)
"""A later one is better: fewer bits at equal quality."""
COVER_SLACK_VMAF = 0.5
"""A rung may be this much worse and still cover another: a delivered rung may miss its promise by as much."""


def prune_covered(ladders: Sequence[Ladder], policy: LadderPolicy) -> tuple[Ladder, ...]:
    """Returns the ladders without the rungs that no device needs; as they are if the policy does not ask for that.

    A rung goes if a better codec's ladder in the same release both

    - is played by every device that shows pictures as tall as the rung's: its height for a 16:9 picture is above
      ``plays_hevc_above_px`` or ``plays_av1_above_px``, which state that assumption; and
    - has a rung of no more lines and no higher rate with at least its quality (to 0.5 VMAF).

    Only the dear end of a ladder goes. Devices that play nothing better show no taller pictures, by that assumption,
    and keep every rung up to their height: a ladder that ends lower, without holes. The lowest rung always stays.

    Args:
        ladders: finished ladders of one title, each codec at most once, in any order; kept in that order.
        policy: the switch and the assumptions about devices.
    """
    if not policy.prune_covered:
        return tuple(ladders)
    pruned: dict[Codec, Ladder] = {}
    for codec in reversed(CODECS_BY_AGE):
        # What covers a rung must stay itself, so better ladders are pruned first.
        for ladder in ladders:
            if ladder.codec is codec:
                pruned[codec] = _pruned(ladder, tuple(pruned.values()), policy)
    return tuple(pruned[ladder.codec] for ladder in ladders)


def _pruned(ladder: Ladder, better: Sequence[Ladder], policy: LadderPolicy) -> Ladder:
    covers = [_cover(rung, better, policy) for rung in ladder.rungs]
    count = len(ladder.rungs)
    while count > 1 and covers[count - 1] is not None:
        count -= 1
    cover = covers[count] if count < len(ladder.rungs) else None
    if cover is None:
        return ladder
    note = (
        f"the top for devices that play nothing better than {ladder.codec.value}: {len(ladder.rungs) - count} dearer "
        f"left out, as every device that shows more than {_played_above_px(cover, policy)} lines plays {cover.value}"
    )
    last = ladder.rungs[count - 1]
    last = last.model_copy(update={"reason": "; ".join(filter(None, (last.reason, note)))})
    return ladder.model_copy(update={"rungs": (*ladder.rungs[: count - 1], last)})


def _cover(rung: Rung, better: Sequence[Ladder], policy: LadderPolicy) -> Codec | None:
    """Returns the codec whose ladder makes a rung superfluous, if there is one."""
    for ladder in better:
        above_px = _played_above_px(ladder.codec, policy)
        is_played = above_px is not None and nominal_height_px(rung.resolution) > above_px
        if is_played and any(
            other.resolution.pixels <= rung.resolution.pixels
            and other.promised.bitrate_bps <= rung.promised.bitrate_bps
            and other.promised.vmaf >= rung.promised.vmaf - COVER_SLACK_VMAF
            for other in ladder.rungs
        ):
            return ladder.codec
    return None


def _played_above_px(codec: Codec, policy: LadderPolicy) -> int | None:
    return {Codec.HEVC: policy.plays_hevc_above_px, Codec.AV1: policy.plays_av1_above_px}.get(codec)
