"""Where trials of a benchmark are made: the project's own trial unit, several at once, each result kept at once."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.oracle.raw_shots import RawShots
from benchmarks.oracle.table import BenchShot, Setting, Trial, TrialTable
from domain.encodes import EncodeRecipe, MetricRecipe
from domain.video import Resolution
from media.bench import Bench
from media.tools import ToolPaths
from media.trials import encode_and_score

Point = tuple[Resolution, float]
"""(size, CRF)."""


class Lab:
    """Makes trials, or finds them in the table."""

    def __init__(self, tools: ToolPaths, out: Path, table: TrialTable, *, jobs: int) -> None:
        self._tools = tools
        self._out = out
        self.table = table
        self._slots = asyncio.Semaphore(jobs)
        self._raw = RawShots(tools, out)
        self.made = 0

    async def measure(
        self, shot: BenchShot, setting: Setting, points: Sequence[Point], *, subsample: int
    ) -> tuple[Trial, ...]:
        """Returns the trials of the points, in their order; missing ones are made by one process.

        Raises:
            PertitleError: if ffmpeg fails.
        """
        missing = [
            point
            for point in dict.fromkeys(points)
            if self.table.find(shot.name, setting, *point, subsample=subsample) is None
        ]
        if missing:
            async with self._slots:
                self.table.add(await self._make(shot, setting, missing, subsample))
                self.made += len(missing)
        found = [self.table.find(shot.name, setting, *point, subsample=subsample) for point in points]
        return tuple(trial for trial in found if trial is not None)

    async def _make(self, shot: BenchShot, setting: Setting, points: Sequence[Point], subsample: int) -> list[Trial]:
        metric = MetricRecipe(display=shot.display, subsample=subsample)
        recipes = [self._recipe(shot, setting, *point) for point in points]
        scratch = Path(tempfile.mkdtemp(prefix="trial_", dir=self._out))
        try:
            async with self._raw.reading(shot) as piece:
                run = await encode_and_score(Bench(self._tools, scratch), piece, recipes, metric)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return [
            Trial(
                shot=shot.name,
                codec=setting.codec,
                preset=setting.preset,
                resolution=recipe.resolution,
                crf=recipe.crf,
                subsample=subsample,
                bitrate_bps=8 * sum(encode.packets.sizes_bytes) * float(shot.frame_rate) / shot.frames,
                frame_scores=scores,
                cpu=run.cost.share_of(number),
            )
            for number, (recipe, encode, scores) in enumerate(zip(recipes, run.encodes, run.scores, strict=True))
        ]

    @staticmethod
    def _recipe(shot: BenchShot, setting: Setting, resolution: Resolution, crf: float) -> EncodeRecipe:
        return EncodeRecipe(
            codec=setting.codec,
            preset=setting.preset,
            resolution=resolution,
            crf=crf,
            frame_rate=shot.frame_rate,
            # As the pipeline's grid would place them in a shot that begins on it.
            idr_frames=tuple(range(0, shot.frames, max(1, round(2 * shot.frame_rate)))),
            color=shot.color,
        )
