"""Harmful sources end with a code, within seconds, and nothing that they name is touched."""

import asyncio
import ctypes
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import av
import pytest

from media.command import Command, command
from media.errors import DamagedSource, DisguisedPlaylist, ResourceBomb, ToolFailed, UnreadableSource
from media.probe import DEMUXERS, LocalSource, choose_video_track, hardened_input, parse_probe, probe_command
from media.process import run_tool
from media.shot_scan import Decode
from media.threats import refuse_disguise
from media.tools import ToolPaths
from sample_media import threats
from sample_media.faults import make_plain
from tests.media.conftest import inspected
from tests.media.test_expected_demuxer import READERS
from tests.media.test_sandbox import was_hit

KINDS = tuple(threats.playlists("x"))
IN_OPEN = 0x20
"""inotify(7)."""
_FLOODED = """
import asyncio, resource, sys
from pathlib import Path
from domain.errors import PertitleError
from media.tools import find_tools
from tests.media.conftest import inspected
try:
    asyncio.run(inspected(find_tools(), Path(sys.argv[1])))
except PertitleError as error:
    print(error.code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class Watched:
    """A file of which the kernel tells whether somebody opened it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        libc = ctypes.CDLL(None)
        self.queue = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert libc.inotify_add_watch(self.queue, os.fsencode(path), IN_OPEN) > 0

    def was_opened(self) -> bool:
        try:
            return bool(os.read(self.queue, 4096))
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self.queue)


@pytest.fixture
async def canary(tools: ToolPaths, tmp_path: Path) -> AsyncIterator[Watched]:
    """A whole, playable clip beside the playlist."""
    clip = await make_plain(tmp_path, "canary.ts", tools=tools)
    watched = Watched(clip)
    yield watched
    watched.close()


@pytest.fixture
def port() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        yield server


def disguised(folder: Path, kind: str, target: str) -> Path:
    path = folder / f"{kind}.mp4"
    path.write_text(threats.playlists(target)[kind])
    return path


def every_disguise(folder: Path, canary: Watched, port: socket.socket) -> Iterator[Path]:
    for target in (str(canary.path), canary.path.name, f"http://127.0.0.1:{port.getsockname()[1]}/canary.ts"):
        for kind in KINDS:
            yield disguised(folder, kind, target)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_relative", [False, True])
async def test_a_disguised_playlist_opens_no_file(
    kind: str,
    is_relative: bool,  # noqa: FBT001 - a parameter of the test
    canary: Watched,
    tools: ToolPaths,
    tmp_path: Path,
) -> None:
    target = canary.path.name if is_relative else str(canary.path)
    with pytest.raises(DisguisedPlaylist, match=r"SEC-001 source: .* names other files"):
        await inspected(tools, disguised(tmp_path, kind, target))
    assert not canary.was_opened()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_programs_themselves_refuse_it_too(
    kind: str, canary: Watched, port: socket.socket, tools: ToolPaths, tmp_path: Path
) -> None:
    """The second wall: without the look at the first bytes, white-lists and sandbox still hold."""
    for target in (str(canary.path), f"http://127.0.0.1:{port.getsockname()[1]}/canary.ts"):
        source = disguised(tmp_path, kind, target)
        decode = [tools.ffmpeg, "-nostdin", "-v", "error", *hardened_input(source), "-f", "null", "-"]
        with pytest.raises(ToolFailed):
            await run_tool(Command(tuple(decode), purpose="decode without sandbox"))
        with pytest.raises(ToolFailed):
            await run_tool(probe_command(tools.ffprobe, source))
    assert not canary.was_opened()
    assert not was_hit(port)


@pytest.mark.parametrize("reader", READERS)
async def test_no_later_reader_opens_what_a_source_names_that_became_a_playlist(
    reader: str, canary: Watched, port: socket.socket, tools: ToolPaths, tmp_path: Path
) -> None:
    """As if it had been replaced after the probe; options alone, without the sandbox."""
    programs = {"ffmpeg": tools.ffmpeg, "ffprobe": tools.ffprobe}
    for source in every_disguise(tmp_path, canary, port):
        program, *arguments = READERS[reader](LocalSource(source, "mov")).argv
        with pytest.raises(ToolFailed):
            await run_tool(Command((programs[program], *arguments), purpose=reader))
    assert not canary.was_opened()
    assert not was_hit(port)


