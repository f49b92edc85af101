"""Reading and fetching releases: only sealed ones, every byte proved. Against the real server."""

import secrets
from pathlib import Path

import pytest

from domain.release import ReleaseManifest, ReleaseObject, ReleaseReference
from domain.values import canonical_json
from storage.addresses import parse_address
from storage.digests import sha256_of_bytes
from storage.errors import (
    BrokenDocument,
    DigestMismatch,
    FolderInUse,
    ObjectMissing,
    ReleaseMissing,
    StorageError,
    UnsafeReleasePath,
)
from storage.object_store import ObjectStore
from storage.publisher import publish_release
from storage.release_layout import pointer_address, reference_to, seal_address
from storage.release_reader import fetch_release, is_sealed, read_current, read_release, verify_release
from tests.storage.releases import draft_of

pytestmark = pytest.mark.slow


@pytest.fixture
def files() -> dict[str, bytes]:
    names = ("video/init.mp4", "video/1.m4s", "video/2.m4s", "video.m3u8", "manifest.mpd", "multivariant.m3u8")
    return {name: secrets.token_bytes(500) for name in names}


@pytest.fixture
def published(store: ObjectStore, files: dict[str, bytes]) -> ReleaseReference:
    return publish_release(store, draft_of(f"title-{secrets.token_hex(6)}", files, store))


def _tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_fetched_release_is_the_published_one(
    store: ObjectStore, published: ReleaseReference, files: dict[str, bytes], tmp_path: Path
) -> None:
    manifest = fetch_release(store, published, tmp_path / "out" / "presentation")
    assert _tree(tmp_path / "out" / "presentation") == files | {"release.json": canonical_json(manifest)}
    assert manifest == read_release(store, published)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["presentation"]


def test_a_title_s_current_release_is_fetched_by_its_id(
    store: ObjectStore, published: ReleaseReference, tmp_path: Path
) -> None:
    assert fetch_release(store, published.title_id, tmp_path / "out").release_id == published.release_id


def test_fetching_again_replaces_what_was_fetched(
    store: ObjectStore, published: ReleaseReference, files: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    fetch_release(store, published, tmp_path / "out")
    (tmp_path / "out" / "manifest.mpd").write_bytes(b"edited")
    (tmp_path / "out" / "extra").touch()
    fetch_release(store, published, tmp_path / "out")
    assert _tree(tmp_path / "out").keys() == {*files, "release.json"}
    assert (tmp_path / "out" / "manifest.mpd").read_bytes() == files["manifest.mpd"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_with_other_things_is_left_alone(
    store: ObjectStore, published: ReleaseReference, tmp_path: Path
) -> None:
    (tmp_path / "thesis.tex").write_text("important", encoding="utf-8")
    with pytest.raises(FolderInUse, match="REL-005"):
        fetch_release(store, published, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(FolderInUse):
        fetch_release(store, published, tmp_path / "file")
    assert (tmp_path / "thesis.tex").read_text(encoding="utf-8") == "important"


@pytest.mark.parametrize("damage", ["replaced", "removed"])
def test_a_damaged_release_is_refused_and_nothing_appears(
    store: ObjectStore, published: ReleaseReference, tmp_path: Path, damage: str
) -> None:
    address = parse_address(f"{published.release_uri}/video/2.m4s")
    store._client.delete_object(Bucket=address.bucket, Key=address.key)
    if damage == "replaced":
        store._client.put_object(Bucket=address.bucket, Key=address.key, Body=b"other")
    expected: type[StorageError] = DigestMismatch if damage == "replaced" else ObjectMissing
    with pytest.raises(expected, match=r"video/2\.m4s"):
        fetch_release(store, published, tmp_path / "out")
    with pytest.raises(expected):
        verify_release(store, published)
    assert list(tmp_path.iterdir()) == []


def test_a_release_without_its_seal_does_not_exist(
    store: ObjectStore, published: ReleaseReference, tmp_path: Path
) -> None:
    address = seal_address(store.buckets.releases, published)
    store._client.delete_object(Bucket=address.bucket, Key=address.key)
    assert not is_sealed(store, published)
    with pytest.raises(ReleaseMissing, match=r"REL-003.*no release\.json"):
        fetch_release(store, published.title_id, tmp_path / "out")


def test_a_title_without_release_has_none(store: ObjectStore, tmp_path: Path) -> None:
    assert read_current(store, "never-published") is None
    with pytest.raises(ReleaseMissing, match="no current release"):
        fetch_release(store, "never-published", tmp_path / "out")


def test_a_seal_that_leads_out_of_the_folder_is_refused(store: ObjectStore, tmp_path: Path) -> None:
    reference = reference_to(store.buckets.releases, f"title-{secrets.token_hex(6)}", "r" + "0" * 20)
    evil = ReleaseObject(path="../escaped", sha256=sha256_of_bytes(b"x"), size_bytes=1, content_type="text/plain")
    manifest = ReleaseManifest(
        title_id=reference.title_id,
        release_id=reference.release_id,
        dash="a.mpd",
        hls="a.m3u8",
        scheme="cbcs",
        keys=(),
        source_sha256="1" * 64,
        recipe_sha256="2" * 64,
        objects=(evil,),
    )
    store.put_if_absent(seal_address(store.buckets.releases, reference), canonical_json(manifest))
    with pytest.raises(UnsafeReleasePath):
        fetch_release(store, reference, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_seal_of_another_release_is_refused(
    store: ObjectStore, published: ReleaseReference, tmp_path: Path
) -> None:
    other = reference_to(store.buckets.releases, f"{published.title_id}-2", published.release_id)
    store.put_if_absent(seal_address(store.buckets.releases, other), canonical_json(read_release(store, published)))
    with pytest.raises(BrokenDocument, match="the seal of"):
        fetch_release(store, other, tmp_path / "out")


def test_documents_that_do_not_parse_are_named(store: ObjectStore, published: ReleaseReference) -> None:
    title_id = f"title-{secrets.token_hex(6)}"
    store.put_if_absent(pointer_address(store.buckets.releases, title_id), b"not json")
    with pytest.raises(BrokenDocument, match=r"STO-007.*current\.json"):
        read_current(store, title_id)
    reference = reference_to(store.buckets.releases, title_id, published.release_id)
    store.put_if_absent(seal_address(store.buckets.releases, reference), b"{}")
    with pytest.raises(BrokenDocument, match=r"STO-007.*release\.json"):
        read_release(store, reference)
