"""The programs that the wheels brought."""

import re
from pathlib import Path

import pytest

from domain.video import Codec
from media.errors import ToolMissing
from media.tools import ToolPaths, probe_capabilities, read_versions, tools_digest


async def test_the_programs_say_their_versions(tool_paths: ToolPaths) -> None:
    versions = await read_versions(tool_paths)
    assert int(versions["ffmpeg"].split(".")[0].lstrip("n")) >= 7, "loopback decoders came with ffmpeg 7.1"
    assert re.match(r"v?\d", versions["shaka-packager"])


async def test_this_worker_encodes_every_codec(tool_paths: ToolPaths) -> None:
    assert await probe_capabilities(tool_paths) == tuple(codec.value for codec in Codec)


async def test_a_program_without_libvmaf_is_refused(tool_paths: ToolPaths, tmp_path: Path) -> None:
    other = tmp_path / "ffmpeg"
    other.write_text("#!/bin/sh\necho 'No such filter: libvmaf' >&2\nexit 8\n", encoding="utf-8")
    other.chmod(0o755)
    tools = ToolPaths(ffmpeg=str(other), ffprobe=tool_paths.ffprobe, packager=tool_paths.packager)
    with pytest.raises(ToolMissing, match=r"TOOL-001 libvmaf: .*No such filter"):
        await probe_capabilities(tools)


def test_only_the_build_that_codes_and_scores_is_part_of_content_keys() -> None:
    first = {"ffmpeg": "7.1", "shaka-packager": "v3.4"}
    assert tools_digest(first) == tools_digest({**first, "shaka-packager": "v3.5"})
    assert tools_digest(first) != tools_digest({**first, "ffmpeg": "8.0"})
