"""A small oracle made of formulas: two sizes, whose curves cross; what every method should find is known."""

import math
from fractions import Fraction
from pathlib import Path

from benchmarks.oracle.clips import ClipList, Cutting
from benchmarks.oracle.grid import grid_crfs, grid_sizes
from benchmarks.oracle.table import BenchShot, Setting, Trial, TrialTable
from domain.cpu import CpuSplit
from domain.video import Codec, Color, Resolution

MEDIUM = Setting(Codec.H264, "medium")
VERYFAST = Setting(Codec.H264, "veryfast")
STEP = 2
FRAMES = 28
LARGE, SMALL = Resolution(width_px=640, height_px=360), Resolution(width_px=480, height_px=270)


def bench_shot(clip: str = "a.mov", index: int = 0, *, size_bytes: int = 1_000_000) -> BenchShot:
    return BenchShot(
        clip=clip,
        index=index,
        start_frame=0,
        frames=FRAMES,
        frame_rate=Fraction(24),
        display=LARGE,
        color=Color(primaries="bt709", transfer="bt709", matrix="bt709", range="tv"),
        file=f"shots/{clip}_{index}.mov",
        size_bytes=size_bytes,
        detection_cpu_s=0.5,
    )


def vmaf_of(size: Resolution, crf: float, hardness: float = 1.0) -> float:
    """The large size begins better and falls faster: it wins above VMAF 70, where hardness is 1."""
    return 99.0 - 2.0 * hardness * (crf - 16) if size == LARGE else 88.0 - 1.6 * hardness * (crf - 16)


def bitrate_of(size: Resolution, crf: float, hardness: float = 1.0) -> float:
    return (2.33e6 if size == LARGE else 1.6e6) * hardness**3 * math.exp2((16 - crf) / 6)


def add_grid(table: TrialTable, shot: BenchShot, setting: Setting, hardness: float = 1.0, *, step: int = STEP) -> None:
    """Adds every trial of a shot's grid; encoding costs by pixels, and a fifth at the fast preset."""
    cheap = 0.2 if setting == VERYFAST else 1.0
    table.add(
        Trial(
            shot=shot.name,
            codec=setting.codec,
            preset=setting.preset,
            resolution=size,
            crf=crf,
            subsample=1,
            bitrate_bps=bitrate_of(size, crf, hardness),
            frame_scores=(max(0.0, vmaf_of(size, crf, hardness)),) * shot.frames,
            cpu=CpuSplit(decode_s=0.1, encode_s=cheap * size.pixels / 1e5, metric_s=1.0, scale_s=0.1),
        )
        for size in grid_sizes(shot)
        for crf in grid_crfs(setting.codec, step)
    )


def write_oracle(out: Path) -> None:
    """Writes what a run of the oracle leaves: three shots of two clips at two presets."""
    shots = (
        bench_shot(index=0),
        bench_shot(index=1, size_bytes=2_000_000),
        bench_shot("b.mov", 0, size_bytes=1_500_000),
    )
    clips = ClipList(cutting=repr(Cutting(8, 48)), shots=shots, skipped=())
    out.mkdir(parents=True, exist_ok=True)
    (out / "shots.json").write_text(clips.model_dump_json(), encoding="utf-8")
    table = TrialTable(out / "trials.jsonl")
    for shot, hardness in zip(shots, (1.0, 1.4, 1.2), strict=True):
        for setting in (MEDIUM, VERYFAST):
            add_grid(table, shot, setting, hardness)
