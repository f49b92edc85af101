"""Sound: exact length, in sync, at the loudness asked for, measured on what is delivered."""

from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
from av import AudioResampler
from av import open as open_media
from av.audio.frame import AudioFrame

from domain.recipe import AudioRecipe
from domain.video import AudioTrack
from media.audio import (
    AudioFile,
    Loudness,
    Order,
    Programme,
    encode_audio,
    encode_command,
    encode_version,
    parse_facts,
    parse_loudnorm,
    parse_meter,
    versions_of,
)
from media.bench import Bench
from media.command import command
from media.errors import ToolOutputInvalid
from media.process import run_tool
from media.tools import ToolPaths
from tests.media.conftest import opened

STEREO = AudioTrack(
    stream_index=0, codec_name="pcm_s16le", channels=2, channel_layout="stereo", sample_rate_hz=48000, language="fra"
)

TWO_SECONDS = Programme(Fraction(0), Fraction(2))


async def made(tools: ToolPaths, graph: str, out: Path, *coding: str) -> Path:
    argv = [tools.ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", graph, *(coding or ("-c:a", "pcm_s24le")), str(out)]
    await run_tool(command(argv, purpose=out.name))
    return out


async def encoded(
    tools: ToolPaths, source: Path, out_dir: Path, track: AudioTrack = STEREO, programme: Programme = TWO_SECONDS
) -> tuple[AudioFile, ...]:
    return await encode_audio(
        Bench(tools, out_dir), opened(source), tracks=(track,), programme=programme, recipe=AudioRecipe()
    )


def samples_of(path: Path) -> npt.NDArray[np.float32]:
    """Decodes the first channel with other code than the encoder's, edit list applied."""
    mono = AudioResampler(format="fltp", layout="stereo", rate=48000)
    with open_media(str(path)) as container:
        frames: list[AudioFrame] = [part for frame in container.decode(audio=0) for part in mono.resample(frame)]
    return np.concatenate([np.asarray(frame.to_ndarray()[0], dtype=np.float32) for frame in frames])


async def test_loudness_meets_the_target_and_is_measured_on_the_output(tools: ToolPaths, tmp_path: Path) -> None:
    source = await made(tools, "aevalsrc='0.02*sin(880*t)|0.02*sin(660*t)':d=2", tmp_path / "quiet.mkv")
    (file,) = await encoded(tools, source, tmp_path)
    assert file.loudness_lufs == pytest.approx(-23.0, abs=0.5)
    assert file.true_peak_dbtp is not None
    assert file.true_peak_dbtp <= -1.0
    assert (file.normalization, file.channels, file.language) == ("linear", 2, "fra")
    assert (file.name, file.is_default) == ("audio_1_fra_stereo", True)
    assert file.bitrate_bps == pytest.approx(128_000, rel=0.1)
    assert file.cpu_s > 0


async def test_one_gain_that_would_exceed_the_true_peak_becomes_dynamic_and_says_so(
    tools: ToolPaths, tmp_path: Path
) -> None:
    graph = "aevalsrc='if(lt(mod(t,1),0.004),0.95,0.003)*sin(2500*t)|0':d=8:c=stereo"
    source = await made(tools, graph, tmp_path / "peaky.mkv")
    # No multiple of loudnorm's frames of 100 ms: it stamps the rest of such a title late.
    (file,) = await encoded(tools, source, tmp_path, programme=Programme(Fraction(0), Fraction(190, 24)))
    assert file.normalization == "dynamic"
    assert file.true_peak_dbtp is not None
    assert file.true_peak_dbtp <= -0.5  # AAC may overshoot the limiter by a few tenths


async def test_silence_stays_silence_and_has_no_loudness(tools: ToolPaths, tmp_path: Path) -> None:
    source = await made(tools, "anullsrc=r=48000:cl=stereo:d=2", tmp_path / "silent.mkv")
    (file,) = await encoded(tools, source, tmp_path)
    assert (file.loudness_lufs, file.true_peak_dbtp, file.normalization) == (None, None, "none")
    assert not samples_of(file.path).any()


@pytest.mark.parametrize("length_s", ["0.7", "2", "5"])
async def test_sound_is_as_long_as_the_pictures_to_the_sample(length_s: str, tools: ToolPaths, tmp_path: Path) -> None:
    source = await made(tools, f"aevalsrc='0.1*sin(900*t)|0.1*sin(900*t)':d={length_s}", tmp_path / "source.mkv")
    programme = Programme(Fraction(0), Fraction(47 * 1001, 24000))
    (file,) = await encoded(tools, source, tmp_path, programme=programme)
    assert programme.samples == 94094
    raw = tmp_path / "raw.f32"
    argv = [tools.ffmpeg, "-v", "error", "-i", str(file.path), "-ac", "1", "-f", "f32le", "-c:a", "pcm_f32le", str(raw)]
    await run_tool(command(argv, purpose="samples"))
    assert raw.stat().st_size == 4 * 94094


@pytest.mark.parametrize("start_s", [Fraction(0), Fraction(1, 4)])
async def test_a_click_stays_where_it_was_against_the_pictures(
    start_s: Fraction, tools: ToolPaths, tmp_path: Path
) -> None:
    graph = "aevalsrc='if(between(t,1,1.001),0.8,0.01*sin(700*t))':d=3:c=mono,aformat=channel_layouts=stereo"
    source = await made(tools, graph, tmp_path / "click.mkv", "-c:a", "flac")
    (file,) = await encoded(tools, source, tmp_path, programme=Programme(start_s, Fraction(2)))
    sound = np.abs(samples_of(file.path))
    first = int(np.argmax(sound > 0.4 * sound.max()))
    assert first == pytest.approx((1 - start_s) * 48000, abs=48)  # 1 ms


async def test_surround_is_delivered_as_stereo_and_as_dolby_digital_plus(tools: ToolPaths, tmp_path: Path) -> None:
    graph = "aevalsrc='0.1*sin(500*t)|0.1*sin(600*t)|0.1*sin(700*t)|0.05*sin(200*t)|0.1*sin(800*t)|0.1*sin(900*t)'"
    source = await made(tools, f"{graph}:c=5.1:d=2", tmp_path / "surround.mkv")
    track = STEREO.model_copy(update={"channels": 6, "channel_layout": "5.1"})
    stereo, surround = await encoded(tools, source, tmp_path, track)
    assert (stereo.name, stereo.channels, stereo.is_default) == ("audio_1_fra_stereo", 2, True)
    assert (surround.name, surround.channels, surround.is_default) == ("audio_1_fra_51", 6, False)
    assert (stereo.codec, surround.codec, surround.bitrate_bps) == ("aac", "eac3", 384_000)
    assert surround.loudness_lufs == pytest.approx(-23.0, abs=0.5)
    with open_media(str(surround.path)) as container:
        assert (container.streams.audio[0].codec_context.name, container.streams.audio[0].channels) == ("eac3", 6)
    assert b"ec-3" in surround.path.read_bytes()
    assert b"dec3" in surround.path.read_bytes()


@pytest.mark.parametrize("samples", [94_094, 96_768, 96_512])
async def test_no_sound_is_lost_in_the_delay_of_the_surround_encoder(
    samples: int, tools: ToolPaths, tmp_path: Path
) -> None:
    source = await made(tools, "aevalsrc='0.1*sin(500*t)|0|0|0|0|0':c=5.1:d=3", tmp_path / "surround.mkv")
    track = STEREO.model_copy(update={"channels": 6, "channel_layout": "5.1"})
    programme = Programme(Fraction(0), Fraction(samples, 48_000))
    version = versions_of(track, AudioRecipe())[1]
    file = await encode_version(
        Bench(tools, tmp_path), opened(source), Order(track, version, programme, AudioRecipe(), 1)
    )
    raw = tmp_path / "raw.f32"
    argv = [tools.ffmpeg, "-v", "error", "-i", str(file.path), "-ac", "1", "-f", "f32le", "-c:a", "pcm_f32le", str(raw)]
    await run_tool(command(argv, purpose="samples"))
    assert samples <= raw.stat().st_size / 4 <= samples + 257


async def test_mono_becomes_stereo(tools: ToolPaths, tmp_path: Path) -> None:
    source = await made(tools, "aevalsrc='0.1*sin(900*t)':d=2:c=mono", tmp_path / "mono.mkv")
    (file,) = await encoded(
        tools, source, tmp_path, STEREO.model_copy(update={"channels": 1, "channel_layout": "mono"})
    )
    assert file.channels == 2


def test_a_layout_that_aac_does_not_have_is_delivered_in_stereo_only() -> None:
    odd = STEREO.model_copy(update={"channels": 7})
    assert [version.layout for version in versions_of(odd, AudioRecipe())] == ["stereo"]
    five_one = STEREO.model_copy(update={"channels": 6})
    in_aac = AudioRecipe(surround="aac")
    assert [version.bitrate_bps for version in versions_of(five_one, in_aac)] == [128_000, 576_000]


@pytest.mark.parametrize(
    ("channels", "surround", "codecs"),
    [
        (6, "eac3", ["aac", "eac3"]),
        (8, "eac3", ["aac", "eac3"]),
        (8, "aac", ["aac", "aac"]),
        (4, "eac3", ["aac", "aac"]),
        (6, "none", ["aac"]),
        (2, "eac3", ["aac"]),
    ],
)
def test_the_recipe_says_how_surround_is_delivered(
    channels: int, surround: Literal["eac3", "aac", "none"], codecs: list[str]
) -> None:
    versions = versions_of(STEREO.model_copy(update={"channels": channels}), AudioRecipe(surround=surround))
    assert [version.codec for version in versions] == codecs
    assert all(version.channels == 6 for version in versions if version.codec == "eac3")


def test_surround_states_the_loudness_that_devices_level_by() -> None:
    version = versions_of(STEREO.model_copy(update={"channels": 6}), AudioRecipe())[1]
    order = Order(STEREO, version, TWO_SECONDS, AudioRecipe(loudness_lufs=-24), 1)
    fields = dict.fromkeys(("input_tp", "input_lra", "input_thresh", "target_offset"), "1.00") | {"input_i": "-30.50"}
    argv = encode_command("ffmpeg", opened(Path("/in/source")), order, Loudness(fields), Path("/out/a.mp4")).argv
    assert argv[argv.index("-dialnorm") + 1] == "-24"


def test_a_language_with_odd_letters_makes_a_plain_name() -> None:
    track = STEREO.model_copy(update={"language": "../fr"})
    (version,) = versions_of(track, AudioRecipe())
    assert Order(track, version, TWO_SECONDS, AudioRecipe(), 3).name == "audio_3_fr_stereo"


def test_the_second_pass_repeats_what_the_first_measured() -> None:
    (version,) = versions_of(STEREO, AudioRecipe())
    fields = dict.fromkeys(("input_tp", "input_lra", "input_thresh", "target_offset"), "1.00") | {"input_i": "-30.50"}
    order = Order(STEREO, version, TWO_SECONDS, AudioRecipe(), 1)
    argv = encode_command("ffmpeg", opened(Path("/in/source")), order, Loudness(fields), Path("/out/a.mp4")).argv
    graph = argv[argv.index("-filter_complex") + 1]
    assert "measured_I=-30.50" in graph
    assert "linear=true" in graph
    assert graph.count("atrim=end_sample=96000") == 2
    assert argv[argv.index("-protocol_whitelist") + 1] == "file"


def test_reports_without_numbers_are_invalid_output() -> None:
    (version,) = versions_of(STEREO, AudioRecipe())
    order = Order(STEREO, version, TWO_SECONDS, AudioRecipe(), 1)
    with pytest.raises(ToolOutputInvalid):
        parse_loudnorm("no report")
    with pytest.raises(ToolOutputInvalid):
        parse_meter("no report")
    short = '{"streams": [{"duration_ts": 95999, "time_base": "1/48000", "channels": 2, "bit_rate": "1"}]}'
    with pytest.raises(ToolOutputInvalid, match="96000 samples"):
        parse_facts(short, order)
