"""Picture sizes that keep the display's shape."""

from domain.video import Resolution


def size_of(long_side_px: int, display: Resolution) -> Resolution:
    """Returns the size with that long side in the display's shape; both sides even, at least 16.

    The long side is the width, or the height of an upright picture.
    """
    if long_side_px == max(display.width_px, display.height_px):
        return Resolution(width_px=_even_below(display.width_px), height_px=_even_below(display.height_px))
    if display.width_px >= display.height_px:
        height_px = _even(long_side_px * display.height_px / display.width_px)
        return Resolution(width_px=_even(long_side_px), height_px=height_px)
    width_px = _even(long_side_px * display.width_px / display.height_px)
    return Resolution(width_px=width_px, height_px=_even(long_side_px))


def has_height(resolution: Resolution, height_px: int) -> bool:
    """Tells whether a size is the one of a height for a 16:9 picture: other shapes keep the long side."""
    return abs(max(resolution.width_px, resolution.height_px) - height_px * 16 / 9) < 2


def nominal_height_px(resolution: Resolution) -> int:
    """Returns the height of the 16:9 picture with the same long side."""
    return round(max(resolution.width_px, resolution.height_px) * 9 / 16)


def _even(length_px: float) -> int:
    return max(16, 2 * round(length_px / 2))


def _even_below(length_px: int) -> int:
    return max(16, length_px - length_px % 2)
