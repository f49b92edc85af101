"""Finds cuts by looking at every frame: a program of its own (``python -m media.shot_scan``), so that it can be ended.

Two of PySceneDetect's adaptive detectors look at the brightness of small pictures. Brightness only: in near-black
pictures the hue is noise and gave false cuts inside fades. The first wants a change far above its surroundings, so that
quiet cuts (black to a title card) are found; the second a large change, so that cuts within fast action are found.

Output: JSON lines. ``{"changes": [...]}`` for each block of frames, ``{"cut": frame, "score": change}``, and at the end
``{"frames": count, "decoded": count}``. For a source of variable rate both counts differ: it is looked at as the title
shows it, picture by picture on the constant rate.
"""

import json
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from scenedetect import FrameTimecode
from scenedetect.detectors import AdaptiveDetector
from scenedetect.stats_manager import StatsManager

from media.retiming import place_pictures

Picture = npt.NDArray[np.int16]
SmallPicture = npt.NDArray[np.uint8]

_WIDTH_PX, _HEIGHT_PX = 160, 90
_QUIET = {"adaptive_threshold": 3.5, "min_content_val": 6.0}
_LOUD = {"adaptive_threshold": 2.4, "min_content_val": 20.0}
"""Tuned on the clips of ``benchmarks/shots.py``: there the faintest quiet cut scores 7.3, the loud one 2.7 times its
surroundings, and nothing else comes near."""
_FLASH_FRAMES = 6
"""A flash is over after so many frames (a quarter of a second)."""
_FLASH_RETURN = 0.4
"""After a flash the picture differs from the one before it by less than this share of the flash's own change."""
_BLOCK_FRAMES = 12
_MEMORY_FRAMES = 2 * _FLASH_FRAMES + 8


class CutFinder:
    """Takes pictures one by one and says where cuts are, a few frames later."""

    def __init__(self) -> None:
        self._stats = StatsManager()
        self._detectors = [AdaptiveDetector(luma_only=True, min_scene_len=1, **limits) for limits in (_QUIET, _LOUD)]
        self._detectors[0].stats_manager = self._stats
        self._recent: deque[Picture] = deque(maxlen=_MEMORY_FRAMES)
        self._pending: set[int] = set()
        self.frames = 0

    def add(self, picture: npt.NDArray[np.uint8]) -> Iterator[tuple[int, float]]:
        """Takes the next picture (height x width x BGR, uint8); yields cuts that are now certain, with their score."""
        time = FrameTimecode(self.frames, fps=24.0)
        for detector in self._detectors:
            self._pending.update(int(cut.frame_num) for cut in detector.process_frame(time, picture))
        self._recent.append(picture.astype(np.int16))
        self.frames += 1
        yield from self._settle(self.frames - 1 - _FLASH_FRAMES)

    def finish(self) -> Iterator[tuple[int, float]]:
        """Yields the cuts among the last frames."""
        yield from self._settle(self.frames)

    def change(self, frame: int) -> float:
        """Returns the mean brightness change of a frame against the one before, ``[0, 255]``."""
        (value,) = self._stats.get_metrics(FrameTimecode(frame, fps=24.0), ["content_val"])
        return float(value or 0.0)

    def _settle(self, last: int) -> Iterator[tuple[int, float]]:
        for frame in sorted(cut for cut in self._pending if cut <= last):
            self._pending.remove(frame)
            if not self._is_flash(frame):
                yield frame, self.change(frame)

    def _is_flash(self, frame: int) -> bool:
        """Tells whether the picture returns: what follows looks like what was before the change."""
        first = self.frames - len(self._recent)
        limit = _FLASH_RETURN * self._distance(frame - 1, frame)
        after = range(frame + 1, min(self.frames, frame + 1 + _FLASH_FRAMES))
        before = range(max(first, frame - 1 - _FLASH_FRAMES), frame - 1)
        returns = any(self._distance(frame - 1, other) < limit for other in after)
        return returns or any(self._distance(frame, other) < limit for other in before)

    def _distance(self, one: int, other: int) -> float:
        first = self.frames - len(self._recent)
        return float(np.abs(self._recent[one - first] - self._recent[other - first]).mean())


@dataclass(slots=True)
class Decode:
    """Small pictures of one track, with their times."""

    path: Path
    stream_index: int
    demuxer: str
    """The one that may read it (``media.probe.LocalSource``)."""
    decoded: int = 0

    def pictures(self) -> Iterator[tuple[Fraction, SmallPicture]]:
        """Yields time in seconds and picture (height x width x BGR, uint8)."""
        walls = {"protocol_whitelist": "file", "format_whitelist": self.demuxer}
        time = Fraction(0)
        with av.open(f"file:{self.path}", format=self.demuxer, container_options=walls) as container:
            stream = container.streams[self.stream_index]
            if not isinstance(stream, av.VideoStream):
                raise SystemExit(f"track {self.stream_index} is no video")
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                small = frame.reformat(width=_WIDTH_PX, height=_HEIGHT_PX, format="bgr24", interpolation="AREA")
                self.decoded += 1
                if frame.pts is not None and frame.time_base is not None:
                    time = frame.pts * frame.time_base
                yield time, np.asarray(small.to_ndarray(), dtype=np.uint8)


def scan(decode: Decode, rate: Fraction | None = None, frames: int = 0) -> Iterator[dict[str, Any]]:
    """Yields the records that the program prints.

    Args:
        decode: The track.
        rate: Constant rate on which its pictures are put; ``None`` if they come so.
        frames: Frames of the title at that rate.
    """
    finder, reported = CutFinder(), 0
    timed = decode.pictures()
    pictures = (picture for _, picture in timed) if rate is None else place_pictures(timed, rate, frames)
    for picture in pictures:
        yield from _as_records(finder.add(picture))
        if finder.frames - reported >= _BLOCK_FRAMES:
            yield _block(finder, reported)
            reported = finder.frames
    yield from _as_records(finder.finish())
    if reported < finder.frames:
        yield _block(finder, reported)
    yield {"frames": finder.frames, "decoded": decode.decoded}


def _block(finder: CutFinder, first: int) -> dict[str, Any]:
    return {"changes": [round(finder.change(frame), 3) for frame in range(first, finder.frames)]}


def _as_records(cuts: Iterator[tuple[int, float]]) -> Iterator[dict[str, Any]]:
    for frame, score in cuts:
        yield {"cut": frame, "score": round(score, 3)}


def main(arguments: list[str]) -> int:
    """Scans ``PATH STREAM_INDEX DEMUXER [RATE FRAMES]`` and prints JSON lines; returns the exit code."""
    path, stream_index, demuxer, *constant = arguments
    rate, frames = (Fraction(constant[0]), int(constant[1])) if constant else (None, 0)
    for record in scan(Decode(Path(path), int(stream_index), demuxer), rate, frames):
        sys.stdout.write(json.dumps(record) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
