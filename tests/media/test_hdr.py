"""HDR kept, from the first picture of a source to the joined rendition; contradictions refused."""

from pathlib import Path
from typing import Any

import pytest

from domain.encodes import EncodeRecipe, MetricRecipe
from domain.hdr import HdrMetadata
from domain.recipe import Recipe
from domain.video import Codec, VideoTrack
from media.bench import ShotPiece
from media.errors import HighDynamicRange, ToolOutputInvalid
from media.hdr import check_hdr, hdr_notes, left_out_codecs, parse_first_picture, read_metadata
from media.hdr_check import check_hdr_output
from media.joining import JoinPlan, join_shots
from media.normalization import mezzanine_color, normalization_filters
from media.probe import ProbedTrack
from media.split import SourcePictures, split_source
from media.tools import ToolPaths
from media.trials import encode_and_score
from sample_media import faults
from tests.media.conftest import inspected, opened
from tests.media.test_encoders import HDR10
from tests.media.test_split import shots_at
from tests.support.pieces import bench_in

PQ = {"color_primaries": "bt2020", "color_transfer": "smpte2084", "color_space": "bt2020nc", "pix_fmt": "yuv420p10le"}
FAST = {Codec.HEVC: "ultrafast", Codec.AV1: "9"}


def track(**fields: Any) -> ProbedTrack:
    return ProbedTrack(0, "video", "hevc", {**PQ, **fields})


@pytest.mark.parametrize(
    ("fields", "metadata", "found"),
    [
        ({"color_transfer": "bt709"}, HdrMetadata(), "wide gamut without an HDR transfer"),
        ({"color_primaries": "bt709", "color_space": "bt709"}, HdrMetadata(), "PQ in other colors than BT.2020"),
        ({"color_primaries": "bt709", "color_transfer": "bt709", "color_space": "bt709"}, HDR10, "beside an SDR"),
        ({"pix_fmt": "yuv420p"}, HdrMetadata(), "PQ in 8 bits"),
        ({"side_data_list": [{"dv_profile": 5}]}, HdrMetadata(), "Dolby Vision without a base layer"),
    ],
)
def test_hdr_that_contradicts_itself_is_refused(fields: dict[str, Any], metadata: HdrMetadata, found: str) -> None:
    with pytest.raises(HighDynamicRange, match=found):
        check_hdr(track(**fields), metadata, where="source")


def test_hdr_without_metadata_is_taken_and_said() -> None:
    check_hdr(track(), HdrMetadata(), where="source")
    notes = hdr_notes(track(side_data_list=[{"dv_profile": 8}]), HdrMetadata())
    assert ["not calibrated" in notes[0], "none is written" in notes[1], "Dolby Vision" in notes[2]] == [True] * 3
    assert hdr_notes(track(), None) == ()
    assert parse_first_picture("") == []


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
async def test_hdr_reaches_the_joined_rendition_in_both_codecs(transfer: str, tools: ToolPaths, tmp_path: Path) -> None:
    metadata = faults.HDR10_METADATA if transfer == "smpte2084" else ""
    path = await faults.make_hdr10(tmp_path, transfer=transfer, metadata=metadata, frames=16)
    inspection = await inspected(tools, path)
    video = inspection.description.video
    expected = HDR10 if metadata else HdrMetadata()
    assert (video.hdr, video.bit_depth, video.frames) == (expected, 10, 16)
    assert normalization_filters(video) == "sidedata=mode=delete,format=yuv420p10le"
    (tmp_path / "pieces").mkdir()
    made = await split_source(
        tools,
        opened(path),
        pictures=SourcePictures(video, inspection.frame_hashes),
        shots=shots_at(0, 9, 16),
        out_dir=tmp_path / "pieces",
        on_progress=lambda _frames: None,
    )
    for codec in FAST:
        shots = []
        for piece in made.pieces:
            bench = bench_in(tmp_path / f"{codec.value}{piece.shot_index}")
            shot = ShotPiece(piece.path, piece.frames, video.frame_rate, "shot")
            metric = MetricRecipe(display=video.resolution, coded_bits=10)
            trial = await encode_and_score(bench, shot, [encode_of(video, codec, crf=8 + piece.shot_index)], metric)
            assert sum(trial.scores[0]) / len(trial.scores[0]) > 95
            shots.append(trial.encodes[0].path)
        plan = JoinPlan(codec, video.frame_rate, (0, 9), 16, codec.value, color=video.color, hdr=video.hdr)
        joined, _, _ = await join_shots(bench_in(tmp_path / f"{codec.value}_joined"), shots, plan)
        wrong = HdrMetadata() if metadata else HDR10
        with pytest.raises(ToolOutputInvalid):
            check_hdr_output(joined, video.color, wrong, where="joined")
        with pytest.raises(ToolOutputInvalid, match="code points"):
            check_hdr_output(joined, video.color.model_copy(update={"primaries": "bt709"}), expected, where="joined")


def encode_of(video: VideoTrack, codec: Codec, *, crf: float) -> EncodeRecipe:
    return EncodeRecipe(
        codec=codec,
        preset=FAST[codec],
        resolution=video.resolution,
        crf=crf,
        frame_rate=video.frame_rate,
        idr_frames=(0,),
        color=mezzanine_color(video),
        hdr=video.hdr,
    )


async def test_h264_is_left_out_of_an_hdr_title(tools: ToolPaths, tmp_path: Path) -> None:
    video = (await inspected(tools, await faults.make_hdr10(tmp_path, frames=3))).description.video
    recipe = Recipe.model_validate({"codecs": [{"codec": "h264"}, {"codec": "av1"}]})
    assert left_out_codecs(recipe, video) == (Codec.H264,)
    assert [item.codec for item in recipe.without((Codec.H264,)).codecs] == [Codec.AV1]
    with pytest.raises(HighDynamicRange, match="h264 only"):
        left_out_codecs(Recipe.model_validate({"codecs": [{"codec": "h264"}]}), video)
    assert left_out_codecs(recipe, video.model_copy(update={"hdr": None})) == ()


def test_metadata_is_read_in_the_units_of_the_standard() -> None:
    entry = {
        "side_data_type": "Mastering display metadata",
        "red_x": "34000/50000",
        "red_y": "16000/50000",
        "green_x": "13250/50000",
        "green_y": "34500/50000",
        "blue_x": "7500/50000",
        "blue_y": "3000/50000",
        "white_point_x": "15635/50000",
        "white_point_y": "16450/50000",
        "min_luminance": "50/10000",
        "max_luminance": "10000000/10000",
    }
    light = {"side_data_type": "Content light level metadata", "max_content": 1000, "max_average": 400}
    assert read_metadata([{}, entry, light]) == HDR10
    assert read_metadata([{**entry, "max_luminance": "0/10000"}]) == HdrMetadata()
