"""WebVTT text: read into cues, and cut into the segments that HLS plays.

Sources: W3C WebVTT: The Web Video Text Tracks Format (2019), 4 (syntax); RFC 8216bis, 3.1.4 (segments and
``X-TIMESTAMP-MAP``); Apple HLS authoring specification (2025-06-26), 5.3.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from media.errors import PresentationInvalid

TIMESTAMP_MAP = "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000"
"""Time 0 of the cues is time 0 of the media."""
_TIMES = re.compile(r"(?P<start>[\d:.]+)[ \t]+-->[ \t]+(?P<end>[\d:.]+)(?:[ \t]+(?P<settings>.*))?\Z")
_TIME = re.compile(r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})\Z")


@dataclass(frozen=True, slots=True)
class Cue:
    """One cue; times in milliseconds."""

    start_ms: int
    end_ms: int
    payload: str
    settings: str = ""
    identifier: str = ""

    def text(self) -> str:
        """Returns the cue as a block of a file."""
        times = f"{_time_text(self.start_ms)} --> {_time_text(self.end_ms)}"
        head = f"{self.identifier}\n" if self.identifier else ""
        return f"{head}{times}{' ' if self.settings else ''}{self.settings}\n{self.payload}\n"


@dataclass(frozen=True, slots=True)
class Subtitles:
    """A WebVTT file."""

    header: str
    """The first line and the style and region blocks, without a blank line at the end."""
    cues: tuple[Cue, ...]
    """In order of start."""


def parse_webvtt(text: str, name: str) -> Subtitles:
    """Reads a WebVTT file; comments are left out.

    Args:
        text: The file, without byte order mark or with it.
        name: What to call it in errors.

    Raises:
        PresentationInvalid: if it is not WebVTT, or if a cue has no length.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    blocks = [list(group) for is_text, group in groupby(lines, key=lambda line: bool(line.strip())) if is_text]
    if not blocks or not re.match(r"WEBVTT([ \t]|\Z)", blocks[0][0]):
        raise PresentationInvalid(name, found="no WEBVTT line", expected="a WebVTT file")
    header, cues = ["WEBVTT"], []
    for block in blocks[1:]:
        if block[0].startswith(("STYLE", "REGION")) and not any("-->" in line for line in block[:2]):
            header += ["", *block]
        elif not block[0].startswith("NOTE"):
            cues.append(_cue(block, name))
    return Subtitles("\n".join(header), tuple(sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms))))


def subtitle_segment(subtitles: Subtitles, start_s: Fraction, end_s: Fraction) -> str:
    """Returns the segment [start, end): every cue that shows in it, whole, at its own times.

    A cue that crosses a border stands in both segments: players show it once (RFC 8216bis, 3.1.4).
    """
    head, _, rest = subtitles.header.partition("\n")
    lines = [f"{head}\n{TIMESTAMP_MAP}", *([rest.strip("\n")] if rest.strip("\n") else [])]
    shown = [cue for cue in subtitles.cues if cue.start_ms < end_s * 1000 and cue.end_ms > start_s * 1000]
    return "\n\n".join([*lines, *(cue.text().rstrip("\n") for cue in shown)]) + "\n"


def _cue(block: list[str], name: str) -> Cue:
    at = 0 if "-->" in block[0] else 1
    match = _TIMES.match(block[at].strip()) if at < len(block) else None
    if match is None:
        raise PresentationInvalid(name, found=f"a block {block[0][:80]!r} without times", expected="a cue")
    start, end = _milliseconds(match["start"], name), _milliseconds(match["end"], name)
    if end <= start:
        raise PresentationInvalid(name, found=f"a cue from {match['start']} to {match['end']}", expected="a length")
    identifier = block[0] if at else ""
    return Cue(start, end, "\n".join(block[at + 1 :]), (match["settings"] or "").strip(), identifier)


def _milliseconds(text: str, name: str) -> int:
    match = _TIME.match(text)
    if match is None:
        raise PresentationInvalid(name, found=f"time {text!r}", expected="hh:mm:ss.mmm")
    hours, minutes, seconds, thousandths = (int(part or 0) for part in match.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


def _time_text(milliseconds: int) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{thousandths:03d}"
