"""Looking at a real clip that has black, a still picture, bars, flashes, illegal levels and silence in known places."""

import json
from pathlib import Path

import pytest

from client.inspect_command import inspect_file
from domain.findings import InspectionReport
from domain.inspection_policy import InspectionPolicy
from media.command import command
from media.decode_check import FrameLog, decode_video_command
from media.inspection import inspect_source
from media.looks import LookOrder, escaped, look_order, picture_looks
from media.process import run_tool
from media.progress import ignore_progress
from media.tools import ToolPaths
from tests.media.conftest import as_stored, opened
from tests.support.goldens import Golden

POLICY = InspectionPolicy(black_s=0.9, freeze_s=0.9, silence_s=0.9)
_MOVING = "testsrc2=s=320x180:r=25:d=1,format=yuv420p"
_PARTS = (
    f"{_MOVING}[moving];"
    "color=black:s=320x180:r=25:d=1.2,format=yuv420p[black];"
    f"{_MOVING}[again];"
    "color=gray:s=320x180:r=25:d=1.6,format=yuv420p[still];"
    "nullsrc=s=320x180:r=25:d=2,format=yuv420p,geq=lum='if(lt(mod(N,4),2),235,16)':cb=128:cr=128[flashes];"
    f"{_MOVING}[end];"
    "[moving][black][again][still][flashes][end]concat=n=6,setsar=1"
)
"""Moving 0 to 1 s, black to 2.2, moving to 3.2, still to 4.8, flashes to 6.8, moving to 7.8."""


@pytest.fixture(scope="module")
async def marked_clip(tools: ToolPaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("looks") / "marked clip, it's [odd].mkv"
    tone = "sine=frequency=440:sample_rate=48000:duration=7.8,volume=enable='between(t,3,5)':volume=0"
    argv = [tools.ffmpeg, "-nostdin", "-v", "error", "-f", "lavfi", "-i", _PARTS, "-f", "lavfi", "-i", tone]
    argv += ["-c:v", "libx264", "-qp", "10", "-preset", "ultrafast", "-c:a", "flac", f"file:{out}"]
    await run_tool(command(argv, purpose="a clip with marks"))
    return out


@pytest.fixture(scope="module")
async def report(marked_clip: Path) -> InspectionReport:
    return await inspect_file(marked_clip, POLICY)


@pytest.mark.parametrize(
    ("code", "start_s", "end_s"),
    [("VID-101", 1.0, 2.2), ("VID-103", 3.2, 4.8), ("AUD-101", 3.0, 5.0)],
)
def test_what_is_wrong_is_found_where_it_is(code: str, start_s: float, end_s: float, report: InspectionReport) -> None:
    (finding,) = [finding for finding in report.findings if finding.code == code]
    assert finding.start_s == pytest.approx(start_s, abs=0.05)
    assert finding.end_s == pytest.approx(end_s, abs=0.05)


def test_flashes_are_found_where_they_are(report: InspectionReport) -> None:
    (finding,) = [finding for finding in report.findings if finding.code == "VID-106"]
    assert finding.start_s == pytest.approx(4.9, abs=0.2)
    assert 6.6 < (finding.end_s or 0) < 7.8


def test_the_report_says_all_in_one_document(report: InspectionReport) -> None:
    assert report.summary.startswith("matroska, h264 320x180, yuv420p, 25.000 frames per second, 195 frames, 7.8 s")
    assert [track.integrated_lufs for track in report.loudness] == [pytest.approx(-21.1, abs=1.0)]
    assert "black" in report.checks
    assert InspectionReport.model_validate(json.loads(report.model_dump_json())) == report


async def test_the_side_branch_changes_no_picture(tools: ToolPaths, marked_clip: Path, tmp_path: Path) -> None:
    hashes = []
    for looks in (None, look_order(tmp_path, POLICY)):
        log = FrameLog()
        decode = decode_video_command(
            tools.ffmpeg, opened(marked_clip), stream_index=0, filters="format=yuv420p", looks=looks
        )
        await run_tool(decode, on_line=log.read)
        hashes.append(log.hashes)
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 195


async def test_without_content_nobody_looks_and_the_tags_are_judged(marked_clip: Path) -> None:
    report = await inspect_file(marked_clip, InspectionPolicy(content=False))
    assert {finding.code for finding in report.findings} == {"CNT-103", "VID-107", "TXT-101"}
    assert "black" not in report.checks


async def test_bars_and_levels_of_a_whole_clip(tools: ToolPaths, tmp_path: Path) -> None:
    out = tmp_path / "bars.mkv"
    graph = "nullsrc=s=320x240:r=25:d=1,format=yuv420p,geq=lum='if(lt(X,32),255,100+Y/4+N)':cb=128:cr=128"
    framed = f"{graph},pad=320:320:0:40:color=black,setsar=1"
    argv = [tools.ffmpeg, "-nostdin", "-v", "error", "-f", "lavfi", "-i", framed, "-c:v", "ffv1", str(out)]
    await run_tool(command(argv, purpose="a clip with bars"))
    looks = look_order(tmp_path, POLICY)
    seen = (await inspect_source(tools, out, as_stored(out), on_progress=ignore_progress, looks=looks)).looks
    assert seen is not None
    assert seen.pictures.active == pytest.approx((0.0, 0.125, 1.0, 0.875), abs=0.01)
    assert seen.pictures.illegal_share == pytest.approx(0.1 * 240 / 320, abs=0.02)


def test_the_filters_are_built_in_order(golden: Golden) -> None:
    golden.check_text(
        "sandbox/looks.filters", picture_looks(LookOrder(InspectionPolicy(), Path("/scratch/looks"))) + "\n"
    )


def test_a_path_is_quoted_for_option_and_graph() -> None:
    assert escaped(Path("/a/b:c,[d]'e")) == r"/a/b\\:c\,\[d\]\\\'e"
