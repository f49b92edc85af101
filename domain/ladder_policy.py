"""The ladder policy: what a ladder is to be good at, and what it must keep."""

import itertools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from domain.values import StrictValue
from domain.video import Codec

Height = Annotated[int, Field(ge=90, le=4320)]
"""A height for a 16:9 picture, as in ``heights_px`` of the recipe."""
BandwidthBin = tuple[
    Annotated[int, Field(ge=1_000, le=10**12)], Annotated[float, Field(ge=0.0, le=1e12, allow_inf_nan=False)]
]
"""(bandwidth in bits per second, weight)."""

POLICY_PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "default": {},
        # Steps: Apple Technical Note TN2224, "adjacent bit rates should be a factor of 1.5 to 2 apart". Peaks: HLS
        # Authoring Specification, rule 1.30. Lowest rung: its rule 9.21 wants a peak of 192 kbps for cellular delivery,
        # audio included, which no ladder with audio of 128 kbps keeps; 200 kbps of video is as near as makes sense.
        "apple-hls": {
            "max_rungs": 9,
            "min_rate_step": 1.5,
            "max_rate_step": 2.0,
            "peak_ratio": 2.0,
            "floor_vmaf": 30.0,
            "min_bitrate_bps": 60_000,
            "lowest_bitrate_bps": 200_000,
        },
        # Small screens and slow, uneven links: an assumption, to be replaced by a histogram of one's own.
        "mobile": {
            "min_rate_step": 1.35,
            "max_rate_step": 2.0,
            "top_vmaf": 90.0,
            "floor_vmaf": 30.0,
            "min_bitrate_bps": 60_000,
            "lowest_bitrate_bps": 150_000,
            "max_bitrate_bps": 4_000_000,
            "bandwidth_median_bps": 3_000_000,
            "bandwidth_sigma": 1.0,
        },
    }
)
"""What each preset sets; fields that are written out win over it."""


class DemandedRung(StrictValue):
    """A rung that must stand in the ladder as it is."""

    height_px: Height
    """Height for a 16:9 picture, one of the recipe's ``heights_px``."""
    bitrate_bps: int = Field(ge=10_000)
    """Mean rate. The planned rung is the nearest one that the encoder's CRFs give."""
    codec: Codec | None = None
    """Only in the ladder of this codec. Default: in every ladder."""


