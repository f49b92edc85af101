"""Sources that would harm us if they were believed: disguised playlists, floods of pixels, tracks and hours."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from media.command import command
from media.process import run_tool
from media.tools import find_tools

TEN_YEARS_S = 315_360_000
_WRITABLE_PX = 16_000


def playlists(target: str) -> dict[str, str]:
    """Returns kind → text of a playlist that names a target: a path or an address."""
    address = target if "://" in target else f"file://{target}"
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{address}\n#EXT-X-ENDLIST\n",
        "hls_after_blanks": f"\n\n#EXTM3U\n#EXTINF:2,\n{address}\n#EXT-X-ENDLIST\n",
        "dash": (
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
            ' mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1"'
            f' bandwidth="1000"><BaseURL>{address}</BaseURL></Representation></AdaptationSet></Period></MPD>'
        ),
        "ffconcat": f"ffconcat version 1.0\nfile '{target}'\n",
        "concat": f"# a list\nfile '{target}'\n",
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nu={address}\nm=video 5004 RTP/AVP 96\n",
    }


async def make_pixel_flood(out_dir: Path, *, side_px: int) -> Path:
    """A black picture of ``side_px`` each way in MOV, kilobytes of file for gigabytes of pixels.

    ffmpeg itself writes no picture of 30,000 pixels a side, so a smaller one's size is overwritten in its three places.
    """
    picture, out = out_dir / "flood.png", out_dir / f"flood_{side_px}.mov"
    picture.write_bytes(_black_png(_WRITABLE_PX))
    await _make(["-f", "image2", "-pattern_type", "none", "-i", f"file:{picture}", "-c", "copy", str(out)])
    content = out.read_bytes()
    for width in (">H", ">Hxx", ">I"):
        content = content.replace(2 * struct.pack(width, _WRITABLE_PX), 2 * struct.pack(width, side_px))
    return _written(out, content)


async def make_many_tracks(out_dir: Path, *, tracks: int) -> Path:
    """A small clip whose one track is listed many times over."""
    whole = out_dir / "one_track.mp4"
    await _make(["-f", "lavfi", "-i", "testsrc=s=320x180:r=25:d=0.2,format=yuv420p", "-c:v", "libx264", str(whole)])
    content = dict(_boxes(whole.read_bytes()))
    inside = b"".join(box * (tracks if kind == b"trak" else 1) for kind, box in _boxes(content[b"moov"][8:]))
    content[b"moov"] = _box(b"moov", inside)
    return _written(out_dir / f"tracks_{tracks}.mp4", b"".join(content.values()))


async def make_borrowing_movie(out_dir: Path, *, target: str) -> Path:
    """A movie whose samples lie in another file of its folder, which an alias names.

    Source: QuickTime File Format Specification, data reference atoms, type ``alis`` (Alias Manager record).
    """
    out = out_dir / "borrowing.mov"
    await _make(["-f", "lavfi", "-i", "testsrc=s=320x180:r=25:d=0.2,format=yuv420p", "-c:v", "libx264", str(out)])
    entry = _box(b"alis", bytes(4) + _alias_of(target))
    references = _box(b"dref", struct.pack(">II", 0, 1) + entry)
    # The samples lie before the index, so that its size may change.
    return _written(
        out, _with_box(out.read_bytes(), (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"), references)
    )


def _alias_of(name: str) -> bytes:
    """An alias record, version 2: a file in the folder of whoever names it."""
    path = f"volume:{name}".encode()
    head = bytes(10) + b"\x06" + b"volume".ljust(27, b"\0") + bytes(12)
    file = bytes([len(name)]) + name.encode().ljust(63, b"\0") + bytes(16)
    levels = struct.pack(">HH", 1, 1) + bytes(16)
    return head + file + levels + struct.pack(">HH", 2, len(path)) + path + bytes(len(path) % 2) + b"\xff\xff\0\0"


def _with_box(content: bytes, path: tuple[bytes, ...], box: bytes) -> bytes:
    """Returns a level of boxes in which the one at a path is another."""
    made = []
    for kind, whole in _boxes(content):
        if kind != path[0]:
            made.append(whole)
        else:
            made.append(box if len(path) == 1 else _box(kind, _with_box(whole[8:], path[1:], box)))
    return b"".join(made)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


async def make_ten_years(out_dir: Path) -> Path:
    """Two pictures, ten years apart."""
    times = f"settb=1,setpts=N*{TEN_YEARS_S}"
    graph = "testsrc=s=320x180:r=25:d=0.08,format=yuv420p"
    coding = ["-vf", times, "-fps_mode", "passthrough", "-enc_time_base", "1", "-video_track_timescale", "1"]
    out = out_dir / "ten_years.mp4"
    await _make(["-f", "lavfi", "-i", graph, *coding, "-c:v", "libx264", "-bf", "0", str(out)])
    return out


def _black_png(side_px: int) -> bytes:
    """One bit a pixel (PNG, ISO/IEC 15948, 11.2.2: bit depth 1, color type 0)."""
    packed = zlib.compressobj(9)
    row = bytes(1 + (side_px + 7) // 8)
    pixels = b"".join(packed.compress(row) for _ in range(side_px)) + packed.flush()
    header = struct.pack(">IIBBBBB", side_px, side_px, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields the boxes of one level, each with its header (ISO/IEC 14496-12, 4.2; 32-bit sizes)."""
    place = 0
    while place < len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        yield kind, content[place : place + size]
        place += size


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


async def _make(arguments: list[str]) -> None:
    argv = [find_tools().ffmpeg, "-nostdin", "-v", "error", "-y", *arguments]
    await run_tool(command(argv, purpose=f"harmful source {arguments[-1]}"))
