"""The recipe: every parameter of a request that changes what is published. All fields have defaults."""

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.ladder_policy import LadderPolicy as LadderPolicy
from domain.search_recipe import SearchRecipe
from domain.values import StrictValue
from domain.video import Codec

PRESETS: dict[Codec, tuple[str, ...]] = {
    Codec.H264: (
        "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
    ),
    Codec.HEVC: (
        "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
    ),
    # SVT-AV1 warns that presets 10 and above may show artifacts outside real time.
    Codec.AV1: tuple(str(number) for number in range(10)),
}  # fmt: skip
"""The presets that each codec accepts."""

DEFAULT_PRESET = {Codec.H264: "medium", Codec.HEVC: "medium", Codec.AV1: "6"}
DEFAULT_TRIAL_CRFS: dict[Codec, tuple[float, ...]] = {
    Codec.H264: (16, 25, 34, 43),
    Codec.HEVC: (16, 25, 34, 43),
    Codec.AV1: (20, 34, 48, 62),
}
"""Four CRFs that bracket the quality window: never extrapolate (science report, §2.1)."""


class CodecRecipe(StrictValue):
    """One codec of the release."""

    codec: Codec
    """``h264``, ``hevc`` or ``av1``."""
    preset: str | None = None
    """Encoder preset, for trial and production encodes alike. Default: h264 and hevc ``medium``, av1 ``6``."""
    trial_crfs: tuple[Annotated[float, Field(ge=1, le=63)], ...] | None = Field(default=None, max_length=16)
    """With ``search.method`` ``grid``: CRFs of the trial encodes at each resolution, rising, at least 3. Default: four
    that bracket VMAF 30 to 95."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.preset is not None and self.preset not in PRESETS[self.codec]:
            allowed = ", ".join(PRESETS[self.codec])
            raise ValueError(f"preset {self.preset!r} is not one of {self.codec.value}'s presets: {allowed}")
        crfs = self.crfs
        if len(crfs) < 3 or list(crfs) != sorted(set(crfs)):
            raise ValueError(f"trial_crfs {list(crfs)}: at least 3 different values in rising order expected")
        limit = 63 if self.codec is Codec.AV1 else 51
        if crfs[-1] > limit:
            raise ValueError(f"trial_crfs: {crfs[-1]} is above {self.codec.value}'s largest CRF, {limit}")
        if self.codec is Codec.AV1 and any(crf != int(crf) for crf in crfs):
            raise ValueError(f"trial_crfs {list(crfs)}: whole numbers expected for av1")
        return self

    @property
    def production_preset(self) -> str:
        """The preset in force."""
        return self.preset or DEFAULT_PRESET[self.codec]

    @property
    def crfs(self) -> tuple[float, ...]:
        """The trial CRFs in force."""
        return DEFAULT_TRIAL_CRFS[self.codec] if self.trial_crfs is None else self.trial_crfs


class ShotRecipe(StrictValue):
    """How the title is cut into shots."""

    min_s: float = Field(default=0.5, ge=0.0, le=10.0)
    """Shortest shot in seconds; a shorter one joins a neighbor."""
    max_s: float = Field(default=20.0, ge=2.0, le=120.0)
    """Longest shot in seconds; a longer one is split evenly (with ``idr_plan`` ``grid`` at the grid)."""
    idr_plan: Literal["shot", "grid"] = "shot"
    """Where IDR frames stand, in all renditions alike. ``shot``: at shot starts, and in a shot that is longer than a
    segment evenly between; segments follow the shots and vary in length. ``grid``: at shot starts and on a global grid,
    which makes segments of constant length but costs 8 to 18 % more bits at equal quality (docs/decisions/0026)."""
    idr_grid_s: Fraction = Field(default=Fraction(2), ge=Fraction(1, 2), le=10)
    """With ``idr_plan`` ``grid``: distance of the global IDR grid in seconds."""


class AudioRecipe(StrictValue):
    """How every audio track is encoded: AAC stereo always, and surround where the source has it."""

    loudness_lufs: float = Field(default=-23.0, ge=-40.0, le=-10.0)
    """Programme loudness target (EBU R 128)."""
    true_peak_dbtp: float = Field(default=-1.0, ge=-9.0, le=0.0)
    """Largest true peak (EBU R 128)."""
    stereo_bitrate_bps: int = Field(default=128_000, ge=32_000, le=512_000)
    """AAC rate of a stereo track; surround in AAC gets 1.5 times as much per pair of channels."""
    surround: Literal["eac3", "aac", "none"] = "eac3"
    """How a source with six channels or more is delivered beside its stereo version: E-AC-3 5.1, AAC in its own
    layout, or not at all. Three to five channels are AAC, or none."""
    surround_bitrate_bps: int = Field(default=384_000, ge=192_000, le=768_000)
    """E-AC-3 rate of a 5.1 track."""


class PackagingRecipe(StrictValue):
    """How the release is packaged and protected."""

    segment_s: Literal[2, 4, 6] = 4
    """Segment duration in seconds."""
    scheme: Literal["cbcs", "cenc", "clear"] = "cbcs"
    """Common Encryption scheme (ISO/IEC 23001-7); Apple devices play ``cbcs`` only. ``clear`` publishes without
    encryption and needs no keys."""
    storage: Literal["segments", "file"] = "segments"
    """One file for each segment, or one for each track of picture and sound that players read by byte ranges. WebVTT
    for HLS and thumbnails are files of their own in both."""
    client_manifests: bool = True
    """Also publish small manifests over the same files for some kinds of client: one for each choice of codecs with the
    most compatible one, and ``sd`` for displays without output protection."""
    thumbnails: bool = True
    """Whether the release has still pictures for seeking: one every 2 s, in long titles every 4, 6 or 10 s."""
    key_generation: int = Field(default=1, ge=1, le=10_000)
    """Raise it to publish the same title under new keys, as a new release. The old release stays as it is."""


class HdrRecipe(StrictValue):
    """What is made of an HDR title beside its HDR ladders; says nothing to an SDR title."""

    sdr_rungs: bool = False
    """Also make SDR ladders (BT.709, 8 bits) by tone mapping, for displays that cannot show HDR."""
    sdr_codecs: tuple[Codec, ...] | None = Field(default=None, min_length=1, max_length=3)
    """Codecs of the SDR ladders. Default: those of ``codecs``, and ``h264`` in any case."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.sdr_codecs is not None and len(set(self.sdr_codecs)) != len(self.sdr_codecs):
            raise ValueError("sdr_codecs: each codec at most once")
        return self


