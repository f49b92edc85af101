"""What coded files hold, seen by a second pair of eyes: ffprobe."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from domain.video import Codec
from media.bench import ShotPiece
from media.command import command
from media.errors import ToolOutputInvalid
from media.packets import check_packets, read_packets
from media.process import run_tool
from media.tools import ToolPaths
from media.trials import encode_shot
from tests.support.pieces import bench_in, recipe_of


async def probed_packets(ffprobe: str, path: Path) -> list[dict[str, str]]:
    """Packets in presentation order as ffprobe sees them."""
    argv = [ffprobe, "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts,dts,size,flags"]
    run = await run_tool(command([*argv, "-of", "json", str(path)], purpose="packets"))
    packets: list[dict[str, str]] = json.loads(run.stdout)["packets"]
    return sorted(packets, key=lambda packet: int(packet["pts"]))


@pytest.mark.parametrize("codec", Codec)
async def test_sizes_and_key_frames_are_those_that_ffprobe_sees(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], tool_paths: ToolPaths, codec: Codec
) -> None:
    recipe = recipe_of(codec, idr_frames=(0, 9)).model_copy(
        update={"preset": {Codec.H264: "medium", Codec.HEVC: "medium", Codec.AV1: "8"}[codec]}
    )
    (encode,), _ = await encode_shot(bench_in(tmp_path), tiny_pieces[2], [recipe])
    seen = await probed_packets(tool_paths.ffprobe, encode.path)
    found = read_packets(encode.path)
    assert list(found.sizes_bytes) == [int(packet["size"]) for packet in seen]
    assert list(found.key_frames) == [n for n, packet in enumerate(seen) if packet["flags"].startswith("K")] == [0, 9]
    assert found.configuration
    if codec is not Codec.AV1:
        decoding = [int(packet["dts"]) for packet in seen]
        assert any(after < before for before, after in pairwise(decoding)), (
            "B-frames: presentation is not decoding order"
        )


async def test_packets_that_are_not_as_planned_are_refused(tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...]) -> None:
    recipe = recipe_of(Codec.H264, idr_frames=(0, 7))
    (encode,), _ = await encode_shot(bench_in(tmp_path), tiny_pieces[2], [recipe])
    packets = read_packets(encode.path)
    check_packets(packets, where="shot 2", frames=19, idr_frames=(0, 7))
    with pytest.raises(ToolOutputInvalid, match=r"shot 2: 19 frames encoded. expected: 20 frames"):
        check_packets(packets, where="shot 2", frames=20, idr_frames=(0, 7))
    for plan in ((0,), (0, 8), (0, 7, 9)):
        with pytest.raises(ToolOutputInvalid, match=r"shot 2: IDR frames \[0, 7\]"):
            check_packets(packets, where="shot 2", frames=19, idr_frames=plan)


def test_a_file_without_pictures_has_no_packets_to_read(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    with pytest.raises(ToolOutputInvalid, match=r"TOOL-004 empty.mp4"):
        read_packets(empty)
