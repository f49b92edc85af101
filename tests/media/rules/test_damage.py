"""Damaged presentations are told, whatever the damage: the rules never break down themselves."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.rules.check import check_folder
from tests.media.packaging.conftest import Packaged

pytestmark = pytest.mark.slow

NAMES = ("manifest.mpd", "multivariant.m3u8", "video_h264_720p/playlist.m3u8", "video_h264_720p/iframes.m3u8",
         "video_h264_720p/init.mp4", "video_h264_720p/00001.m4s", "audio_eng_2ch/init.mp4")  # fmt: skip
HEAD_BYTES = 1200
"""The boxes before the samples; later bytes are media."""


@pytest.fixture(scope="module")
def small(cbcs: Packaged, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tracks of ours; the manifests still name the others."""
    folder = tmp_path_factory.mktemp("small")
    for name in ("video_h264_720p", "audio_eng_2ch"):
        shutil.copytree(cbcs.folder / name, folder / name)
    for name in NAMES[:2]:
        shutil.copy(cbcs.folder / name, folder / name)
    return folder


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), at=st.integers(0, HEAD_BYTES), value=st.binary(min_size=1, max_size=8))
def test_overwritten_bytes_never_break_the_check(name: str, at: int, value: bytes, small: Path) -> None:
    path = small / name
    whole = path.read_bytes()
    place = at % len(whole)
    try:
        path.write_bytes(whole[:place] + value + whole[place + len(value) :])
        assert check_folder(small).rules
    finally:
        path.write_bytes(whole)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), share=st.floats(0, 1))
def test_cut_files_never_break_the_check(name: str, share: float, small: Path) -> None:
    path = small / name
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[: int(share * len(whole))])
        assert check_folder(small).rules
    finally:
        path.write_bytes(whole)
