"""The mezzanine as a document: the source's facts, its shots, and a lossless piece for each shot."""

import math
from fractions import Fraction

from pydantic import Field

from domain.encodes import EncodeRecipe, MetricRecipe, RateCap, encode_key, score_key
from domain.files import StoredFile
from domain.hdr import ToneMapping
from domain.ladder import Rung
from domain.recipe import Recipe
from domain.shots import (
    ShotList,
    grid_frames,
    idr_frames_within,
    plan_idr_frames,
    plan_idr_frames_by_shot,
    plan_segment_starts,
)
from domain.values import Sha256, Value
from domain.video import Codec, Color, Resolution, SourceDescription

SCORED_FRAMES_AT_LEAST = 8
"""Frames of a shot that a trial's score rests on, where it has as many: decision 0048."""
ANCHOR_STEP = 3
"""Every third frame tells a shot's mean to 0.2 VMAF (50 to 62 frames; 0.5 with 96): decision 0042."""


def scored_step(search_subsample: int, frames: int) -> int:
    """Returns every how many frames a trial of a shot is scored: odd, at least 1, at most ``search_subsample``."""
    step = max(1, min(search_subsample, frames // SCORED_FRAMES_AT_LEAST))
    return step if step % 2 else step - 1


def anchor_step(step: int) -> int:
    """Returns every how many frames a shot's anchor is scored, its other trials being scored on every ``step``-th.

    An anchor's scores hold those frames that the others are scored on: every third where ``step`` is a multiple of
    three. Any other step has no anchor, and is returned as it is.
    """
    return ANCHOR_STEP if step % ANCHOR_STEP == 0 else step


def planned_idr_frames(shots: ShotList, recipe: Recipe, frame_rate: Fraction) -> tuple[int, ...]:
    """Returns the title's IDR frames under its recipe's plan, rising."""
    longest = grid_frames(frame_rate, recipe.idr_longest_s)
    return (plan_idr_frames if recipe.shots.idr_plan == "grid" else plan_idr_frames_by_shot)(shots, longest)


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
    source_start_s: Fraction = Fraction(0)
    """Time of the first picture from the container's start; sound begins there."""
    shots: ShotList
    idr_frames: tuple[int, ...]
    pieces: tuple[MezzaninePiece, ...]
    pixel_format: str
    """Pixel format of the pieces."""
    display: Resolution
    """Size with square samples at which quality is compared, and the largest that is encoded."""
    color: Color
    tone_mapping: ToneMapping | None = Field(default=None, exclude_if=lambda done: done is None)
    """Set if the pieces are not the source's pictures, but SDR ones made of them."""
    recipe: Recipe
    tools: dict[str, str]
    """Program → version of the build that every encode and score of this title is made with."""
    tools_digest: Sha256
    """Part of every content key."""

    @property
    def frame_rate(self) -> Fraction:
        """Exact frames per second."""
        return self.source.video.frame_rate

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.source.video.duration_s

    def first_shots(self, count: int) -> "Mezzanine":
        """Returns the first shots as a mezzanine of their own; encodes keep the keys that they have in the whole."""
        shots = ShotList(shots=self.shots.shots[:count])
        video = self.source.video.model_copy(update={"frames": shots.frames})
        return self.model_copy(
            update={
                "source": self.source.model_copy(update={"video": video}),
                "shots": shots,
                "idr_frames": tuple(frame for frame in self.idr_frames if frame < shots.frames),
                "pieces": self.pieces[:count],
            }
        )

    def idr_frames_of(self, shot_index: int) -> tuple[int, ...]:
        """Returns the IDR frames of a shot, counted from its first frame."""
        return idr_frames_within(self.idr_frames, self.shots.shots[shot_index].range)

    @property
    def segment_starts(self) -> tuple[int, ...]:
        """The frames at which segments start, the same in all renditions: each is an IDR frame."""
        frames, segment_s = self.shots.frames, Fraction(self.recipe.packaging.segment_s)
        if self.recipe.shots.idr_plan == "shot":
            return plan_segment_starts(self.idr_frames, frames, grid_frames(self.frame_rate, segment_s))
        # Whole steps of the grid, which is rounded to frames once, so that every segment starts where an IDR is.
        steps = round(segment_s / self.recipe.shots.idr_grid_s)
        return tuple(range(0, frames, steps * grid_frames(self.frame_rate, self.recipe.shots.idr_grid_s)))

    def encode_recipe(
        self, codec: Codec, resolution: Resolution, shot_index: int, *, crf: float, rate_cap: RateCap | None = None
    ) -> EncodeRecipe:
        """Returns the recipe of one encode of one shot; the same for trial and production."""
        preset = next(item.production_preset for item in self.recipe.codecs if item.codec is codec)
        return EncodeRecipe(
            codec=codec,
            preset=preset,
            resolution=resolution,
            crf=crf,
            frame_rate=self.frame_rate,
            idr_frames=self.idr_frames_of(shot_index),
            color=self.color,
            rate_cap=rate_cap,
            hdr=self.source.video.hdr,
        )

    def encode_key(self, shot_index: int, recipe: EncodeRecipe) -> str:
        """Returns the content key of one encode of one shot."""
        return encode_key(self.pieces[shot_index].pictures_sha256, recipe, self.tools_digest)

    def score_key(self, key_of_encode: str, metric: MetricRecipe) -> str:
        """Returns the content key of the scores of an encode."""
        return score_key(key_of_encode, metric, self.tools_digest)

    def rung_recipes(self, codec: Codec, rung: Rung) -> tuple[EncodeRecipe, ...]:
        """Returns the recipes of a rung's production encodes, shot by shot."""
        return tuple(
            self.encode_recipe(codec, rung.resolution, choice.shot_index, crf=choice.crf, rate_cap=choice.rate_cap)
            for choice in rung.shots
        )

    def rung_keys(self, codec: Codec, rung: Rung) -> tuple[str, ...]:
        """Returns the content keys of a rung's production encodes, shot by shot."""
        return tuple(self.encode_key(index, recipe) for index, recipe in enumerate(self.rung_recipes(codec, rung)))

    def search_metric(self, shot_index: int) -> MetricRecipe:
        """Returns how trial encodes of a shot are measured: sparsely, but a short shot on eight frames at least."""
        step = scored_step(self.recipe.search_subsample, self.pieces[shot_index].frames)
        return MetricRecipe(display=self.display, coded_bits=self.color.delivered_bits, subsample=step)

    def anchor_metric(self, shot_index: int) -> MetricRecipe:
        """Returns how the trial of a shot is measured that teaches what the sparse scores of the others mean."""
        sparse = self.search_metric(shot_index)
        return sparse.model_copy(update={"subsample": anchor_step(sparse.subsample)})

    def difficulty(self, shot_index: int) -> float:
        """Returns the natural logarithm of the lossless bits a pixel of a shot."""
        piece, video = self.pieces[shot_index], self.source.video
        pixels = piece.frames * video.width_px * video.height_px
        return math.log(8 * piece.file.size_bytes / pixels)

    def delivery_metric(self) -> MetricRecipe:
        """Returns how everything that is promised or published is measured: every frame."""
        return MetricRecipe(display=self.display, coded_bits=self.color.delivered_bits, subsample=1)

    def baseline_metric(self) -> MetricRecipe:
        """Returns how the fixed ladder is measured."""
        return MetricRecipe(
            display=self.display, coded_bits=self.color.delivered_bits, subsample=self.recipe.baseline_subsample
        )
