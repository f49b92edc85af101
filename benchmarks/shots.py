"""How well cuts are found: ``python -m benchmarks.shots MEDIA_DIR [--json]``.

Every clip with a ``*.shots.json`` beside it is scanned and compared frame by frame. A found cut inside a gradual
transition or an ignored range is neither right nor wrong; everything else that is not in the list is a false cut.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from media.probe import LocalSource, choose_video_track, parse_probe, probe_command
from media.process import run_tool
from media.shot_detection import scan_cuts
from media.tools import find_tools


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 of one clip (or of all)."""

    clip: str
    frames: int
    true_cuts: int
    found: int
    missed: tuple[int, ...]
    false: tuple[int, ...]
    one_off: int
    """Missed cuts that were found one frame early or late."""
    cpu_s: float

    @property
    def hits(self) -> int:
        """Cuts found on the frame."""
        return self.true_cuts - len(self.missed)

    def rates(self, *, tolerance: int) -> tuple[float, float, float]:
        """Returns precision, recall and F1, each ``[0, 1]``, with a tolerance of 0 or 1 frame."""
        hits = self.hits + (self.one_off if tolerance else 0)
        false = len(self.false) - (self.one_off if tolerance else 0)
        precision = hits / (hits + false) if hits + false else 1.0
        recall = hits / self.true_cuts if self.true_cuts else 1.0
        both = precision + recall
        return precision, recall, 2 * precision * recall / both if both else 0.0


def compare(clip: str, truth: dict[str, Any], found: tuple[int, ...], cpu_s: float) -> Score:
    """Returns the score of one clip.

    Args:
        clip: Its name.
        truth: The content of its ``.shots.json``.
        found: Detected cuts.
        cpu_s: What they cost.
    """
    true = {int(frame) for frame in truth["hard_cuts"]}
    spans = [*truth.get("transitions", ()), *truth.get("ignore", ())]
    neutral = [range(span["first"], span["last"] + 2) for span in spans if "first" in span]
    judged = {frame for frame in found if frame in true or not any(frame in span for span in neutral)}
    missed, false = tuple(sorted(true - judged)), tuple(sorted(judged - true))
    one_off = sum(1 for cut in missed if {cut - 1, cut + 1} & set(false))
    return Score(clip, int(truth["frames"]), len(true), len(judged), missed, false, one_off, cpu_s)


def total(scores: list[Score]) -> Score:
    """Returns all clips taken together."""
    return Score(
        clip="all",
        frames=sum(score.frames for score in scores),
        true_cuts=sum(score.true_cuts for score in scores),
        found=sum(score.found for score in scores),
        missed=tuple(cut for score in scores for cut in score.missed),
        false=tuple(cut for score in scores for cut in score.false),
        one_off=sum(score.one_off for score in scores),
        cpu_s=sum(score.cpu_s for score in scores),
    )


async def score_clip(truth_path: Path) -> Score:
    """Scans the clip beside a list of cuts and compares."""
    truth = json.loads(truth_path.read_text(encoding="utf-8"))  # noqa: ASYNC240 - a benchmark has nothing else to do
    clip = truth_path.with_name(truth["file"])
    probe = await run_tool(probe_command(find_tools().ffprobe, clip))
    described = parse_probe(probe.stdout, where=clip.name)
    track = choose_video_track(described, where=clip.name)
    source = LocalSource.of_container(clip, described.container, where=clip.name)
    log, cpu_s = await scan_cuts(sys.executable, source, stream_index=track.index)
    return compare(clip.name, truth, tuple(cut.frame for cut in log.cuts), cpu_s)


def main(arguments: list[str]) -> int:
    """Scores all clips of a folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shots", description=__doc__)
    parser.add_argument("media_dir", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    truths = sorted(options.media_dir.glob("*.shots.json"))
    if not truths:
        print(f"no *.shots.json in {options.media_dir}", file=sys.stderr)
        return 2
    scores = [asyncio.run(score_clip(path)) for path in truths]
    scores.append(total(scores))
    print(_as_json(scores) if options.json else _as_table(scores))
    return 0


def _as_json(scores: list[Score]) -> str:
    def record(score: Score) -> dict[str, Any]:
        rates = {
            f"within_{n}": dict(zip(("precision", "recall", "f1"), score.rates(tolerance=n), strict=True))
            for n in (0, 1)
        }
        return {**asdict(score), **rates}

    return json.dumps([record(score) for score in scores], indent=1)


def _as_table(scores: list[Score]) -> str:
    head = f"{'clip':36} {'cuts':>5} {'P':>6} {'R':>6} {'F1':>6} {'F1 ±1':>6} {'fps/CPU':>8}  missed, false"
    lines = [head]
    for score in scores:
        precision, recall, f1 = score.rates(tolerance=0)
        speed = score.frames / score.cpu_s if score.cpu_s else 0.0
        faults = f"{list(score.missed)} {list(score.false)}" if score.clip != "all" else ""
        lines.append(
            f"{score.clip:36} {score.true_cuts:5} {precision:6.3f} {recall:6.3f} {f1:6.3f}"
            f" {score.rates(tolerance=1)[2]:6.3f} {speed:8.0f}  {faults}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
