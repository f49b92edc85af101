"""Trial design: which sizes are tried, and how trial encodes are cut into units of work."""

import math
from collections.abc import Sequence
from fractions import Fraction

from domain.encodes import MetricRecipe
from domain.mezzanine import scored_step
from domain.recipe import Recipe
from domain.shots import ShotList
from domain.video import Codec, Resolution
from domain.work import TrialUnit
from ladders.errors import PolicyUnsatisfiable
from ladders.picture_sizes import has_height, size_of

PRESET_NS_PER_PIXEL: dict[Codec, dict[str, float]] = {
    Codec.H264: {
        "ultrafast": 5, "superfast": 9, "veryfast": 12, "faster": 23, "fast": 29, "medium": 34, "slow": 54,
        "slower": 85, "veryslow": 173,
    },
    Codec.HEVC: {
        "ultrafast": 28, "superfast": 48, "veryfast": 57, "faster": 57, "fast": 72, "medium": 71, "slow": 172,
        "slower": 790, "veryslow": 1500,
    },
    Codec.AV1: {
        "0": 2700, "1": 1350, "2": 675, "3": 338, "4": 181, "5": 135, "6": 94, "7": 76, "8": 54, "9": 42,
    },
}  # fmt: skip
"""CPU nanoseconds per coded pixel of one encode on one thread, small pictures. Measured once (48 frames of real camera
pictures, 640x360, ffmpeg 9.0.2, CRF 29, AV1 CRF 40, decode subtracted, two shared cores); hevc ``veryslow`` and av1 0
to 2 are not measured but continued by factors of two. They steer the size of units only, never a result."""
PICTURE_FACTOR = 0.35
"""What larger pictures and a spread of CRFs cost per pixel beside the table's. With the three constants below it gives
the five totals of the encode-unit report (7.6 to 14.7 CPU-s) within 21 %."""
DECODE_NS_PER_PIXEL = 8.0
"""CPU nanoseconds per mezzanine pixel: lossless decode, once per shot and unit."""
COMPARE_NS_PER_PIXEL = 2.0
"""CPU nanoseconds per display pixel and CRF of every frame: decode of the encode, upscale."""
SCORE_NS_PER_PIXEL = 20.0
"""CPU nanoseconds per display pixel of a scored frame: VMAF v1 at 10 bit."""
PROCESS_START_S = 0.3
"""CPU seconds to start a process and load the model, for each shot of a unit."""

LONGEST_UNIT_S = 240.0
"""Work per unit that collation aims at, on one core of its own; a unit is lost as a whole when its worker dies."""
SHORTEST_UNIT_S = 5.0
"""Units of small titles are not cut below this: the process start and the decode would outweigh the gain."""
UNITS_AT_LEAST = 8
"""No unit is collated beyond this part (1/8) of a title's work, so that a few slots are busy to the end."""
LONGEST_PICTURES_S = 120.0
"""Seconds of pictures in one collated unit: its lossless pieces lie in the slot's scratch space."""
OWN_SIZE_RATIO = 1.1
"""A source that is larger than the largest listed size below it by more is also tried at its own size."""
PIXELS_IN_MEMORY = 4 * 1920 * 1080
"""Coded pixels times CRFs of one process: 3 to 4 GB (1.2 GB measured at 720p with 4 CRFs of x264, 1.9 GB of SVT-AV1;
encode-unit report)."""


def candidate_resolutions(display: Resolution, heights_px: Sequence[int]) -> tuple[Resolution, ...]:
    """Returns the sizes to try, largest first, none above the display, no size twice.

    A height stands for the 16:9 picture of that height: its width (16/9 of it) is kept and the height follows
    from the display's shape; an upright picture keeps that width as its height. The display itself is among
    them unless a listed size comes within a tenth of its long side, or it is larger than all listed ones.

    Args:
        display: size at which quality is compared, square samples.
        heights_px: heights for a 16:9 picture, any order.
    """
    limit = max(display.width_px, display.height_px)
    long_sides = sorted({round(height * 16 / 9) for height in heights_px}, reverse=True)
    fitting = [long_side for long_side in long_sides if long_side <= limit]
    if not fitting or fitting[0] * OWN_SIZE_RATIO < limit < long_sides[0]:
        fitting.insert(0, limit)
    return tuple(dict.fromkeys(size_of(long_side, display) for long_side in fitting))


def tried_sizes(display: Resolution, recipe: Recipe) -> tuple[Resolution, ...]:
    """Returns the sizes that are tried for a title, largest first: those that its policy does not forbid.

    Args:
        display: size at which quality is compared, square samples.
        recipe: heights, and the policy.

    Raises:
        PolicyUnsatisfiable: the policy forbids all sizes that this display can have.
    """
    sizes, forbidden = candidate_resolutions(display, recipe.heights_px), recipe.policy.forbidden_heights_px
    left = tuple(size for size in sizes if not any(has_height(size, height_px) for height_px in forbidden))
    if not left:
        raise PolicyUnsatisfiable(
            "ladder policy",
            found=f"forbidden_heights_px {list(forbidden)} leaves no size for a source of {display}",
            expected=f"at least one of {', '.join(str(size) for size in sizes)}",
            fix="take a height out of forbidden_heights_px, or add smaller heights_px to the recipe",
        )
    return left


