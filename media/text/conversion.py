"""SCC and TTML by ttconv, checked first line by line: the library skips what it does not understand.

Sources: CTA-608-E and the Scenarist file format as ttconv documents it; TTML2 (W3C Recommendation 2018-11-08).
"""

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from ttconv.imsc import reader as imsc_reader
from ttconv.model import ContentDocument, Text
from ttconv.scc import reader as scc_reader
from ttconv.vtt import writer as vtt_writer
from ttconv.vtt.config import VTTWriterConfiguration

from media.errors import TextTooLarge, UnreadableText
from media.text.cues import ParsedText, join_split_cues
from media.text.ttml_check import check_ttml
from media.text.webvtt import parse_webvtt

MAX_BYTES = 4_000_000
"""The library's time grows with the square of the cues: 1,500 take 11 s (measured)."""
_SCC_HEAD = "Scenarist_SCC V1.0"
_SCC_LINE = re.compile(
    r"(\d\d):([0-5]\d):([0-5]\d)([:;.,])([0-2]\d)[ \t]+((?:[0-9a-f]{4}[ \t]*)+)\Z", re.IGNORECASE | re.ASCII
)
_NDF_HOUR_MS = 3_603_600
"""An hour of time code that counts 30 frames a second at 29.97 (SMPTE ST 12-1)."""
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


def is_scc(text: str) -> bool:
    """Tells whether a text begins as a Scenarist file does."""
    return text.startswith(_SCC_HEAD)


def is_ttml(text: str) -> bool:
    """Tells whether a text looks like XML."""
    return bool(re.match(r"\s*<(\?xml|tt\b|tt:tt\b|!DOCTYPE)", text))


def parse_scc(text: str, *, where: str, on_progress: Callable[[int], None]) -> ParsedText:
    """Returns the captions of channel CC1, with their rows as positions.

    Drop-frame (``;``) and non-drop-frame (``:``) time codes are taken at 29.97 frames per second.

    Raises:
        UnreadableText: if a line is no SCC; says which.
        TextTooLarge: if it is above ``MAX_BYTES``.
    """
    _check_size(text, where)
    lines = text.split("\n")
    checked = [_checked_scc_line(line, f"{where}, line {number}") for number, line in enumerate(lines[1:], start=2)]
    model = _read(where, lambda: scc_reader.to_model("\n".join([_SCC_HEAD, *checked]), None, _told(on_progress)))
    parsed = _as_cues(model, where, on_progress)
    drops = any(match and match[4] != ":" for match in map(_SCC_LINE.match, checked))
    return parsed if drops else ParsedText(parsed.cues, parsed.blocks, parsed.notes, hour_ms=_NDF_HOUR_MS)


def parse_ttml(text: str, *, where: str, on_progress: Callable[[int], None]) -> ParsedText:
    """Returns the cues of a TTML or IMSC text document, with their regions as positions.

    Raises:
        UnreadableText: if it is no well-formed TTML, or a time is none; says the line.
        TextTooLarge: if it is above ``MAX_BYTES``.
    """
    _check_size(text, where)
    # The text is decoded already: what its first line says of an encoding holds no more.
    body = re.sub(r"""(<\?xml[^>]*?)\s+encoding=["'][^"']*["']""", r"\1", text.lstrip(), count=1)
    check_ttml(body, where=where)
    root = ET.ElementTree(ET.fromstring(body))  # noqa: S314 - checked above: no DOCTYPE, so no entities
    return _as_cues(_read(where, lambda: imsc_reader.to_model(root, _told(on_progress))), where, on_progress)


def _checked_scc_line(line: str, where: str) -> str:
    """Returns a line as the library reads it: one tab, nothing around."""
    plain = line.strip()
    if not plain:
        return ""
    match = _SCC_LINE.match(plain)
    if not match:
        expected = "a time code, a tab, and words of four hexadecimal digits"
        raise UnreadableText(where, found=repr(plain[:60]), expected=expected, fix="correct or remove the line")
    is_dropped = match[4] != ":" and match[3] == "00" and match[5] in {"00", "01"} and int(match[2]) % 10 != 0
    if is_dropped:
        code = plain[:11]
        expected = "a time code that exists: drop-frame skips frames 00 and 01 of a minute (SMPTE ST 12-1)"
        raise UnreadableText(where, found=f"time code {code}", expected=expected, fix="export the captions again")
    return f"{plain[:11]}\t{' '.join(match[6].split())}"


def _read(where: str, make_model: Callable[[], Any]) -> ContentDocument:
    try:
        model = make_model()
    except _BROKEN as error:
        raise _unreadable(where, f"{type(error).__name__}: {error}") from None
    if not isinstance(model, ContentDocument):
        raise _unreadable(where, "a document without timed text")
    return model


def _as_cues(model: ContentDocument, where: str, on_progress: Callable[[int], None]) -> ParsedText:
    body = model.get_body()
    for element in body.dfs_iterator() if body is not None else ():
        if isinstance(element, Text):  # the writer takes "<" and "&" for marks of its own
            element.set_text(html.escape(element.get_text(), quote=False))
    config = VTTWriterConfiguration(line_position=True, text_align=True, cue_id=False)
    try:
        written: str = vtt_writer.from_model(model, config, _told(on_progress))
    except _BROKEN as error:
        raise _unreadable(where, f"{type(error).__name__}: {error}") from None
    parsed = parse_webvtt(written, where=where)
    # The lines are those of the conversion, which nobody has.
    cues = [type(cue)(cue.start_ms, cue.end_ms, cue.text, cue.settings) for cue in parsed.cues]
    return ParsedText(join_split_cues(cues), parsed.blocks)


def _told(on_progress: Callable[[int], None]) -> Callable[[float], None]:
    return lambda share: on_progress(round(share * 100))


def _check_size(text: str, where: str) -> None:
    if len(text) > MAX_BYTES:
        raise TextTooLarge(
            where, found=f"{len(text)} characters", expected=f"{MAX_BYTES} at most", fix="deliver plain subtitles"
        )


def _unreadable(where: str, found: str) -> UnreadableText:
    return UnreadableText(where, found=found[:200], expected="a text document", fix="export the subtitles again")
