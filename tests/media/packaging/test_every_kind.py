"""A presentation of every kind of track, in both forms of storage."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import pytest

from domain.recipe import PackagingRecipe
from domain.tracks import EncodedAudio
from domain.video import AudioRole
from media.command import command
from media.errors import PresentationInvalid
from media.packaging.boxes import read_boxes, split_boxes
from media.packaging.dash import dash_tag, misplaced_children, parse_mpd
from media.packaging.dash_writer import dash_manifest
from media.packaging.decryption import decrypt_track
from media.packaging.multivariant import multivariant_playlist
from media.packaging.package import proofs_of
from media.packaging.plan import TrackFile
from media.packaging.playlists import parse_entries, parse_stream_tags
from media.packaging.presentation_index import read_presentation
from media.packaging.segment_index import read_track
from media.packaging.thumbnails import SheetIndex, write_thumbnails
from media.process import run_tool
from media.tools import ToolPaths
from tests.media.packaging.conftest import (
    FRAMES,
    Packaged,
    make_text,
    make_thumbnails,
    package,
    plan_of,
    tree_digest,
)

pytestmark = pytest.mark.slow

SUBTITLE, CAPTION, FORCED, STILLS = (
    "text_eng_subtitle",
    "text_eng_caption",
    "text_fra_forced_subtitle",
    "thumbnails_160x90",
)
TITLE_S = Fraction(FRAMES, 24)


@pytest.fixture(scope="module")
def every_track(
    tools: ToolPaths, tracks_24: tuple[TrackFile, ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrackFile, ...]:
    folder = tmp_path_factory.mktemp("extras")
    text = (
        make_text(folder, "eng", is_default=True),
        make_text(folder, "eng", "caption"),
        make_text(folder, "fra", "forced-subtitle"),
    )
    scored = tuple(item._replace(vmaf=90.04 - number) for number, item in enumerate(tracks_24))
    return (*scored, *text, make_thumbnails(tools, folder))


async def packaged_as(
    storage: Literal["segments", "file"], tools: ToolPaths, tracks: tuple[TrackFile, ...], folder: Path
) -> Packaged:
    plan = replace(plan_of(tracks, "cbcs"), recipe=PackagingRecipe(segment_s=4, storage=storage))
    return await package(tools, plan, folder)


@pytest.fixture(scope="module")
async def in_segments(
    tools: ToolPaths, every_track: tuple[TrackFile, ...], tmp_path_factory: pytest.TempPathFactory
) -> Packaged:
    return await packaged_as("segments", tools, every_track, tmp_path_factory.mktemp("segments"))


@pytest.fixture(scope="module")
async def in_files(
    tools: ToolPaths, every_track: tuple[TrackFile, ...], tmp_path_factory: pytest.TempPathFactory
) -> Packaged:
    return await packaged_as("file", tools, every_track, tmp_path_factory.mktemp("files"))


@pytest.mark.parametrize("storage", ["segments", "file"])
async def test_two_runs_give_the_same_bytes(
    storage: Literal["segments", "file"],
    in_segments: Packaged,
    in_files: Packaged,
    tools: ToolPaths,
    tmp_path: Path,
) -> None:
    first = in_segments if storage == "segments" else in_files
    again = await packaged_as(storage, tools, first.plan.tracks, tmp_path / "again")
    assert tree_digest(again.folder) == tree_digest(first.folder)


def test_both_forms_hold_the_same_segments(in_segments: Packaged, in_files: Packaged) -> None:
    assert in_files.tree.decrypted_md5 == in_segments.tree.decrypted_md5
    names = [*proofs_of(in_files.plan), SUBTITLE]
    for name in names:
        many, one = read_track(in_segments.folder / name), read_track(in_files.folder / name)
        assert one.is_one_file
        assert not many.is_one_file
        assert (one.starts_s, one.durations_s) == (many.starts_s, many.durations_s)
        assert one.header == many.header
        for ours, theirs in zip(one.segments, many.segments, strict=True):
            whole, part = (index.range_of(item) for index, item in ((one, ours), (many, theirs)))
            written = part.path.read_bytes()
            assert whole.path.read_bytes()[whole.offset : whole.offset + whole.size] == written[-whole.size :]
            assert (ours.samples, ours.protected_bytes) == (theirs.samples, theirs.protected_bytes)


def test_one_file_is_addressed_by_ranges_of_whole_boxes(in_files: Packaged) -> None:
    mpd = parse_mpd((in_files.folder / in_files.tree.dash).read_text("utf-8"))
    assert "isoff-on-demand" in mpd.get("profiles", "")
    places = [one for one in mpd.iter(dash_tag("Representation")) if one.find(dash_tag("SegmentBase")) is not None]
    assert len(places) == len(proofs_of(in_files.plan)) + len(in_files.plan.text)
    for place in places:
        path = in_files.folder / (place.findtext(dash_tag("BaseURL")) or "")
        base = next(place.iter(dash_tag("SegmentBase")))
        init, sidx = (base[0].get("range", ""), base.get("indexRange", ""))
        assert [box.kind for box in split_boxes(cut(path, init))] == ["ftyp", "moov"]
        assert [box.kind for box in split_boxes(cut(path, sidx))] == ["sidx"]
    for item in in_files.plan.media:
        folder = in_files.folder / item.name
        playlist = (folder / "playlist.m3u8").read_text("utf-8")
        assert re.search(r'#EXT-X-MAP:URI="track.mp4",BYTERANGE="\d+@0"', playlist)
        starts = {offset for offset, box in read_boxes(folder / "track.mp4") if box.kind == "moof"}
        assert {entry.offset for entry in parse_entries(playlist)} == starts


def cut(path: Path, byte_range: str) -> bytes:
    first, last = (int(number) for number in byte_range.split("-"))
    return path.read_bytes()[first : last + 1]


def test_every_track_of_one_file_decrypts_and_no_wrong_key_opens_it(in_files: Packaged) -> None:
    for name, item in proofs_of(in_files.plan).items():
        key = in_files.plan.key_of(item).key
        found = decrypt_track(in_files.folder / name, item.path, key, only_sync=name.startswith("trick_"))
        assert found.md5 == in_files.tree.decrypted_md5[name]


def test_fast_play_has_the_idrs_alone(in_segments: Packaged) -> None:
    for name in in_segments.plan.trick_tracks:
        index = read_track(in_segments.folder / name)
        assert sum(segment.samples for segment in index.segments) == 8
        assert index.starts_are_sync
        assert index.duration_s == TITLE_S
    mpd = parse_mpd((in_segments.folder / in_segments.tree.dash).read_text("utf-8"))
    sets = {one[-1].get("id"): one for one in mpd.iter(dash_tag("AdaptationSet"))}
    main = [sets[name].get("id") for name in ("video_h264_180p", "video_h264_720p")]
    essential = sets["trick_video_h264_180p"].find(dash_tag("EssentialProperty"))
    assert essential is not None
    assert essential.get("value", "").split() == main


def test_text_is_in_the_clear_and_lasts_as_long_as_the_picture(in_segments: Packaged) -> None:
    index = read_track(in_segments.folder / SUBTITLE)
    assert (index.header.handler, index.header.codecs, index.header.protection) == ("text", "wvtt", None)
    assert index.starts_s == read_track(in_segments.folder / "video_av1_180p").starts_s
    assert index.duration_s == TITLE_S
    playlist = (in_segments.folder / SUBTITLE / "playlist.m3u8").read_text("utf-8")
    assert "EXT-X-KEY" not in playlist
    assert sum(entry.duration_s for entry in parse_entries(playlist)) == Fraction("10.416667")
    parts = [(in_segments.folder / SUBTITLE / f"{number:05d}.vtt").read_text("utf-8") for number in (1, 2, 3)]
    assert all(part.startswith("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n") for part in parts)
    assert ["two borders" in part for part in parts] == [True, True, False]
    assert "00:00:03.500 --> 00:00:06.250" in parts[1]


async def test_the_packager_writes_the_same_text_samples_as_far_as_it_goes(
    in_segments: Packaged, tools: ToolPaths, tmp_path: Path
) -> None:
    """It stops at the last cue and adds the default alignment."""
    source = next(item.path for item in in_segments.plan.tracks if item.name == SUBTITLE)
    template = f"init_segment={tmp_path}/init.mp4,segment_template={tmp_path}/$Number%05d$.m4s"
    stream = f"in={source},stream=text,{template}"
    await run_tool(command([tools.packager, stream, "--segment_duration", "4"], purpose="text"))
    theirs = sorted(tmp_path.glob("*.m4s"))
    assert len(theirs) == 2
    for path in theirs:
        ours, wanted = (mdat(folder / path.name) for folder in (in_segments.folder / SUBTITLE, tmp_path))
        assert cues(ours) == cues(wanted)


def mdat(path: Path) -> bytes:
    return next(box.body for _, box in read_boxes(path, skip=frozenset()) if box.kind == "mdat")


def cues(content: bytes) -> list[tuple[str, list[tuple[str, bytes]]]]:
    return [
        (sample.kind, [(part.kind, re.sub(rb" ?align:center", b"", part.body)) for part in split_boxes(sample.body)
                       if part.body != b"align:center"])
        for sample in split_boxes(content)
    ]  # fmt: skip


def test_thumbnails_are_found_in_three_ways(in_segments: Packaged) -> None:
    folder = in_segments.folder / STILLS
    playlist = (folder / "playlist.m3u8").read_text("utf-8")
    assert [entry.uri for entry in parse_entries(playlist)] == ["00001.jpg", "00002.jpg", "00003.jpg"]
    assert "#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=2x2,DURATION=1.000000" in playlist
    sprites = (folder / "thumbnails.vtt").read_text("utf-8")
    assert "00:00:06.000 --> 00:00:07.000\n00002.jpg#xywh=0,90,160,90\n" in sprites
    assert "00:00:10.000 --> 00:00:10.417\n00003.jpg#xywh=0,90,160,90\n" in sprites
    mpd = (in_segments.folder / in_segments.tree.dash).read_text("utf-8")
    assert 'schemeIdUri="http://dashif.org/guidelines/thumbnail_tile" value="2x2"' in mpd
    types = dict(in_segments.tree.files)
    assert (types[f"{STILLS}/00001.jpg"], types[f"{STILLS}/thumbnails.vtt"]) == ("image/jpeg", "text/vtt")


def test_sheets_that_do_not_fit_the_title_are_refused(in_segments: Packaged, tmp_path: Path) -> None:
    item = in_segments.plan.tracks[-1]
    track = in_segments.plan.thumbnails[0]
    for number, wrong in enumerate(
        (track.model_copy(update={"stills": 13}), track.model_copy(update={"interval_s": Fraction(2)}))
    ):
        with pytest.raises(PresentationInvalid, match="stills every"):
            write_thumbnails(wrong, item.path, tmp_path / str(number), TITLE_S)


def test_sheets_count_their_own_rates(in_segments: Packaged) -> None:
    index = SheetIndex(in_segments.plan.thumbnails[0], (1000, 2000, 500), Fraction(10))
    assert list(index.durations_s) == [Fraction(4), Fraction(4), Fraction(2)]
    assert (index.target_s, index.peak_bps, index.mean_bps) == (4, 4000, 2800)


def test_the_multivariant_playlist_names_text_and_stills_and_scores(in_segments: Packaged) -> None:
    tags = parse_stream_tags((in_segments.folder / in_segments.tree.hls).read_text("utf-8"))
    text = {tag.uri.split("/")[0]: tag.attributes for tag in tags if tag.attributes.get("TYPE") == "SUBTITLES"}
    assert [one["NAME"] for one in text.values()] == ["English", "English (captions)", "Français (forced)"]
    assert [one["DEFAULT"] for one in text.values()] == ["YES", "NO", "NO"]
    assert [one["FORCED"] for one in text.values()] == ["NO", "NO", "YES"]
    assert "public.accessibility.describes-music-and-sound" in text[CAPTION]["CHARACTERISTICS"]
    assert [tag.uri for tag in tags if tag.tag == "IMAGE-STREAM-INF"] == [f"{STILLS}/playlist.m3u8"]
    variants = {tag.uri.split("/")[0]: tag.attributes for tag in tags if tag.tag == "STREAM-INF"}
    assert {one["SUBTITLES"] for one in variants.values()} == {"subtitles"}
    assert (variants["video_h264_180p"]["SCORE"], variants["video_h264_720p"]["SCORE"]) == ("90.0", "89.0")
    assert variants["video_h264_180p"]["HDCP-LEVEL"] == "NONE"
    assert variants["video_h264_720p"]["HDCP-LEVEL"] == "TYPE-0"


def test_one_unknown_score_leaves_it_out_everywhere_and_a_clear_title_needs_no_hdcp(clear: Packaged) -> None:
    unknown = [item._replace(vmaf=None if number else 90.0) for number, item in enumerate(clear.plan.tracks)]
    index = read_presentation(replace(clear.plan, tracks=tuple(unknown)), clear.folder, {})
    text = multivariant_playlist(index)
    assert "SCORE" not in text
    assert "HDCP-LEVEL" not in text


@pytest.mark.parametrize(
    ("role", "hls", "dash"),
    [
        ("commentary", "AUTOSELECT=NO", 'Role schemeIdUri="urn:mpeg:dash:role:2011" value="commentary"'),
        ("description", 'CHARACTERISTICS="public.accessibility.describes-video"', "AudioPurposeCS:2007"),
    ],
)
def test_sound_says_what_it_is_for(role: AudioRole, hls: str, dash: str, cbcs: Packaged) -> None:
    tracks = [
        item._replace(track=item.track.model_copy(update={"role": role}))
        if isinstance(item.track, EncodedAudio) and not item.track.is_default
        else item
        for item in cbcs.plan.tracks
    ]
    index = read_presentation(replace(cbcs.plan, tracks=tuple(tracks)), cbcs.folder, {})
    assert hls in multivariant_playlist(index)
    mpd = dash_manifest(index)
    assert dash in mpd
    assert misplaced_children(mpd) == []


async def test_the_packagers_own_manifests_tell_the_same_facts(
    cbcs: Packaged, tools: ToolPaths, tmp_path: Path
) -> None:
    """Codec strings by another program's reading of the same files."""
    streams = [
        f"in={item.path},stream={'audio' if isinstance(item.track, EncodedAudio) else 'video'},"
        f"init_segment={tmp_path}/{item.name}/init.mp4,segment_template={tmp_path}/{item.name}/$Number%05d$.m4s,"
        f"playlist_name={item.name}/playlist.m3u8"
        for item in cbcs.plan.media
    ]
    outputs = ["--mpd_output", f"{tmp_path}/m.mpd", "--hls_master_playlist_output", f"{tmp_path}/m.m3u8"]
    more = ["--generate_static_live_mpd", "--segment_duration", "2"]
    await run_tool(command([tools.packager, *streams, *outputs, *more], purpose="their manifests"))
    theirs = parse_mpd((tmp_path / "m.mpd").read_text("utf-8"))
    wanted = {
        (template.get("initialization") or "").split("/")[0]: one.get("codecs")
        for one in theirs.iter(dash_tag("Representation"))
        for template in one.iter(dash_tag("SegmentTemplate"))
    }
    assert {name: read_track(cbcs.folder / name).header.codecs for name in wanted} == wanted
