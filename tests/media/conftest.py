"""Real clips for the media room: self-made ones, and the shared folder where it exists."""

from pathlib import Path

import pytest

from domain.files import StoredFile
from media.inspection import Inspection, inspect_source
from media.probe import LocalSource
from media.tools import ToolPaths, find_tools
from sample_media.clips import make_clip

SHARED_MEDIA = Path(__file__).parents[3] / "shared" / "media"


@pytest.fixture(scope="session")
def tools() -> ToolPaths:
    return find_tools()


@pytest.fixture(scope="session")
def clips_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="session")
async def tiny_clip(clips_dir: Path) -> Path:
    """72 frames, 320x180, 24 fps, cuts at 31 and 53, B-frames, stereo sound."""
    return await make_clip("tiny_320x180p24", clips_dir)


@pytest.fixture(scope="session")
async def tiny_inspection(tools: ToolPaths, tiny_clip: Path) -> Inspection:
    return await inspected(tools, tiny_clip)


@pytest.fixture(scope="session")
def shared_media() -> Path:
    if not SHARED_MEDIA.is_dir():
        pytest.skip(f"the shared test media folder {SHARED_MEDIA} is absent")
    return SHARED_MEDIA


async def inspected(tools: ToolPaths, path: Path) -> Inspection:
    """Inspects a local file."""
    return await inspect_source(tools, path, as_stored(path), on_progress=lambda _frames: None)


def opened(path: Path) -> LocalSource:
    """A clip of ours with the demuxer that its name stands for."""
    return LocalSource(path, {".mkv": "matroska", ".ts": "mpegts", ".mxf": "mxf"}.get(path.suffix, "mov"))


def as_stored(path: Path) -> StoredFile:
    """Pretends that a local file lies in the store."""
    return StoredFile(uri="s3://sources/title", sha256="0" * 64, size_bytes=path.stat().st_size)
