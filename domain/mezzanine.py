"""The mezzanine as a document: the source's facts, its shots, and a lossless piece for each shot."""

from fractions import Fraction

from domain.encodes import MetricRecipe
from domain.files import StoredFile
from domain.recipe import Recipe
from domain.shots import ShotList, idr_frames_within
from domain.values import Sha256, Value
from domain.video import Color, Resolution, SourceDescription


class MezzaninePiece(Value):
    """One shot of the mezzanine as a lossless file of its own."""

    shot_index: int
    file: StoredFile
    pictures_sha256: Sha256
    """Digest of the decoded pictures (format, size and a hash of each frame): what the shot *is*."""
    frames: int


class Mezzanine(Value):
    """Everything that trial encodes, production encodes and measurements refer to."""

    source: SourceDescription
    shots: ShotList
    idr_frames: tuple[int, ...]
    pieces: tuple[MezzaninePiece, ...]
    pixel_format: str
    """Pixel format of the pieces."""
    display: Resolution
    """Size with square samples at which quality is compared, and the largest that is encoded."""
    color: Color
    recipe: Recipe

    @property
    def frame_rate(self) -> Fraction:
        """Exact frames per second."""
        return self.source.video.frame_rate

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.source.video.duration_s

    def idr_frames_of(self, shot_index: int) -> tuple[int, ...]:
        """Returns the IDR frames of a shot, counted from its first frame."""
        return idr_frames_within(self.idr_frames, self.shots.shots[shot_index].range)

    def search_metric(self) -> MetricRecipe:
        """Returns how trial encodes are measured."""
        return MetricRecipe(display=self.display, subsample=self.recipe.search_subsample)

    def delivery_metric(self) -> MetricRecipe:
        """Returns how everything that is promised or published is measured: every frame."""
        return MetricRecipe(display=self.display, subsample=1)
