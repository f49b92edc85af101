"""Near-lossless encodes of normalized sources, scored against their mezzanine: frames pair, pictures are whole."""

from pathlib import Path
from statistics import fmean

import pytest

from domain.encodes import EncodeRecipe, MetricRecipe
from domain.video import Codec
from media.bench import ShotPiece
from media.measuring import check_pairing
from media.normalization import mezzanine_color
from media.progress import ignore_progress
from media.split import SourcePictures, split_source
from media.tools import ToolPaths
from media.trials import encode_and_score
from sample_media import faults
from tests.media.conftest import inspected, opened
from tests.media.test_split import shots_at
from tests.support.pieces import bench_in

FRAMES = 10
NEAR_LOSSLESS_VMAF = 95
ENCODING_VMAF = 2
"""What a near-lossless encode may lose against the picture itself; one frame off costs ten times that."""


async def check_first_frames(tools: ToolPaths, path: Path, folder: Path) -> None:
    """Inspects and splits a source, encodes its first frames nearly without loss, and looks at their mean VMAF.

    Pictures with banding score below 95 against themselves (``nasty/odd_518x488``: 92.7), so that is the other bar.
    """
    inspection = await inspected(tools, path)
    video = inspection.description.video
    out_dir = folder / "pieces"
    out_dir.mkdir()
    pictures = SourcePictures(video, inspection.frame_hashes)
    shots = shots_at(0, FRAMES, video.frames)
    made = await split_source(
        tools, opened(path), pictures=pictures, shots=shots, out_dir=out_dir, on_progress=ignore_progress
    )
    recipe = EncodeRecipe(
        codec=Codec.H264,
        preset="veryfast",
        resolution=video.resolution,
        crf=4,
        frame_rate=video.frame_rate,
        idr_frames=(0,),
        color=mezzanine_color(video),
    )
    piece = ShotPiece(made.pieces[0].path, FRAMES, video.frame_rate, "shot 0")
    metric = MetricRecipe(display=video.resolution)
    trial = await encode_and_score(bench_in(folder / "trial"), piece, [recipe], metric)
    itself = await check_pairing(bench_in(folder / "pairing"), piece, metric, still=True)
    assert fmean(trial.scores[0]) >= min(NEAR_LOSSLESS_VMAF, itself.aligned_vmaf - ENCODING_VMAF)


@pytest.mark.media
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "broadcast_480i2997_anamorphic_51.ts",
        pytest.param("phone_1080p_rot90_vfr.mp4", marks=pytest.mark.heavy),
        "nasty/odd_518x488_fullrange_vfr.mp4",
        "nasty/imx50_ntsc_vbi_testsrc.mov",
        "nasty/dv_pal_interlaced_testsrc.mov",
    ],
)
async def test_a_real_source_is_scored_against_its_own_normalized_pictures(
    name: str, shared_media: Path, tools: ToolPaths, tmp_path: Path
) -> None:
    await check_first_frames(tools, shared_media / name, tmp_path)


@pytest.mark.parametrize(
    ("filters", "coding"),
    [
        ("format=yuv422p10le", "-c:v ffv1"),
        ("setsar=4/3", "-c:v ffv1"),
        ("scale=out_range=pc,format=yuvj420p", "-c:v libx264 -crf 5 -color_range pc"),
    ],
)
async def test_a_made_source_is_scored_against_its_own_normalized_pictures(
    filters: str, coding: str, tools: ToolPaths, tmp_path: Path
) -> None:
    clip = await faults.make_plain(tmp_path, "clip.mkv", filters=filters, coding=coding)
    await check_first_frames(tools, clip, tmp_path)


async def test_turned_pictures_of_variable_rate_are_scored_too(tools: ToolPaths, tmp_path: Path) -> None:
    turned = await faults.turn(await faults.make_variable_rate(tmp_path), tmp_path, "-display_rotation:v:0 -90")
    await check_first_frames(tools, turned, tmp_path)


async def test_shots_of_one_frame_are_pieces_like_others(tools: ToolPaths, tmp_path: Path) -> None:
    clip = await faults.make_plain(tmp_path, "plain.mp4")
    inspection = await inspected(tools, clip)
    pictures = SourcePictures(inspection.description.video, inspection.frame_hashes)
    out_dir = tmp_path / "pieces"
    out_dir.mkdir()
    shots = shots_at(0, 1, 2, 24, 25)
    made = await split_source(
        tools, opened(clip), pictures=pictures, shots=shots, out_dir=out_dir, on_progress=ignore_progress
    )
    assert [piece.frames for piece in made.pieces] == [1, 1, 22, 1]
