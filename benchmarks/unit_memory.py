"""What the programs of steps take: ``python -m benchmarks.unit_memory [--most-height 1080] [--json FILE]``.

Runs the real programs on made-up noisy shots and compares the largest resident size of any program (getrusage(2),
``RUSAGE_CHILDREN``) with what the worker announces for it (``activities.needs``). Prints a table. A program seems to
take at least what this process has when it starts one, about 80 MiB.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path

from activities.needs import (
    encode_memory_bytes,
    package_memory_bytes,
    reading_memory_bytes,
    score_memory_bytes,
    trial_memory_bytes,
)
from domain.encodes import EncodeRecipe, MetricRecipe
from domain.files import StoredFile
from domain.recipe import DEFAULT_PRESET, PackagingRecipe, ShotRecipe
from domain.shots import Shot, ShotList
from domain.tracks import Rendition
from domain.video import Codec, Color, FrameRange, Resolution
from media.bench import Bench, ShotPiece
from media.command import command
from media.inspection import Inspection, inspect_source
from media.measuring import DistortedFile, measure_encodes
from media.packaging.package import package_presentation
from media.packaging.plan import PresentationPlan, TrackFile
from media.probe import LocalSource
from media.process import run_tool
from media.progress import ignore_progress
from media.shot_detection import detect_shots
from media.split import SourcePictures, split_source
from media.tools import ToolPaths, find_tools
from media.trials import encode_and_score, encode_shot

RATE = Fraction(24)
SEGMENT_FRAMES = 48
NOISE = "noise=alls=12:allf=t"
"""On test pictures; flat ones would spare the encoders their buffers."""
SDR = Color()
HDR = Color(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc")
READING = ("inspect", "shots", "split")
FILE = StoredFile(uri="s3://bench/source.mov", sha256="0" * 64, size_bytes=1)


@dataclass(frozen=True, slots=True)
class Case:
    """One program of one step."""

    kind: str
    """``encode``, ``trial``, ``measure``, ``inspect``, ``shots``, ``split`` or ``package``."""
    codec: Codec
    display: Resolution
    sizes: tuple[Resolution, ...]
    """One for each encode."""
    frames: int = 96
    preset: str | None = None
    color: Color = SDR

    @property
    def words(self) -> str:
        """Returns how the case is called."""
        if self.kind in READING:
            return f"{self.kind} {self.display}"
        counts = {size: self.sizes.count(size) for size in self.sizes}
        sizes = " + ".join(f"{count} x {size}" for size, count in counts.items())
        coder = (
            ""
            if self.kind in {"measure", "package"}
            else f" {self.codec.value} {self.preset or DEFAULT_PRESET[self.codec]}"
        )
        return f"{self.kind}{coder} {self.color.delivered_bits} bit: {sizes} at {self.display}"

    def announced_bytes(self, rendition_bytes: int) -> int:
        """Returns what a worker announces for it, and for the packaging of a file of so many bytes."""
        bits = self.color.delivered_bits
        if self.kind in READING:
            return reading_memory_bytes(self.display)
        if self.kind == "package":
            return package_memory_bytes([rendition_bytes * SEGMENT_FRAMES / self.frames] * len(self.sizes))
        if self.kind == "measure":
            return score_memory_bytes(len(self.sizes), self.display)
        if self.kind == "encode":
            return encode_memory_bytes(self.sizes, bits)
        return trial_memory_bytes(self.sizes, bits, self.display)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a case came to."""

    case: str
    most_rss_bytes: int
    announced_bytes: int


