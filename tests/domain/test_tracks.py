"""Key labels: the limits of the contract presets, to the pixel."""

import pytest

from domain.release import KeyReference
from domain.tracks import key_label
from domain.video import Resolution


@pytest.mark.parametrize(
    ("width_px", "height_px", "label"),
    [
        (320, 180, "SD"),
        (1024, 576, "SD"),
        (576, 1024, "SD"),
        (1024, 578, "HD"),
        (1920, 1080, "HD"),
        (1080, 1920, "HD"),
        (1920, 1082, "UHD1"),
        (3840, 2160, "UHD1"),
        (4096, 2160, "UHD1"),
        (4096, 2162, "UHD2"),
        (7680, 4320, "UHD2"),
    ],
)
def test_the_number_of_pixels_decides_the_label(width_px: int, height_px: int, label: str) -> None:
    assert key_label(Resolution(width_px=width_px, height_px=height_px)) == label


def test_releases_of_before_with_a_uhd_key_still_read() -> None:
    assert KeyReference.model_validate({"label": "UHD", "kid": "0" * 32}).label == "UHD"
