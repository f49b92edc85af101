"""The encodes and scores of one shot in the store: found under their content keys, kept as soon as they are made."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from activities.heartbeats import Pulse
from activities.toolbox import Toolbox
from domain.cpu import CpuSplit
from domain.encodes import EncodedShot, EncodeRecipe, MetricRecipe, ShotScores
from domain.mezzanine import Mezzanine, anchor_step
from domain.values import Sha256
from media.trials import MadeEncode, TrialRun


class KeptTrial(NamedTuple):
    """A trial encode in the store, and its scores."""

    encode: EncodedShot
    scores: ShotScores


@dataclass(frozen=True, slots=True)
class TrialShelf:
    """Where the encodes of one shot lie."""

    box: Toolbox
    mezzanine: Mezzanine
    shot: int

    def find_encode(self, recipe: EncodeRecipe) -> EncodedShot | None:
        """Returns an encode that is there."""
        return self.box.results.find("encodes", self.mezzanine.encode_key(self.shot, recipe), EncodedShot)

    def find_trial(self, recipe: EncodeRecipe, metric: MetricRecipe) -> KeptTrial | None:
        """Returns a trial that is there with its scores; scores are kept after their encode.

        One that was scored on every frame serves for every n-th too, and every third for every ninth: the scores are
        the same digits.
        """
        key = self.mezzanine.encode_key(self.shot, recipe)
        scores = self._find_scores(key, metric)
        for step in sorted({1, anchor_step(metric.subsample)} - {metric.subsample}):
            if scores is not None:
                break
            closer = self._find_scores(key, metric.model_copy(update={"subsample": step}))
            every = closer.frame_scores[:: metric.subsample // step] if closer is not None else ()
            scores = ShotScores(encode_key=key, metric=metric, frame_scores=every) if every else None
        encode = self.find_encode(recipe) if scores is not None else None
        return KeptTrial(encode, scores) if encode is not None and scores is not None else None

    def _find_scores(self, key_of_encode: Sha256, metric: MetricRecipe) -> ShotScores | None:
        return self.box.results.find("scores", self.mezzanine.score_key(key_of_encode, metric), ShotScores)

    async def keep_encode(self, recipe: EncodeRecipe, made: MadeEncode, cpu: CpuSplit, pulse: Pulse) -> EncodedShot:
        """Keeps an encode; returns the kept one (the first writer wins)."""
        key = self.mezzanine.encode_key(self.shot, recipe)
        new = EncodedShot(
            key=key,
            file=await pulse.run(self.box.store.put_file, made.path, on_progress=pulse, on_read=pulse),
            resolution=recipe.resolution,
            codec=recipe.codec,
            crf=recipe.crf,
            frame_rate=recipe.frame_rate,
            packet_sizes_bytes=made.packets.sizes_bytes,
            cpu_s=cpu.total_s,
            cpu=cpu,
        )
        return await asyncio.to_thread(self.box.results.keep, "encodes", key, new)

    async def keep_trials(
        self, recipes: Sequence[EncodeRecipe], run: TrialRun, metric: MetricRecipe, pulse: Pulse
    ) -> list[KeptTrial]:
        """Keeps what one trial process made, in the order of its recipes, each with its share of the CPU seconds."""
        kept = []
        for number, (recipe, made, scores) in enumerate(zip(recipes, run.encodes, run.scores, strict=True)):
            encode = await self.keep_encode(recipe, made, run.cost.share_of(number), pulse)
            kept.append(KeptTrial(encode, await asyncio.to_thread(self._keep_scores, encode.key, metric, scores)))
        return kept

    def _keep_scores(self, key_of_encode: Sha256, metric: MetricRecipe, scores: tuple[float, ...]) -> ShotScores:
        new = ShotScores(encode_key=key_of_encode, metric=metric, frame_scores=scores)
        return self.box.results.keep("scores", self.mezzanine.score_key(key_of_encode, metric), new)