async def test_the_scan_opens_nothing_that_a_playlist_names_whatever_it_was_taken_for(
    canary: Watched, port: socket.socket, tmp_path: Path
) -> None:
    for source in every_disguise(tmp_path, canary, port):
        for demuxer in DEMUXERS.split(","):
            with suppress(av.FFmpegError, IndexError):
                assert not list(Decode(source, 0, demuxer).pictures())
    assert not canary.was_opened()
    assert not was_hit(port)
    with av.open(str(disguised(tmp_path, "ffconcat", canary.path.name))):
        pass
    assert canary.was_opened(), "careless, PyAV does"


async def test_a_movie_whose_samples_lie_in_another_file_opens_it_for_nobody(
    canary: Watched, tools: ToolPaths, tmp_path: Path
) -> None:
    movie = await threats.make_borrowing_movie(tmp_path, target=canary.path.name)
    source = LocalSource(movie, "mov")
    programs = {"ffmpeg": tools.ffmpeg, "ffprobe": tools.ffprobe}
    for reader, build in READERS.items():
        program, *arguments = build(source).argv
        with suppress(ToolFailed):
            await run_tool(Command((programs[program], *arguments), purpose=reader))
    await run_tool(Command(probe_command(tools.ffprobe, movie).argv, purpose="probe"))
    with suppress(av.FFmpegError):
        list(Decode(movie, 0, "mov").pictures())
    with pytest.raises(DamagedSource, match="CNT-003"):
        await inspected(tools, movie)
    assert not canary.was_opened()
    careless = [tools.ffprobe, "-v", "error", "-enable_drefs", "1", str(movie)]
    await run_tool(command(careless, purpose="careless probe"))
    assert canary.was_opened()


async def test_the_canary_sings_where_nothing_is_hardened(canary: Watched, tools: ToolPaths, tmp_path: Path) -> None:
    source = disguised(tmp_path, "ffconcat", canary.path.name)
    await run_tool(command([tools.ffprobe, "-v", "error", str(source)], purpose="careless probe"))
    assert canary.was_opened()


async def test_media_and_plain_text_are_no_playlists(tools: ToolPaths, tmp_path: Path) -> None:
    refuse_disguise(await make_plain(tmp_path, "plain.mp4", tools=tools), where="source")
    notes = tmp_path / "notes.mp4"
    notes.write_text("This is not a video.\n" * 200)
    refuse_disguise(notes, where="source")


@pytest.mark.parametrize("side_px", [16_000, 30_000])
async def test_a_flood_of_pixels_is_refused_with_memory_bounded(side_px: int, tmp_path: Path) -> None:
    flood = await threats.make_pixel_flood(tmp_path, side_px=side_px)
    assert flood.stat().st_size < 200_000
    run = await run_tool(command([sys.executable, "-P", "-c", _FLOODED, str(flood)], purpose="inspection of a flood"))
    code, largest_kib = run.stdout.split()
    assert code == "SEC-002"
    assert int(largest_kib) < 200 * 1024


@pytest.mark.parametrize("tracks", [70, 10_000])
async def test_a_crowd_of_tracks_is_refused(tracks: int, tools: ToolPaths, tmp_path: Path) -> None:
    with pytest.raises(ResourceBomb, match="SEC-002 source: more than 64 tracks"):
        await inspected(tools, await threats.make_many_tracks(tmp_path, tracks=tracks))


async def test_ten_years_are_refused_without_a_decode(tools: ToolPaths, tmp_path: Path) -> None:
    with pytest.raises(ResourceBomb, match="SEC-002 source: 87,600 hours"):
        await inspected(tools, await threats.make_ten_years(tmp_path))


async def test_a_pipe_is_no_source(tools: ToolPaths, tmp_path: Path) -> None:
    pipe = tmp_path / "source.mov"
    os.mkfifo(pipe)
    with pytest.raises(UnreadableSource, match="no regular file"):
        await asyncio.wait_for(asyncio.to_thread(refuse_disguise, pipe, where="source"), 60)


@pytest.mark.parametrize("name", ["-y.mp4", "%03d.mp4", "concat:a|b.mp4", "subfile,,start,0.mp4", "a b'c.mp4"])
async def test_a_name_is_only_a_name(name: str, tools: ToolPaths, tmp_path: Path) -> None:
    clip = await make_plain(tmp_path, "clip.mp4", tools=tools)
    run = await run_tool(probe_command(tools.ffprobe, clip.rename(tmp_path / name)))
    assert choose_video_track(parse_probe(run.stdout, where="source"), where="source").codec_name == "h264"
