"""Decryption against the clear files, with the right key, a wrong key, and broken ciphertext."""

import logging
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av.logging
import pytest

from domain.video import Codec
from media.command import command
from media.errors import DecryptionMismatch
from media.packaging.decryption import _Joined, decrypt_track, digest_packets
from media.packaging.plan import TrackFile
from media.packaging.segment_index import read_track
from media.process import run_tool
from media.tools import ToolPaths
from tests.media.packaging.conftest import Packaged, make_rendition, package, plan_of

pytestmark = pytest.mark.slow

TRACKS = (
    "video_h264_180p",
    "video_h264_720p",
    "video_hevc_180p",
    "video_av1_180p",
    "audio_eng_2ch",
    "audio_fra_2ch",
)


@pytest.mark.parametrize("name", TRACKS)
def test_every_track_decrypts_to_its_clear_file(name: str, packaged: Packaged) -> None:
    item = next(item for item in packaged.plan.tracks if item.name == name)
    found = decrypt_track(packaged.folder / name, item.path, packaged.plan.key_of(item).key)
    assert found.md5 == digest_packets(item.path).md5 == packaged.tree.decrypted_md5[name]
    assert found.cpu_s > 0


@pytest.mark.parametrize("name", TRACKS)
def test_a_wrong_key_is_noticed_and_not_shown(name: str, packaged: Packaged) -> None:
    item = next(item for item in packaged.plan.tracks if item.name == name)
    wrong = b"\xab" * 16
    with pytest.raises(DecryptionMismatch) as caught:
        decrypt_track(packaged.folder / name, item.path, wrong)
    assert caught.value.where == name
    assert caught.value.found == "other payloads"
    assert wrong.hex() not in str(caught.value)


@pytest.mark.parametrize("name", TRACKS)
def test_no_segment_opens_with_another_key_or_none(name: str, packaged: Packaged) -> None:
    item = next(item for item in packaged.plan.tracks if item.name == name)
    index, key = read_track(packaged.folder / name), packaged.plan.key_of(item).key
    others = [other.key for other in packaged.plan.keys if other.key != key]
    assert len(others) == len(packaged.plan.keys) - 1 >= 2
    assert len(index.segments) == 6
    for segment in index.segments:
        places = [index.init, index.range_of(segment)]
        right = digest_packets(_Joined(places), key=key)
        assert right.packets == segment.samples
        assert segment.protected_bytes > 0
        wrong = [digest_packets(_Joined(places), key=other) for other in (*others, None)]
        assert right.md5 not in {each.md5 for each in wrong}


def test_one_changed_byte_is_noticed(cbcs: Packaged, tmp_path: Path) -> None:
    item = cbcs.plan.tracks[1]
    folder = Path(shutil.copytree(cbcs.folder / item.name, tmp_path / item.name))
    segment = folder / "00004.m4s"
    content = bytearray(segment.read_bytes())
    content[-1] ^= 1
    segment.write_bytes(content)
    with pytest.raises(DecryptionMismatch, match="other payloads"):
        decrypt_track(folder, item.path, cbcs.plan.key_of(item).key)


def test_a_missing_segment_is_noticed(cbcs: Packaged, tmp_path: Path) -> None:
    item = cbcs.plan.tracks[1]
    folder = Path(shutil.copytree(cbcs.folder / item.name, tmp_path / item.name))
    (folder / "00006.m4s").unlink()
    with pytest.raises(DecryptionMismatch, match="240 packets instead of 250"):
        decrypt_track(folder, item.path, cbcs.plan.key_of(item).key)


@pytest.mark.parametrize("scheme", ["cbcs", "cenc"])
async def test_a_black_title_passes_although_little_of_it_is_encrypted(
    scheme: Literal["cbcs", "cenc"], tools: ToolPaths, tracks_24: tuple[TrackFile, ...], tmp_path: Path
) -> None:
    (tmp_path / "clear").mkdir()
    shapes: tuple[tuple[Codec, int, int], ...] = ((Codec.H264, 320, 180), (Codec.HEVC, 320, 180), (Codec.AV1, 320, 180))
    black = tuple(make_rendition(tools, tmp_path / "clear", shape, Fraction(24), picture="color") for shape in shapes)
    made = await package(tools, plan_of((*black, tracks_24[4]), scheme), tmp_path / "out")
    assert set(made.tree.decrypted_md5) == {*made.plan.trick_tracks, *(item.name for item in made.plan.tracks)}


async def test_a_clear_track_fails_because_any_key_opens_it(tools: ToolPaths, cbcs: Packaged, tmp_path: Path) -> None:
    item = cbcs.plan.tracks[0]
    template = f"init_segment={tmp_path}/init.mp4,segment_template={tmp_path}/$Number$.m4s"
    await run_tool(command([tools.packager, f"in={item.path},stream=video,{template}"], purpose="clear track"))
    with pytest.raises(DecryptionMismatch, match="a wrong key decrypts it as well"):
        decrypt_track(tmp_path, item.path, cbcs.plan.key_of(item).key)


def test_a_track_that_does_not_open_is_a_mismatch(cbcs: Packaged, tmp_path: Path) -> None:
    (tmp_path / "init.mp4").write_bytes(b"no boxes here, just text")
    with pytest.raises(DecryptionMismatch):
        decrypt_track(tmp_path, cbcs.plan.tracks[0].path, b"k" * 16)


def test_libavformat_logs_no_key_even_when_it_logs_everything(
    packaged: Packaged, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    item = packaged.plan.tracks[0]
    key = packaged.plan.key_of(item).key
    before = av.logging.get_level()
    av.logging.set_level(av.logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG):
            decrypt_track(packaged.folder / item.name, item.path, key)
    finally:
        av.logging.set_level(before)
    shown = caplog.text + "".join(capfd.readouterr())
    assert key.hex() not in shown.lower()
