"""Encryption contracts: the presets cover every size once, and what our labels cannot tell apart is refused."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tracks import key_label
from domain.video import Resolution
from protection.encryption_contract import (
    AUDIO_CONTRACTS,
    VIDEO_CONTRACTS,
    AudioContract,
    EncryptionContract,
    Span,
    TrackType,
    VideoContract,
)
from protection.errors import ContractUnmet
from protection.key_set import LABELS

VIDEO_KEYS = {f"VIDEO-{number}": keys for number, keys in enumerate([1, 2, 3, 4, 5, 4, 3, 4], start=1)}


def _holding(groups: tuple[TrackType, ...], size: int, kind: str) -> list[str]:
    spans = {group.name: group.video if kind == "video" else group.audio for group in groups}
    return [name for name, inside in spans.items() if any(span.holds(Span(size, size)) for span in inside)]


@pytest.mark.parametrize("contract", [name for name in get_args(VideoContract) if name != "UNENCRYPTED"])
@given(pixels=st.integers(1, 16_000_000))
def test_every_picture_belongs_to_one_group_of_a_contract(contract: VideoContract, pixels: int) -> None:
    assert len(_holding(VIDEO_CONTRACTS[contract], pixels, "video")) == 1


@pytest.mark.parametrize("contract", [name for name in get_args(AudioContract) if name != "UNENCRYPTED"])
@pytest.mark.parametrize("channels", [1, 2, 3, 6, 7, 8, 16])
def test_every_sound_belongs_to_one_group_of_a_contract(contract: AudioContract, channels: int) -> None:
    assert len(_holding(AUDIO_CONTRACTS[contract], channels, "audio")) == 1


@pytest.mark.parametrize(("contract", "keys"), list(VIDEO_KEYS.items()))
def test_contracts_have_as_many_keys_as_their_documents_say(contract: VideoContract, keys: int) -> None:
    groups = VIDEO_CONTRACTS[contract]
    assert len(groups) == keys
    assert all(len(group.video) == len(group.name.split("+")) for group in groups)


@given(st.integers(16, 8192), st.integers(16, 4320))
def test_our_labels_are_the_groups_of_video_4(width_px: int, height_px: int) -> None:
    label = key_label(Resolution(width_px=width_px, height_px=height_px))
    assert _holding(VIDEO_CONTRACTS["VIDEO-4"], width_px * height_px, "video") == [label]


@pytest.mark.parametrize("contract", ["VIDEO-1", "VIDEO-2", "VIDEO-3", "VIDEO-4"])
def test_a_contract_that_fits_gives_each_label_its_group(contract: VideoContract) -> None:
    groups = EncryptionContract(contract, "AUDIO-1").types_of(LABELS)
    assert set(groups) == set(LABELS)
    assert len({group.name for group in groups.values()}) == len(VIDEO_CONTRACTS[contract]) + 1


@pytest.mark.parametrize("contract", ["VIDEO-5", "VIDEO-6", "VIDEO-7", "VIDEO-8", "UNENCRYPTED"])
def test_a_contract_that_splits_a_label_is_refused(contract: VideoContract) -> None:
    with pytest.raises(ContractUnmet, match=r"KEY-013.*label HD"):
        EncryptionContract(contract, "AUDIO-1").types_of(["HD"])


@pytest.mark.parametrize("contract", ["AUDIO-2", "AUDIO-3", "UNENCRYPTED"])
def test_an_audio_contract_that_splits_our_label_is_refused(contract: AudioContract) -> None:
    with pytest.raises(ContractUnmet, match=r"KEY-013.*label AUDIO"):
        EncryptionContract("VIDEO-4", contract).types_of(["AUDIO"])


@pytest.mark.parametrize(
    ("video", "audio"), [("SHARED", "AUDIO-1"), ("VIDEO-1", "SHARED"), ("UNENCRYPTED", "UNENCRYPTED")]
)
def test_halves_that_do_not_go_together_are_refused(video: VideoContract, audio: AudioContract) -> None:
    with pytest.raises(ContractUnmet):
        EncryptionContract(video, audio)
