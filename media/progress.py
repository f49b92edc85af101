"""ffmpeg's machine-readable progress."""

from collections.abc import Callable, Sequence

PROGRESS_ARGUMENTS = ("-progress", "pipe:1", "-nostats", "-stats_period", "1")
"""Makes ffmpeg print key=value lines on standard output once a second."""
OPENING_ARGUMENTS = ("-nostdin", "-hide_banner", "-v", "error")
"""Every ffmpeg run starts so: it never asks, and says only what went wrong."""


def frame_reader(on_frames: Callable[[int], None]) -> Callable[[str], None]:
    """Returns a line reader that calls ``on_frames`` with the frames done, only when they rise."""
    seen = -1

    def read(line: str) -> None:
        nonlocal seen
        name, _, value = line.partition("=")
        if name == "frame" and value.strip().isdigit() and int(value) > seen:
            seen = int(value)
            on_frames(seen)

    return read


def sound_reader(on_progress: Callable[[int], None]) -> Callable[[str], None]:
    """Returns a line reader that calls ``on_progress`` with the seconds of sound done, only when they rise."""
    seen = -1

    def read(line: str) -> None:
        nonlocal seen
        name, _, value = line.partition("=")
        if name == "out_time_us" and value.strip().isdigit() and int(value) // 1_000_000 > seen:
            seen = int(value) // 1_000_000
            on_progress(seen)

    return read


def ignore_progress(_frames: int) -> None:
    """Takes progress that nobody wants."""


def pads(prefix: str, count: int) -> str:
    """Returns ``[e0][e1]…``, the output pads of a ``split``."""
    return "".join(f"[{prefix}{number}]" for number in range(count))


def null_outputs(labels: Sequence[str]) -> list[str]:
    """Returns outputs that run a graph's pads to their end and keep nothing."""
    return [argument for label in labels for argument in ("-map", label, "-f", "null", "-")]
