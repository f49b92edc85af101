"""Trial encodes and production encodes: the units of the ``encode-cpu`` queue."""

import asyncio

from temporalio import activity

from activities.heartbeats import Pulse
from activities.needs import encode_needs, shot_needs, title_needs
from activities.toolbox import Toolbox
from activities.trial_shelf import TrialShelf
from activities.units import add_up, load_unit, stopped
from domain.cpu import CpuSplit
from domain.encodes import EncodeRecipe
from domain.mezzanine import Mezzanine
from domain.shots import grid_frames
from domain.steps import BaselineEncode
from domain.values import Sha256, digest_of
from domain.work import BaselineUnit, EncodeUnit, TrialUnit, UnitOutcome, UnitReference
from media.baseline import FixedRungRecipe, encode_baseline
from media.trials import encode_and_score, encode_shot


class EncodeActivities:
    """Encodes; every result lies in the store under its content key before the activity ends."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def run_trial_unit(self, reference: UnitReference) -> UnitOutcome:
        """Makes the trial encodes of one or several shots at one resolution and scores them."""
        mezzanine, unit = await load_unit(self._box, reference, TrialUnit)
        outcomes = [await self._trial_shot(mezzanine, unit, shot) for shot in unit.shots]
        return add_up(outcomes)

    @activity.defn
    async def run_encode_unit(self, reference: UnitReference) -> UnitOutcome:
        """Makes production encodes of one shot; a trial encode with the same recipe is used as it is."""
        mezzanine, unit = await load_unit(self._box, reference, EncodeUnit)
        shelf = TrialShelf(self._box, mezzanine, unit.shot)
        missing = await asyncio.to_thread(
            lambda: [recipe for recipe in unit.recipes if shelf.find_encode(recipe) is None]
        )
        if not missing:
            return UnitOutcome(reused=len(unit.recipes))
        pulse = Pulse(f"shot {unit.shot}")
        needs = encode_needs(mezzanine, unit.shot, [recipe.resolution for recipe in missing])
        async with self._box.roomy_bench(pulse, needs) as bench:
            piece = await self._box.fetch_piece(mezzanine, unit.shot, bench.scratch, pulse)
            (made, cpu_s), tool_s = await stopped(encode_shot(bench, piece, missing))
            share = CpuSplit(encode_s=cpu_s / len(missing))
            for recipe, encode in zip(missing, made, strict=True):
                await shelf.keep_encode(recipe, encode, share, pulse)
        reused = len(unit.recipes) - len(missing)
        return UnitOutcome(made=len(missing), reused=reused, cpu_s=cpu_s, tool_s=tool_s)

    @activity.defn
    async def run_baseline_unit(self, reference: UnitReference) -> UnitOutcome:
        """Encodes and scores one rung of the fixed ladder over the whole title."""
        mezzanine, unit = await load_unit(self._box, reference, BaselineUnit)
        key = baseline_key(mezzanine, unit)
        if await asyncio.to_thread(self._box.results.find, "baselines", key, BaselineEncode):
            return UnitOutcome(reused=1)
        pulse = Pulse("fixed rung")
        async with self._box.roomy_bench(pulse, title_needs(mezzanine, unit.rung.resolution)) as bench:
            pieces = [
                await self._box.fetch_piece(mezzanine, piece.shot_index, bench.scratch, pulse)
                for piece in mezzanine.pieces
            ]
            run, tool_s = await stopped(
                encode_baseline(bench, pieces, fixed_rung_recipe(mezzanine, unit), mezzanine.baseline_metric())
            )
        encode = BaselineEncode(
            codec=unit.codec,
            resolution=unit.rung.resolution,
            target_bitrate_bps=unit.rung.bitrate_bps,
            bitrate_bps=8 * sum(run.packets.sizes_bytes) / mezzanine.duration_s,
            frame_scores=run.frame_scores,
        )
        await asyncio.to_thread(self._box.results.keep, "baselines", key, encode)
        return UnitOutcome(made=1, cpu_s=run.cpu_s, tool_s=tool_s)

    async def _trial_shot(self, mezzanine: Mezzanine, unit: TrialUnit, shot: int) -> UnitOutcome:
        metric, shelf = mezzanine.search_metric(shot), TrialShelf(self._box, mezzanine, shot)
        recipes = [mezzanine.encode_recipe(unit.codec, unit.resolution, shot, crf=crf) for crf in unit.crfs]
        missing = await asyncio.to_thread(
            lambda: [recipe for recipe in recipes if shelf.find_trial(recipe, metric) is None]
        )
        if not missing:
            return UnitOutcome(reused=len(recipes))
        pulse = Pulse(f"shot {shot}")
        needs = shot_needs(mezzanine, shot, [recipe.resolution for recipe in missing])
        async with self._box.roomy_bench(pulse, needs) as bench:
            piece = await self._box.fetch_piece(mezzanine, shot, bench.scratch, pulse)
            run, tool_s = await stopped(encode_and_score(bench, piece, missing, metric))
            await shelf.keep_trials(missing, run, metric, pulse)
        reused = len(recipes) - len(missing)
        return UnitOutcome(made=len(missing), reused=reused, cpu_s=run.cpu_s, tool_s=tool_s)


def fixed_rung_recipe(mezzanine: Mezzanine, unit: BaselineUnit) -> FixedRungRecipe:
    """Returns how a fixed rung is encoded: our encoder and preset, the rung's size and rate, the grid as GOP."""
    recipe = EncodeRecipe(
        codec=unit.codec,
        preset=unit.preset,
        resolution=unit.rung.resolution,
        crf=0,
        frame_rate=mezzanine.frame_rate,
        idr_frames=(0,),
        color=mezzanine.color,
    )
    step = grid_frames(mezzanine.frame_rate, mezzanine.recipe.idr_longest_s)
    return FixedRungRecipe(recipe, unit.rung.bitrate_bps, step)


def baseline_key(mezzanine: Mezzanine, unit: BaselineUnit) -> Sha256:
    """Returns the content key of a fixed rung: all pictures, the rung, the metric, the build."""
    return digest_of(
        {
            "pictures": [piece.pictures_sha256 for piece in mezzanine.pieces],
            "unit": unit.model_dump(mode="json"),
            "grid": str(mezzanine.recipe.idr_longest_s),
            "metric": mezzanine.baseline_metric().model_dump(mode="json"),
            "tools": mezzanine.tools_digest,
            "version": 1,
        }
    )
