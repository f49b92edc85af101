"""Colors: readable on both pages, and never the only difference."""

import itertools

import pytest

from reports.palette import DARK_RAMP, LIGHT_RAMP, ResolutionMarks, height_of, shape_path
from reports.style import DARK_COLORS, LIGHT_COLORS, TINT_STRENGTHS

Color = tuple[float, float, float]


def parse_color(text: str) -> Color:
    if text.startswith("#"):
        red, green, blue = (int(text[start : start + 2], 16) for start in (1, 3, 5))
        return red, green, blue
    red, green, blue = (int(part) for part in text.split())
    return red, green, blue


def contrast(one: Color, other: Color) -> float:
    """Returns the contrast ratio.

    Source: WCAG 2.2, "relative luminance" and "contrast ratio".
    """
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: Color) -> float:
    parts = [part / 255 for part in color]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("colors", "ramp"), [(LIGHT_COLORS, LIGHT_RAMP), (DARK_COLORS, DARK_RAMP)], ids=["light", "dark"]
)
def test_all_text_has_a_contrast_of_at_least_4_5(colors: dict[str, str], ramp: tuple[str, ...]) -> None:
    texts = [colors[name] for name in ("ink", "soft", "accent", "fixed", "good", "bad")]
    for text, ground in itertools.product((*texts, *ramp), ("paper", "panel", "bad-panel")):
        assert contrast(parse_color(text), parse_color(colors[ground])) >= 4.5, (text, ground)


@pytest.mark.parametrize("colors", [LIGHT_COLORS, DARK_COLORS], ids=["light", "dark"])
def test_numbers_on_tinted_cells_have_a_contrast_of_at_least_4_5(colors: dict[str, str]) -> None:
    paper = parse_color(colors["paper"])
    for name, strength in itertools.product(("low", "high"), TINT_STRENGTHS):
        tint = parse_color(colors[name])
        red, green, blue = (a * strength + b * (1 - strength) for a, b in zip(tint, paper, strict=True))
        assert contrast(parse_color(colors["ink"]), (red, green, blue)) >= 4.5


def test_up_to_eight_resolutions_differ_in_color_and_in_shape() -> None:
    marks = ResolutionMarks((2160, 1440, 1080, 720, 540, 432, 360, 270))
    assert len({marks.color_class(height) for height in marks.heights_px}) == 8
    assert len({marks.mark(height, (0, 0), 3) for height in marks.heights_px}) == 8


def test_few_resolutions_use_the_whole_ramp() -> None:
    marks = ResolutionMarks((720, 270))
    assert (marks.color_class(720), marks.color_class(270)) == ("r0", "r7")


def test_a_shape_is_a_closed_path() -> None:
    assert all(shape_path(shape, (5, 5), 3).endswith("z") for shape in range(8))


@pytest.mark.parametrize(("name", "height"), [("1280x720", 720), ("720p", 720), ("270", 270), ("", 0), ("large", 0)])
def test_the_height_of_a_resolution_is_read_from_its_name(name: str, height: int) -> None:
    assert height_of(name) == height
