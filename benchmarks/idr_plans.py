"""What IDR frames cost: ``python -m benchmarks.idr_plans CLIP OUT [--codec h264=medium …] [--height 720 …]``.

Every shot of a clip is encoded under each plan at the same CRFs, sizes and preset; a plan's curve is the whole clip's
rate against its mean VMAF. Nothing is predicted: each point was encoded, decoded and measured.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from statistics import fmean

from benchmarks.oracle.clips import ClipList, Cutting, prepare_clips
from benchmarks.oracle.raw_shots import piece_of
from benchmarks.oracle.table import BenchShot
from domain.encodes import EncodeRecipe, MetricRecipe
from domain.recipe import PRESETS
from domain.shots import Shot, ShotList, grid_frames, idr_frames_within, plan_idr_frames, plan_idr_frames_by_shot
from domain.video import Codec, FrameRange, Resolution
from ladders.bd_rate import bd_rate
from media.bench import Bench
from media.tools import ToolPaths, find_tools
from media.trials import encode_and_score

SUBSAMPLE = 5
CRFS: dict[Codec, tuple[float, ...]] = {
    Codec.H264: (19, 25, 31, 37),
    Codec.HEVC: (19, 25, 31, 37),
    Codec.AV1: (24, 34, 44, 54),
}
PLANS = ("grid 2 s", "grid 4 s", "shot 2 s", "shot 4 s", "shot 6 s")
Point = tuple[float, float]
"""(bits, mean VMAF)."""


def plans_of(shots: ShotList, frame_rate: Fraction) -> dict[str, tuple[int, ...]]:
    """Returns each plan's IDR frames for a whole clip."""
    made = {}
    for name in PLANS:
        kind, length, _ = name.split()
        step = grid_frames(frame_rate, Fraction(length))
        made[name] = plan_idr_frames(shots, step) if kind == "grid" else plan_idr_frames_by_shot(shots, step)
    return made