def size(height_px: int) -> Resolution:
    """Returns a size of 16:9 of even numbers."""
    return Resolution(width_px=height_px * 16 // 9 // 2 * 2, height_px=height_px // 2 * 2)


def cases(most_height_px: int) -> Iterator[Case]:
    """Yields the cases, small ones first."""
    for height in [height for height in (180, 360, 720, 1080, 2160) if height <= most_height_px]:
        frames = 96 if height <= 720 else 48 if height <= 1080 else 24
        display = size(height)
        for codec in Codec:
            yield Case("encode", codec, display, (display,), frames)
            yield Case("trial", codec, display, (display,), frames)
            if height <= 360:
                yield Case("trial", codec, display, (display,) * 4, frames)
                yield Case("encode", codec, display, (display,), frames, "1" if codec is Codec.AV1 else "veryslow")
            if height <= 720 and codec is not Codec.H264:
                yield Case("encode", codec, display, (display,), frames, color=HDR)
        yield Case("trial", Codec.H264, display, (size(height // 2),) * 4, frames)
        yield Case("encode", Codec.H264, display, tuple(size(height * share // 8) for share in (8, 6, 4, 3)), frames)
        for count in (1, 4):
            yield Case("measure", Codec.H264, display, (display,) * count, min(frames, 48))
            yield Case("package", Codec.H264, display, (display,) * 2 * count, 96)
        for kind in READING:
            yield Case(kind, Codec.H264, display, (display,), min(frames, 48))


def measure(case: Case) -> Measured:
    """Runs a case in a process of its own, which has made nothing else."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="pertitle-memory-") as folder:
        inspection = asyncio.run(_prepare(case, Path(folder)))
        ours, theirs = context.Pipe()
        process = context.Process(target=_run, args=(case, Path(folder), inspection, theirs))
        process.start()
        theirs.close()
        try:
            most_bytes: int = ours.recv()
        finally:
            process.join()
        rendition = Path(folder) / "rendition.mp4"
        announced = case.announced_bytes(rendition.stat().st_size if rendition.exists() else 0)
    return Measured(case.words, most_bytes, announced)


async def _prepare(case: Case, folder: Path) -> Inspection | None:
    """Makes the lossless shot; for what stands behind an inspection, inspects it."""
    picture = f"testsrc2=s={case.display}:r=24,{NOISE}"
    pixels = "yuv420p" if case.color.delivered_bits == 8 else "yuv420p10le"
    tools, path = find_tools(), folder / "source.mov"
    argv = [tools.ffmpeg, "-v", "error", "-f", "lavfi", "-i", picture, "-frames:v", str(case.frames)]
    lossless = ["-pix_fmt", pixels, "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast"]
    await run_tool(command([*argv, *lossless, str(path)], purpose="test pictures"))
    if case.kind == "package":
        await _encode_as_mp4(tools, path, folder / "rendition.mp4")
    if case.kind not in {"shots", "split"}:
        return None
    return await inspect_source(tools, path, FILE, on_progress=ignore_progress)


async def _encode_as_mp4(tools: ToolPaths, source: Path, path: Path) -> None:
    idrs = ["-g", str(SEGMENT_FRAMES), "-keyint_min", str(SEGMENT_FRAMES), "-sc_threshold", "0"]
    coder = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", *idrs, "-video_track_timescale", "24000"]
    argv = [tools.ffmpeg, "-v", "error", "-i", str(source), *coder, str(path)]
    await run_tool(command(argv, purpose="rendition"))


def _run(case: Case, folder: Path, inspection: Inspection | None, answer: Connection) -> None:
    if case.kind in READING:
        asyncio.run(_read(case, folder, inspection))
    elif case.kind == "package":
        asyncio.run(_package(case, folder))
    else:
        asyncio.run(_encode_or_score(case, folder))
    answer.send(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)


async def _read(case: Case, folder: Path, inspection: Inspection | None) -> None:
    tools, path = find_tools(), folder / "source.mov"
    if inspection is None:
        await inspect_source(tools, path, FILE, on_progress=ignore_progress)
        return
    video, source = inspection.description.video, LocalSource.of_container(path, inspection.description.container)
    if case.kind == "shots":
        await detect_shots(sys.executable, source, recipe=ShotRecipe(), track=video, on_progress=ignore_progress)
        return
    (folder / "pieces").mkdir()
    whole = Shot(index=0, range=FrameRange(start_frame=0, end_frame=video.frames), activity=1.0)
    await split_source(
        tools,
        source,
        pictures=SourcePictures(video, inspection.frame_hashes),
        shots=ShotList(shots=(whole,)),
        out_dir=folder / "pieces",
        on_progress=ignore_progress,
    )


async def _package(case: Case, folder: Path) -> None:
    path = folder / "rendition.mp4"
    tracks = [
        Rendition(
            file=FILE.model_copy(update={"size_bytes": path.stat().st_size}),
            name=f"video_{number}",
            codec=Codec.H264,
            resolution=case.display,
            frame_rate=RATE,
            frames=case.frames,
            bitrate_bps=8e6,
            peak_bitrate_bps=8e6,
        )
        for number in range(len(case.sizes))
    ]
    recipe = PackagingRecipe(scheme="clear", segment_s=2, thumbnails=False)
    plan = PresentationPlan(tuple(TrackFile(track, path) for track in tracks), (), recipe, RATE)
    await package_presentation(find_tools(), plan, out_dir=folder / "presentation", on_progress=lambda _: None)


async def _encode_or_score(case: Case, folder: Path) -> None:
    piece = ShotPiece(folder / "source.mov", case.frames, RATE, "shot 0")
    bench, metric = Bench(find_tools(), folder), MetricRecipe(display=case.display)
    recipes = [_recipe(case, resolution, 22.0 + 3 * number) for number, resolution in enumerate(case.sizes)]
    if case.kind == "trial":
        await encode_and_score(bench, piece, recipes, metric)
    elif case.kind == "encode":
        await encode_shot(bench, piece, recipes)
    else:
        files = [DistortedFile(piece.path, resolution) for resolution in case.sizes]
        await measure_encodes(bench, piece, files, metric)


def _recipe(case: Case, resolution: Resolution, crf: float) -> EncodeRecipe:
    return EncodeRecipe(
        codec=case.codec,
        preset=case.preset or DEFAULT_PRESET[case.codec],
        resolution=resolution,
        crf=crf,
        frame_rate=RATE,
        idr_frames=(0,),
        color=case.color,
    )


def main() -> int:
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unit_memory", description=__doc__)
    parser.add_argument("--most-height", type=int, default=1080, help="largest pictures, in pixels")
    parser.add_argument("--only", default="", help="only cases whose words contain this")
    parser.add_argument("--json", type=Path, help="file that is written")
    arguments = parser.parse_args()
    found = []
    for case in cases(arguments.most_height):
        if arguments.only not in case.words:
            continue
        one = measure(case)
        found.append(one)
        share = one.announced_bytes / one.most_rss_bytes
        sys.stdout.write(f"| {one.case} | {one.most_rss_bytes >> 20} | {one.announced_bytes >> 20} | {share:.1f} |\n")
        sys.stdout.flush()
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n", encoding="utf-8")
    return 0 if all(one.announced_bytes >= one.most_rss_bytes for one in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
