"""Builds HTML and SVG text from elements; everything that is not already markup is escaped."""

import math
from collections.abc import Iterable
from html import escape
from typing import TypeAlias

VOID_TAGS = frozenset({"br", "col", "meta"})
"""HTML elements without an end tag (those that the report uses)."""


class Markup(str):
    """Text that is markup already and must not be escaped again."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[Child] | None"
"""Content of an element: plain text (escaped), markup, nested sequences of both, or nothing."""
Attribute: TypeAlias = str | float | None
"""Value of an attribute; an attribute that is ``None`` is left out."""


def element(tag: str, *children: Child, **attributes: Attribute) -> Markup:
    """Returns one element with its attributes and content.

    Attribute names are written as Python names: ``class_`` is ``class``, ``text_anchor`` is ``text-anchor``.
    """
    named = "".join(
        f' {_attribute_name(name)}="{_attribute_text(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in VOID_TAGS:
        return Markup(f"<{tag}{named}>")
    return Markup(f"<{tag}{named}>{join(*children)}</{tag}>")


def join(*children: Child) -> Markup:
    """Returns the children one after the other, plain text escaped."""
    return Markup("".join(_text(child) for child in children))


def figure_number(value: float) -> str:
    """Returns a coordinate in at most one decimal: a tenth of a pixel is enough and keeps the file small."""
    text = f"{value:.1f}"
    return text.removesuffix(".0") if math.isfinite(value) else "0"


def svg_picture(identity: str, size_px: tuple[float, float], heading: tuple[str, str], *children: Child) -> Markup:
    """Returns an SVG picture that a screen reader can name.

    Args:
        identity: Unique in the page; the ids of title and description derive from it.
        size_px: Width and height of the drawing in pixels; the page scales it to its place.
        heading: Title and description in words.
        children: What is drawn.
    """
    title, description = heading
    width, height = (figure_number(length) for length in size_px)
    return element(
        "svg",
        element("title", title, id=f"{identity}-title"),
        element("desc", description, id=f"{identity}-desc"),
        *children,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_labelledby=f"{identity}-title {identity}-desc",
    )


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return escape(_printable(child), quote=False)
    return "".join(_text(part) for part in child)


def _attribute_name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _attribute_text(value: str | float) -> str:
    return escape(_printable(value)) if isinstance(value, str) else figure_number(value)


def _printable(text: str) -> str:
    """Replaces control characters, which neither HTML nor XML allows, and lone surrogates, which UTF-8 cannot write."""
    return "".join(mark if _is_printable(mark) else "\ufffd" for mark in text)


def _is_printable(mark: str) -> bool:
    if mark in "\n\t":
        return True
    is_control = mark < " " or "\x7f" <= mark <= "\x9f"
    return not is_control and not "\ud800" <= mark <= "\udfff" and mark not in "\ufffe\uffff"
