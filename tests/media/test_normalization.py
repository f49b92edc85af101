"""The one filter chain between decoder and mezzanine."""

from fractions import Fraction
from typing import Any

import pytest

from domain.normalization import Crop, Normalization, Retiming
from domain.video import Color, VideoTrack
from media.normalization import mezzanine_pixel_format, normalization_filters
from media.normalization_notes import normalization_notes
from tests.support.goldens import Golden


def track(pixel_format: str = "yuv420p", levels: str = "tv", **done: Any) -> VideoTrack:
    normalization = Normalization(coded_width_px=720, coded_height_px=512, **done) if done else None
    return VideoTrack(
        stream_index=0, codec_name="mpeg2video", width_px=480, height_px=654, frames=63, frame_rate=Fraction(30),
        pixel_format=pixel_format, bit_depth=8, sample_aspect_ratio=Fraction(10, 11), normalization=normalization,
        color=Color.model_validate({"range": levels}),
    )  # fmt: skip


EVERYTHING: dict[str, Any] = {
    "fields": "bff",
    "crop": Crop(top_px=32, width_px=720, height_px=480),
    "square_width_px": 654,
    "turn": "clock",
    "retiming": Retiming(source_frames=46, repeated=17, dropped=0, tail_frames=2, mean_rate=Fraction(22)),
}


def test_all_steps_together_are_golden(golden: Golden) -> None:
    filters = normalization_filters(track("yuvj422p", "pc", **EVERYTHING))
    golden.check_arguments("normalization/everything", filters.split(","))


def test_ordinary_pictures_get_no_step() -> None:
    assert normalization_filters(track()) == "format=yuv420p"
    assert normalization_filters(track("yuvj420p", "pc")) == (
        "scale=in_range=pc:out_range=tv:flags=accurate_rnd+bitexact+full_chroma_int,format=yuv420p"
    )


def test_a_document_without_normalization_does_not_mention_it() -> None:
    assert "normalization" not in track().model_dump(mode="json")
    assert VideoTrack.model_validate(track(turn="half").model_dump(mode="json")) == track(turn="half")


@pytest.mark.parametrize(
    ("pixel_format", "turn", "expected"),
    [
        ("yuv422p10le", "clock", "yuv444p10le"),
        ("yuv422p10le", "half", "yuv422p10le"),
        ("yuv420p", "cclock", "yuv420p"),
        ("p010le", "none", "yuv420p10le"),
    ],
)
def test_a_quarter_turn_widens_halved_chroma(pixel_format: str, turn: str, expected: str) -> None:
    assert mezzanine_pixel_format(track(pixel_format, turn=turn)) == expected


def test_every_step_is_said() -> None:
    notes = normalization_notes(track(**EVERYTHING))
    assert len(notes) == 5
    assert "17 frames repeat a picture, 0 pictures left out" in notes[-1]
    assert normalization_notes(track()) == ()
