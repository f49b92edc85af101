"""Every kind of track and of addressing: text, pictures, byte ranges, clear; templates by time and duration, lists."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from domain.recipe import PackagingRecipe
from media.packaging.plan import TrackFile
from media.rules.check import RULES, check_folder, check_model
from media.rules.model import PresentationOnDisk
from media.rules.reader import read_presentation
from media.tools import ToolPaths
from tests.media.packaging.conftest import Packaged, make_text, make_thumbnails, package, plan_of
from tests.media.rules.breaks import copied, edit

pytestmark = pytest.mark.slow

MPD, STILLS = "manifest.mpd", "thumbnails_160x90/playlist.m3u8"
SD = "video_h264_180p"


async def packaged_as(
    storage: Literal["segments", "file"], tools: ToolPaths, tracks: tuple[TrackFile, ...], folder: Path
) -> Path:
    clear = folder / "clear"
    clear.mkdir()
    chosen = [item for item in tracks if item.name in {SD, "video_h264_720p", "audio_eng_2ch"}]
    every = (*chosen, make_text(clear, "eng", is_default=True), make_thumbnails(tools, clear))
    plan = replace(plan_of(every, "cbcs"), recipe=PackagingRecipe(segment_s=2, storage=storage))
    return (await package(tools, plan, folder / "out")).folder


@pytest.fixture(scope="module")
async def in_segments(
    tools: ToolPaths, tracks_24: tuple[TrackFile, ...], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return await packaged_as("segments", tools, tracks_24, tmp_path_factory.mktemp("segments"))


@pytest.fixture(scope="module")
async def in_files(
    tools: ToolPaths, tracks_24: tuple[TrackFile, ...], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return await packaged_as("file", tools, tracks_24, tmp_path_factory.mktemp("files"))


def found(folder: Path, rule_id: str) -> list[str]:
    return [item.found for rule in check_folder(folder).rules if rule.rule == rule_id for item in rule.findings]


def test_text_and_pictures_break_no_must(in_segments: Path) -> None:
    report = check_folder(in_segments)
    assert [(rule.rule, rule.findings) for rule in report.broken("must")] == []
    presentation = read_presentation(in_segments)
    assert {item.kind for mpd in presentation.mpds for item in mpd.sets} == {"video", "audio", "text", "image"}
    assert presentation.images
    assert presentation.texts


def test_one_file_for_each_track_breaks_no_must_and_has_the_same_segments(in_files: Path, in_segments: Path) -> None:
    assert [(rule.rule, rule.findings) for rule in check_folder(in_files).broken("must")] == []
    ours, theirs = (
        {track.name.partition("/")[0]: track for track in read_presentation(folder).tracks}
        for folder in (in_files, in_segments)
    )
    assert set(ours) == set(theirs)
    for name, track in ours.items():
        assert track.starts_s == theirs[name].starts_s
        assert track.durations_s == theirs[name].durations_s
    mpd = read_presentation(in_files).mpds[0]
    assert {one.addressing for item in mpd.sets_of("video") for one in item.representations} == {"base"}


def test_a_clear_presentation_breaks_no_must_and_has_no_protection(
    clear: Packaged,
) -> None:
    report = check_folder(clear.folder)
    assert [(rule.rule, rule.findings) for rule in report.broken("must")] == []
    assert {rule.verdict for rule in report.rules if rule.rule.startswith("ENC")} == {"not applicable"}


def test_tiles_of_another_size_are_found(in_segments: Path, tmp_path: Path) -> None:
    folder = copied(in_segments, tmp_path / "copy")
    edit(STILLS, r"RESOLUTION=\d+x", "RESOLUTION=99x", 0)(folder)
    assert any("a picture of" in words for words in found(folder, "FILE-006"))


def test_pictures_for_half_the_title_are_found(in_segments: Path, tmp_path: Path) -> None:
    folder = copied(in_segments, tmp_path / "copy")
    edit(STILLS, r"#EXTINF:[\d.]+", "#EXTINF:1.000000")(folder)
    assert any("pictures for" in words for words in found(folder, "FILE-006"))


def test_subtitles_that_end_early_are_found(in_segments: Path, tmp_path: Path) -> None:
    folder = copied(in_segments, tmp_path / "copy")
    edit("text_eng_subtitle/playlist.m3u8", r"#EXTINF:2.0+,\n00005.vtt\n", "")(folder)
    assert found(folder, "HLS-008") == ["8.416667 s"]


def test_a_text_segment_of_another_kind_is_found(in_segments: Path, tmp_path: Path) -> None:
    folder = copied(in_segments, tmp_path / "copy")
    edit("text_eng_subtitle/00001.vtt", "WEBVTT", "1")(folder)
    assert any("begins with" in words for words in found(folder, "HLS-011"))


def test_audio_of_other_segments_is_told(ours: PresentationOnDisk) -> None:
    tracks = tuple(
        replace(track, segments=track.segments[:4]) if track.init.handler == "soun" else track for track in ours.tracks
    )
    report = check_model(replace(ours, tracks=tracks))
    assert "BOX-008" in {rule.rule for rule in report.broken("should")}


@pytest.mark.parametrize(("offset", "words"), [(28, "no segments"), (32, "no fragment"), (36, "stated")])
def test_a_damaged_index_is_told(offset: int, words: str, in_files: Path, tmp_path: Path) -> None:
    """Its count, the size of its first segment, the duration of that."""
    folder = copied(in_files, tmp_path / "copy")
    path = folder / SD / "track.mp4"
    content = bytearray(path.read_bytes())
    at = content.index(b"sidx") + 4 + offset
    content[at : at + 4] = (1 << 30).to_bytes(4, "big")
    path.write_bytes(content)
    assert any(words in said for rule in ("FILE-002", "MPD-004") for said in found(folder, rule))


def by_time(folder: Path) -> None:
    """Names segments by their time."""
    track = next(item for item in read_presentation(folder).tracks if item.name == f"{SD}/init.mp4")
    for segment in track.segments:
        (folder / segment.span.path).rename(folder / SD / f"{segment.start}.m4s")
        edit(f"{SD}/playlist.m3u8", Path(segment.span.path).name, f"{segment.start}.m4s")(folder)
        edit(f"{SD}/iframes.m3u8", Path(segment.span.path).name, f"{segment.start}.m4s")(folder)
    edit(MPD, re.escape(f"{SD}/$Number%05d$"), f"{SD}/$Time$")(folder)


def by_duration(folder: Path) -> None:
    """Addresses segments by one duration: 10.4 s are six segments of 2 s."""
    pattern = rf'(?s)(media="{SD}/[^>]*)>\s*<SegmentTimeline>.*?</SegmentTimeline>'
    edit(MPD, pattern, r'\1 duration="48000">')(folder)


def by_list(folder: Path) -> None:
    """Lists segments one by one."""
    urls = "".join(f'<SegmentURL media="{SD}/{number:05d}.m4s" />' for number in range(1, 7))
    init = f'<Initialization sourceURL="{SD}/init.mp4" />'
    edit(
        MPD,
        rf'(?s)<SegmentTemplate [^>]*initialization="{SD}/.*?</SegmentTemplate>',
        f'<SegmentList timescale="24000" duration="48000">{init}{urls}</SegmentList>',
    )(folder)


@pytest.mark.parametrize(("rewrite", "mode"), [(by_time, "timeline"), (by_duration, "duration"), (by_list, "list")])
def test_other_ways_of_addressing_lead_to_the_same_segments(
    rewrite: object, mode: str, cbcs: Packaged, ours: PresentationOnDisk, tmp_path: Path
) -> None:
    folder = copied(cbcs.folder, tmp_path / "copy")
    assert callable(rewrite)
    rewrite(folder)
    presentation = read_presentation(folder)
    one = presentation.mpds[0].sets[0].representations[0]
    assert one.addressing == mode
    assert one.track is not None
    wanted = next(track for track in ours.tracks if track.name == one.track.name)
    assert [item.size_bytes for item in one.track.segments] == [item.size_bytes for item in wanted.segments]
    broken = {rule.rule for rule in check_model(presentation).broken("must")}
    # A list states one duration for all, and the last segment is shorter.
    assert broken <= ({"MPD-004"} if mode == "list" else set())


def test_every_rule_applies_to_something_of_ours(ours: PresentationOnDisk) -> None:
    assert [rule.rule_id for rule in RULES if not ours.has(rule.needs)] == []
