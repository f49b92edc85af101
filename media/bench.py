"""Where a tool does its work on this machine, and the shot it works on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from domain.video import Resolution
from media.progress import ignore_progress
from media.tools import ToolPaths


@dataclass(frozen=True, slots=True)
class Bench:
    """Programs, a scratch folder of our own, and somebody who wants to know the progress."""

    tools: ToolPaths
    scratch: Path
    """An empty folder; whoever made it removes it."""
    on_progress: Callable[[int], None] = ignore_progress
    """Called with the frames done so far: when they rise, or when a trial process has worked on without one to show."""


@dataclass(frozen=True, slots=True)
class ShotPiece:
    """A mezzanine piece on this machine."""

    path: Path
    frames: int
    frame_rate: Fraction
    label: str
    """For people: ``shot 3``."""
    said: tuple[str, ...] = ()
    """What the file does not say of its pictures: ffmpeg's options of the input."""
    scaled: Mapping[Resolution, Path] = field(default_factory=dict)
    """Its pictures as encoders are given them, raw, at the sizes at which they lie there already."""

    @property
    def input_arguments(self) -> tuple[str, ...]:
        """The arguments with which ffmpeg opens it."""
        return (*self.said, "-i", f"file:{self.path}")

    def scaled_input_arguments(self, size: Resolution) -> tuple[str, ...]:
        """The arguments with which ffmpeg opens its pictures of one size, of those that lie there."""
        return ("-threads", "1", "-color_range", "tv", "-i", f"file:{self.scaled[size]}")
