"""x265: one shot, stitchable with its neighbors.

Source of the flags: trial unit report (measured: one decoder configuration over shots with ``info=0``),
https://x265.readthedocs.io/en/master/cli.html.
"""

from math import sqrt

from domain.encodes import EncodeRecipe, RateCap
from domain.hdr import HdrMetadata
from domain.video import Resolution
from media.encoders.x264 import cap_arguments

# ITU-T H.265 tables A.8 and A.9: general_level_idc, luma samples per picture, luma samples per second.
_LEVELS = (
    (30, 36_864, 552_960),
    (60, 122_880, 3_686_400),
    (63, 245_760, 7_372_800),
    (90, 552_960, 16_588_800),
    (93, 983_040, 33_177_600),
    (120, 2_228_224, 66_846_720),
    (123, 2_228_224, 133_693_440),
    (150, 8_912_896, 267_386_880),
    (153, 8_912_896, 534_773_760),
    (156, 8_912_896, 1_069_547_520),
    (180, 35_651_584, 1_069_547_520),
    (183, 35_651_584, 2_139_095_040),
    (186, 35_651_584, 4_278_190_080),
)


def arguments(recipe: EncodeRecipe) -> list[str]:
    """Returns codec options for capped or uncapped CRF."""
    return [*_common(recipe), "-crf", f"{recipe.crf:g}", *cap_arguments(recipe.rate_cap)]


def average_rate_arguments(recipe: EncodeRecipe, bitrate_bps: int, gop_frames: int) -> list[str]:
    """Returns codec options for an average bitrate with a constant GOP (one pass, look-ahead)."""
    cap = RateCap(maxrate_bps=2 * bitrate_bps, buffer_bits=4 * bitrate_bps)
    return [*_common(recipe, str(gop_frames)), "-b:v", str(bitrate_bps), *cap_arguments(cap)]


def level_idc(resolution: Resolution, frames_per_s: float) -> int:
    """Returns ``general_level_idc`` (30 times the level) of a size and rate.

    x265's own choice, tier included, depends on the rate cap, and then neighboring shots would not share one SPS.
    """
    longest = max(resolution.width_px, resolution.height_px)
    for idc, picture, per_second in _LEVELS:
        fits = resolution.pixels <= picture and longest <= sqrt(8 * picture)
        if fits and resolution.pixels * frames_per_s <= per_second:
            return idc
    return _LEVELS[-1][0]


def _common(recipe: EncodeRecipe, keyint: str = "-1") -> list[str]:
    x265 = {
        "keyint": keyint,  # -1: IDRs come from the plan, and only from the plan
        "min-keyint": "1",
        "scenecut": "0",
        "open-gop": "0",
        "repeat-headers": "0",  # parameter sets only in the sample entry (hvc1)
        "info": "0",  # else the options text differs from shot to shot
        "high-tier": "0",  # else a high cap changes the tier, and with it the decoder configuration
        "pools": "none",  # one thread: the bits depend on it, and it costs the least CPU
        "frame-threads": "1",
        "log-level": "error",
        **_static_metadata(recipe.hdr),
    }
    profile = "main" if recipe.color.delivered_bits == 8 else "main10"
    return [
        "-c:v", "libx265", "-preset", recipe.preset, "-profile:v", profile, "-tag:v", "hvc1",
        "-forced-idr", "1",
        # Rewrites the parameter sets only: as an x265 option a level would switch VBV on.
        "-bsf:v", f"hevc_metadata=level={level_idc(recipe.resolution, float(recipe.frame_rate))}",
        "-x265-params", ":".join(f"{name}={setting}" for name, setting in x265.items()),
    ]  # fmt: skip


def _static_metadata(hdr: HdrMetadata | None) -> dict[str, str]:
    """Returns the SEI messages of HDR10 (ITU-T H.265, D.2.28 and D.2.35), in the integer units of the standard."""
    options = {}
    if hdr and hdr.mastering_display:
        display = hdr.mastering_display
        named = {"G": display.green, "B": display.blue, "R": display.red, "WP": display.white}
        colors = "".join(f"{name}({color.x},{color.y})" for name, color in named.items())
        options["master-display"] = f"{colors}L({display.max_luminance},{display.min_luminance})"
    if hdr and hdr.content_light:
        options["max-cll"] = f"{hdr.content_light.max_cll},{hdr.content_light.max_fall}"
    return options
