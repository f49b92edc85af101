"""From what was seen to findings: thresholds, levels, places."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from pydantic import ValidationError

from domain.files import StoredFile
from domain.findings import CATALOGUE, FAMILIES, Finding, Level, Override, wave_through
from domain.hdr import Chromaticity, ContentLight, HdrMetadata, MasteringDisplay
from domain.inspection_policy import InspectionPolicy
from domain.video import AudioTrack, Color, SourceDescription, SubtitleTrack, VideoTrack
from media.findings import MOST_PLACES, judge_source, stops_of, timecode, unused_overrides
from media.looks import ContentLooks, PictureLooks, SoundLooks

VIDEO = VideoTrack(
    stream_index=0, codec_name="h264", width_px=1280, height_px=720, frames=1500, frame_rate=Fraction(25),
    pixel_format="yuv420p", bit_depth=8, color=Color(),
)  # fmt: skip
SOUND = AudioTrack(stream_index=1, codec_name="aac", channels=2, channel_layout="stereo", sample_rate_hz=48000)
SOURCE = SourceDescription(
    file=StoredFile(uri="s3://pertitle-incoming/a.mov", sha256="a" * 64, size_bytes=9),
    container="mov",
    video=VIDEO,
    audio=(SOUND,),
    subtitles=(SubtitleTrack(stream_index=2, codec_name="mov_text"),),
)
PQ = Color(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc")
LIGHT = ContentLight(max_cll=1000, max_fall=400)
_POINT = Chromaticity(x=15000, y=15000)
DISPLAY = MasteringDisplay(
    red=_POINT, green=_POINT, blue=_POINT, white=_POINT, max_luminance=10_000_000, min_luminance=1
)
PICTURES = PictureLooks(active=(0.0, 0.0, 1.0, 1.0))
HEARD = SoundLooks(integrated_lufs=-23.0, end_s=69.93)
START = Fraction(10)
"""The first picture of this source comes at 10 s of the container's clock, the last ends at 70 s."""


def found(
    pictures: PictureLooks = PICTURES,
    heard: SoundLooks = HEARD,
    source: SourceDescription = SOURCE,
    **policy: object,
) -> list[Finding]:
    expected = InspectionPolicy.model_validate(policy)
    return list(judge_source(source, START, ContentLooks(pictures, {1: heard}), expected))


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def with_video(**fields: object) -> SourceDescription:
    return SOURCE.model_copy(update={"video": VIDEO.model_copy(update=fields)})


def test_a_source_as_it_should_be_has_no_findings() -> None:
    assert found() == []


def test_black_amid_the_programme_is_told_with_its_timecode_and_at_its_ends_it_is_not() -> None:
    black = ((10.0, 15.0), (20.0, 23.2), (30.0, 31.0), (66.0, math.inf))
    (finding,) = found(replace(PICTURES, black=black))
    assert (finding.code, finding.level) == ("VID-101", Level.WARNING)
    assert finding.where == "video track 0, 00:00:10:00 to 00:00:13:05"
    assert (finding.track, finding.start_s, finding.end_s, finding.found) == (0, 10.0, 13.2, "3.2 s")
    assert len(found(replace(PICTURES, black=black), black_s=1.0)) == 2


def test_all_black_stops_and_a_dark_scene_does_not() -> None:
    black = ((10.0, math.inf),)
    (finding,) = found(replace(PICTURES, black=black, active=None))
    assert (finding.code, finding.stops, finding.found) == ("VID-102", True, "60.0 s of 60.0 s")
    assert found(replace(PICTURES, black=black)) == []


def test_black_stands_still_too_and_is_told_once() -> None:
    looks = replace(PICTURES, black=((20.0, 26.0),), still=((20.1, 26.0), (40.0, 45.0)))
    assert codes(found(looks)) == ["VID-101", "VID-103"]


def test_of_a_thousand_places_the_longest_are_listed_in_order_of_time() -> None:
    still = tuple((10.0 + n / 20, 10.0 + n / 20 + 4 + (n % 7)) for n in range(1000))
    findings = found(replace(PICTURES, still=still))
    assert len(findings) == MOST_PLACES
    starts = [finding.start_s for finding in findings]
    assert starts == sorted(starts, key=lambda start: start or 0.0)
    assert "one of 1000 places" in findings[0].found


def test_bars_run_along_the_whole_of_one_side() -> None:
    (finding,) = found(replace(PICTURES, active=(0.0, 0.125, 1.0, 0.875)))
    assert (finding.code, finding.found) == ("VID-104", "active picture of about 1280x540 in 1280x720")
    assert found(replace(PICTURES, active=(0.2, 0.2, 0.8, 0.8))) == []


