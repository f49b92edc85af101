"""The sample clips are what their recipes say, and are not made twice."""

import json
from pathlib import Path

import pytest

from media.command import command
from media.process import run_tool
from media.tools import find_tools
from sample_media.clips import make_clip
from sample_media.recipes import CLIPS


@pytest.fixture(scope="module")
async def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await make_clip("tiny_320x180p23976", tmp_path_factory.mktemp("clips"))


async def test_a_clip_has_the_frames_and_tracks_of_its_recipe(clip: Path) -> None:
    entries = "stream=codec_type,nb_read_frames,r_frame_rate,color_space,width:stream_tags=language"
    argv = [find_tools().ffprobe, "-v", "error", "-count_frames", "-show_entries", entries, "-of", "json", str(clip)]
    video, sound = json.loads((await run_tool(command(argv, purpose="probe"))).stdout)["streams"]
    assert (video["nb_read_frames"], video["r_frame_rate"], video["width"]) == ("72", "24000/1001", 320)
    assert video["color_space"] == "bt709"
    assert sound["tags"]["language"] == "eng"


async def test_the_truth_lies_beside_the_clip(clip: Path) -> None:
    truth = json.loads(clip.with_suffix(".shots.json").read_text())
    assert (truth["frames"], truth["frame_rate"], truth["hard_cuts"]) == (72, "24000/1001", [31, 53])


async def test_a_clip_that_is_there_is_reused_and_a_damaged_one_is_made_again(clip: Path) -> None:
    before, content = clip.stat().st_mtime_ns, clip.read_bytes()
    assert await make_clip("tiny_320x180p23976", clip.parent) == clip
    assert clip.stat().st_mtime_ns == before
    clip.write_bytes(content[:-1])
    await make_clip("tiny_320x180p23976", clip.parent)
    assert clip.read_bytes() == content
    assert sorted(path.name for path in clip.parent.iterdir()) == [
        "tiny_320x180p23976.mov",
        "tiny_320x180p23976.shots.json",
    ]


def test_the_demo_is_five_unequal_shots_off_the_grid_with_two_languages() -> None:
    demo = CLIPS["demo_720p24"]
    assert (demo.frames, demo.languages) == (288, ("eng", "fra"))
    assert len({shot.frames for shot in demo.shots}) == len({shot.graph for shot in demo.shots}) == 5
    assert all(cut % 48 for cut in demo.hard_cuts)


async def test_an_unknown_clip_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        await make_clip("nothing", tmp_path)
