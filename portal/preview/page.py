"""The page: three files, and the house's colors."""

from pathlib import Path

from reports.style import DARK_COLORS, LIGHT_COLORS

_ASSETS = Path(__file__).parent / "assets"
PAGE = _ASSETS / "page.html"
SCRIPT = _ASSETS / "page.js"
_STYLE = _ASSETS / "page.css"


def style_sheet() -> str:
    """Returns the page's style sheet, light and dark, in the colors of the report."""
    light, dark = _variables(LIGHT_COLORS), _variables(DARK_COLORS)
    scheme = f":root{{color-scheme:light dark;{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    return scheme + _STYLE.read_text(encoding="utf-8")


def _variables(colors: dict[str, str]) -> str:
    return "".join(f"--{name}:{color};" for name, color in colors.items())
