"""Publishing: whole or not at all, once, and never over anything. Against the real server."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import pytest

from domain.findings import Override
from domain.release import ReleaseReference
from domain.values import canonical_json
from storage.addresses import ObjectAddress, parse_address
from storage.digests import sha256_of_bytes
from storage.errors import (
    CurrentMoved,
    DigestMismatch,
    FullReleaseStands,
    ObjectMissing,
    ReleaseConflict,
    UnsafeReleasePath,
)
from storage.object_store import ObjectStore
from storage.publisher import publish_release
from storage.release_layout import ReleaseDraft, pointer_address, reference_to, release_id_of, seal_address
from storage.release_reader import is_sealed, read_current, read_pointer, read_release, verify_release
from tests.storage.releases import TYPES, draft_of

pytestmark = pytest.mark.slow

IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture
def title_id() -> str:
    return f"title-{secrets.token_hex(6)}"


def _files() -> dict[str, bytes]:
    media = {f"video_{track}/{name}": secrets.token_bytes(3000) for track in "ab" for name in ("init.mp4", "1.m4s")}
    playlists = {f"video_{track}/playlist.m3u8": secrets.token_bytes(200) for track in "ab"}
    return media | playlists | {"manifest.mpd": secrets.token_bytes(300), "multivariant.m3u8": secrets.token_bytes(90)}


def _draft(store: ObjectStore, title_id: str) -> ReleaseDraft:
    return draft_of(title_id, _files(), store)


def _reference(store: ObjectStore, draft: ReleaseDraft) -> ReleaseReference:
    return reference_to(store.buckets.releases, draft.title_id, release_id_of(draft.presentation.files))


def _listing(store: ObjectStore, title_id: str) -> dict[str, tuple[str, object]]:
    """Returns key → (ETag, time of last change) of everything of a title."""
    pages = store._client.get_paginator("list_objects_v2").paginate(
        Bucket=store.buckets.releases, Prefix=f"titles/{title_id}/"
    )
    return {item["Key"]: (item["ETag"], item["LastModified"]) for page in pages for item in page.get("Contents", [])}


def test_a_published_release_is_current_sealed_and_whole(store: ObjectStore, title_id: str) -> None:
    draft = _draft(store, title_id)
    reference = publish_release(store, draft)
    assert reference == _reference(store, draft) == read_current(store, title_id)
    assert is_sealed(store, reference)
    manifest = verify_release(store, reference)
    assert manifest == read_release(store, reference)
    assert [(item.path, item.sha256) for item in manifest.objects] == [
        (item.path, item.file.sha256) for item in draft.presentation.files
    ]
    assert (manifest.source_sha256, manifest.recipe_sha256) == (draft.source_sha256, draft.recipe_sha256)
    assert b"k-test-key-set" not in canonical_json(manifest)
    assert len(_listing(store, title_id)) == len(draft.presentation.files) + 2


def test_browsers_and_caches_are_told_the_right_things(store: ObjectStore, title_id: str) -> None:
    reference = publish_release(store, _draft(store, title_id))
    for item in read_release(store, reference).objects:
        facts = store.head(parse_address(f"{reference.release_uri}/{item.path}"))
        assert facts is not None
        assert facts.content_type == TYPES[PurePosixPath(item.path).suffix]
        assert facts.cache_control == IMMUTABLE
        assert facts.sha256 == item.sha256
    seal = store.head(seal_address(store.buckets.releases, reference))
    pointer = store.head(pointer_address(store.buckets.releases, title_id))
    assert seal is not None
    assert pointer is not None
    assert (seal.content_type, seal.cache_control) == ("application/json", IMMUTABLE)
    assert (pointer.content_type, pointer.cache_control) == ("application/json", "public, max-age=30")


def test_the_server_holds_a_checksum_of_each_object(store: ObjectStore, title_id: str) -> None:
    reference = publish_release(store, _draft(store, title_id))
    for key in _listing(store, title_id):
        answer = store._client.head_object(Bucket=store.buckets.releases, Key=key, ChecksumMode="ENABLED")
        assert len(answer["ChecksumSHA256"]) == 44
    assert reference.title_id == title_id


def test_the_steps_come_in_order(store: ObjectStore, title_id: str) -> None:
    steps: list[str] = []
    draft = _draft(store, title_id)
    publish_release(store, draft, on_step=steps.append)
    stored = [step.removeprefix("stored ") for step in steps if step.startswith("stored ")]
    assert sorted(stored[-2:]) == ["manifest.mpd", "multivariant.m3u8"]
    assert sorted(stored[-4:-2]) == ["video_a/playlist.m3u8", "video_b/playlist.m3u8"]
    proved = [step.removeprefix("proved ") for step in steps if step.startswith("proved ")]
    assert sorted(stored) == proved == [item.path for item in draft.presentation.files]
    assert steps[len(stored) + len(proved) :] == ["sealed", "current"]


def test_publishing_twice_changes_nothing(store: ObjectStore, title_id: str) -> None:
    draft = _draft(store, title_id)
    first = publish_release(store, draft)
    before = _listing(store, title_id)
    steps: list[str] = []
    assert publish_release(store, draft, on_step=steps.append) == first
    assert _listing(store, title_id) == before
    assert steps == ["sealed", "current"]


def test_another_release_becomes_current_and_the_old_one_stays(store: ObjectStore, title_id: str) -> None:
    old = publish_release(store, _draft(store, title_id))
    new = publish_release(store, _draft(store, title_id))
    assert old.release_id != new.release_id
    assert read_current(store, title_id) == new
    verify_release(store, old)


class Crash(BaseException):
    """Stands for the end of the process."""


def test_a_crash_after_any_step_leaves_the_old_release_current_and_the_next_attempt_ends_the_work(
    store: ObjectStore, title_id: str
) -> None:
    old = publish_release(store, _draft(store, title_id))
    names: list[str] = []
    publish_release(store, _draft(store, f"{title_id}-rehearsal"), on_step=names.append)
    assert len(names) == 2 * len(_files()) + 2
    for count in range(1, len(names) + 1):
        draft = _draft(store, title_id)
        new = _reference(store, draft)
        _publish_until(store, draft, count)
        done = count == len(names)
        assert read_current(store, title_id) == (new if done else old)
        assert is_sealed(store, new) == (count >= len(names) - 1)
        assert publish_release(store, draft) == new == read_current(store, title_id)
        verify_release(store, new)
        old = new
    assert store.list_open_uploads("titles/") == ()


def _publish_until(store: ObjectStore, draft: ReleaseDraft, count: int) -> None:
    steps: list[str] = []

    def crash(name: str) -> None:
        steps.append(name)
        if len(steps) == count:
            raise Crash

    with pytest.raises(Crash):
        publish_release(store, draft, on_step=crash)
    assert len(steps) == count


def test_publishers_of_the_same_release_at_once_agree(store: ObjectStore, title_id: str) -> None:
    draft = _draft(store, title_id)
    with ThreadPoolExecutor(3) as pool:
        published = list(pool.map(lambda _: publish_release(store, draft), range(3)))
    assert len({item.release_id for item in published}) == 1
    assert read_current(store, title_id) == published[0]
    verify_release(store, published[0])


def test_publishers_of_two_releases_at_once_leave_one_current_and_both_whole(store: ObjectStore, title_id: str) -> None:
    drafts = [_draft(store, title_id) for _ in range(2)]

    def publish(draft: ReleaseDraft) -> str:
        try:
            return publish_release(store, draft).release_id
        except CurrentMoved:
            return publish_release(store, draft).release_id

    with ThreadPoolExecutor(2) as pool:
        published = list(pool.map(publish, drafts))
    current = read_current(store, title_id)
    assert current is not None
    assert current.release_id in published
    for draft in drafts:
        verify_release(store, _reference(store, draft))


def test_a_publisher_whose_pointer_was_moved_meanwhile_says_so(
    store: ObjectStore, title_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_release(store, _draft(store, title_id))
    ours = _draft(store, title_id)
    get = store.get
    overtaken: list[ReleaseReference] = []

    def get_then_be_overtaken(address: ObjectAddress) -> tuple[bytes, str] | None:
        found = get(address)
        if address.key.endswith("current.json") and not overtaken:
            monkeypatch.setattr(store, "get", get)
            overtaken.append(publish_release(store, _draft(store, title_id)))
        return found

    monkeypatch.setattr(store, "get", get_then_be_overtaken)
    with pytest.raises(CurrentMoved, match="REL-002") as caught:
        publish_release(store, ours)
    assert caught.value.retryable
    assert read_current(store, title_id) == overtaken[0]
    assert publish_release(store, ours) == read_current(store, title_id)


@pytest.mark.parametrize("path", ["video_a/1.m4s", "manifest.mpd"])
def test_an_object_that_was_there_with_other_bytes_is_a_conflict(store: ObjectStore, title_id: str, path: str) -> None:
    draft = _draft(store, title_id)
    reference = _reference(store, draft)
    _write(store, f"{reference.release_uri}/{path}", b"foreign")
    with pytest.raises(ReleaseConflict, match=f"REL-001.*{path}") as caught:
        publish_release(store, draft)
    assert not caught.value.retryable
    assert read_current(store, title_id) is None
    assert not is_sealed(store, reference)


def test_an_object_that_was_there_with_another_content_type_is_a_conflict(store: ObjectStore, title_id: str) -> None:
    draft = _draft(store, title_id)
    item = draft.presentation.files[0]
    _write(store, f"{_reference(store, draft).release_uri}/{item.path}", store.read_bytes(item.file))
    with pytest.raises(ReleaseConflict, match="content type"):
        publish_release(store, draft)


def test_a_foreign_seal_is_a_conflict_and_the_same_objects_of_another_recipe_are_not(
    store: ObjectStore, title_id: str
) -> None:
    draft = _draft(store, title_id)
    first = publish_release(store, draft)
    assert publish_release(store, draft.model_copy(update={"recipe_sha256": "3" * 64})) == first
    seal = read_release(store, first).model_copy(update={"objects": ()})
    _write(store, f"{first.release_uri}/release.json", canonical_json(seal))
    with pytest.raises(ReleaseConflict, match=r"release\.json"):
        publish_release(store, draft)


def test_two_who_wave_the_same_bytes_through_do_not_conflict_and_the_first_stays(
    store: ObjectStore, title_id: str
) -> None:
    draft = _draft(store, title_id)
    kim, lu = (Override(code="VID-102", by=name, reason=f"reason of {name}") for name in ("Kim", "Lu"))
    first = publish_release(store, draft.model_copy(update={"waved_through": (kim,)}))
    for others in ((lu,), ()):
        assert publish_release(store, draft.model_copy(update={"waved_through": others})) == first
    assert read_release(store, first).waved_through == (kim,)


def test_bytes_that_change_between_write_and_proof_are_never_sealed(store: ObjectStore, title_id: str) -> None:
    draft = _draft(store, title_id)
    reference = _reference(store, draft)

    def damage(name: str) -> None:
        if name == "stored multivariant.m3u8":
            _write(store, f"{reference.release_uri}/video_a/1.m4s", b"damaged")

    with pytest.raises(DigestMismatch, match=r"video_a/1\.m4s"):
        publish_release(store, draft, on_step=damage)
    assert not is_sealed(store, reference)
    assert read_current(store, title_id) is None


def test_a_presentation_whose_bytes_are_gone_or_wrong_is_not_published(store: ObjectStore, title_id: str) -> None:
    draft = _draft(store, title_id)
    address = parse_address(draft.presentation.files[2].file.uri)
    _write(store, address.uri, b"damaged")
    with pytest.raises(DigestMismatch):
        publish_release(store, draft)
    store._client.delete_object(Bucket=address.bucket, Key=address.key)
    with pytest.raises(ObjectMissing):
        publish_release(store, draft)
    assert read_current(store, title_id) is None


def test_a_bad_path_is_refused_before_the_first_write(store: ObjectStore, title_id: str) -> None:
    draft = draft_of(title_id, {"a.m4s": b"a", "b/../../../c.m4s": b"c"}, store)
    with pytest.raises(UnsafeReleasePath):
        publish_release(store, draft)
    assert _listing(store, title_id) == {}


def test_a_large_object_goes_up_in_parts_with_its_headers(store: ObjectStore, title_id: str) -> None:
    small_puts = ObjectStore(store._client, store.buckets, single_put_limit_bytes=1 << 20)
    content = secrets.token_bytes(2 << 20)
    draft = draft_of(title_id, {"track.mp4": content, "manifest.mpd": b"d", "multivariant.m3u8": b"h"}, store)
    reference = publish_release(small_puts, draft)
    facts = store.head(parse_address(f"{reference.release_uri}/track.mp4"))
    assert facts is not None
    assert (facts.content_type, facts.cache_control) == ("video/mp4", IMMUTABLE)
    assert facts.sha256 == sha256_of_bytes(content)
    verify_release(store, reference)


def test_the_pointer_is_a_small_document(store: ObjectStore, title_id: str) -> None:
    reference = publish_release(store, _draft(store, title_id))
    found = store.get(pointer_address(store.buckets.releases, title_id))
    assert found is not None
    assert json.loads(found[0]) == {
        "schema": "pertitle/current/v1",
        "title_id": title_id,
        "release_id": reference.release_id,
        "release_uri": reference.release_uri,
    }


def _write(store: ObjectStore, uri: str, content: bytes) -> None:
    address = parse_address(uri)
    store._client.put_object(Bucket=address.bucket, Key=address.key, Body=content)


def test_a_provisional_release_says_so_and_is_superseded_by_the_full_one(store: ObjectStore, title_id: str) -> None:
    early = _draft(store, title_id).model_copy(update={"provisional": True})
    first = publish_release(store, early)
    assert publish_release(store, early) == first
    pointer = read_pointer(store, title_id)
    assert pointer is not None
    assert pointer.provisional
    assert read_release(store, first).provisional
    full = publish_release(store, _draft(store, title_id))
    assert read_current(store, title_id) == full
    for address in (pointer_address(store.buckets.releases, title_id), seal_address(store.buckets.releases, full)):
        found = store.get(address)
        assert found is not None
        assert b"provisional" not in found[0]


def test_a_provisional_release_never_replaces_a_full_one(store: ObjectStore, title_id: str) -> None:
    full = publish_release(store, _draft(store, title_id))
    early = _draft(store, title_id).model_copy(update={"provisional": True})
    with pytest.raises(FullReleaseStands) as refused:
        publish_release(store, early)
    assert full.release_id in refused.value.found
    assert read_current(store, title_id) == full


def test_a_full_release_that_comes_between_look_and_write_stays(store: ObjectStore, title_id: str) -> None:
    early = _draft(store, title_id).model_copy(update={"provisional": True})
    full = _draft(store, title_id)

    def overtake(step: str) -> None:
        if step == "sealed":
            publish_release(store, full)

    with pytest.raises(FullReleaseStands):
        publish_release(store, early, on_step=overtake)
    assert read_current(store, title_id) == _reference(store, full)