def unit_cost_s(unit: TrialUnit, shots: ShotList, recipe: Recipe, display: Resolution) -> float:
    """Returns the CPU seconds a unit needs on one core, give or take a third; content decides the rest."""
    preset = next(codec.production_preset for codec in recipe.codecs if codec.codec is unit.codec)
    cost_s = PROCESS_START_S * len(unit.shots)
    for frames in (shots.shots[index].frames for index in unit.shots):
        step = scored_step(recipe.search_subsample, frames)
        trial_ns = trial_frame_ns(unit.codec, preset, unit.resolution, display, step)
        cost_s += 1e-9 * frames * (DECODE_NS_PER_PIXEL * display.pixels + len(unit.crfs) * trial_ns)
    return cost_s


def trial_frame_ns(codec: Codec, preset: str, size: Resolution, display: Resolution, subsample: int) -> float:
    """Returns the CPU nanoseconds that one frame of one trial needs, without the decode that trials share."""
    encode_ns = PICTURE_FACTOR * PRESET_NS_PER_PIXEL[codec][preset] * size.pixels
    return encode_ns + (COMPARE_NS_PER_PIXEL + SCORE_NS_PER_PIXEL / subsample) * display.pixels


def plan_trial_units(
    shots: ShotList, frame_rate: Fraction, recipe: Recipe, display: Resolution
) -> tuple[TrialUnit, ...]:
    """Returns units that hold every (codec, size, shot, CRF) of a title once, dearest first.

    Short shots are collated and long ones dealt out by CRF, so that a unit is a few minutes of work on one core, at
    most about an eighth of the title, and fits into memory. Dearest first is the order that keeps slots busy to the
    end (R. L. Graham, "Bounds on multiprocessing timing anomalies", 1969).

    Args:
        shots: the title's shots.
        frame_rate: exact frames per second.
        recipe: codecs, presets, trial CRFs, heights, subsampling of scores.
        display: size at which quality is compared.

    Raises:
        PolicyUnsatisfiable: the policy forbids all sizes.
    """
    cells = [
        TrialUnit(codec=codec.codec, resolution=size, shots=(shot.index,), crfs=codec.crfs)
        for codec in recipe.codecs
        for size in tried_sizes(display, recipe)
        for shot in shots.shots
    ]
    costs_s = [unit_cost_s(cell, shots, recipe, display) for cell in cells]
    limit_s = min(LONGEST_UNIT_S, max(SHORTEST_UNIT_S, sum(costs_s) / UNITS_AT_LEAST))
    shelves: dict[tuple[Codec, Resolution, tuple[float, ...]], list[int]] = {}
    for cell, cost_s in zip(cells, costs_s, strict=True):
        for crfs in _dealt(cell, cost_s / limit_s, MetricRecipe(display=display).most_together):
            shelves.setdefault((cell.codec, cell.resolution, crfs), []).extend(cell.shots)
    units: list[TrialUnit] = []
    for (codec, resolution, crfs), indices in shelves.items():
        alone = [TrialUnit(codec=codec, resolution=resolution, shots=(index,), crfs=crfs) for index in indices]
        weights = [
            max(
                unit_cost_s(unit, shots, recipe, display) / limit_s,
                float(shots.shots[unit.shots[0]].frames / frame_rate) / LONGEST_PICTURES_S,
            )
            for unit in alone
        ]
        units.extend(
            TrialUnit(codec=codec, resolution=resolution, shots=group, crfs=crfs)
            for group in _collated(indices, weights)
        )
    return tuple(sorted(units, key=lambda unit: -unit_cost_s(unit, shots, recipe, display)))


def _dealt(cell: TrialUnit, load: float, most: int) -> list[tuple[float, ...]]:
    """Returns the cell's CRFs in as many hands as its load (1 = a full unit) and its memory ask for.

    None gets more than ``most``: so many encodes one process scores.

    Low CRFs cost more than high ones, so they are dealt like cards.
    """
    by_memory = math.ceil(cell.resolution.pixels * len(cell.crfs) / PIXELS_IN_MEMORY)
    hands = min(len(cell.crfs), max(1, by_memory, math.ceil(len(cell.crfs) / most), math.ceil(load)))
    return [cell.crfs[hand::hands] for hand in range(hands)]


def _collated(indices: Sequence[int], weights: Sequence[float]) -> list[tuple[int, ...]]:
    """Returns the shots in order, in groups that weigh at most 1 or hold a single shot."""
    groups: list[list[int]] = []
    room = 0.0
    for index, weight in zip(indices, weights, strict=True):
        if not groups or weight > room:
            groups.append([])
            room = 1.0
        groups[-1].append(index)
        room -= weight
    return [tuple(group) for group in groups]
