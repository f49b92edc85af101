"""Crop, shape of samples and turn, as a container states them."""

from fractions import Fraction
from typing import Any

import pytest

from domain.normalization import Crop, Normalization
from media.errors import UnsupportedPicture
from media.geometry import Geometry, read_geometry
from media.probe import ProbedTrack


def geometry(width: int, height: int, *, codec: str = "h264", ratio: str = "1:1", **side_data: Any) -> Geometry:
    fields = {"width": width, "height": height, "sample_aspect_ratio": ratio}
    fields["side_data_list"] = [side_data] if side_data else []
    return read_geometry(ProbedTrack(0, "video", codec, fields), where="source")


def test_an_ordinary_picture_needs_nothing() -> None:
    assert geometry(1920, 1080) == geometry(1920, 1080, ratio="0:1") == Geometry(None, None, "none")


@pytest.mark.parametrize(
    ("size", "ratio", "width_px"),
    [
        ((720, 480), "32:27", 854),
        ((720, 576), "16:15", 768),
        ((1440, 1080), "4:3", 1920),
        ((854, 480), "1280:1281", None),
    ],
)
def test_samples_become_square_by_width(size: tuple[int, int], ratio: str, width_px: int | None) -> None:
    assert geometry(*size, ratio=ratio) == Geometry(None, width_px, "none")


def test_odd_sizes_lose_their_last_column_and_line() -> None:
    assert geometry(719, 405).crop == Crop(width_px=718, height_px=404)


def test_the_clean_aperture_is_kept_at_even_places() -> None:
    found = geometry(720, 576, crop_left=8, crop_right=9, crop_top=3, crop_bottom=0)
    assert found.crop == Crop(left_px=8, top_px=4, width_px=702, height_px=572)


@pytest.mark.parametrize(("height", "kept"), [(512, 480), (608, 576)])
def test_blanking_lines_of_d10_are_cut_off(height: int, kept: int) -> None:
    assert geometry(720, height, codec="mpeg2video").crop == Crop(top_px=32, width_px=720, height_px=kept)
    assert geometry(720, height, codec="h264").crop is None


@pytest.mark.parametrize(
    ("rotation", "turn"), [(0, "none"), (90, "cclock"), (-90, "clock"), (270, "clock"), (180, "half"), (-180, "half")]
)
def test_quarter_turns_are_those_of_a_player(rotation: int, turn: str) -> None:
    assert geometry(640, 360, rotation=rotation).turn == turn


def test_a_skewed_picture_and_a_senseless_ratio_are_refused() -> None:
    with pytest.raises(UnsupportedPicture, match="rotated by 30 degrees"):
        geometry(640, 360, rotation=30)
    with pytest.raises(UnsupportedPicture, match="sample aspect ratio 255"):
        geometry(640, 360, ratio="255:1")


def test_the_size_is_that_after_all_steps() -> None:
    done = Normalization(
        coded_width_px=720,
        coded_height_px=512,
        crop=Crop(top_px=32, width_px=720, height_px=480),
        square_width_px=654,
        turn="clock",
    )
    assert done.size_px == (480, 654)
    assert not done.is_trivial
    assert Normalization(coded_width_px=720, coded_height_px=512).is_trivial


def test_the_ratio_is_never_rounded_twice() -> None:
    """720 columns of 32:27 are 853 1/3: the even width next to it, 0.08 % off."""
    width = geometry(720, 480, ratio="32:27").square_width_px
    assert width is not None
    assert abs(Fraction(width, 480) / Fraction(16, 9) - 1) < Fraction(1, 1000)