def test_levels_count_only_where_the_range_is_limited() -> None:
    looks = replace(PICTURES, illegal_share=0.02)
    assert codes(found(looks)) == ["VID-105"]
    assert found(looks, source=with_video(color=Color(range="pc"))) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"color_is_assumed": True}, ["VID-107"]),
        ({"color": Color(matrix="smpte170m")}, ["VID-108"]),
        ({"color": Color(primaries="bt470bg", transfer="smpte170m", matrix="smpte170m")}, []),
        ({"color": Color(matrix="smpte170m"), "color_is_assumed": True}, ["VID-107"]),
        ({"color": PQ, "hdr": HdrMetadata()}, ["VID-109"]),
        ({"color": PQ, "hdr": HdrMetadata(content_light=LIGHT)}, ["VID-109"]),
        ({"color": PQ, "hdr": HdrMetadata(mastering_display=DISPLAY, content_light=LIGHT)}, []),
        ({"color": Color(primaries="bt2020", transfer="arib-std-b67", matrix="bt2020nc"), "hdr": HdrMetadata()}, []),
    ],
    ids=[
        "not said",
        "BT.601 in BT.709",
        "BT.601",
        "half of it assumed",
        "HDR10 without all",
        "HDR10 without display",
        "HDR10",
        "HLG",
    ],
)
def test_color_tags_that_are_missing_or_contradict_each_other(fields: dict[str, object], expected: list[str]) -> None:
    assert codes(found(source=with_video(**fields))) == expected


@pytest.mark.parametrize(
    ("end_s", "expected"),
    [(69.95, []), (69.87, []), (69.80, ["CNT-102"]), (70.05, ["CNT-102"]), (72.1, ["CNT-101"]), (60.0, ["CNT-101"])],
)
def test_sound_and_pictures_should_end_together(end_s: float, expected: list[str]) -> None:
    assert codes(found(heard=replace(HEARD, end_s=end_s))) == expected


def test_silence_and_loudness() -> None:
    assert codes(found(heard=replace(HEARD, silence=((10.0, 20.0), (30.0, 36.0), (60.0, math.inf))))) == ["AUD-101"]
    assert codes(found(heard=replace(HEARD, integrated_lufs=None))) == ["AUD-102"]
    assert codes(found(loudness_lufs=-27.0)) == ["AUD-104"]
    assert found(loudness_lufs=-24.0) == []


def test_captions_are_missed_as_the_request_says() -> None:
    silent = SOURCE.model_copy(update={"subtitles": ()})
    assert [(f.code, f.stops) for f in found(source=silent)] == [("TXT-101", False)]
    assert [(f.code, f.stops) for f in found(source=silent, captions="required")] == [("TXT-102", True)]


def test_another_file_than_the_request_states_is_fatal_and_cannot_be_waved_through() -> None:
    (finding,) = found(sha256="b" * 64)
    assert (finding.code, finding.level) == ("UPL-101", Level.FATAL)
    (kept,) = wave_through([finding], [Override(code="UPL-101", by="Kim", reason="it is right")])
    assert kept.stops


def test_a_file_of_another_size_than_the_request_states_is_fatal() -> None:
    (finding,) = found(size_bytes=SOURCE.file.size_bytes + 1)
    assert (finding.code, finding.level) == ("UPL-102", Level.FATAL)
    assert found(size_bytes=SOURCE.file.size_bytes) == []


def test_a_named_person_waves_through_what_may_be_and_an_override_of_nothing_is_told() -> None:
    findings = found(replace(PICTURES, active=None, black=((10.0, math.inf),)))
    override = Override(code="VID-102", by="Kim", reason="an audio play")
    (waved,) = wave_through(findings, [override])
    assert (waved.override, waved.stops) == (override, False)
    assert [(f.code, f.found) for f in unused_overrides([], [override], InspectionPolicy())] == [("POL-101", "VID-102")]
    assert unused_overrides(findings, [override], InspectionPolicy()) == ()


def test_levels_are_the_request_s() -> None:
    looks = replace(PICTURES, black=((20.0, 30.0), (40.0, 50.0)))
    (stop,) = stops_of(found(looks, levels={"VID-101": "overridable"}))
    assert (stop.code, stop.places) == ("VID-101", 2)
    assert stop.message == "video track 0, 00:00:10:00 to 00:00:20:00: 10.0 s"
    with pytest.raises(ValidationError, match="no such finding"):
        InspectionPolicy.model_validate({"levels": {"VID-999": "info"}})


def test_every_code_belongs_to_a_family_and_explains_itself() -> None:
    for code, kind in CATALOGUE.items():
        assert code.partition("-")[0] in FAMILIES
        assert code.partition("-")[2] >= "101"
        assert min(map(len, (kind.meaning, kind.expected, kind.fix))) > 3


def test_a_timecode_counts_frames() -> None:
    assert timecode(3661.2, Fraction(25)) == "01:01:01:05"
    assert timecode(1001 / 1000, Fraction(24000, 1001)) == "00:00:01:00"
