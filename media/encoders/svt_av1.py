"""SVT-AV1: one shot, stitchable with its neighbors.

Source of the flags: trial unit report (measured), SVT-AV1 Docs/Parameters.md.
"""

from domain.encodes import EncodeRecipe


def arguments(recipe: EncodeRecipe) -> list[str]:
    """Returns codec options for capped or uncapped CRF."""
    # SVT-AV1 knows capped CRF as a largest rate ("mbr", kbit/s) without a bucket size.
    cap = [] if recipe.rate_cap is None else [f"mbr={recipe.rate_cap.maxrate_bps // 1000}"]
    return [*_common(recipe, cap), "-crf", f"{recipe.crf:g}"]


def average_rate_arguments(recipe: EncodeRecipe, bitrate_bps: int, gop_frames: int) -> list[str]:
    """Returns codec options for an average bitrate with a constant GOP (one pass VBR).

    Key frames are the encoder's own: with forced ones its VBR overshoots by half and more (measured).
    """
    return [*_common(recipe, ["rc=1"], gop_frames), "-b:v", str(bitrate_bps)]


def _common(recipe: EncodeRecipe, more: list[str], gop_frames: int = 99_999) -> list[str]:
    svt = [
        "irefresh-type=2",  # key frames close the GOP
        "scd=0",  # IDRs come from the plan, and only from the plan
        "lp=1",  # one thread: least CPU; parallel work is the workers' business
        *more,
    ]
    return [
        "-c:v", "libsvtav1", "-preset", recipe.preset, "-g", str(gop_frames),
        "-svtav1-params", ":".join(svt),
    ]  # fmt: skip
