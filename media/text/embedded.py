"""Text tracks inside a source: taken out by ffmpeg as WebVTT; tracks that are pictures are only reported."""

from pathlib import Path

from domain.video import SubtitleTrack
from media.bench import Bench
from media.command import Command, command
from media.probe import LocalSource, local_name, source_input
from media.process import run_tool
from media.progress import PROGRESS_ARGUMENTS, sound_reader
from media.sandbox import write_sandbox
from media.text.reading import check_size

TEXT_CODECS = frozenset({"subrip", "srt", "webvtt", "mov_text", "ass", "ssa", "text"})
"""What ffmpeg decodes to text."""


def is_text(track: SubtitleTrack) -> bool:
    """Tells whether a track is text, not pictures or closed captions."""
    return track.codec_name in TEXT_CODECS


async def extract_subtitles(bench: Bench, source: LocalSource, track: SubtitleTrack) -> tuple[bytes, float]:
    """Returns a text track as WebVTT, timed from the container's start, and the CPU seconds.

    Raises:
        ToolFailed: if the track does not decode.
        TextTooLarge: if it is larger than subtitles are.
    """
    out = bench.scratch / f"embedded_{track.stream_index}.vtt"
    run = await run_tool(
        extract_command(bench.tools.ffmpeg, source, track, out), on_line=sound_reader(bench.on_progress)
    )
    check_size(out.stat().st_size, where=f"subtitle track {track.stream_index}")
    return out.read_bytes(), run.cpu_s


def extract_command(ffmpeg: str, source: LocalSource, track: SubtitleTrack, out: Path) -> Command:
    """Builds the command that writes one text track as WebVTT."""
    opening = [ffmpeg, "-nostdin", "-hide_banner", *PROGRESS_ARGUMENTS, "-v", "error", "-y", *source_input(source)]
    coding = ["-map", f"0:{track.stream_index}", "-c:s", "webvtt", "-f", "webvtt", local_name(out)]
    return command(
        [*opening, *coding],
        purpose=f"subtitle track {track.stream_index}",
        sandbox=write_sandbox(source.path, out.parent),
    )
