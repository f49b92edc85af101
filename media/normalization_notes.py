"""What was done to a source's pictures, in sentences for people."""

from collections.abc import Iterator

from domain.normalization import Normalization, Turn
from domain.video import VideoTrack

_TURNS: dict[Turn, str] = {
    "clock": "turned clockwise by 90 degrees",
    "cclock": "turned counterclockwise by 90 degrees",
    "half": "turned by 180 degrees",
    "hflip": "mirrored left to right",
    "vflip": "mirrored top to bottom",
    "clock_flip": "turned clockwise by 90 degrees and mirrored top to bottom",
    "cclock_flip": "turned counterclockwise by 90 degrees and mirrored top to bottom",
}
_ORDERS = {"tff": "top field first", "bff": "bottom field first"}


def normalization_notes(video: VideoTrack) -> tuple[str, ...]:
    """Returns a sentence for each thing that was done; none for pictures that stayed as they are."""
    return tuple(_notes(video, video.normalization)) if video.normalization else ()


def _notes(video: VideoTrack, done: Normalization) -> Iterator[str]:
    if done.fields == "woven":
        yield "flagged interlaced, but both fields of each frame show the same moment: frames kept as they are"
    elif done.fields != "progressive":
        yield f"interlaced, {_ORDERS[done.fields]}: deinterlaced by bwdif, one picture for each frame"
    if done.crop:
        crop, coded = done.crop, f"{done.coded_width_px}x{done.coded_height_px}"
        yield f"{crop.width_px}x{crop.height_px} of {coded} kept, from column {crop.left_px} and line {crop.top_px}"
    if done.square_width_px:
        before = done.crop.width_px if done.crop else done.coded_width_px
        ratio = str(video.sample_aspect_ratio).replace("/", ":")
        yield f"sample aspect ratio {ratio}: scaled to square samples, from {before} to {done.square_width_px} columns"
    if done.turn != "none":
        yield f"pictures {_TURNS[done.turn]}, as the display matrix says"
    if done.retiming:
        put = done.retiming
        yield (
            f"variable frame rate ({float(put.mean_rate):.3f} on average): {put.source_frames} pictures put on "
            f"{video.frame_rate} frames per second; {put.repeated} frames repeat a picture, "
            f"{put.dropped} pictures left out"
        )
