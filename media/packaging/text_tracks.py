"""Text tracks on disk: the same segments for DASH (``wvtt`` in MP4) and for HLS (WebVTT), over the whole title."""

from fractions import Fraction
from pathlib import Path

from domain.tracks import TextTrack
from media.packaging.plan import PresentationPlan
from media.packaging.webvtt import parse_webvtt, subtitle_segment
from media.packaging.wvtt import text_init, text_samples, text_segment

_LEAST_TIMESCALE = 1000
"""WebVTT tells milliseconds."""


def write_text_track(plan: PresentationPlan, track: TextTrack, source: Path, folder: Path) -> None:
    """Writes ``init.mp4``, and ``00001.m4s`` beside ``00001.vtt`` for each segment of the picture.

    Raises:
        PresentationInvalid: if the source is no WebVTT.
    """
    subtitles = parse_webvtt(source.read_text("utf-8"), track.name)
    timescale = text_timescale(plan.frame_rate)
    folder.mkdir(parents=True)
    (folder / "init.mp4").write_bytes(text_init(subtitles, timescale, track.language))
    for number, (start_s, end_s) in enumerate(plan.segment_times_s(), start=1):
        samples = text_samples(subtitles, start_s, end_s, timescale)
        segment = text_segment(samples, number, round(start_s * timescale))
        (folder / f"{number:05d}.m4s").write_bytes(segment)
        (folder / f"{number:05d}.vtt").write_text(subtitle_segment(subtitles, start_s, end_s), "utf-8")


def text_timescale(frame_rate: Fraction) -> int:
    """Returns ticks per second in which every frame begins at a whole tick: 24000 at 24 frames per second."""
    numerator = frame_rate.numerator
    return numerator if numerator >= _LEAST_TIMESCALE else numerator * _LEAST_TIMESCALE
