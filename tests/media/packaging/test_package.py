"""The whole step on the real packager."""

import asyncio
import base64
import logging
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from domain.tracks import Rendition
from media.errors import DecryptionMismatch, PresentationInvalid, ToolFailed
from media.packaging.boxes import read_boxes
from media.packaging.dash import codecs_of, dash_tag, misplaced_children, parse_mpd
from media.packaging.decryption import digest_packets
from media.packaging.package import package_presentation, proofs_of
from media.packaging.packager import key_flags, packaging_command
from media.packaging.plan import PresentationPlan, TrackFile
from media.packaging.playlists import parse_entries, parse_stream_tags
from media.packaging.pssh import WIDEVINE_SYSTEM, content_of, system_of
from media.packaging.segment_index import read_track
from media.process import run_tool
from media.tools import ToolPaths
from tests.media.packaging.conftest import FRAMES, Packaged, make_audio, package, plan_of, run, tree_digest

pytestmark = pytest.mark.slow


def secrets_of(plan: PresentationPlan) -> list[bytes]:
    """Every form in which a key could show."""
    forms = []
    for key in plan.keys:
        encoded = base64.b64encode(key.key)
        forms += [key.key, key.key.hex().encode(), key.key.hex().upper().encode(), encoded, encoded.rstrip(b"=")]
    return forms


async def test_two_runs_give_the_same_bytes(packaged: Packaged, tools: ToolPaths, tmp_path: Path) -> None:
    again = await package(tools, packaged.plan, tmp_path / "again")
    assert tree_digest(again.folder) == tree_digest(packaged.folder)
    assert (again.tree.files, again.tree.decrypted_md5) == (packaged.tree.files, packaged.tree.decrypted_md5)


