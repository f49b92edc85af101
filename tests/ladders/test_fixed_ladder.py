import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.video import Resolution
from ladders.errors import UnknownFixedLadder
from ladders.fixed_ladder import fixed_ladder


def test_a_full_hd_display_gets_all_ten_rungs() -> None:
    rungs = fixed_ladder("netflix-2015", Resolution(width_px=1920, height_px=1080))
    assert [(str(rung.resolution), rung.bitrate_bps // 1000) for rung in rungs] == [
        ("320x180", 235),
        ("384x216", 375),
        ("512x288", 560),
        ("512x288", 750),
        ("640x360", 1050),
        ("768x432", 1750),
        ("1280x720", 2350),
        ("1280x720", 3000),
        ("1920x1080", 4300),
        ("1920x1080", 5800),
    ]


def test_a_wide_display_keeps_the_widths() -> None:
    rungs = fixed_ladder("netflix-2015", Resolution(width_px=1280, height_px=536))
    assert str(rungs[0].resolution) == "320x134"
    assert str(rungs[-1].resolution) == "1280x536"


def test_an_upright_display_keeps_its_shape() -> None:
    assert str(fixed_ladder("netflix-2015", Resolution(width_px=720, height_px=1280))[-1].resolution) == "720x1280"


def test_a_display_smaller_than_all_rungs_gets_one() -> None:
    rungs = fixed_ladder("netflix-2015", Resolution(width_px=160, height_px=90))
    assert [(str(rung.resolution), rung.bitrate_bps) for rung in rungs] == [("160x90", 235_000)]


@given(st.integers(16, 4000), st.integers(16, 4000))
def test_no_rung_is_larger_than_the_display_and_all_sides_are_even(width_px: int, height_px: int) -> None:
    rungs = fixed_ladder("netflix-2015", Resolution(width_px=width_px, height_px=height_px))
    assert rungs
    for rung in rungs:
        assert rung.resolution.width_px <= max(width_px, 16)
        assert rung.resolution.height_px <= max(height_px, 16)
        assert rung.resolution.width_px % 2 == rung.resolution.height_px % 2 == 0


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownFixedLadder, match="netflix-2015"):
        fixed_ladder("netflix-2016", Resolution(width_px=1920, height_px=1080))
