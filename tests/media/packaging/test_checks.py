"""Each rule, shown to fire on a copy that breaks it and nothing else."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from domain.recipe import PackagingRecipe
from domain.video import Codec
from media.errors import PresentationInvalid
from media.packaging.checks import check_presentation
from media.packaging.package import package_presentation
from media.packaging.plan import MANIFEST, MULTIVARIANT, PresentationPlan, TrackFile
from media.packaging.segment_index import read_track
from media.tools import ToolPaths
from tests.media.packaging.conftest import IDR_FRAMES, Packaged, make_rendition, with_key

pytestmark = pytest.mark.slow

VIDEO, AUDIO = "video_h264_720p", "audio_eng_2ch"


@pytest.fixture
def copy(cbcs: Packaged, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cbcs.folder, tmp_path / "copy"))


def broken_rules(folder: Path, plan: PresentationPlan) -> str:
    with pytest.raises(PresentationInvalid) as caught:
        check_presentation(folder, plan)
    return caught.value.found


def edit(path: Path, pattern: str, replacement: str) -> None:
    text = path.read_text("utf-8")
    changed = re.sub(pattern, replacement, text, count=1)
    assert changed != text
    path.write_text(changed, "utf-8")


def patch(path: Path, kind: bytes, offset: int, value: bytes) -> None:
    """Overwrites bytes of a box's body."""
    content = bytearray(path.read_bytes())
    at = content.index(kind) + 4 + offset
    content[at : at + len(value)] = value
    path.write_bytes(content)


def test_an_untouched_presentation_breaks_no_rule(packaged: Packaged) -> None:
    report = check_presentation(packaged.folder, packaged.plan)
    assert report.broken("must") == ()
    assert report == packaged.tree.checks
    indexes = {item.name: read_track(packaged.folder / item.name) for item in packaged.plan.tracks}
    rate = packaged.plan.frame_rate
    starts = tuple(Fraction(frame) / rate for frame in (0, 48, 96, 144, 192, 240))
    assert [indexes[item.name].starts_s for item in packaged.plan.renditions] == [starts] * 4
    assert indexes[VIDEO].duration_s == 250 / rate
    assert abs(indexes[AUDIO].duration_s - 250 / rate) <= Fraction(1024, 48000)
    assert all(item.samples == 48 for item in indexes[VIDEO].segments[:-1])


BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a missing segment": (lambda f: (f / VIDEO / "00003.m4s").unlink(), r"00003\.m4s: named by the MPD.*no such file"),
    "a missing segment, in time": (
        lambda f: (f / VIDEO / "00003.m4s").unlink(),
        r"00004\.m4s: starts at 144000, 96000",
    ),
    "a missing initialization segment": (lambda f: (f / AUDIO / "init.mp4").unlink(), "no init.mp4"),
    "a missing playlist": (lambda f: (f / VIDEO / "playlist.m3u8").unlink(), "playlist.m3u8: named by the playlists"),
    "no MPD": (lambda f: (f / MANIFEST).unlink(), "no manifest.mpd"),
    "a foreign file": (lambda f: (f / VIDEO / "keys.txt").write_text("x"), "keys.txt: no manifest names this file"),
    "a truncated segment": (
        lambda f: (f / VIDEO / "00002.m4s").write_bytes((f / VIDEO / "00002.m4s").read_bytes()[:-9]),
        r"00002\.m4s at \d+: a box of",
    ),
    "no sync sample": (lambda f: patch(f / VIDEO / "00002.m4s", b"trun", 16, b"\0\1\0\0"), "start with a sync sample"),
    "a wrong KID": (lambda f: patch(f / VIDEO / "init.mp4", b"tenc", 8, b"\7" * 16), "tenc KID 0707.*23001-7, 8.2"),
    "a wrong pattern": (lambda f: patch(f / VIDEO / "init.mp4", b"tenc", 5, b"\x28"), r"tenc pattern \(2, 8\)"),
    "a wrong scheme": (lambda f: patch(f / VIDEO / "init.mp4", b"schm", 4, b"cens"), "schm cens, cbcs expected"),
    "not protected": (lambda f: patch(f / AUDIO / "init.mp4", b"tenc", 6, b"\0"), "tenc isProtected False"),
    "another track's IV": (lambda f: patch(f / VIDEO / "init.mp4", b"tenc", 25, bytes(16)), "constant IV is not"),
    "a clear sample entry": (
        lambda f: patch(f / VIDEO / "init.mp4", b"encv", -4, b"avc1"),
        "sample entries avc1, encv",
    ),
    "no senc": (lambda f: patch(f / VIDEO / "00004.m4s", b"senc", -4, b"free"), "00004.m4s: a fragment without"),
    "a short senc": (lambda f: patch(f / AUDIO / "00001.m4s", b"senc", 4, bytes(4)), "00001.m4s: a fragment without"),
    "a clear sample": (lambda f: patch(f / VIDEO / "00001.m4s", b"senc", 12, bytes(4)), "00001.m4s: 1 clear samples"),
    "a malformed MPD": (lambda f: edit(f / MANIFEST, "</Period>", ""), "mismatched tag"),
    "another document": (lambda f: (f / MANIFEST).write_text("<html/>"), "html"),
    "MPD timeline": (lambda f: edit(f / MANIFEST, 'd="10000"', 'd="9000"'), "timeline of video_h264_180p"),
    "MPD bandwidth": (lambda f: edit(f / MANIFEST, r'bandwidth="\d+"', 'bandwidth="1000"'), "MPD: bandwidth of"),
    "BANDWIDTH": (
        lambda f: edit(f / MULTIVARIANT, r"BANDWIDTH=\d+", "BANDWIDTH=9000000"),
        "BANDWIDTH of .*Apple 1.27",
    ),
    "AVERAGE-BANDWIDTH": (
        lambda f: edit(f / MULTIVARIANT, r"AVERAGE-BANDWIDTH=\d+", "AVERAGE-BANDWIDTH=1000"),
        "AVERAGE-BANDWIDTH of .*Apple 1.26",
    ),
    "no CODECS": (lambda f: edit(f / MULTIVARIANT, r'CODECS="[^"]*",', ""), "has no CODECS"),
    "no FRAME-RATE": (lambda f: edit(f / MULTIVARIANT, r"FRAME-RATE=24.000,", ""), "has no FRAME-RATE"),
    "no VIDEO-RANGE": (lambda f: edit(f / MULTIVARIANT, r"VIDEO-RANGE=SDR,", ""), "has no VIDEO-RANGE"),
    "a wrong RESOLUTION": (lambda f: edit(f / MULTIVARIANT, "=1280x720", "=1280x722"), "is not 1280x720"),
    "no audio group": (lambda f: edit(f / MULTIVARIANT, ',AUDIO="audio_aac_2ch"', ""), "has no audio group"),
    "target duration": (lambda f: edit(f / AUDIO / "playlist.m3u8", "DURATION:2", "DURATION:3"), "target duration 2"),
    "EXTINF": (lambda f: edit(f / VIDEO / "playlist.m3u8", "2.000000", "2.000100"), "durations sum to .*Apple 8.1"),
    "an identity key": (
        lambda f: edit(
            f / VIDEO / "playlist.m3u8", "#EXT-X-KEY", '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="data:x"\n#EXT-X-KEY'
        ),
        "an identity key",
    ),
    "no FairPlay key": (
        lambda f: edit(f / VIDEO / "playlist.m3u8", "skd://[0-9a-f]+", "skd://other"),
        "no FairPlay key",
    ),
    "no key": (
        lambda f: edit(f / AUDIO / "playlist.m3u8", r"(?s)#EXT-X-KEY.*?(?=#EXTINF)", ""),
        f"{AUDIO}/playlist.m3u8: no EXT-X-KEY",
    ),
    "no version": (lambda f: edit(f / VIDEO / "iframes.m3u8", "#EXT-X-VERSION:6\n", ""), "no #EXT-X-VERSION"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_copy_is_refused(name: str, copy: Path, cbcs: Packaged) -> None:
    break_it, message = BREAKS[name]
    break_it(copy)
    assert re.search(message, broken_rules(copy, cbcs.plan))


def test_children_of_the_mpd_out_of_schema_order_are_refused(copy: Path, cbcs: Packaged) -> None:
    edit(copy / MANIFEST, r"(?s)(<AdaptationSet [^>]*>)(.*?)(<Role [^>]*/>)", r"\1\3\2")
    assert "AdaptationSet 1: ContentProtection is out of order (DASH-MPD.xsd)" in broken_rules(copy, cbcs.plan)


def test_several_broken_rules_are_named_together(copy: Path, cbcs: Packaged) -> None:
    (copy / VIDEO / "00003.m4s").unlink()
    patch(copy / AUDIO / "init.mp4", b"tenc", 8, b"\7" * 16)
    found = broken_rules(copy, cbcs.plan)
    assert "00003.m4s" in found
    assert "audio_eng_2ch: tenc KID" in found


def test_an_expected_key_that_is_another_one_is_noticed(cbcs: Packaged) -> None:
    plan = with_key(cbcs.plan, "HD", lambda key: replace(key, kid="f" * 32))
    assert "video_h264_720p: tenc KID" in broken_rules(cbcs.folder, plan)


def test_a_title_of_another_length_is_noticed(cbcs: Packaged) -> None:
    longer = tuple(
        TrackFile(item.track.model_copy(update={"frames": 252}), item.path) if item.name.startswith("video") else item
        for item in cbcs.plan.tracks
    )
    assert "0 to 10.500000 s expected (Apple 8.3, 8.7)" in broken_rules(cbcs.folder, replace(cbcs.plan, tracks=longer))


async def test_a_rendition_whose_idrs_are_off_the_plan_is_refused(
    tools: ToolPaths, cbcs: Packaged, tmp_path: Path
) -> None:
    (tmp_path / "odd").mkdir()
    idr = tuple(frame + 1 if frame == 96 else frame for frame in IDR_FRAMES)
    odd = make_rendition(tools, tmp_path / "odd", (Codec.H264, 320, 180), Fraction(24), idr=idr)
    plan = replace(cbcs.plan, tracks=(odd, *cbcs.plan.tracks[1:]))
    with pytest.raises(PresentationInvalid, match="whose IDR frames differ"):
        await package_presentation(tools, plan, out_dir=tmp_path / "out", on_progress=lambda _: None)


def test_segments_elsewhere_than_planned_are_noticed(cbcs: Packaged) -> None:
    plan = replace(cbcs.plan, segment_starts=(0, 48, 84, 144, 192, 240))
    assert "video_h264_180p: 6 segments, not aligned from segment 3 on" in broken_rules(cbcs.folder, plan)


def test_another_scheme_than_planned_is_noticed(cbcs: Packaged) -> None:
    plan = replace(cbcs.plan, recipe=PackagingRecipe(segment_s=2, scheme="cenc"))
    assert "schm cbcs, cenc expected" in broken_rules(cbcs.folder, plan)


def test_a_must_that_no_plan_knows_of_stops_the_presentation(copy: Path, cbcs: Packaged) -> None:
    edit(copy / MULTIVARIANT, "#EXT-X-STREAM-INF:", "#EXT-X-STREAM-INF:SCORE=1.0,")
    assert re.search(r"HLS-030 .*SCORE on \d of \d.*Apple HLS authoring specification", broken_rules(copy, cbcs.plan))


def test_a_broken_should_is_told_and_stops_nothing(copy: Path, cbcs: Packaged) -> None:
    edit(copy / MANIFEST, 'startWithSAP="1"', "")
    report = check_presentation(copy, cbcs.plan)
    assert "MPD-011" in {rule.rule for rule in report.broken("should")}
