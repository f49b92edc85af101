"""WebVTT as it is written: strict, with the line of what is wrong.

Source: WebVTT, W3C Candidate Recommendation 2019-04-04, 4.1 (syntax) and 6.1 (parser).
"""

import re
from collections.abc import Iterator

from media.errors import UnreadableText
from media.text.cues import Cue, ParsedText
from media.text.markup import clean_cue_text

_TIME = r"(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMING = re.compile(rf"\s*{_TIME}\s+-->\s+{_TIME}(?:\s+(.*))?\Z", re.ASCII)
_SETTING = re.compile(
    r"(vertical:(rl|lr)|line:-?[\d.]+%?(,(start|center|end))?|position:[\d.]+%(,[a-z-]+)?|size:[\d.]+%"
    r"|align:(start|center|end|left|right)|region:[^\s]+)\Z"
)
# A style may only style: what makes a player fetch something is left out.
_FETCHES = re.compile(r"url\s*\(|@import|src\s*\(", re.IGNORECASE)


def is_webvtt(text: str) -> bool:
    """Tells whether a text says that it is WebVTT (the signature, then a space, a tab or the line's end)."""
    return bool(re.match(r"WEBVTT(?:[ \t\n]|\Z)", text))


def parse_webvtt(text: str, *, where: str) -> ParsedText:
    """Returns the cues and the STYLE and REGION blocks of a WebVTT file; notes and identifiers are left out.

    Args:
        text: The file, with LF as line end.
        where: Its name for people.

    Raises:
        UnreadableText: if a line is not WebVTT; says which.
    """
    cues, blocks, notes = [], [], []
    for first, lines in _blocks(text):
        if first == 1 or re.match(r"NOTE(\s|\Z)", lines[0]):
            continue
        if lines[0].rstrip() in {"STYLE", "REGION"} and "-->" not in "".join(lines):
            block = "\n".join([lines[0].rstrip(), *lines[1:]])
            if _FETCHES.search(block):
                notes.append(f"{where}, line {first}: a style that fetches a file left out")
            else:
                blocks.append(block)
        else:
            cues.append(_cue(first, lines, where))
    return ParsedText(tuple(cues), tuple(blocks), tuple(notes))


def milliseconds(hours: str | None, minutes: str, seconds: str, ms: str) -> int:
    """Returns the parts of a clock as milliseconds."""
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(ms)


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yields each run of lines that are not blank, with the number of its first line."""
    block: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _cue(first: int, lines: list[str], where: str) -> Cue:
    at = next((n for n, line in enumerate(lines[:2]) if "-->" in line), None)
    if at is None:
        raise UnreadableText(
            f"{where}, line {first}",
            found=repr(lines[0][:60]),
            expected="a cue: 00:00:01.000 --> 00:00:02.000 and its text",
            fix="join it to its cue, or remove it",
        )
    match = _TIMING.match(lines[at])
    if not match:
        raise UnreadableText(
            f"{where}, line {first + at}",
            found=repr(lines[at][:60]),
            expected="a timing: 00:00:01.000 --> 00:00:02.000",
            fix="correct the line",
        )
    start_ms, end_ms = milliseconds(*match.group(1, 2, 3, 4)), milliseconds(*match.group(5, 6, 7, 8))
    check_order(start_ms, end_ms, f"{where}, line {first + at}")
    settings = " ".join(item for item in (match[9] or "").split() if _SETTING.match(item))
    return Cue(start_ms, end_ms, clean_cue_text("\n".join(lines[at + 1 :])), settings, first + at)


def check_order(start_ms: int, end_ms: int, where: str) -> None:
    """Makes sure that a cue does not end before it begins.

    Raises:
        UnreadableText: if it does.
    """
    if end_ms < start_ms:
        raise UnreadableText(
            where,
            found=f"a cue that ends {(start_ms - end_ms) / 1000} s before it begins",
            expected="an end after the start",
            fix="correct the times",
        )
