"""x265: one shot, stitchable with its neighbors.

Source of the flags: trial unit report (measured: one decoder configuration over shots with ``info=0``),
https://x265.readthedocs.io/en/master/cli.html.
"""

from domain.encodes import EncodeRecipe, RateCap
from media.encoders.x264 import cap_arguments


def arguments(recipe: EncodeRecipe) -> list[str]:
    """Returns codec options for capped or uncapped CRF."""
    return [*_common(recipe), "-crf", f"{recipe.crf:g}", *cap_arguments(recipe.rate_cap)]


def average_rate_arguments(recipe: EncodeRecipe, bitrate_bps: int, gop_frames: int) -> list[str]:
    """Returns codec options for an average bitrate with a constant GOP (one pass, look-ahead)."""
    cap = RateCap(maxrate_bps=2 * bitrate_bps, buffer_bits=4 * bitrate_bps)
    return [*_common(recipe, str(gop_frames)), "-b:v", str(bitrate_bps), *cap_arguments(cap)]


def _common(recipe: EncodeRecipe, keyint: str = "-1") -> list[str]:
    x265 = {
        "keyint": keyint,  # -1: IDRs come from the plan, and only from the plan
        "min-keyint": "1",
        "scenecut": "0",
        "open-gop": "0",
        "repeat-headers": "0",  # parameter sets only in the sample entry (hvc1)
        "info": "0",  # else the options text differs from shot to shot
        "pools": "none",  # one thread: the bits depend on it, and it costs the least CPU
        "frame-threads": "1",
        "log-level": "error",
    }
    return [
        "-c:v", "libx265", "-preset", recipe.preset, "-profile:v", "main", "-tag:v", "hvc1",
        "-forced-idr", "1",
        "-x265-params", ":".join(f"{name}={setting}" for name, setting in x265.items()),
    ]  # fmt: skip
