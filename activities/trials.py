"""Trial encodes and production encodes: the units of the ``encode-cpu`` queue."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from temporalio import activity

from activities.heartbeats import Pulse
from activities.toolbox import Toolbox
from activities.units import add_up, load_unit
from domain.encodes import EncodedShot, EncodeRecipe, MetricRecipe, ShotScores
from domain.mezzanine import Mezzanine
from domain.shots import grid_frames
from domain.steps import BaselineEncode
from domain.values import Sha256, digest_of
from domain.work import BaselineUnit, EncodeUnit, TrialUnit, UnitOutcome, UnitReference
from media.baseline import FixedRungRecipe, encode_baseline
from media.trials import MadeEncode, encode_and_score, encode_shot


class Made(NamedTuple):
    """An encode, and its share of the CPU seconds of the process that made it."""

    encode: MadeEncode
    cpu_s: float


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
        missing = await asyncio.to_thread(self._without_encode, mezzanine, unit.shot, unit.recipes)
        if not missing:
            return UnitOutcome(reused=len(unit.recipes))
        pulse = Pulse(f"shot {unit.shot}")
        with self._box.bench(pulse) as bench:
            piece = await self._box.fetch_piece(mezzanine, unit.shot, bench.scratch, pulse)
            made, cpu_s = await encode_shot(bench, piece, missing)
            share_s = cpu_s / len(missing)
            for recipe, encode in zip(missing, made, strict=True):
                await self._keep_encode(mezzanine, unit.shot, recipe, Made(encode, share_s), pulse)
        return UnitOutcome(made=len(missing), reused=len(unit.recipes) - len(missing), cpu_s=cpu_s)

    @activity.defn
    async def run_baseline_unit(self, reference: UnitReference) -> UnitOutcome:
        """Encodes and scores one rung of the fixed ladder over the whole title."""
        mezzanine, unit = await load_unit(self._box, reference, BaselineUnit)
        key = baseline_key(mezzanine, unit)
        if await asyncio.to_thread(self._box.results.find, "baselines", key, BaselineEncode):
            return UnitOutcome(reused=1)
        pulse = Pulse("fixed rung")
        with self._box.bench(pulse) as bench:
            pieces = [
                await self._box.fetch_piece(mezzanine, piece.shot_index, bench.scratch, pulse)
                for piece in mezzanine.pieces
            ]
            run = await encode_baseline(bench, pieces, fixed_rung_recipe(mezzanine, unit), mezzanine.baseline_metric())
        encode = BaselineEncode(
            codec=unit.codec,
            resolution=unit.rung.resolution,
            target_bitrate_bps=unit.rung.bitrate_bps,
            bitrate_bps=8 * sum(run.packets.sizes_bytes) / mezzanine.duration_s,
            frame_scores=run.frame_scores,
        )
        await asyncio.to_thread(self._box.results.keep, "baselines", key, encode)
        return UnitOutcome(made=1, cpu_s=run.cpu_s)

    async def _trial_shot(self, mezzanine: Mezzanine, unit: TrialUnit, shot: int) -> UnitOutcome:
        metric = mezzanine.search_metric()
        recipes = [mezzanine.encode_recipe(unit.codec, unit.resolution, shot, crf=crf) for crf in unit.crfs]
        missing = await asyncio.to_thread(self._without_scores, mezzanine, shot, recipes, metric)
        if not missing:
            return UnitOutcome(reused=len(recipes))
        pulse = Pulse(f"shot {shot}")
        with self._box.bench(pulse) as bench:
            piece = await self._box.fetch_piece(mezzanine, shot, bench.scratch, pulse)
            run = await encode_and_score(bench, piece, missing, metric)
            share_s = run.cpu_s / len(missing)
            for recipe, encode, scores in zip(missing, run.encodes, run.scores, strict=True):
                key = await self._keep_encode(mezzanine, shot, recipe, Made(encode, share_s), pulse)
                await asyncio.to_thread(self._keep_scores, mezzanine, key, metric, scores)
        return UnitOutcome(made=len(missing), reused=len(recipes) - len(missing), cpu_s=run.cpu_s)

    def _without_encode(self, mezzanine: Mezzanine, shot: int, recipes: Sequence[EncodeRecipe]) -> list[EncodeRecipe]:
        return [
            recipe
            for recipe in recipes
            if self._box.results.find("encodes", mezzanine.encode_key(shot, recipe), EncodedShot) is None
        ]

    def _without_scores(
        self, mezzanine: Mezzanine, shot: int, recipes: Sequence[EncodeRecipe], metric: MetricRecipe
    ) -> list[EncodeRecipe]:
        """Returns the recipes whose scores are not in the store; scores are kept after their encode."""
        keys = [mezzanine.score_key(mezzanine.encode_key(shot, recipe), metric) for recipe in recipes]
        return [
            recipe
            for recipe, key in zip(recipes, keys, strict=True)
            if self._box.results.find("scores", key, ShotScores) is None
        ]

    async def _keep_encode(
        self, mezzanine: Mezzanine, shot: int, recipe: EncodeRecipe, made: Made, pulse: Pulse
    ) -> Sha256:
        key = mezzanine.encode_key(shot, recipe)
        kept = EncodedShot(
            key=key,
            file=await pulse.run(self._box.store.put_file, made.encode.path, on_progress=pulse, on_read=pulse),
            resolution=recipe.resolution,
            codec=recipe.codec,
            crf=recipe.crf,
            frame_rate=recipe.frame_rate,
            packet_sizes_bytes=made.encode.packets.sizes_bytes,
            cpu_s=made.cpu_s,
        )
        await asyncio.to_thread(self._box.results.keep, "encodes", key, kept)
        return key

    def _keep_scores(
        self, mezzanine: Mezzanine, key_of_encode: Sha256, metric: MetricRecipe, scores: tuple[float, ...]
    ) -> None:
        kept = ShotScores(encode_key=key_of_encode, metric=metric, frame_scores=scores)
        self._box.results.keep("scores", mezzanine.score_key(key_of_encode, metric), kept)


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
    step = grid_frames(mezzanine.frame_rate, mezzanine.recipe.shots.idr_grid_s)
    return FixedRungRecipe(recipe, unit.rung.bitrate_bps, step)


def baseline_key(mezzanine: Mezzanine, unit: BaselineUnit) -> Sha256:
    """Returns the content key of a fixed rung: all pictures, the rung, the metric, the build."""
    return digest_of(
        {
            "pictures": [piece.pictures_sha256 for piece in mezzanine.pieces],
            "unit": unit.model_dump(mode="json"),
            "grid": str(mezzanine.recipe.shots.idr_grid_s),
            "metric": mezzanine.baseline_metric().model_dump(mode="json"),
            "tools": mezzanine.tools_digest,
            "version": 1,
        }
    )
