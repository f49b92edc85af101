"""SubRip (SRT): strict, with the line of what is wrong.

There is no standard; SubRip wrote, and players read: a number, a timing with commas, text, a blank line.
"""

import re

from media.errors import UnreadableText
from media.text.cues import Cue, ParsedText
from media.text.markup import clean_cue_text
from media.text.webvtt import check_order, milliseconds

_TIME = r"(\d{1,4}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?\Z", re.ASCII)
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
_ALIGNMENT = re.compile(r"\{\\an([1-9])\}")
_PAIRED = re.compile(r"\{(/?[biu])\}", re.IGNORECASE)
_ROWS = {0: "", 1: "line:50%", 2: "line:0"}
_COLUMNS = {0: "align:left position:0%", 1: "", 2: "align:right position:100%"}


def is_subrip(text: str) -> bool:
    """Tells whether one of a text's first lines is a timing."""
    return any(_TIMING.match(line) for line in text.split("\n", maxsplit=20)[:20])


def parse_subrip(text: str, *, where: str) -> ParsedText:
    """Returns the cues of a SubRip file.

    Args:
        text: The file, with LF as line end.
        where: Its name for people.

    Raises:
        UnreadableText: if a line belongs to no cue; says which.
    """
    lines = [*text.split("\n"), ""]
    cues: list[Cue] = []
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        if lines[at].strip().isdecimal() and at + 1 < len(lines) and "-->" in lines[at + 1]:
            at += 1
        cue, at = _cue(lines, at, where)
        cues.append(cue)
    return ParsedText(tuple(cues))


def _cue(lines: list[str], at: int, where: str) -> tuple[Cue, int]:
    """Returns the cue whose timing stands at a line, and the line behind it."""
    place = f"{where}, line {at + 1}"
    match = _TIMING.match(lines[at])
    if not match:
        raise UnreadableText(
            place,
            found=repr(lines[at][:60]),
            expected="a timing: 00:00:01,000 --> 00:00:02,000",
            fix="correct the line; a text must not have blank lines",
        )
    parts = match.groups()
    start_ms = milliseconds(parts[0], parts[1], parts[2], parts[3].ljust(3, "0"))
    end_ms = milliseconds(parts[4], parts[5], parts[6], parts[7].ljust(3, "0"))
    check_order(start_ms, end_ms, place)
    end = next(n for n in range(at + 1, len(lines)) if not lines[n].strip())
    raw = "\n".join(lines[at + 1 : end])
    text = clean_cue_text(_OVERRIDE.sub("", _PAIRED.sub(r"<\1>", raw)).replace("\\N", "\n"))
    return Cue(start_ms, end_ms, text, _settings(raw), at + 1), end


def _settings(raw: str) -> str:
    """Returns where an ``an8`` in braces puts a text: numbered like a keypad, as SubStation Alpha does."""
    found = _ALIGNMENT.search(raw)
    if not found:
        return ""
    row, column = divmod(int(found[1]) - 1, 3)
    return " ".join(part for part in (_ROWS[row], _COLUMNS[column]) if part)
