"""SVT-AV1: one shot, stitchable with its neighbors.

Source of the flags: trial unit report (measured), SVT-AV1 Docs/Parameters.md.
"""

from domain.encodes import EncodeRecipe
from domain.hdr import CHROMATICITY_STEPS, LUMINANCE_STEPS, HdrMetadata


def arguments(recipe: EncodeRecipe) -> list[str]:
    """Returns codec options for capped or uncapped CRF."""
    # SVT-AV1 knows capped CRF as a largest rate ("mbr", kbit/s) without a bucket size.
    cap = [] if recipe.rate_cap is None else [f"mbr={recipe.rate_cap.maxrate_bps // 1000}"]
    # Its own option takes quarters of a CRF; ffmpeg's "-crf" cuts them off.
    return _common(recipe, [f"crf={recipe.crf:g}", *cap])


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
        *_static_metadata(recipe.hdr),
        *more,
    ]
    return [
        "-c:v", "libsvtav1", "-preset", recipe.preset, "-g", str(gop_frames),
        "-svtav1-params", ":".join(svt),
    ]  # fmt: skip


def _static_metadata(hdr: HdrMetadata | None) -> list[str]:
    """Returns the metadata OBUs of HDR10 (AV1 specification, 6.7.3 and 6.7.4); SVT-AV1 takes real numbers."""
    options = []
    if hdr and hdr.mastering_display:
        display = hdr.mastering_display
        named = {"G": display.green, "B": display.blue, "R": display.red, "WP": display.white}
        colors = "".join(
            f"{name}({color.x / CHROMATICITY_STEPS:.5f},{color.y / CHROMATICITY_STEPS:.5f})"
            for name, color in named.items()
        )
        brightest, darkest = display.max_luminance / LUMINANCE_STEPS, display.min_luminance / LUMINANCE_STEPS
        options.append(f"mastering-display={colors}L({brightest:.4f},{darkest:.4f})")
    if hdr and hdr.content_light:
        options.append(f"content-light={hdr.content_light.max_cll},{hdr.content_light.max_fall}")
    return options