class LadderPolicy(StrictValue):
    """What a ladder is to be good at (quality delivered to the viewers' bandwidths), and what it must keep."""

    preset: Literal["default", "apple-hls", "mobile"] = "default"
    """Where fields that are left out get their values. ``apple-hls``: steps of 1.5 to 2, a lowest rung of 200 kbps.
    ``mobile``: top at VMAF 90 and 4 Mb/s, finer steps, slower links."""
    max_rungs: int = Field(default=8, ge=1, le=20)
    """Most rungs per codec."""
    min_gain_vmaf: float = Field(default=0.3, ge=0.0, le=20.0)
    """A rung must add at least this much expected VMAF; rungs that a rule of the policy asks for are exempt."""
    min_rate_step: float = Field(default=1.5, gt=1.0, le=4.0)
    """Smallest ratio between the rates of neighboring rungs."""
    max_rate_step: float = Field(default=2.2, gt=1.0, le=8.0)
    """Largest ratio between the rates of neighboring rungs, where the hull allows it."""
    min_vmaf_step: float = Field(default=3.0, ge=0.0, le=20.0)
    """Smallest difference in VMAF between neighboring rungs, except where their rates are a factor of 2 apart."""
    top_vmaf: float = Field(default=95.0, ge=20.0, le=100.0)
    """Quality at which the ladder ends; more is not seen."""
    floor_vmaf: float = Field(default=35.0, ge=0.0, le=90.0)
    """Quality below which no rung is worth sending."""
    min_bitrate_bps: int = Field(default=100_000, ge=10_000)
    """Smallest rung rate."""
    lowest_bitrate_bps: int | None = Field(default=300_000, ge=10_000)
    """The lowest rung has at most this rate, or the least that floor and steps allow. ``null``: as low as it pays."""
    max_bitrate_bps: int = Field(default=16_000_000, ge=100_000)
    """Largest rung rate."""
    forced_heights_px: tuple[Height, ...] = Field(default=(), max_length=12)
    """Heights (of the recipe's ``heights_px``) that get at least one rung each, if their curves allow it."""
    forbidden_heights_px: tuple[Height, ...] = Field(default=(), max_length=12)
    """Heights that get no rung."""
    fixed_rungs: tuple[DemandedRung, ...] = Field(default=(), max_length=20)
    """Rungs that must stand in the ladder as they are; the rest is planned around them."""
    bandwidth_median_bps: int = Field(default=9_000_000, ge=10_000, le=10**12)
    """Median of the viewers' bandwidth, which is taken as log-normal. Default and ``bandwidth_sigma``: a fit to 45, 28
    and 12 % of connections above 10, 15 and 25 Mb/s (Akamai, State of the Internet, first quarter of 2017)."""
    bandwidth_sigma: float = Field(default=0.9, gt=0.0, le=3.0)
    """Standard deviation of the natural logarithm of the viewers' bandwidth."""
    bandwidth_histogram: tuple[BandwidthBin, ...] | None = Field(default=None, min_length=1, max_length=100)
    """The viewers' bandwidth as measured: pairs of bits per second, rising, and weight. Replaces the log-normal."""
    bandwidth_safety: float = Field(default=0.8, gt=0.0, le=1.0)
    """Part of its bandwidth that a player dares to fill with video."""
    storage_price_vmaf_per_mbps: float = Field(default=0.0, ge=0.0, le=5.0)
    """Expected VMAF that a megabit per second of stored video must bring, beside ``min_gain_vmaf``."""
    prune_covered: bool = False
    """Leave out rungs that no device needs, because all devices that show them play a better codec of the release."""
    plays_hevc_above_px: Height | None = None
    """With ``prune_covered``: every device that shows pictures taller than this (16:9) plays HEVC. Default: not so."""
    plays_av1_above_px: Height | None = None
    """With ``prune_covered``: every device that shows pictures taller than this (16:9) plays AV1. Default: not so."""
    peak_ratio: float = Field(default=2.0, ge=1.1, le=10.0)
    """Cap of a rung: largest peak over mean rate (Apple HLS authoring 1.30: 200 %)."""
    buffer_s: float = Field(default=2.0, ge=0.5, le=20.0)
    """Size of the leaky bucket in seconds at the cap's rate."""
    pooling: Literal["mean", "harmonic"] = "mean"
    """What the allocation across shots maximizes: mean VMAF, or harmonic mean (which guards against dips)."""

    @model_validator(mode="before")
    @classmethod
    def _preset_fills_in(cls, fields: Any) -> Any:
        if not isinstance(fields, Mapping):
            return fields
        preset = fields.get("preset", "default")
        known = POLICY_PRESETS.get(preset, {}) if isinstance(preset, str) else {}
        return {**known, **fields}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.max_rate_step < self.min_rate_step:
            raise ValueError(f"max_rate_step {self.max_rate_step} is below min_rate_step {self.min_rate_step}")
        if self.floor_vmaf >= self.top_vmaf:
            raise ValueError(f"floor_vmaf {self.floor_vmaf} is not below top_vmaf {self.top_vmaf}")
        if self.min_bitrate_bps >= self.max_bitrate_bps:
            raise ValueError("min_bitrate_bps is not below max_bitrate_bps")
        if self.prune_covered and self.plays_hevc_above_px is None and self.plays_av1_above_px is None:
            raise ValueError("prune_covered: say plays_hevc_above_px or plays_av1_above_px, nothing is covered without")
        return self

    @model_validator(mode="after")
    def _known_bandwidths(self) -> Self:
        if self.bandwidth_histogram is None:
            return self
        bandwidths = [bandwidth for bandwidth, _ in self.bandwidth_histogram]
        if bandwidths != sorted(set(bandwidths)):
            raise ValueError("bandwidth_histogram: different bandwidths in rising order expected")
        if not sum(weight for _, weight in self.bandwidth_histogram) > 0:
            raise ValueError("bandwidth_histogram: no weight is above 0")
        return self

    @model_validator(mode="after")
    def _possible_demands(self) -> Self:
        both = sorted(set(self.forced_heights_px) & set(self.forbidden_heights_px))
        if both:
            raise ValueError(f"{both} stand in forced_heights_px and in forbidden_heights_px")
        for rung in self.fixed_rungs:
            if rung.height_px in self.forbidden_heights_px:
                raise ValueError(f"fixed_rungs: height {rung.height_px} stands in forbidden_heights_px")
            if not self.min_bitrate_bps <= rung.bitrate_bps <= self.max_bitrate_bps:
                raise ValueError(f"fixed_rungs: {rung.bitrate_bps} is outside min_bitrate_bps and max_bitrate_bps")
        for codec in Codec:
            _check_order(self.fixed_rungs_of(codec), self.max_rungs)
        return self

    def fixed_rungs_of(self, codec: Codec) -> tuple[DemandedRung, ...]:
        """Returns the fixed rungs of one codec's ladder in rising rate."""
        own = [rung for rung in self.fixed_rungs if rung.codec in {None, codec}]
        return tuple(sorted(own, key=lambda rung: rung.bitrate_bps))


def _check_order(rungs: tuple[DemandedRung, ...], max_rungs: int) -> None:
    """Raises ValueError for fixed rungs (rising rate) of one ladder that cannot stand in one ladder."""
    if len(rungs) > max_rungs:
        raise ValueError(f"fixed_rungs: {len(rungs)} rungs are more than max_rungs {max_rungs}")
    for lower, upper in itertools.pairwise(rungs):
        if lower.bitrate_bps == upper.bitrate_bps:
            raise ValueError(f"fixed_rungs: two rungs of {upper.bitrate_bps} bps in one ladder")
        if lower.height_px > upper.height_px:
            raise ValueError(
                f"fixed_rungs: {lower.height_px} lines at {lower.bitrate_bps} bps, fewer ({upper.height_px}) at "
                f"{upper.bitrate_bps} bps; heights must not fall as rates rise"
            )
