"""Names, order and seal of a release. Pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import UnsafeReleasePath
from storage.release_layout import (
    manifest_of,
    object_address,
    pointer_address,
    publishing_stages,
    reference_to,
    release_id_of,
    seal_address,
)
from tests.storage.releases import draft_of, stored_file

FILES = {
    "video/init.mp4": b"i",
    "video/1.m4s": b"1",
    "video/video.m3u8": b"v",
    "manifest.mpd": b"d",
    "multivariant.m3u8": b"h",
    "images/0.jpg": b"j",
}


def test_the_same_inventory_in_any_order_has_the_same_name() -> None:
    files = draft_of("t", FILES).presentation.files
    assert release_id_of(files) == release_id_of(reversed(files))
    assert len(release_id_of(files)) == 21


@pytest.mark.parametrize(
    "change",
    [{"path": "video/2.m4s"}, {"content_type": "video/mp4"}, {"file": stored_file(b"other")}],
)
def test_another_path_type_or_content_has_another_name(change: dict[str, object]) -> None:
    files = list(draft_of("t", FILES).presentation.files)
    before = release_id_of(files)
    files[0] = files[0].model_copy(update=change)
    assert release_id_of(files) != before


def test_where_the_bytes_lie_does_not_change_the_name() -> None:
    files = list(draft_of("t", FILES).presentation.files)
    before = release_id_of(files)
    moved = files[0].file.model_copy(update={"uri": "s3://elsewhere/x"})
    files[0] = files[0].model_copy(update={"file": moved})
    assert release_id_of(files) == before


def test_media_come_before_the_playlists_that_name_them() -> None:
    stages = publishing_stages(draft_of("t", FILES).presentation)
    assert [[item.path for item in stage] for stage in stages] == [
        ["images/0.jpg", "video/1.m4s", "video/init.mp4"],
        ["video/video.m3u8"],
        ["manifest.mpd", "multivariant.m3u8"],
    ]


def test_addresses_follow_the_layout() -> None:
    reference = reference_to("releases", "my-title", "r" + "0" * 20)
    assert reference.release_uri == "s3://releases/titles/my-title/releases/r00000000000000000000"
    assert object_address("releases", reference, "a/b.m4s").uri == f"{reference.release_uri}/a/b.m4s"
    assert seal_address("releases", reference).uri == f"{reference.release_uri}/release.json"
    assert pointer_address("releases", "my-title").uri == "s3://releases/titles/my-title/current.json"


@pytest.mark.parametrize("path", ["", "../x", "a/../../x", "a/./b", "/etc/x", "a//b", "a/", "a\\..\\b", "release.json"])
def test_a_path_that_leaves_the_release_or_takes_the_seal_s_place_is_refused(path: str) -> None:
    with pytest.raises(UnsafeReleasePath, match="REL-004"):
        object_address("releases", reference_to("releases", "t", "r" + "0" * 20), path)


@pytest.mark.parametrize("title_id", ["", "../x", "a/b", "-rf", "x" * 65, "a b", "t\n"])
def test_what_is_no_title_id_names_no_place(title_id: str) -> None:
    with pytest.raises(UnsafeReleasePath):
        pointer_address("releases", title_id)
    with pytest.raises(UnsafeReleasePath):
        reference_to("releases", title_id, "r" + "0" * 20)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3})?\.(m4s|m3u8|mp4)", fullmatch=True), st.binary(max_size=4), max_size=8
    )
)
def test_every_file_is_stored_in_one_stage_and_sealed_once(files: dict[str, bytes]) -> None:
    draft = draft_of("t", files | {"manifest.mpd": b"", "multivariant.m3u8": b""})
    staged = [item.path for stage in publishing_stages(draft.presentation) for item in stage]
    sealed = [item.path for item in manifest_of(draft, "r" + "0" * 20).objects]
    assert sorted(staged) == sealed == sorted({*files, "manifest.mpd", "multivariant.m3u8"})
