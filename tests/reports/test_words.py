"""Numbers as people read them; what is said about rungs and shots; labels that keep apart."""

from fractions import Fraction

import pytest

from reports.labels import RIGHT_FIRST, Label, LabelSpace
from reports.ladder_tables import missed_by
from reports.markup import element
from reports.numerals import (
    write_bitrate,
    write_count,
    write_difference,
    write_frame_rate,
    write_kilobits,
    write_rate_change,
    write_seconds,
    write_time,
)
from reports.shot_tables import tint_class
from reports.telling_shots import ShotSpread, spread_of, telling_shots
from tests.reports.made_up_title import make_result


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (write_bitrate(640_400), "640 kb/s"),
        (write_bitrate(999_600), "1.00 Mb/s"),
        (write_bitrate(12_340_000), "12.3 Mb/s"),
        (write_bitrate(float("nan")), "–"),
        (write_kilobits(71_060), "71.1"),
        (write_kilobits(1_234_567), "1\u202f235"),
        (write_difference(-0.04), "±0.0"),
        (write_difference(-0.83, 2), "−0.83"),
        (write_seconds(0.416), "0.42 s"),
        (write_seconds(99.96), "1 min 40 s"),
        (write_seconds(3599.6), "1 h 00 min"),
        (write_time(100, Fraction(24)), "0:04.17"),
        (write_time(90_000, Fraction(24_000, 1001)), "1:02:33.75"),
        (write_frame_rate(Fraction(24_000, 1001)), "23.976 fps (24000/1001)"),
        (write_rate_change(-0.3124), "31.2 % fewer bits"),
        (write_count(1, "shot"), "1 shot"),
        (write_count(1200, "shot"), "1\u202f200 shots"),
    ],
)
def test_a_number_is_written_for_people(written: str, expected: str) -> None:
    assert written == expected


def test_attributes_and_text_are_escaped_but_markup_is_not_escaped_twice() -> None:
    inner = element("b", "a < b & c")
    assert (
        element("p", inner, ["x", None], class_='"quoted"')
        == '<p class="&quot;quoted&quot;"><b>a &lt; b &amp; c</b>x</p>'
    )


def test_a_rung_has_missed_only_beyond_half_a_point() -> None:
    rung = make_result().ladders[0].rungs[0]
    promised = rung.delivered.vmaf_mean

    def miss(distance: float) -> float | None:
        return missed_by(
            rung.model_copy(update={"promised": rung.promised.model_copy(update={"vmaf": promised + distance})})
        )

    assert miss(0.49) is None
    assert miss(-0.49) is None
    assert miss(0.51) == pytest.approx(-0.51)
    assert miss(-0.51) == pytest.approx(0.51)


def test_tints_grow_with_the_distance_from_the_mean() -> None:
    distances = (-11, -6, -3.5, -1, -0.9, 0, 1, 4, 7, 10)
    assert [tint_class(distance) for distance in distances] == [
        "l4",
        "l3",
        "l2",
        "l1",
        None,
        None,
        "h1",
        "h2",
        "h3",
        "h4",
    ]


def test_telling_shots_are_those_of_low_quality_and_those_of_odd_rate_in_the_order_of_the_title() -> None:
    spreads = [ShotSpread(index, 0.1, "H.264 rung 1", 1.0) for index in range(10)]
    spreads[7] = ShotSpread(7, 9.0, "H.264 rung 1", 1.0)
    spreads[3] = ShotSpread(3, 0.0, "H.264 rung 1", 0.2)
    assert telling_shots(spreads, most=2) == [3, 7]
    assert telling_shots(spreads) == list(range(10))


def test_the_spread_of_a_shot_names_the_rung_where_it_falls_furthest() -> None:
    result = make_result()
    spread = spread_of(result, 2)
    distances = [rung.delivered.vmaf_mean - rung.shots[2].vmaf for ladder in result.ladders for rung in ladder.rungs]
    assert spread.shortfall_vmaf == max(distances)
    assert "H.264 rung 3" in spread.words
    assert spread.rate_ratio > 2


def test_labels_of_near_marks_do_not_cover_each_other() -> None:
    space = LabelSpace((0, 0, 400, 400))
    for x in (200, 204, 208):
        space.place(Label("720p", (x, 200), 4), RIGHT_FIRST)
    boxes = space.taken
    assert len(boxes) == 3
    for index, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[index + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
