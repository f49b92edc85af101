"""The box reader on boxes made by hand."""

from fractions import Fraction
from pathlib import Path

import pytest

from media.errors import PresentationInvalid
from media.packaging.boxes import Box, read_boxes, split_boxes
from media.packaging.fragments import read_fragment
from media.packaging.segment_index import mean_rate_bps, peak_rate_bps
from media.packaging.track_header import TrackHeader


def make(kind: str, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return (8 + len(body)).to_bytes(4, "big") + kind.encode() + body


def full(version: int, flags: int, *numbers: int) -> bytes:
    head = bytes([version]) + flags.to_bytes(3, "big")
    return head + b"".join((number & 0xFFFFFFFF).to_bytes(4, "big") for number in numbers)


HEADER = TrackHeader("vide", 24000, 0, 1000, 500, 1 << 16, ("encv",), None)


def moof(*boxes: bytes) -> Box:
    return next(split_boxes(make("moof", make("traf", *boxes))))


def test_a_run_takes_what_it_leaves_out_from_the_fragment_and_from_the_track() -> None:
    tfhd = make("tfhd", full(0, 0x20008, 1, 2000))
    tfdt = make("tfdt", full(1, 0, 0, 96000))
    trun = make("trun", full(1, 0xA05, 3, 64, 0, 700, 4000, 600, -2000, 500, 0))
    fragment = read_fragment(moof(tfhd, tfdt, trun), HEADER)
    assert fragment.samples == 3
    assert fragment.starts_with_sync
    assert (fragment.first_presented, fragment.last_presented) == (96000, 102000)
    assert not fragment.has_senc


def test_sync_flags_of_the_track_hold_where_nobody_says_otherwise() -> None:
    fragment = read_fragment(
        moof(make("tfhd", full(0, 0x20000, 1)), make("tfdt", full(0, 0, 0)), make("trun", full(0, 0, 2))), HEADER
    )
    assert not fragment.starts_with_sync
    assert fragment.last_presented == 2000


def test_a_subsample_map_without_protected_bytes_is_a_clear_sample() -> None:
    senc = make("senc", full(0, 2, 2), bytes([0, 1, 1, 0xF4, 0, 0, 0, 0]), bytes([0, 1, 0, 4, 0, 0, 1, 0xF0]))
    boxes = make("tfhd", full(0, 0, 1)), make("tfdt", full(0, 0, 0)), make("trun", full(0, 0, 2)), senc
    fragment = read_fragment(moof(*boxes), HEADER)
    assert (fragment.has_senc, fragment.clear_samples) == (True, 1)


def test_a_senc_that_is_short_of_samples_does_not_count() -> None:
    senc = make("senc", full(0, 0, 1))
    boxes = make("tfhd", full(0, 0, 1)), make("tfdt", full(0, 0, 0)), make("trun", full(0, 0, 2)), senc
    fragment = read_fragment(moof(*boxes), HEADER)
    assert (fragment.has_senc, fragment.clear_samples) == (False, 1)


def test_large_and_open_ended_boxes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file.mp4"
    large = (1).to_bytes(4, "big") + b"free" + (20).to_bytes(8, "big") + b"abcd"
    path.write_bytes(large + bytes(4) + b"mdat" + b"xyz")
    assert [(offset, box.kind, box.body) for offset, box in read_boxes(path)] == [
        (0, "free", b"abcd"),
        (20, "mdat", b""),
    ]


@pytest.mark.parametrize(
    "content", [b"\0\0\0\x09free", b"\0\0\0\x04free", b"\0\0\0", b"\0\0\0\x01free\0\0\0\0\0\0\0\x08"]
)
def test_a_box_that_does_not_fit_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.mp4"
    path.write_bytes(content)
    with pytest.raises(PresentationInvalid):
        list(read_boxes(path))


def test_a_field_beyond_the_end_is_refused() -> None:
    with pytest.raises(PresentationInvalid, match="box tfdt"):
        Box("tfdt", b"\0\0\0\0").integer(4)


def test_the_peak_is_over_windows_around_the_target_duration() -> None:
    two, half = Fraction(2), Fraction(1, 2)
    weights = [(1000, two), (3000, two), (1000, half)]
    # The half second alone is too short for a window; with its neighbor it lasts 2.5 s.
    assert peak_rate_bps(weights, 2) == max(8 * 3000 // 2, 8 * 4000 * 2 // 5)
    assert mean_rate_bps(weights) == round(8 * 5000 / 4.5)
    assert peak_rate_bps([(1000, half)], 4) == 16000
