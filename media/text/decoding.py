"""From the bytes of a subtitle file to text: Unicode as it says, Windows-1252 with a warning, else refused."""

import codecs
import re

from media.errors import UnreadableText

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Languages that Windows-1252 was made for; elsewhere the same bytes mean other letters, and nobody would notice.
_WESTERN = re.compile(
    r"(ca|cat|da|dan|de|deu|ger|en|eng|es|spa|eu|eus|baq|fi|fin|fo|fao|fr|fra|fre|ga|gle|gl|glg|is|isl|ice|it|ita"
    r"|lb|ltz|nb|nob|nl|nld|dut|nn|nno|no|nor|pt|por|sv|swe)(-.*)?\Z",
    re.IGNORECASE,
)


def decode_text(content: bytes, *, where: str, language: str) -> tuple[str, tuple[str, ...]]:
    """Returns the text with LF as line end, and what a person should know about its letters.

    Args:
        content: The file.
        where: Its name for people.
        language: Tag of its language: decides whether bytes that are not Unicode may be guessed.

    Raises:
        UnreadableText: if the letters cannot be told; names the line of the first one.
    """
    notes: tuple[str, ...] = ()
    mark, encoding = next((item for item in _MARKS if content.startswith(item[0])), (b"", _likely(content)))
    body = content[len(mark) :]
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        text = _guessed(body, error, where, language)
        notes = (f"{where}: not Unicode, read as Windows-1252; check its letters",)
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a\x00"), notes


def _likely(content: bytes) -> str:
    """UTF-16 without a mark shows itself: every second byte of a timing is zero."""
    head = content[:400]
    if head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    return "utf-16-be" if head[0::2].count(0) > len(head) // 4 else "utf-8"


def _guessed(body: bytes, error: UnicodeDecodeError, where: str, language: str) -> str:
    if error.encoding == "utf-8" and _WESTERN.match(language):
        try:
            return body.decode("cp1252")
        except UnicodeDecodeError as second:
            error = second
    line = body[: error.start].count(b"\n") + 1
    raise UnreadableText(
        f"{where}, line {line}",
        found=f"bytes that are not {error.encoding} ({body[error.start : error.start + 4].hex(' ')})",
        expected="UTF-8, or UTF-16 with a byte order mark",
        fix="save the file as UTF-8",
    ) from None