class Recipe(StrictValue):
    """Everything about a release that is not the source."""

    codecs: tuple[CodecRecipe, ...] = Field(
        default=(CodecRecipe(codec=Codec.H264), CodecRecipe(codec=Codec.AV1)), min_length=1, max_length=3
    )
    """One ladder is made for each."""
    heights_px: tuple[Annotated[int, Field(ge=90, le=4320)], ...] = Field(
        default=(2160, 1440, 1080, 720, 540, 432, 360, 270), min_length=1, max_length=12
    )
    """Candidate heights for a 16:9 picture; other shapes keep the width. Those above the source are left out."""
    search: SearchRecipe = SearchRecipe()
    search_subsample: int = Field(default=9, ge=1, le=31)
    """Trial encodes are scored on every n-th frame (odd), those of a short shot on eight frames at least. Delivered
    quality is always measured on every frame."""
    shots: ShotRecipe = ShotRecipe()
    policy: LadderPolicy = LadderPolicy()
    audio: AudioRecipe = AudioRecipe()
    packaging: PackagingRecipe = PackagingRecipe()
    hdr: HdrRecipe = Field(default=HdrRecipe(), exclude_if=lambda hdr: hdr == HdrRecipe())
    baseline: Literal["netflix-2015", "none"] = "none"
    """A fixed ladder to encode and measure beside ours, for the report. Costs compute; changes nothing published."""
    baseline_subsample: int = Field(default=1, ge=1, le=31)
    """The fixed ladder is scored on every n-th frame (odd)."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        codecs = [item.codec for item in self.codecs]
        if len(set(codecs)) != len(codecs):
            raise ValueError("codecs: each codec at most once")
        for name in ("search_subsample", "baseline_subsample"):
            if getattr(self, name) % 2 == 0:
                raise ValueError(
                    f"{name} {getattr(self, name)}: odd expected "
                    "(mini-GOPs are powers of two: an even step scores the same kind of frame again and again)"
                )
        if self.shots.idr_plan == "grid" and self.packaging.segment_s % self.shots.idr_grid_s != 0:
            raise ValueError("packaging.segment_s is not a multiple of shots.idr_grid_s")
        return self

    def without(self, codecs: tuple[Codec, ...]) -> Self:
        """Returns the recipe without some of its codecs."""
        return self.model_copy(update={"codecs": tuple(item for item in self.codecs if item.codec not in codecs)})

    def for_sdr_rungs(self) -> Self:
        """Returns the recipe of the SDR ladders that are made of an HDR title.

        Other codecs, no fixed ladder, half of the search's budget.
        """
        asked = {item.codec: item for item in self.codecs}
        chosen = self.hdr.sdr_codecs or tuple({Codec.H264: None, **asked})
        codecs = tuple(asked.get(codec, CodecRecipe(codec=codec)) for codec in chosen)
        budget_s = self.search.cpu_budget_s
        search = self.search.model_copy(update={"cpu_budget_s": budget_s / 2 if budget_s else None})
        return self.model_copy(update={"codecs": codecs, "baseline": "none", "hdr": HdrRecipe(), "search": search})

    @property
    def idr_longest_s(self) -> Fraction:
        """Longest time from one IDR frame to the next in seconds."""
        return self.shots.idr_grid_s if self.shots.idr_plan == "grid" else Fraction(self.packaging.segment_s)

    @model_validator(mode="after")
    def _known_heights(self) -> Self:
        demands = {
            "forced_heights_px": self.policy.forced_heights_px,
            "fixed_rungs": tuple(rung.height_px for rung in self.policy.fixed_rungs),
        }
        for name, heights_px in demands.items():
            strange = sorted(set(heights_px) - set(self.heights_px))
            if strange:
                raise ValueError(f"policy.{name}: heights_px does not hold {strange}, so they are never measured")
        if set(self.heights_px) <= set(self.policy.forbidden_heights_px):
            raise ValueError("policy.forbidden_heights_px leaves none of heights_px")
        return self
