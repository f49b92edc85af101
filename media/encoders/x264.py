"""x264: one shot, stitchable with its neighbors.

Source of the flags: packaging report §3 (measured), https://code.videolan.org/videolan/x264 (options).
"""

from math import ceil

from domain.encodes import EncodeRecipe, RateCap
from domain.video import Resolution

# ISO/IEC 14496-10 table A-1: level, macroblocks per second, macroblocks per picture, macroblocks of the DPB.
_LEVELS = (
    ("1.3", 11_880, 396, 2_376),
    ("2.1", 19_800, 792, 4_752),
    ("3.0", 40_500, 1_620, 8_100),
    ("3.1", 108_000, 3_600, 18_000),
    ("3.2", 216_000, 5_120, 20_480),
    ("4.0", 245_760, 8_192, 32_768),
    ("4.2", 522_240, 8_704, 34_816),
    ("5.0", 589_824, 22_080, 110_400),
    ("5.1", 983_040, 36_864, 184_320),
    ("5.2", 2_073_600, 36_864, 184_320),
    ("6.0", 4_177_920, 139_264, 696_320),
    ("6.2", 16_711_680, 139_264, 696_320),
)
_PRESET_REFERENCES = {
    "ultrafast": 1, "superfast": 1, "veryfast": 1, "faster": 2, "fast": 2,
    "medium": 3, "slow": 5, "slower": 8, "veryslow": 16,
}  # fmt: skip


def arguments(recipe: EncodeRecipe) -> list[str]:
    """Returns codec options for capped or uncapped CRF."""
    return [*_common(recipe), "-crf", f"{recipe.crf:g}", *cap_arguments(recipe.rate_cap)]


def average_rate_arguments(recipe: EncodeRecipe, bitrate_bps: int, gop_frames: int) -> list[str]:
    """Returns codec options for an average bitrate with a constant GOP (one pass, look-ahead)."""
    cap = RateCap(maxrate_bps=2 * bitrate_bps, buffer_bits=4 * bitrate_bps)
    return [*_common(recipe, str(gop_frames)), "-b:v", str(bitrate_bps), *cap_arguments(cap)]


def cap_arguments(cap: RateCap | None) -> list[str]:
    """Returns the leaky bucket, if there is one."""
    return [] if cap is None else ["-maxrate", str(cap.maxrate_bps), "-bufsize", str(cap.buffer_bits)]


def level_and_references(resolution: Resolution, frames_per_s: float, preset: str) -> tuple[str, int]:
    """Returns the level of a size and rate, and the preset's reference count limited by that level's DPB.

    x264's own choice depends on the rate cap, and then neighboring shots would not share one SPS.
    """
    per_picture = ceil(resolution.width_px / 16) * ceil(resolution.height_px / 16)
    wanted = _PRESET_REFERENCES[preset]
    for level, per_second, picture, dpb in _LEVELS:
        if per_picture <= picture and per_picture * frames_per_s <= per_second:
            return level, min(wanted, dpb // per_picture, 16)
    return _LEVELS[-1][0], 1


def _common(recipe: EncodeRecipe, keyint: str = "infinite") -> list[str]:
    level, references = level_and_references(recipe.resolution, float(recipe.frame_rate), recipe.preset)
    x264 = {
        "keyint": keyint,  # infinite: IDRs come from the plan, and only from the plan
        "min-keyint": "1",
        "scenecut": "0",
        "open-gop": "0",
        "ref": str(references),
        "bframes": "3",
        "b-pyramid": "none",
        "stitchable": "1",  # same PPS at every CRF, so that shots share one decoder configuration
        "force-cfr": "1",
    }
    return [
        "-c:v", "libx264", "-preset", recipe.preset, "-profile:v", "high", "-level:v", level,
        # The bits depend on the number of threads; one thread also costs the least CPU.
        "-threads:v", "1",
        "-forced-idr", "1",
        "-x264-params", ":".join(f"{name}={setting}" for name, setting in x264.items()),
        # x264 writes its options into an SEI of every first frame: 700 bytes a shot, and different at every CRF.
        "-bsf:v", "filter_units=remove_types=6",
    ]  # fmt: skip
