"""What a track is for, from flags and names; and which one plays by itself."""

from typing import Any

import pytest

from domain.video import AudioRole, AudioTrack
from media.probe import ProbedTrack
from media.track_roles import audio_role_of, default_track, label_of, roles_of, text_role_of


def probed(flags: dict[str, int], kind: str = "audio", title: str = "") -> ProbedTrack:
    fields: dict[str, Any] = {"disposition": flags, "tags": {"title": title}}
    return ProbedTrack(1, kind, "aac", fields)


def track(language: str = "eng", role: AudioRole | None = None, *, is_default: bool = False) -> AudioTrack:
    return AudioTrack(
        stream_index=1,
        codec_name="aac",
        channels=2,
        channel_layout="stereo",
        sample_rate_hz=48_000,
        language=language,
        role=role,
        is_default=is_default,
    )


@pytest.mark.parametrize(
    ("flags", "title", "role"),
    [
        ({"comment": 1}, "", "commentary"),
        ({"visual_impaired": 1}, "", "description"),
        ({"descriptions": 1}, "", "description"),
        ({"dub": 1}, "", "dub"),
        ({"original": 1}, "", "main"),
        ({"default": 1}, "", None),
        ({}, "Director's Commentary", "commentary"),
        ({}, "Audiodeskription", "description"),
        ({}, "English Descriptive", "description"),
        ({}, "Stereo", None),
    ],
)
def test_a_sound_track_is_for_what_its_flags_or_its_name_say(flags: dict[str, int], title: str, role: str) -> None:
    assert audio_role_of(probed(flags, title=title)) == role


@pytest.mark.parametrize(
    ("flags", "role"),
    [
        ({}, "subtitle"),
        ({"forced": 1}, "forced-subtitle"),
        ({"hearing_impaired": 1}, "caption"),
        ({"captions": 1}, "caption"),
    ],
)
def test_a_text_track_is_for_what_its_flags_say(flags: dict[str, int], role: str) -> None:
    assert text_role_of(probed(flags, "subtitle")) == role


def test_what_is_not_said_follows_from_the_language_of_the_default_track() -> None:
    tracks = (track("eng"), track("fra"), track("eng"), track("eng", "commentary"))
    assert roles_of(tracks) == ("main", "dub", "alternate", "commentary")


def test_the_flagged_track_plays_by_itself_but_never_a_commentary() -> None:
    assert default_track((track("fra"), track("eng", is_default=True))) == 1
    assert default_track((track("eng", "commentary", is_default=True), track("eng"))) == 1
    assert default_track((track("fra", "dub"), track("eng"))) == 1
    assert default_track((track("eng", "commentary"),)) == 0
    assert roles_of(()) == ()


def test_a_name_for_a_menu_is_one_plain_line() -> None:
    assert label_of('Director\n"cut" \\ and\tmore') == "Director cut and more"
    assert len(label_of("x" * 200)) == 64
