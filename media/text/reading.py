"""A subtitle file of any kind as normalized cues; what kind it is, its content says, not its name."""

from collections.abc import Callable

from media.errors import TextTooLarge, UnreadableText
from media.text.conversion import is_scc, is_ttml, parse_scc, parse_ttml
from media.text.cues import ParsedText, Place, normalize_text
from media.text.decoding import decode_text
from media.text.subrip import is_subrip, parse_subrip
from media.text.webvtt import is_webvtt, parse_webvtt

MAX_BYTES = 16_000_000


def read_subtitles(content: bytes, place: Place, *, language: str, on_progress: Callable[[int], None]) -> ParsedText:
    """Returns the cues of an SRT, WebVTT, SCC or TTML file as they are published.

    Args:
        content: The file.
        place: Its name for people, and where on the title's time it belongs.
        language: Tag of its language.
        on_progress: Called while a long file is converted.

    Raises:
        TextError: if it cannot be published; says which line.
    """
    check_size(len(content), where=place.where)
    text, notes = decode_text(content, where=place.where, language=language)
    parsed = _parse(text, place.where, on_progress)
    parsed = ParsedText(parsed.cues, parsed.blocks, (*notes, *parsed.notes), parsed.hour_ms)
    return normalize_text(parsed, place)


def check_size(size_bytes: int, *, where: str) -> None:
    """Makes sure that a file is no larger than subtitles are; call it before the file is fetched.

    Raises:
        TextTooLarge: if it is.
    """
    if size_bytes > MAX_BYTES:
        raise TextTooLarge(
            where, found=f"{size_bytes} bytes", expected=f"{MAX_BYTES} at most", fix="deliver plain subtitles"
        )


def _parse(text: str, where: str, on_progress: Callable[[int], None]) -> ParsedText:
    if is_webvtt(text):
        return parse_webvtt(text, where=where)
    if is_scc(text):
        return parse_scc(text, where=where, on_progress=on_progress)
    if is_ttml(text):
        return parse_ttml(text, where=where, on_progress=on_progress)
    if is_subrip(text):
        return parse_subrip(text, where=where)
    raise UnreadableText(
        f"{where}, line 1",
        found=repr(text[:60]),
        expected="SRT, WebVTT, SCC or TTML",
        fix="export the subtitles in one of these formats, as UTF-8",
    )
