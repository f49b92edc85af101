"""Where trials of a benchmark are made: the project's own trial unit, several at once, each result kept at once."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.oracle.raw_shots import RawShots
from benchmarks.oracle.table import BenchShot, Point, Setting, Trial, TrialTable
from domain.encodes import EncodeRecipe, MetricRecipe
from domain.video import Resolution
from media.bench import Bench
from media.tools import ToolPaths
from media.trials import encode_and_score


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
        self, shot: BenchShot, setting: Setting, points: Sequence[Point], *, subsample: int, is_apart: bool = False
    ) -> tuple[Trial, ...]:
        """Returns the trials of the points, in their order; missing ones are made by one process.

        Args:
            shot: what is encoded.
            setting: by what.
            points: sizes and CRFs.
            subsample: every n-th frame is scored.
            is_apart: the grid's own trials will not do (:attr:`~benchmarks.oracle.table.Trial.is_apart`).

        Raises:
            PertitleError: if ffmpeg fails.
        """
        find = partial(self.table.find, shot.name, setting, subsample=subsample, is_apart=is_apart)
        missing = [point for point in dict.fromkeys(points) if find(point) is None]
        if missing:
            async with self._slots:
                made = await self._make(shot, setting, missing, subsample)
                self.table.add(trial.model_copy(update={"is_apart": is_apart}) for trial in made)
                self.made += len(missing)
        return tuple(trial for trial in map(find, points) if trial is not None)

    def spent_cpu_s(self) -> float:
        """Returns the CPU seconds that this process has spent in all its threads, its tools apart."""
        return time.process_time()

    async def _make(self, shot: BenchShot, setting: Setting, points: Sequence[Point], subsample: int) -> list[Trial]:
        metric = MetricRecipe(display=shot.display, coded_bits=shot.color.delivered_bits, subsample=subsample)
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
            idr_frames=shot.idr_frames,
            color=shot.color,
        )
