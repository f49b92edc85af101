"""Cue text as WebVTT has it: its tags stay, other marks become letters."""

import re

_TAG = re.compile(r"</?[^<>]*>")
_KEPT = re.compile(
    r"</?(?:[biuv]|c|lang|ruby|rt)(?:[.\s][^<>]*)?>\Z|<\d{2,}:\d{2}:\d{2}\.\d{3}>\Z|<\d{2}:\d{2}\.\d{3}>\Z"
)
_DROPPED = re.compile(r"</?font\b[^<>]*>\Z", re.IGNORECASE)
_ESCAPE = re.compile(r"&(?!(?:[a-zA-Z]{2,8}|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")


def clean_cue_text(text: str) -> str:
    """Returns text that is valid in a cue: unknown tags and stray marks as letters, no blank line, no arrow.

    Source: WebVTT, 4.2.2 (cue text) and 6.4 (tokens).
    """
    parts, at = [], 0
    for tag in _TAG.finditer(text):
        parts += [_escaped(text[at : tag.start()]), _tag(tag.group())]
        at = tag.end()
    parts.append(_escaped(text[at:]))
    lines = (line.strip() for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _tag(tag: str) -> str:
    lowered = re.sub(r"\A</?[A-Z]+", lambda name: name.group().lower(), tag)
    if _KEPT.match(lowered):
        return lowered
    return "" if _DROPPED.match(tag) else _escaped(tag)


def _escaped(text: str) -> str:
    return _ESCAPE.sub("&amp;", text).replace("<", "&lt;").replace("-->", "--&gt;").replace("\x00", "�")
