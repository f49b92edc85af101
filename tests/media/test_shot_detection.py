"""Cuts are found on the frame: on clips whose cuts their recipe made, on pictures drawn here, on real film."""

import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.shots import compare, score_clip
from domain.recipe import ShotRecipe
from domain.video import VideoTrack
from media.errors import ToolFailed, ToolOutputInvalid
from media.inspection import Inspection
from media.shot_detection import ScanLog, detect_shots, length_limits, scan_command
from media.shot_scan import CutFinder
from sample_media.clips import make_clip
from tests.media.conftest import opened

Picture = npt.NDArray[np.uint8]


def found_in(pictures: list[Picture]) -> list[int]:
    """Runs the finder over pictures."""
    finder = CutFinder()
    cuts = [frame for picture in pictures for frame, _ in finder.add(picture)]
    return [*cuts, *(frame for frame, _ in finder.finish())]


def moving(level: int, frame: int) -> Picture:
    """A bright bar that moves before a flat ground."""
    picture: Picture = np.full((90, 160, 3), level, dtype=np.uint8)
    picture[:, frame % 150 : frame % 150 + 10] = 200
    return picture


def test_a_hard_cut_is_found_on_its_first_frame() -> None:
    assert found_in([moving(20 if n < 17 else 120, n) for n in range(40)]) == [17]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_flash_is_no_cut(length: int) -> None:
    assert found_in([moving(250 if 20 <= n < 20 + length else 30, n) for n in range(60)]) == []


def test_a_quiet_cut_from_black_to_a_dim_card_is_found() -> None:
    assert found_in([np.full((90, 160, 3), 0 if n < 30 else 9, dtype=np.uint8) for n in range(60)]) == [30]


def test_a_fade_is_no_cut() -> None:
    assert found_in([moving(max(0, 120 - 4 * n), n) for n in range(60)]) == []


async def test_the_cuts_of_a_made_clip_are_found_exactly(tiny_clip: Path, tiny_inspection: Inspection) -> None:
    seen: list[int] = []
    track = tiny_inspection.description.video
    detected = await detect_shots(
        sys.executable, opened(tiny_clip), recipe=ShotRecipe(), track=track, on_progress=seen.append
    )
    truth = json.loads(tiny_clip.with_suffix(".shots.json").read_text())
    assert [shot.range.start_frame for shot in detected.shots.shots] == [0, *truth["hard_cuts"]]
    assert detected.shots.frames == truth["frames"] == seen[-1]
    assert detected.cpu_s > 0
    assert all(shot.activity > 0 for shot in detected.shots.shots)


async def test_another_number_of_frames_than_inspected_is_an_error(
    tiny_clip: Path, tiny_inspection: Inspection
) -> None:
    track = tiny_inspection.description.video.model_copy(update={"frames": 73})
    with pytest.raises(ToolOutputInvalid, match="72 frames seen"):
        await detect_shots(
            sys.executable, opened(tiny_clip), recipe=ShotRecipe(), track=track, on_progress=lambda _frames: None
        )


async def test_a_track_that_is_no_video_fails(tiny_clip: Path, tiny_inspection: Inspection) -> None:
    track = tiny_inspection.description.video.model_copy(update={"stream_index": 1})
    with pytest.raises(ToolFailed, match="track 1 is no video"):
        await detect_shots(
            sys.executable, opened(tiny_clip), recipe=ShotRecipe(), track=track, on_progress=lambda _frames: None
        )


def test_the_recipe_counts_in_frames_of_the_title(tiny_inspection: Inspection) -> None:
    track: VideoTrack = tiny_inspection.description.video.model_copy(update={"frame_rate": Fraction(24000, 1001)})
    limits = length_limits(ShotRecipe(), track)
    assert (limits.min_frames, limits.max_frames, limits.grid_frames) == (12, 479, 1)
    assert length_limits(ShotRecipe(idr_plan="grid"), track).grid_frames == 48


def test_the_scan_is_a_program_of_its_own() -> None:
    argv = scan_command("python", opened(Path("/in/source")), stream_index=1).argv
    assert argv == ("python", "-m", "media.shot_scan", "/in/source", "1", "mov")


def test_the_scans_lines_are_collected() -> None:
    log = ScanLog()
    for line in ('{"changes": [0, 1.5]}', '{"cut": 1, "score": 9.5}', '{"frames": 2, "decoded": 2}'):
        log.read(line)
    assert (log.changes, log.frames, log.cuts[0].frame, log.cuts[0].score) == ([0.0, 1.5], 2, 1, 9.5)


def test_precision_and_recall_count_frames_and_forgive_gradual_transitions() -> None:
    truth = {"frames": 100, "hard_cuts": [10, 50], "transitions": [{"type": "dissolve", "first": 70, "last": 80}]}
    score = compare("clip", truth, (10, 51, 75), 1.0)
    assert (score.missed, score.false, score.one_off) == ((50,), (51,), 1)
    assert score.rates(tolerance=0) == (0.5, 0.5, 0.5)
    assert score.rates(tolerance=1) == (1.0, 1.0, 1.0)


@pytest.mark.slow
async def test_the_cuts_of_the_demo_are_found_exactly(clips_dir: Path) -> None:
    clip = await make_clip("demo_720p24", clips_dir)
    score = await score_clip(clip.with_suffix(".shots.json"))
    assert (score.true_cuts, score.missed, score.false) == (4, (), ())


@pytest.mark.slow
@pytest.mark.media
@pytest.mark.parametrize(
    ("name", "missed"),
    [
        ("city_cc0_405p25", ()),
        ("shotmix_dev_720p2398", ()),
        # Four frames after another cut, amid fast action.
        ("sintel_trailer_720p24_subs", (408,)),
    ],
)
async def test_hard_cuts_of_real_film_are_found_on_the_frame(
    name: str, missed: tuple[int, ...], shared_media: Path
) -> None:
    score = await score_clip(shared_media / f"{name}.shots.json")
    assert score.false == ()
    assert score.missed == missed