async def measure_shot(
    tools: ToolPaths, out: Path, shot: BenchShot, recipes: Sequence[EncodeRecipe]
) -> tuple[tuple[int, float], ...]:
    """Returns (bits, sum of frame scores weighted to all frames) of each recipe."""
    piece = piece_of(shot, out)
    scratch = Path(tempfile.mkdtemp(prefix="idr_", dir=out))
    try:
        metric = MetricRecipe(display=shot.display, subsample=min(SUBSAMPLE, max(1, shot.frames // 12 * 2 - 1)))
        run = await encode_and_score(Bench(tools, scratch), piece, recipes, metric)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return tuple(
        (8 * sum(encode.packets.sizes_bytes), fmean(scores))
        for encode, scores in zip(run.encodes, run.scores, strict=True)
    )


class PlanBench:
    """Measures one clip."""

    def __init__(self, tools: ToolPaths, out: Path, clips: ClipList) -> None:
        self._tools, self._out, self._shots = tools, out, clips.shots
        self._slots = asyncio.Semaphore(os.cpu_count() or 1)
        self._kept = out / "idr_points.jsonl"
        self._known: dict[str, Point] = {}
        if self._kept.exists():
            for line in self._kept.read_text("utf-8").splitlines():
                record = json.loads(line)
                self._known[record["key"]] = (record["bits"], record["vmaf"])
        ranges = (
            FrameRange(start_frame=shot.start_frame, end_frame=shot.start_frame + shot.frames) for shot in self._shots
        )
        self._list = ShotList(shots=tuple(Shot(index=index, range=item) for index, item in enumerate(ranges)))
        self.plans = plans_of(self._list, self._shots[0].frame_rate)

    async def curves(self, codec: Codec, preset: str, size: Resolution) -> dict[str, list[Point]]:
        """Returns plan → the clip's (bits, mean VMAF) at each CRF."""
        await asyncio.gather(*(self._measure(index, codec, preset, size) for index in range(len(self._shots))))
        frames = sum(shot.frames for shot in self._shots)
        made: dict[str, list[Point]] = {}
        for name in PLANS:
            made[name] = []
            for crf in CRFS[codec]:
                points = [
                    self._known[self._key(index, codec, preset, size, crf, self._idr(name, index))]
                    for index in range(len(self._shots))
                ]
                weighted = sum(point[1] * shot.frames for point, shot in zip(points, self._shots, strict=True))
                made[name].append((sum(point[0] for point in points), weighted / frames))
        return made

    async def _measure(self, index: int, codec: Codec, preset: str, size: Resolution) -> None:
        shot = self._shots[index]
        for idr in dict.fromkeys(self._idr(name, index) for name in PLANS):
            keys = [self._key(index, codec, preset, size, crf, idr) for crf in CRFS[codec]]
            if all(key in self._known for key in keys):
                continue
            recipes = [
                EncodeRecipe(
                    codec=codec, preset=preset, resolution=size, crf=crf, frame_rate=shot.frame_rate,
                    idr_frames=idr, color=shot.color,
                )
                for crf in CRFS[codec]
            ]  # fmt: skip
            async with self._slots:
                points = await measure_shot(self._tools, self._out, shot, recipes)
            with self._kept.open("a", encoding="utf-8") as kept:
                for key, point in zip(keys, points, strict=True):
                    self._known[key] = point
                    kept.write(json.dumps({"key": key, "bits": point[0], "vmaf": point[1]}) + "\n")

    def _idr(self, plan: str, index: int) -> tuple[int, ...]:
        return idr_frames_within(self.plans[plan], self._list.shots[index].range)

    def _key(self, index: int, codec: Codec, preset: str, size: Resolution, crf: float, idr: tuple[int, ...]) -> str:
        return f"{self._shots[index].name}|{codec.value}|{preset}|{size}|{crf:g}|{list(idr)}"


def _halves(points: list[Point]) -> tuple[list[Point], list[Point]]:
    """Returns the dearer and the cheaper three points: high rungs and low rungs."""
    ordered = sorted(points)
    return ordered[1:], ordered[:3]


def rates_against(reference: list[Point], test: list[Point]) -> dict[str, float]:
    """Returns BD-rates of a plan against the reference plan, whole, high rungs and low rungs."""
    (high, low), (test_high, test_low) = _halves(reference), _halves(test)
    return {"all": bd_rate(reference, test), "high": bd_rate(high, test_high), "low": bd_rate(low, test_low)}


async def _run(options: argparse.Namespace) -> list[dict[str, object]]:
    tools = find_tools()
    options.out.mkdir(parents=True, exist_ok=True)
    clips = await prepare_clips(tools, options.clip, options.out, Cutting(10_000, 10_000))
    bench = PlanBench(tools, options.out, clips)
    display = clips.shots[0].display
    records: list[dict[str, object]] = []
    for setting in options.codec:
        codec, _, preset = setting.partition("=")
        for height in options.height:
            size = Resolution(width_px=round(display.width_px * height / display.height_px / 2) * 2, height_px=height)
            curves = await bench.curves(Codec(codec), preset or PRESETS[Codec(codec)][-1], size)
            for name in PLANS:
                rates = rates_against(curves[PLANS[0]], curves[name])
                records.append(
                    {"clip": options.clip.name, "setting": setting, "size": str(size), "plan": name,
                     "idrs": len(bench.plans[name]), **rates, "points": curves[name]}
                )  # fmt: skip
                print(
                    f"{options.clip.name} {setting} {size} {name}: {len(bench.plans[name])} IDRs, "
                    + ", ".join(f"{part} {100 * rate:+.2f} %" for part, rate in rates.items()),
                    flush=True,
                )
    return records


def main(arguments: list[str]) -> int:
    """Measures and prints; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idr_plans", description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--codec", nargs="+", default=["h264=medium", "av1=8", "hevc=fast"])
    parser.add_argument("--height", nargs="+", type=int, default=[720, 360])
    options = parser.parse_args(arguments)
    records = asyncio.run(_run(options))
    (options.out / "idr_plans.json").write_text(json.dumps(records, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
