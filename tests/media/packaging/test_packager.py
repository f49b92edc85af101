"""The command and its secrets: pure functions, no program runs."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import get_args

import pytest

from domain.files import StoredFile
from domain.recipe import PackagingRecipe
from domain.tracks import EncodedAudio, KeyLabel, Rendition
from domain.video import Codec, Resolution
from media.errors import PresentationInvalid
from media.packaging.languages import menu_names
from media.packaging.packager import key_flags, packaging_command
from media.packaging.plan import PresentationPlan, TrackFile, TrackKey
from media.packaging.roles import audio_role
from media.tools import ToolPaths

TOOLS = ToolPaths(ffmpeg="ffmpeg", ffprobe="ffprobe", packager="packager")
KEYS = tuple(
    TrackKey(label=label, kid=f"{number:032x}", key=bytes([number]) * 16, iv=bytes([240 + number]) * 16)
    for number, label in enumerate(get_args(KeyLabel), start=1)
)


def stored(name: str) -> StoredFile:
    return StoredFile(uri=f"s3://work/{name}", sha256=f"{sum(name.encode()):064x}", size_bytes=1)


def rendition(name: str, height: int, codec: Codec = Codec.H264) -> TrackFile:
    track = Rendition(
        file=stored(name),
        name=name,
        codec=codec,
        resolution=Resolution(width_px=height * 16 // 9, height_px=height),
        frame_rate=Fraction(24000, 1001),
        frames=480,
        bitrate_bps=1e6,
        peak_bitrate_bps=2e6,
    )
    return TrackFile(track, Path(f"/clear/{name}.mp4"))


def audio(name: str, language: str, *, channels: int = 2, is_default: bool = False) -> TrackFile:
    track = EncodedAudio(
        file=stored(name),
        name=name,
        language=language,
        channels=channels,
        bitrate_bps=128_000,
        loudness_lufs=None,
        true_peak_dbtp=None,
        is_default=is_default,
    )
    return TrackFile(track, Path(f"/clear/{name}.mp4"))


def plan(*tracks: TrackFile, recipe: PackagingRecipe | None = None) -> PresentationPlan:
    return PresentationPlan(tracks, KEYS, recipe or PackagingRecipe(), Fraction(24000, 1001))


SMALL = plan(rendition("video_h264_720p", 720), audio("audio_1_eng", "eng", is_default=True))


def test_the_command_is_this_and_nothing_else() -> None:
    line = packaging_command(TOOLS, SMALL, out_dir=Path("/out"))
    assert line.argv == (
        "packager",
        (
            "in=/clear/video_h264_720p.mp4,stream=video,init_segment=/out/video_h264_720p/init.mp4,"
            "segment_template=/out/video_h264_720p/$Number%05d$.m4s,drm_label=video_h264_720p"
        ),
        (
            "in=/clear/audio_1_eng.mp4,stream=audio,init_segment=/out/audio_1_eng/init.mp4,"
            "segment_template=/out/audio_1_eng/$Number%05d$.m4s,drm_label=audio_1_eng"
        ),
        (
            "in=/clear/video_h264_720p.mp4,stream=video,init_segment=/out/trick_video_h264_720p/init.mp4,"
            "segment_template=/out/trick_video_h264_720p/$Number%05d$.m4s,drm_label=trick_video_h264_720p,"
            "trick_play_factor=1"
        ),
        "--flagfile=/dev/stdin",
        "--protection_scheme",
        "cbcs",
        "--protection_systems",
        "Widevine,PlayReady,FairPlay",
        "--clear_lead",
        "0",
        "--use_fake_clock_for_muxer",
        "--quiet",
        "--segment_duration",
        "1000000",
        "--ad_cues",
        "3.9831;7.9871;11.9911;15.9951",
    )


def test_cenc_leaves_fairplay_out() -> None:
    line = packaging_command(TOOLS, replace(SMALL, recipe=PackagingRecipe(scheme="cenc")), out_dir=Path("/out"))
    assert line.argv[line.argv.index("--protection_systems") + 1] == "Widevine,PlayReady"


def test_a_clear_title_has_no_word_of_protection_in_its_command_and_nothing_on_standard_input() -> None:
    clear = replace(SMALL, recipe=PackagingRecipe(scheme="clear"), keys=())
    argv = packaging_command(TOOLS, clear, out_dir=Path("/out")).argv
    assert key_flags(clear) is None
    assert not [argument for argument in argv if "protection" in argument or "flagfile" in argument]


def test_a_clear_title_is_given_no_keys() -> None:
    with pytest.raises(PresentationInvalid, match="keys for a clear title"):
        plan(rendition("a", 720), recipe=PackagingRecipe(scheme="clear"))


def test_the_flag_file_has_a_label_for_every_track() -> None:
    text = (key_flags(SMALL) or b"").decode()
    assert text.startswith("--enable_raw_key_encryption\n--keys=label=video_h264_720p:key_id=" + "0" * 31 + "2:key=")
    assert f"key={'02' * 16}:iv=" in text
    assert f",label=audio_1_eng:key_id={'0' * 31}5:key={'05' * 16}:iv=" in text


def test_no_secret_is_in_the_command_or_in_a_repr() -> None:
    shown = packaging_command(TOOLS, SMALL, out_dir=Path("/out")).shell_line() + repr(SMALL) + repr(KEYS[0])
    for key in KEYS:
        assert key.key.hex() not in shown
        assert repr(key.key) not in shown
        assert repr(key.iv) not in shown


@pytest.mark.parametrize(("scheme", "size"), [("cbcs", 16), ("cenc", 8)])
def test_tracks_that_share_a_key_never_share_an_iv(scheme: str, size: int) -> None:
    recipe = PackagingRecipe.model_validate({"scheme": scheme})
    shared = plan(rendition("a", 720), rendition("b", 1080), recipe=recipe)
    ivs = {shared.iv_of(item) for item in shared.tracks}
    assert {item.label for item in shared.tracks} == {"HD"}
    assert len(ivs) == 2
    assert {len(iv) for iv in ivs} == {size}


def test_other_content_under_the_same_name_gets_another_iv() -> None:
    item = rendition("a", 720)
    changed = TrackFile(item.track.model_copy(update={"file": stored("other")}), item.path)
    assert plan(item).iv_of(item) == plan(rendition("a", 720)).iv_of(item)
    assert plan(item).iv_of(item) != plan(changed).iv_of(changed)


@pytest.mark.parametrize(
    ("rate", "segment_s", "frames"),
    [("24", 2, 48), ("24000/1001", 4, 96), ("25", 6, 150), ("30000/1001", 2, 60), ("60000/1001", 4, 240)],
)
def test_segments_are_constant_unless_they_are_planned(rate: str, segment_s: int, frames: int) -> None:
    recipe = PackagingRecipe.model_validate({"segment_s": segment_s})
    item = rendition("a", 720)
    track = item.track.model_copy(update={"frame_rate": Fraction(rate)})
    made = PresentationPlan((TrackFile(track, item.path),), KEYS, recipe, Fraction(rate))
    assert made.segment_starts_frames == tuple(range(0, 480, frames))


def test_every_cue_is_after_the_frame_before_a_segment_and_before_its_first() -> None:
    made = replace(SMALL, segment_starts=(0, 1, 2, 95, 479))
    argv = packaging_command(TOOLS, made, out_dir=Path("/out")).argv
    cues = [Fraction(cue) for cue in argv[argv.index("--ad_cues") + 1].split(";")]
    for cue, start in zip(cues, made.segment_starts[1:], strict=True):
        assert (start - 1) / made.frame_rate < cue < start / made.frame_rate


def test_one_segment_has_no_cue() -> None:
    argv = packaging_command(TOOLS, replace(SMALL, segment_starts=(0,)), out_dir=Path("/out")).argv
    assert "--ad_cues" not in argv


def test_segment_starts_rise_from_0() -> None:
    for starts in ((1, 48), (0, 48, 48), (0, 96, 48)):
        with pytest.raises(PresentationInvalid, match="rise from 0"):
            replace(SMALL, segment_starts=starts)


def test_a_plan_names_everything_that_is_wrong_with_it() -> None:
    tracks = (rendition("a", 720), rendition("a", 1080), rendition("b,c", 720), audio("s", "eng"))
    odd = tracks[2].track.model_copy(update={"frames": 479})
    with pytest.raises(PresentationInvalid) as caught:
        PresentationPlan(
            (*tracks[:2], TrackFile(odd, tracks[2].path), tracks[3]), KEYS[:2], PackagingRecipe(), Fraction(25)
        )
    found = caught.value.found
    assert "name 'a' 2 times" in found
    assert "unsafe name 'b,c'" in found
    assert "b,c has 479 frames" in found
    assert "24000/1001 frames per second, 25 expected" in found
    assert "no key for label AUDIO" in found


def test_a_plan_without_picture_is_refused() -> None:
    with pytest.raises(PresentationInvalid, match="no rendition"):
        plan(audio("s", "eng"))


@pytest.mark.parametrize(("kid", "key", "iv"), [("G" * 32, 16, 16), ("0" * 32, 15, 16), ("0" * 32, 16, 7)])
def test_a_malformed_key_is_refused_without_being_shown(kid: str, key: int, iv: int) -> None:
    with pytest.raises(PresentationInvalid) as caught:
        TrackKey(label="SD", kid=kid, key=b"\x5a" * key, iv=b"\xa5" * iv)
    assert not re.search(r"5a5a|\\x5a|ZZZ|a5a5", str(caught.value))


def test_a_path_with_a_comma_is_refused() -> None:
    with pytest.raises(PresentationInvalid, match="without comma"):
        packaging_command(TOOLS, SMALL, out_dir=Path("/a,b"))


def test_roles_and_menu_names_tell_the_audio_tracks_apart() -> None:
    made = plan(
        rendition("v", 720),
        audio("fr", "fra"),
        audio("en", "eng", is_default=True),
        audio("en2", "en"),
        audio("en51", "eng", channels=6),
        audio("odd", "a,b"),
    )
    assert [track.name for track in made.audio] == ["en", "fr", "en2", "en51", "odd"]
    assert [audio_role(made, track) for track in made.audio] == ["main", "dub", "alternate", "main", "dub"]
    assert menu_names(made.audio) == {
        "en": "English (stereo)",
        "fr": "Français (stereo)",
        "en2": "English (stereo) 2",
        "en51": "English (5.1)",
        "odd": "Audio (stereo)",
    }
