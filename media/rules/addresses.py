"""URIs of manifests turned into paths inside the presentation.

Source: RFC 3986, 5 (resolution); ISO/IEC 23009-1, 5.3.9.4.4 (template identifiers) and 5.6 (BaseURL).
"""

import posixpath
import re
from collections.abc import Mapping
from urllib.parse import unquote

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_IDENTIFIER = re.compile(r"\$(RepresentationID|Number|Bandwidth|Time|)(?:%0(\d{1,2})d)?\$")


def resolve(base: str, uri: str) -> str | None:
    """Returns the path that a relative URI leads to; ``None`` where it leads out of the presentation.

    Args:
        base: Path of what names it; what follows the last slash is dropped.
        uri: As written.
    """
    plain = unquote(uri.partition("?")[0].partition("#")[0])
    if not plain or _SCHEME.match(uri) or plain.startswith(("/", "\\")):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(base), plain))
    return None if path == ".." or path.startswith("../") else path


def join_base(base: str, uri: str) -> str:
    """Returns a base extended by a BaseURL, as written: it is judged when a file is named with it."""
    if _SCHEME.match(uri) or uri.startswith("/"):
        return uri
    return posixpath.join(posixpath.dirname(base), uri) if base else uri


def fill_template(template: str, values: Mapping[str, str | int]) -> str:
    """Returns a segment's address: ``$Number%05d$`` and the like are replaced, ``$$`` is a dollar sign."""

    def filled(match: re.Match[str]) -> str:
        if not match[1]:
            return "$"
        value = values.get(match[1], "")
        return str(value).zfill(int(match[2])) if match[2] else str(value)

    return _IDENTIFIER.sub(filled, template)