async def test_keys_are_in_no_command_line_no_file_and_no_log(
    tools: ToolPaths, packaged: Packaged, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    seen: Counter[str] = Counter()
    lines: set[bytes] = set()

    def watch() -> None:
        while not done.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes()
                except OSError:
                    continue
                if str(tmp_path).encode() in line:
                    seen["commands"] += 1
                    lines.add(line)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with caplog.at_level(logging.DEBUG):
            await package_presentation(tools, packaged.plan, out_dir=tmp_path / "o", on_progress=lambda _: None)
    finally:
        done.set()
        watcher.join()
    assert any(b"--flagfile=/dev/stdin" in line for line in lines)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for secret in secrets_of(packaged.plan):
        assert not any(secret in text for text in (*lines, *written, caplog.text.encode()))


async def test_a_failing_packager_says_why_without_the_keys(tools: ToolPaths, cbcs: Packaged, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(cbcs.plan.tracks[0].path.read_bytes()[:2000])
    plan = replace(cbcs.plan, tracks=(TrackFile(cbcs.plan.tracks[0].track, damaged), *cbcs.plan.tracks[1:]))
    with pytest.raises(ToolFailed) as caught:
        await package_presentation(tools, plan, out_dir=tmp_path / "o", on_progress=lambda _: None)
    assert "exit code" in caught.value.found
    assert not any(secret in str(caught.value).encode() for secret in secrets_of(plan))


def test_a_clear_title_is_published_as_it_is(clear: Packaged) -> None:
    for item in clear.plan.media:
        assert clear.tree.decrypted_md5[item.name] == digest_packets(item.path).md5
        assert read_track(clear.folder / item.name).header.protection is None
    written = b"".join(path.read_bytes() for path in clear.folder.rglob("*") if path.is_file())
    for word in (b"EXT-X-KEY", b"ContentProtection", b"pssh", b"senc", b"tenc"):
        assert word not in written


async def test_a_folder_that_is_not_empty_is_refused(tools: ToolPaths, cbcs: Packaged) -> None:
    with pytest.raises(PresentationInvalid, match="is not empty"):
        await package_presentation(tools, cbcs.plan, out_dir=cbcs.folder, on_progress=lambda _: None)


async def test_other_bits_than_the_clear_file_are_refused(tools: ToolPaths, cbcs: Packaged, tmp_path: Path) -> None:
    """The clear file changes under our hands: what was packaged is not what is there."""
    first = cbcs.plan.tracks[0]
    clear = tmp_path / "clear.mp4"
    clear.write_bytes(first.path.read_bytes())
    plan = replace(cbcs.plan, tracks=(TrackFile(first.track, clear), *cbcs.plan.tracks[1:]))

    def swap(step: str) -> None:
        if step.startswith("manifests"):
            content = bytearray(clear.read_bytes())
            content[content.index(b"mdat") + 3000] ^= 0xFF
            clear.write_bytes(content)

    with pytest.raises(DecryptionMismatch, match=first.name):
        await package_presentation(tools, plan, out_dir=tmp_path / "o", on_progress=swap)


async def test_cancelling_ends_the_packager(
    tools: ToolPaths, cbcs: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media.packaging.package.PROGRESS_S", 0.01)
    begun = asyncio.Event()
    running = asyncio.create_task(
        package_presentation(tools, cbcs.plan, out_dir=tmp_path / "o", on_progress=lambda _: begun.set())
    )
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    left = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            left.append(path.read_bytes())
    assert not any(str(tmp_path / "o").encode() in line for line in left)


def test_every_file_has_its_content_type(packaged: Packaged) -> None:
    types = dict(packaged.tree.files)
    assert list(types) == sorted(types) == list(tree_digest(packaged.folder))
    assert types["manifest.mpd"] == "application/dash+xml"
    assert types["multivariant.m3u8"] == types["audio_eng_2ch/playlist.m3u8"] == "application/vnd.apple.mpegurl"
    assert types["video_av1_180p/init.mp4"] == "video/mp4"
    assert types["audio_eng_2ch/init.mp4"] == "audio/mp4"
    assert types["audio_eng_2ch/00001.m4s"] == "video/iso.segment"
    assert packaged.tree.cpu_s > 0


def test_the_multivariant_playlist_lets_every_player_choose(packaged: Packaged) -> None:
    tags = parse_stream_tags((packaged.folder / packaged.tree.hls).read_text("utf-8"))
    variants = [tag for tag in tags if tag.tag == "STREAM-INF"]
    rate = "24.000" if packaged.plan.frame_rate == 24 else "23.976"
    assert [tag.uri.split("/")[0] for tag in variants] == [
        "video_h264_720p",  # the nearest to 2 Mb/s comes first (Apple 1.32)
        "video_h264_180p",
        "video_hevc_180p",
        "video_av1_180p",
    ]
    assert [tag.attributes["CODECS"].split(".")[0] for tag in variants] == ["avc1", "avc1", "hvc1", "av01"]
    for tag in variants:
        assert tag.attributes["CODECS"].endswith(",mp4a.40.2")
        assert tag.attributes["AUDIO"] == "audio_aac_2ch"
        assert (tag.attributes["FRAME-RATE"], tag.attributes["VIDEO-RANGE"]) == (rate, "SDR")
        assert int(tag.attributes["BANDWIDTH"]) > int(tag.attributes["AVERAGE-BANDWIDTH"])
    media = {tag.attributes["LANGUAGE"]: tag.attributes for tag in tags if tag.tag == "MEDIA"}
    assert {language: one["DEFAULT"] for language, one in media.items()} == {"en": "YES", "fr": "NO"}
    assert media["fr"]["NAME"] == "Français (stereo)"
    stills = [tag.uri for tag in tags if tag.tag == "I-FRAME-STREAM-INF"]
    assert stills == [f"{item.name}/iframes.m3u8" for item in packaged.plan.tracks if item.name.startswith("video")]


def test_the_mpd_is_in_order_and_names_our_tracks(packaged: Packaged) -> None:
    mpd = (packaged.folder / packaged.tree.dash).read_text("utf-8")
    assert misplaced_children(mpd) == []
    assert list(codecs_of(mpd)) == [*(item.name for item in packaged.plan.tracks), *packaged.plan.trick_tracks]
    # SD and HD have different keys; the link between them lets a player switch (ids 1 and 2).
    assert mpd.count("adaptation-set-switching:2016") == 2


def test_an_iframe_range_holds_one_whole_picture_with_its_boxes(packaged: Packaged) -> None:
    folder = packaged.folder / "video_h264_720p"
    for entry in parse_entries((folder / "iframes.m3u8").read_text("utf-8")):
        offsets = {box.kind: offset for offset, box in read_boxes(folder / entry.uri)}
        assert entry.offset == offsets["moof"]
        assert entry.length is not None
        assert entry.offset + entry.length > offsets["mdat"] + 8


def test_every_track_names_its_own_key_and_no_other_wherever_it_is_named(packaged: Packaged) -> None:
    mpd = parse_mpd((packaged.folder / packaged.tree.dash).read_text("utf-8"))
    sets = {one.get("id"): adaptation for adaptation in mpd.iter(dash_tag("AdaptationSet")) for one in adaptation}
    for folder, item in proofs_of(packaged.plan).items():
        boxes = read_track(packaged.folder / folder).header.pssh
        written = [base64.b64encode(box).decode() for box in boxes]
        assert [element.text for element in sets[folder].iter("{urn:mpeg:cenc:2013}pssh")] == written
        playlists = [path.read_text("utf-8") for path in (packaged.folder / folder).glob("*.m3u8")]
        widevine = next(text for box, text in zip(boxes, written, strict=True) if system_of(box) == WIDEVINE_SYSTEM)
        assert all(f'base64,{widevine}"' in playlist for playlist in playlists)
        for key in packaged.plan.keys:
            named = sum(bytes.fromhex(key.kid) in content_of(box) for box in boxes if system_of(box) == WIDEVINE_SYSTEM)
            assert named == (key.label == item.label)


async def test_segments_follow_the_shots(tools: ToolPaths, tracks_24: tuple[TrackFile, ...], tmp_path: Path) -> None:
    plan = replace(plan_of(tracks_24, "cbcs", segment_s=4), segment_starts=(0, 84, 143, 192, 240))
    made = await package(tools, plan, tmp_path / "shots")
    planned = [84, 59, 49, 48, 10]
    for item in plan.media:
        entries = parse_entries((made.folder / item.name / "playlist.m3u8").read_text("utf-8"))
        found = [float(entry.duration_s) for entry in entries]
        slack_s = 0.0 if isinstance(item.track, Rendition) else 1024 / 48_000
        assert sum(found) == pytest.approx(FRAMES / 24, abs=2e-6)
        ends = [sum(found[:count]) for count in range(1, 6)]
        assert ends == pytest.approx([sum(planned[:count]) / 24 for count in range(1, 6)], abs=slack_s + 2e-6)
        assert "#EXT-X-TARGETDURATION:4\n" in (made.folder / item.name / "playlist.m3u8").read_text("utf-8")
    again = await package(tools, plan, tmp_path / "again")
    assert tree_digest(again.folder) == tree_digest(made.folder)


async def test_a_thousand_segments_start_where_they_are_planned(
    tools: ToolPaths, cenc: Packaged, tmp_path: Path
) -> None:
    """1003 segments at 23.976 with another IDR one frame before each start: where a rounded time would meet it."""
    frames, rate, path = 1003 * 48, cenc.plan.frame_rate, tmp_path / "long.mp4"
    source = ("-f", "lavfi", "-i", f"color=size=32x32:rate={rate}", "-frames:v", str(frames))
    encoder = ("-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "keyint=infinite:min-keyint=1:scenecut=0")
    key_frames = ("-force_key_frames", "expr:not(mod(n,48))+eq(mod(n,48),47)", "-video_track_timescale", "24000")
    run([tools.ffmpeg, "-v", "error", *source, *encoder, *key_frames, str(path)])
    track = cenc.plan.renditions[0].model_copy(update={"frames": frames})
    plan = replace(cenc.plan, tracks=(TrackFile(track, path),))
    await run_tool(packaging_command(tools, plan, out_dir=tmp_path / "o"), stdin=key_flags(plan))
    index = read_track(tmp_path / "o" / track.name)
    assert {segment.duration for segment in index.segments} == {48 * 1001}
    assert len(index.segments) == 1003


async def test_four_second_segments_and_surround_and_no_audio(
    tools: ToolPaths, tracks_24: tuple[TrackFile, ...], tmp_path: Path
) -> None:
    (tmp_path / "clear").mkdir()
    surround = make_audio(tools, tmp_path / "clear", "eng", 440, FRAMES / Fraction(24), channels=6)
    made = await package(tools, plan_of((*tracks_24[:2], tracks_24[4], surround), "cbcs", segment_s=4), tmp_path / "a")
    tags = parse_stream_tags((made.folder / made.tree.hls).read_text("utf-8"))
    assert [tag.attributes["AUDIO"] for tag in tags if tag.tag == "STREAM-INF"] == [
        "audio_aac_2ch",
        "audio_aac_6ch",
    ] * 2
    assert [tag.attributes["DEFAULT"] for tag in tags if tag.tag == "MEDIA"] == ["YES", "YES"]
    playlist = (made.folder / "video_h264_720p" / "playlist.m3u8").read_text("utf-8")
    assert [float(entry.duration_s) for entry in parse_entries(playlist)] == [4.0, 4.0, 2.416667]
    silent = await package(tools, plan_of(tracks_24[:1], "cbcs", segment_s=4), tmp_path / "b")
    assert "AUDIO" not in (silent.folder / silent.tree.hls).read_text("utf-8")


@pytest.mark.parametrize("language", ["und", "mul", "zxx", "qaa", "xyz", "swe", "pt-BR", "zh-Hans", "not a tag"])
async def test_every_language_a_source_can_name_is_packaged(
    language: str, tools: ToolPaths, tracks_24: tuple[TrackFile, ...], tmp_path: Path
) -> None:
    """Most sources say ``und``; the packager refuses that and other tags it does not know."""
    made = make_audio(tools, tmp_path, "und", 440, Fraction(FRAMES, 24))
    sound = TrackFile(made.track.model_copy(update={"language": language, "is_default": True}), made.path)
    video = tuple(item for item in tracks_24 if isinstance(item.track, Rendition))[:1]
    one = await package(tools, plan_of((*video, sound), "cbcs"), tmp_path / "out")
    playlist = (one.folder / one.tree.hls).read_text()
    assert 'URI="audio_und_2ch/playlist.m3u8"' in playlist
