"""Text tracks inside sources: taken out, normalized; pictures are no text."""

from fractions import Fraction
from pathlib import Path

import pytest

from domain.video import SubtitleTrack
from media.bench import Bench
from media.command import command
from media.process import run_tool
from media.progress import ignore_progress
from media.text.cues import ParsedText, Place
from media.text.embedded import extract_subtitles, is_text
from media.text.reading import read_subtitles
from media.tools import ToolPaths, find_tools
from tests.media.conftest import opened

SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello <i>you</i>\n\n2\n00:00:03,000 --> 00:00:09,000\nlong\n"


@pytest.fixture(scope="module")
def tools() -> ToolPaths:
    return find_tools()


async def embedded(tools: ToolPaths, source: Path, folder: Path, index: int, seconds: Fraction) -> ParsedText:
    track = SubtitleTrack(stream_index=index, codec_name="subrip")
    content, _cpu_s = await extract_subtitles(Bench(tools, folder), opened(source), track)
    return read_subtitles(content, Place("track", seconds), language="en", on_progress=ignore_progress)


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", "mov_text"), ("mkv", "subrip"), ("mkv", "ass"), ("mkv", "webvtt")]
)
async def test_a_text_track_of_any_codec_is_taken_out(
    suffix: str, codec: str, tools: ToolPaths, tmp_path: Path
) -> None:
    written, source = tmp_path / "subs.srt", tmp_path / f"source.{suffix}"
    written.write_text(SRT)
    picture = ["-f", "lavfi", "-i", "color=size=64x64:rate=24:duration=4", "-i", str(written), "-map", "0", "-map", "1"]
    argv = [tools.ffmpeg, "-v", "error", *picture, "-c:v", "libx264", "-c:s", codec, str(source)]
    await run_tool(command(argv, purpose="source with subtitles"))
    text = await embedded(tools, source, tmp_path, 1, Fraction(4))
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in text.cues] == [
        (1000, 2500, "Hello <i>you</i>"),
        (3000, 4000, "long"),
    ]


def test_pictures_are_no_text() -> None:
    assert is_text(SubtitleTrack(stream_index=2, codec_name="mov_text"))
    for codec in ("dvd_subtitle", "hdmv_pgs_subtitle", "dvb_subtitle", "eia_608", "unknown"):
        assert not is_text(SubtitleTrack(stream_index=2, codec_name=codec))


MEDIA = Path(__file__).parents[4] / "shared" / "media"


@pytest.mark.media
@pytest.mark.skipif(not MEDIA.is_dir(), reason="the shared test media folder is absent")
async def test_three_languages_of_a_real_trailer(tools: ToolPaths, tmp_path: Path) -> None:
    source = MEDIA / "sintel_trailer_720p24_subs.mkv"
    texts = [await embedded(tools, source, tmp_path, index, Fraction(1253, 24)) for index in (2, 3, 4)]
    assert [text.cues[1].text.split()[0] for text in texts] == ["This", "Diese", "Esta"]
    assert len({len(text.cues) for text in texts}) == 1


@pytest.mark.media
@pytest.mark.skipif(not MEDIA.is_dir(), reason="the shared test media folder is absent")
async def test_subtitles_that_outlast_the_video_end_with_it(tools: ToolPaths, tmp_path: Path) -> None:
    text = await embedded(tools, MEDIA / "nasty" / "subs_outlast_video.mkv", tmp_path, 2, Fraction(6))
    assert text.cues[-1].end_ms == 6000
    assert any("after the last picture" in note for note in text.notes)
