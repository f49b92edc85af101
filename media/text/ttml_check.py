"""What is wrong with a TTML file, by line: ttconv only logs it, without the line.

Source: TTML2 (W3C Recommendation 2018-11-08), 8.1.1 (tt) and 12.3.1 (times).
"""

import re
from typing import NoReturn
from xml.parsers import expat

from media.errors import UnreadableText

_MAX_DEPTH = 64
_TIME = re.compile(r"\d{2,}:[0-5]\d:[0-5]\d(\.\d+|:\d{2,})?\Z|\d+(\.\d+)?(h|m|s|ms|f|t)\Z", re.ASCII)


def check_ttml(text: str, *, where: str) -> None:
    """Makes sure that a document is well-formed, a ``tt``, flat enough, without DOCTYPE, and that its times are times.

    Raises:
        UnreadableText: if it is not; says the line.
    """
    _Check(where).run(text)


class _Check:
    def __init__(self, where: str) -> None:
        self._where = where
        self._depth = 0
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._open
        self._parser.EndElementHandler = self._close
        # A document type may name other files, and grow a file of a kilobyte to gigabytes.
        self._parser.StartDoctypeDeclHandler = lambda *_: self._refuse("a DOCTYPE", "none")

    def run(self, text: str) -> None:
        try:
            self._parser.Parse(text.encode(), True)
        except expat.ExpatError as error:
            self._refuse(expat.errors.messages[error.code], "well-formed XML", error.lineno)

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and name.rpartition(":")[2] != "tt":
            self._refuse(f"a {name[:40]} document", "a tt element")
        if self._depth > _MAX_DEPTH:
            self._refuse(f"elements more than {_MAX_DEPTH} deep", "a text document")
        for key in attributes.keys() & {"begin", "end", "dur"}:
            if not _TIME.match(attributes[key]):
                self._refuse(f"{key}={attributes[key][:40]!r}", "a time such as 00:00:01.000 or 1.5s")

    def _close(self, _name: str) -> None:
        self._depth -= 1

    def _refuse(self, found: str, expected: str, line: int = 0) -> NoReturn:
        where = f"{self._where}, line {line or self._parser.CurrentLineNumber}"
        raise UnreadableText(where, found=found, expected=expected, fix="export the subtitles again") from None
