"""Irregular times become a constant rate: which picture each frame of the title shows. Pure.

The frame rate is the standard rate nearest to the usual distance of two pictures, raised until at most one picture in a
hundred would be lost. A frame of the title shows the newest picture whose time, rounded to the nearest frame, has come:
exactly what ffmpeg's ``fps`` filter does with ``round=near``. So no picture is more than half a frame early or late,
and sound stays in sync.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TypeVar

from domain.inspection_policy import InspectionPolicy
from domain.normalization import Retiming
from media.errors import ResourceBomb, VariableFrameRate
from media.threats import refuse_long_clock

Picture = TypeVar("Picture")

STANDARD_RATES = tuple(
    Fraction(*rate)
    for rate in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48000, 1001), (48, 1), (50, 1),
                 (60000, 1001), (60, 1), (100, 1), (120000, 1001), (120, 1), (10, 1), (12, 1), (25, 2), (15, 1))
)  # fmt: skip
"""Frames per second that people choose."""
USUAL_REPEATS = InspectionPolicy().repeats
FREE_FRAMES = 100_000
"""A title of so many frames (an hour) may repeat what it will: its work is bounded."""
_MAY_BE_LOST = Fraction(1, 100)
_LONGEST_STILL_S = 600
"""A longer time without a picture is a broken clock."""
_NEAR = Fraction(2, 100)
"""Rates that differ less than this from the usual one are candidates alike: the one that changes least is taken."""


@dataclass(frozen=True, slots=True)
class ConstantRate:
    """A constant rate for irregular pictures."""

    frame_rate: Fraction
    frames: int
    retiming: Retiming

    @property
    def changes(self) -> int:
        """Frames that repeat a picture, and pictures that are left out."""
        return self.retiming.repeated + self.retiming.dropped


def plan_constant_rate(
    seconds: tuple[Fraction, ...], declared: tuple[Fraction, ...], *, where: str, repeats: int = USUAL_REPEATS
) -> ConstantRate:
    """Returns the rate of the title and what it does to the source's pictures.

    Args:
        seconds: Time of each decoded picture, two at least.
        declared: Rates that the container states; they decide between rates that change equally much.
        where: The source's name for people.
        repeats: Frames that a picture may become in the mean; a title of ``FREE_FRAMES`` may always.

    Raises:
        VariableFrameRate: if time runs backwards or stands still for too long, or no standard rate keeps the pictures.
        ResourceBomb: if they span more hours than any title has: all of that time would be filled with
            pictures; or if so few pictures would fill so much time.
    """
    refuse_long_clock(seconds, where=where)
    _check_clock(seconds, where)
    usual = usual_step(seconds)
    by_distance = sorted(STANDARD_RATES, key=lambda rate: abs(1 / rate - usual))
    near = [rate for rate in by_distance if abs(1 / rate - usual) <= _NEAR * usual] or by_distance[:1]
    higher = sorted(rate for rate in STANDARD_RATES if rate > max(near))
    plans = [_plan(seconds, usual, rate) for rate in near]
    best = min(plans, key=lambda plan: (plan.changes, plan.frame_rate not in declared))
    for plan in (best, *(_plan(seconds, usual, rate) for rate in higher)):
        if plan.retiming.dropped <= _MAY_BE_LOST * len(seconds):
            _check_repeats(plan, repeats, where)
            return plan
    raise VariableFrameRate(
        where,
        found=f"{len(seconds)} pictures in {float(seconds[-1] - seconds[0]):.3f} s, usually {float(usual) * 1000:.2f} "
        f"ms apart: at {max(STANDARD_RATES)} frames per second {plan.retiming.dropped} would be lost",
        expected=f"a rate of at most {max(STANDARD_RATES)}",
        fix="correct the clock of the source (its time scale is wrong), and deliver it again",
    )


def usual_step(seconds: tuple[Fraction, ...]) -> Fraction:
    """Returns the median distance of two pictures in seconds, above 0."""
    steps = sorted(after - before for before, after in pairwise(seconds) if after > before)
    return steps[len(steps) // 2]


def slot_of(elapsed_s: Fraction, rate: Fraction) -> int:
    """Returns the frame of the title nearest to a time (halves go up)."""
    return int(elapsed_s * rate + Fraction(1, 2))


def place_pictures(timed: Iterable[tuple[Fraction, Picture]], rate: Fraction, frames: int) -> Iterator[Picture]:
    """Yields the picture of each frame of the title.

    Args:
        timed: Time in seconds (rising) and picture, one at least.
        rate: Frames per second of the title.
        frames: Frames of the title.
    """
    pictures = iter(timed)
    start, shown = next(pictures)
    done = 0
    for time, picture in pictures:
        slot = min(slot_of(time - start, rate), frames)
        while done < slot:
            yield shown
            done += 1
        shown = picture
    while done < frames:
        yield shown
        done += 1


def _check_clock(seconds: tuple[Fraction, ...], where: str) -> None:
    for frame, (before, after) in enumerate(pairwise(seconds), start=1):
        if not 0 <= after - before <= _LONGEST_STILL_S:
            raise VariableFrameRate(
                f"{where}, frame {frame}",
                found=f"it comes {float(after - before):.3f} s after the frame before",
                expected=f"0 to {_LONGEST_STILL_S} s",
                fix="export the title again with a continuous clock",
            )


def _check_repeats(plan: ConstantRate, repeats: int, where: str) -> None:
    """Refuses files of a few pictures that would make days of work."""
    pictures = plan.retiming.source_frames
    if plan.frames > max(FREE_FRAMES, repeats * pictures):
        raise ResourceBomb(
            where,
            found=f"{pictures:,} pictures that would become {plan.frames:,} frames at {plan.frame_rate} a second",
            expected=f"at most {repeats} frames for each picture, or {FREE_FRAMES:,} frames",
            fix="export the title at its constant rate; for a real slide show, raise `inspection.repeats`",
        )


def _plan(seconds: tuple[Fraction, ...], usual: Fraction, rate: Fraction) -> ConstantRate:
    slots = [slot_of(time - seconds[0], rate) for time in seconds]
    tail = max(1, slot_of(usual, rate))
    shown = len(set(slots))
    frames = slots[-1] + tail
    return ConstantRate(
        frame_rate=rate,
        frames=frames,
        retiming=Retiming(
            source_frames=len(seconds),
            repeated=frames - shown,
            dropped=len(seconds) - shown,
            tail_frames=tail,
            mean_rate=Fraction(len(seconds), 1) / (seconds[-1] - seconds[0] + usual),
        ),
    )
