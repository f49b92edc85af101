"""E-AC-3 beside AAC: muxed, encrypted, decrypted, and said to players in both manifests."""

from fractions import Fraction
from pathlib import Path

from domain.recipe import AudioRecipe
from domain.tracks import EncodedAudio
from domain.video import AudioTrack, Codec
from media.audio import Programme, encode_audio
from media.bench import Bench
from media.packaging.plan import MANIFEST, MULTIVARIANT, TrackFile
from media.tools import ToolPaths
from tests.media.conftest import opened
from tests.media.packaging.conftest import FRAMES, make_rendition, package, plan_of, run, stored


async def test_a_surround_track_is_packaged_as_dolby_digital_plus(tools: ToolPaths, tmp_path: Path) -> None:
    source = tmp_path / "source.mkv"
    graph = "aevalsrc='0.1*sin(500*t)|0|0.1*sin(700*t)|0|0|0.1*sin(900*t)':c=5.1:d=12"
    run([tools.ffmpeg, "-v", "error", "-f", "lavfi", "-i", graph, "-c:a", "flac", str(source)])
    track = AudioTrack(
        stream_index=0, codec_name="flac", channels=6, channel_layout="5.1", sample_rate_hz=48_000, language="eng"
    )
    programme = Programme(Fraction(0), Fraction(FRAMES, 24))
    files = await encode_audio(
        Bench(tools, tmp_path), opened(source), tracks=(track,), programme=programme, recipe=AudioRecipe()
    )
    sound = [
        TrackFile(
            EncodedAudio(
                file=stored(file.path),
                name=file.name,
                language=file.language,
                channels=file.channels,
                codec=file.codec,
                bitrate_bps=file.bitrate_bps,
                loudness_lufs=file.loudness_lufs,
                true_peak_dbtp=file.true_peak_dbtp,
                is_default=file.is_default,
                role=file.role,
            ),
            file.path,
        )
        for file in files
    ]
    video = make_rendition(tools, tmp_path, (Codec.H264, 320, 180), Fraction(24))
    made = await package(tools, plan_of((video, *sound), "cbcs"), tmp_path / "presentation")
    assert set(made.tree.decrypted_md5) == {video.name, f"trick_{video.name}", "audio_1_eng_stereo", "audio_1_eng_51"}
    mpd = (made.folder / MANIFEST).read_text("utf-8")
    assert 'codecs="ec-3"' in mpd
    assert mpd.count('value="main"') == 3
    multivariant = (made.folder / MULTIVARIANT).read_text("utf-8")
    assert 'GROUP-ID="audio_eac3_6ch"' in multivariant
    assert 'CHANNELS="6"' in multivariant
    assert ',ec-3"' in multivariant
    assert b"dec3" in (made.folder / "audio_1_eng_51" / "init.mp4").read_bytes()
