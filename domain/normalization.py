"""What was done to a source's pictures to make the mezzanine's: a fact of each title, stated to people."""

from fractions import Fraction
from typing import Literal

from pydantic import Field

from domain.values import Value

Turn = Literal["none", "clock", "cclock", "half", "hflip", "vflip", "clock_flip", "cclock_flip"]
"""How pictures are turned to stand upright: ffmpeg's names for quarter turns with and without mirroring."""
QUARTER_TURNS = frozenset({"clock", "cclock", "clock_flip", "cclock_flip"})
"""Turns that exchange width and height."""
Fields = Literal["progressive", "tff", "bff", "woven"]
"""``tff`` and ``bff``: interlaced, deinterlaced in this order of fields. ``woven``: flagged interlaced, but both fields
of each frame show the same moment, so that the frames are kept as they are."""


class Crop(Value):
    """The part of each decoded picture that is kept; offsets and sizes are even."""

    left_px: int = Field(default=0, ge=0)
    top_px: int = Field(default=0, ge=0)
    width_px: int = Field(ge=2)
    height_px: int = Field(ge=2)


class Retiming(Value):
    """How pictures of irregular times were put on a constant rate: each frame of the title shows the newest one."""

    source_frames: int = Field(ge=1)
    """Pictures that the source decodes to."""
    repeated: int = Field(ge=0)
    """Frames of the title that show the same picture as the frame before."""
    dropped: int = Field(ge=0)
    """Pictures of the source that no frame shows."""
    tail_frames: int = Field(ge=1)
    """Frames for which the last picture stands."""
    mean_rate: Fraction = Field(gt=0)
    """Pictures per second of the source, on average."""


class Normalization(Value):
    """What was done, in this order; what is at its default was not needed."""

    coded_width_px: int = Field(ge=1)
    coded_height_px: int = Field(ge=1)
    fields: Fields = "progressive"
    crop: Crop | None = None
    square_width_px: int | None = None
    """Width to which pictures were scaled so that samples are square; the height stays."""
    turn: Turn = "none"
    retiming: Retiming | None = None

    @property
    def is_trivial(self) -> bool:
        """Whether the pictures stay as they are decoded."""
        return self == Normalization(coded_width_px=self.coded_width_px, coded_height_px=self.coded_height_px)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the pictures when all is done."""
        width = self.crop.width_px if self.crop else self.coded_width_px
        height = self.crop.height_px if self.crop else self.coded_height_px
        width = self.square_width_px or width
        return (height, width) if self.turn in QUARTER_TURNS else (width, height)
