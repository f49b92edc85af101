"""Sources that must be refused (or handled with care), made from a good clip or from nothing."""

import struct
from pathlib import Path

from media.command import command
from media.process import run_tool
from media.tools import ToolPaths, find_tools

HDR10_METADATA = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"
"""A display of P3 primaries and 0.005 to 1000 cd/m²; brightest pixel 1000, brightest frame 400 cd/m²."""
_SOUND = ("-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000:duration=2")


def write_empty(out_dir: Path) -> Path:
    """A file of 0 bytes."""
    return _written(out_dir / "empty.mp4", b"")


def write_text(out_dir: Path) -> Path:
    """Text under a video's name."""
    return _written(out_dir / "text.mp4", b"This is not a video.\n" * 200)


def cut_before_index(clip: Path, out_dir: Path) -> Path:
    """A clip whose index (``moov``, at its end) never arrived."""
    content = clip.read_bytes()
    return _written(out_dir / "no_moov.mov", content[: _box_offset(content, b"moov") + 4])


async def cut_pictures(clip: Path, out_dir: Path, *, tools: ToolPaths | None = None) -> Path:
    """A clip with its index at the front, but only half of its pictures."""
    whole = out_dir / "whole.mp4"
    await _make(tools, ["-i", str(clip), "-an", "-c", "copy", "-movflags", "+faststart", str(whole)])
    content = whole.read_bytes()
    whole.unlink()
    return _written(out_dir / "cut_mdat.mp4", content[: len(content) * 55 // 100])


def flip_bits(clip: Path, out_dir: Path) -> Path:
    """A clip with damage in the middle of its pictures, of the right length."""
    content = bytearray(clip.read_bytes())
    start = _box_offset(bytes(content), b"mdat") + 20_000
    for place in range(start, start + 60_000, 997):
        content[place] ^= 0x55
    return _written(out_dir / "flipped.mov", bytes(content))


async def damage_sound(clip: Path, out_dir: Path, *, tools: ToolPaths | None = None) -> Path:
    """A clip with its pictures whole and its first audio track as AAC, with wrong bits in every tenth packet."""
    coded = await _coded(tools, ["-i", str(clip), "-c:v", "copy", "-c:a", "aac"], out_dir / "coded_sound.mov")
    ffprobe = (tools or find_tools()).ffprobe
    asked = [ffprobe, "-v", "error", "-select_streams", "a:0", "-show_entries", "packet=pos,size", "-of", "csv=p=0"]
    listed = await run_tool(command([*asked, str(coded)], purpose="places of sound"))
    packets = [line.rstrip(",").split(",") for line in listed.stdout.splitlines()[5::10]]
    return _with_wrong_bits(coded, out_dir / "damaged_sound.mov", [(int(place), int(size)) for size, place in packets])


def _with_wrong_bits(clip: Path, out: Path, packets: list[tuple[int, int]]) -> Path:
    content = bytearray(clip.read_bytes())
    for place, size_bytes in packets:
        for byte in range(place, place + size_bytes, 3):
            content[byte] ^= 0x55
    return _written(out, bytes(content))


async def encrypt(clip: Path, out_dir: Path, *, tools: ToolPaths | None = None) -> Path:
    """A clip under Common Encryption, as somebody would deliver whose packager ran too early."""
    key = ["-encryption_key", "00112233445566778899aabbccddeeff", "-encryption_kid", "00112233445566778899aabbccddee00"]
    coded = ["-i", str(clip), "-c:v", "copy", "-c:a", "aac", "-encryption_scheme", "cenc-aes-ctr", *key]
    out = out_dir / "encrypted.mp4"
    await _make(tools, [*coded, str(out)])
    return out


async def make_changing(out_dir: Path, *, size: str, colors: str, tools: ToolPaths | None = None) -> Path:
    """Two seconds whose second half has another size (``WxH``; the first has 320x180) or other colors than BT.709."""
    halves = []
    for number, (side, name) in enumerate((("320x180", "bt709"), (size, colors))):
        half = out_dir / f"half_{number}.h264"
        tags = f"colorprim={name}:transfer={name}:colormatrix={name}"
        graph = f"testsrc2=s={side}:r=25:d=1,format=yuv420p"
        coding = ["-c:v", "libx264", "-bf", "0", "-x264-params", tags]
        await _make(tools, ["-f", "lavfi", "-i", graph, *coding, str(half)])
        halves.append(half)
    both, out = out_dir / "both.h264", out_dir / "changing.ts"
    both.write_bytes(b"".join(half.read_bytes() for half in halves))
    await _make(tools, ["-r", "25", "-i", str(both), "-c", "copy", str(out)])
    return out


async def make_audio_only(out_dir: Path, *, tools: ToolPaths | None = None) -> Path:
    """Sound without pictures."""
    return await _coded(tools, [*_SOUND, "-c:a", "aac"], out_dir / "audio_only.mp4")


async def make_interlaced(out_dir: Path, *, is_flagged: bool, tools: ToolPaths | None = None) -> Path:
    """Truly interlaced motion, flagged as such or (the nasty case) as progressive."""
    graph = "testsrc2=s=320x192:r=50:d=2,scroll=h=0.02,tinterlace=interleave_top,fps=25"
    flags = "setfield=tff" if is_flagged else "setfield=prog"
    coding = ["-c:v", "libx264", "-crf", "12", *(["-x264-params", "tff=1"] if is_flagged else [])]
    name = "interlaced.mp4" if is_flagged else "interlaced_flagged_progressive.mp4"
    return await _coded(tools, ["-f", "lavfi", "-i", f"{graph},{flags},format=yuv420p", *coding], out_dir / name)


async def make_mixed_fields(out_dir: Path, *, tools: ToolPaths | None = None) -> Path:
    """Interlaced motion whose first half shows the top field first, its second half the bottom field."""
    motion = "testsrc2=s=320x192:r=50:d=2,scroll=h=0.02"
    halves = [f"{motion},tinterlace=interleave_{order},fps=25[{order}]" for order in ("top", "bottom")]
    graph = ";".join(halves) + ";[top][bottom]concat,format=yuv420p,setfield=prog"
    return await _coded(tools, ["-filter_complex", graph, "-c:v", "libx264", "-crf", "12"], out_dir / "mixed.mp4")


async def make_slope(out_dir: Path, slope: str, *, filters: str = "null", tools: ToolPaths | None = None) -> Path:
    """Two seconds of a smooth slope of brightness that turns slowly.

    Args:
        out_dir: Folder.
        slope: Its colors ``c0`` and ``c1``, ``speed``, ``seed`` and rate ``r``, as ffmpeg's ``gradients`` takes them. A
            color that is not said is random, and another one in each run.
        filters: Filter chain.
        tools: Programs; by default those of the wheels.
    """
    graph = f"gradients=s=320x180:d=2:n=2:{slope},format=yuv420p,{filters}"
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "23"]
    return await _coded(tools, ["-f", "lavfi", "-i", graph, *coding], out_dir / "slope.mp4")


async def make_wrong_clock(out_dir: Path, *, tools: ToolPaths | None = None) -> Path:
    """25 pictures, 2 ms apart: a time scale that is wrong."""
    coding = "-fps_mode passthrough -c:v libx264 -crf 20"
    return await make_plain(out_dir, "wrong_clock.mkv", filters="settb=1/1000,setpts=2*N", coding=coding, tools=tools)


async def make_hdr10(
    out_dir: Path,
    *,
    transfer: str = "smpte2084",
    metadata: str = HDR10_METADATA,
    frames: int = 25,
    tools: ToolPaths | None = None,
) -> Path:
    """PQ or HLG in BT.2020, 10-bit HEVC, with static metadata inside the stream (x265's options)."""
    tags = f"format=yuv420p10le,setparams=range=tv:color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    options = ":".join(part for part in ("log-level=error", metadata) if part)
    coding = f"-frames:v {frames} -c:v libx265 -preset ultrafast -crf 10 -x265-params {options} -tag:v hvc1"
    return await make_plain(out_dir, f"{transfer}.mp4", filters=tags, coding=coding, tools=tools)


async def turn(clip: Path, out_dir: Path, rotation: str, *, tools: ToolPaths | None = None) -> Path:
    """The same pictures under a display matrix, given as ffmpeg's input options."""
    out = out_dir / "turned.mov"
    await _make(tools, [*rotation.split(), "-i", str(clip), "-c", "copy", str(out)])
    return out


async def make_variable_rate(out_dir: Path, *, tools: ToolPaths | None = None) -> Path:
    """A clip that leaves out frames here and there, as phones do."""
    graph = "testsrc2=s=320x180:r=30:d=2,select='not(eq(mod(n,7),3))',format=yuv420p"
    coding = ["-fps_mode", "passthrough", "-c:v", "libx264", "-crf", "20"]
    return await _coded(tools, ["-f", "lavfi", "-i", graph, *coding], out_dir / "variable_rate.mp4")


async def make_plain(
    out_dir: Path, name: str, *, filters: str = "null", coding: str = "", tools: ToolPaths | None = None
) -> Path:
    """One second of a test pattern (320x180, 25 fps) under any filters and coding options, such as HDR tags.

    Args:
        out_dir: Folder.
        name: File name; its ending says the container.
        filters: Filter chain.
        coding: Options separated by blanks; x264 unless they say otherwise.
        tools: Programs; by default those of the wheels.
    """
    graph = f"testsrc2=s=320x180:r=25:d=1,format=yuv420p,{filters}"
    options = coding.split() or ["-c:v", "libx264", "-crf", "20"]
    return await _coded(tools, ["-f", "lavfi", "-i", graph, *options], out_dir / name)


async def make_hdr_tagged(out_dir: Path, *, tools: ToolPaths | None = None) -> Path:
    """A clip that says it is PQ in BT.2020."""
    tags = "setparams=range=tv:color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    return await make_plain(out_dir, "hdr.mp4", filters=tags, tools=tools)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _box_offset(content: bytes, name: bytes) -> int:
    """Returns where a top-level box starts (ISO/IEC 14496-12, 4.2)."""
    place = 0
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        if kind == name:
            return place
        place += struct.unpack_from(">Q", content, place + 8)[0] if size == 1 else size
    raise ValueError(f"no box {name.decode()}")


async def _coded(tools: ToolPaths | None, arguments: list[str], out: Path) -> Path:
    await _make(tools, [*arguments, str(out)])
    return out


async def _make(tools: ToolPaths | None, arguments: list[str]) -> None:
    argv = [(tools or find_tools()).ffmpeg, "-nostdin", "-v", "error", "-y", *arguments]
    await run_tool(command(argv, purpose=f"bad source {arguments[-1]}"))
