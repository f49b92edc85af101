"""The clips by name: shots of known length, sound, and how they are coded."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from sample_media import pictures
from sample_media.pictures import Frame, ShotGraph


@dataclass(frozen=True, slots=True)
class ClipShot:
    """One shot of a clip."""

    graph: ShotGraph
    frames: int


@dataclass(frozen=True, slots=True)
class Clip:
    """A title whose cuts are known because its recipe makes them."""

    name: str
    size: tuple[int, int]
    """Width and height in pixels."""
    frame_rate: Fraction
    shots: tuple[ClipShot, ...]
    languages: tuple[str, ...] = ("eng",)
    """One stereo track for each."""
    codec: tuple[str, ...] = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "10", "-threads", "4")
    """x264's bits depend on the number of threads, so it is fixed."""

    @property
    def frame(self) -> Frame:
        """The canvas."""
        return Frame(*self.size, str(self.frame_rate))

    @property
    def frames(self) -> int:
        """Number of frames."""
        return sum(shot.frames for shot in self.shots)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.frames / self.frame_rate)

    @property
    def hard_cuts(self) -> tuple[int, ...]:
        """First frame of each shot but the first."""
        return tuple(accumulate(shot.frames for shot in self.shots))[:-1]


_DEMO = (
    ClipShot(pictures.flat_animation, 53),
    ClipShot(pictures.fine_texture, 79),
    ClipShot(pictures.dark_grain, 66),
    ClipShot(pictures.fast_particles, 38),
    ClipShot(pictures.scrolling_text, 52),
)
_TINY = (
    ClipShot(pictures.flat_animation, 31),
    ClipShot(pictures.fine_texture, 22),
    ClipShot(pictures.fast_particles, 19),
)

CLIPS: dict[str, Clip] = {
    clip.name: clip
    for clip in (
        Clip("demo_720p24", (1280, 720), Fraction(24), _DEMO, languages=("eng", "fra")),
        Clip("tiny_320x180p24", (320, 180), Fraction(24), _TINY),
        Clip("tiny_320x180p23976", (320, 180), Fraction(24000, 1001), _TINY),
    )
}
"""Every clip. The cuts of the demo (53, 132, 198, 236) miss the 2 s grid on purpose."""
