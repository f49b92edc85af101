"""The table of all trials of a benchmark: one JSON object a line, appended as they come, so that a run can go on."""

import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from domain.cpu import CpuSplit
from domain.recipe import Recipe
from domain.shots import grid_frames, idr_frames_of_shot
from domain.values import Value
from domain.video import Codec, Color, Resolution

Point = tuple[Resolution, float]
"""(size, CRF)."""
IDR_LONGEST_S = Recipe().idr_longest_s
"""Most seconds from one IDR frame to the next, as shipped."""


class Setting(NamedTuple):
    """What is the same for all trials of one hull."""

    codec: Codec
    preset: str

    def __str__(self) -> str:
        return f"{self.codec.value}/{self.preset}"


class BenchShot(Value):
    """One shot of a clip, cut to the frames that the benchmark looks at."""

    clip: str
    index: int
    """Among the clip's shots."""
    start_frame: int
    frames: int
    frame_rate: Fraction
    display: Resolution
    color: Color
    file: str
    """The lossless piece, relative to the benchmark's folder."""
    size_bytes: int
    """Of the lossless piece: how hard the pictures are to predict."""
    detection_cpu_s: float
    """This shot's share of the CPU seconds of shot detection."""

    @property
    def name(self) -> str:
        """A name that no other shot of the folder has."""
        return f"{self.clip}#{self.index}"

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.frames / self.frame_rate)

    @property
    def idr_frames(self) -> tuple[int, ...]:
        """Its IDR frames, as the pipeline plans them."""
        return idr_frames_of_shot(self.frames, grid_frames(self.frame_rate, IDR_LONGEST_S))


class Trial(Value):
    """One encode of one shot, measured."""

    shot: str
    codec: Codec
    preset: str
    resolution: Resolution
    crf: float
    subsample: int
    """Every n-th frame was scored, from the first."""
    bitrate_bps: float
    frame_scores: tuple[float, ...]
    cpu: CpuSplit
    """Its own encoding, and its share of the process that made it."""
    is_apart: bool = Field(default=False, exclude_if=lambda apart: not apart)
    """Made for a search though the grid has the same trial, as where a short shot is scored whole: the grid's is of a
    process of many more, and its share of decoding is not what a search pays."""

    @property
    def setting(self) -> Setting:
        """Codec and preset."""
        return Setting(self.codec, self.preset)


class _Key(NamedTuple):
    shot: str
    setting: Setting
    resolution: Resolution
    crf: float
    subsample: int
    is_apart: bool


class TrialTable:
    """All trials of a benchmark, in memory and on disk."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._trials: dict[_Key, Trial] = {}
        if path is not None and path.exists():
            # A run that was killed may have left half a line.
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.endswith("}") and _is_json(line):
                    self._remember(Trial.model_validate_json(line))

    def add(self, trials: Iterable[Trial]) -> None:
        """Keeps trials, on disk too."""
        new = list(trials)
        for trial in new:
            self._remember(trial)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(trial.model_dump_json() + "\n" for trial in new)

    def find(
        self, shot: str, setting: Setting, place: Point, *, subsample: int, is_apart: bool = False
    ) -> Trial | None:
        """Returns the trial of a size and a CRF, if it was made."""
        return self._trials.get(_Key(shot, setting, *place, subsample, is_apart))

    def of_shot(self, shot: str, setting: Setting, *, subsample: int = 1) -> Sequence[Trial]:
        """Returns a shot's trials but those apart, largest size first, CRF rising."""
        found = [
            trial
            for key, trial in self._trials.items()
            if key.shot == shot and key.setting == setting and key.subsample == subsample and not key.is_apart
        ]
        return sorted(found, key=lambda trial: (-trial.resolution.pixels, trial.crf))

    def __len__(self) -> int:
        return len(self._trials)

    def _remember(self, trial: Trial) -> None:
        key = _Key(trial.shot, trial.setting, trial.resolution, trial.crf, trial.subsample, trial.is_apart)
        self._trials[key] = trial


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
