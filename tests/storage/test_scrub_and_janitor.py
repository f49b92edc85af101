"""Bit rot is found and named; what dead runs left goes, and nothing else. Against the real server."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from domain.release import ReleaseReference
from storage.addresses import ObjectAddress, parse_address
from storage.digests import BLOCK_BYTES
from storage.janitor import Leftovers, find_leftovers, remove_leftovers, safe_moment
from storage.object_store import ObjectStore
from storage.publisher import publish_release
from storage.release_layout import object_address, release_id_of
from storage.release_reader import verify_release
from storage.results import ResultStore
from storage.scrub import ScrubbedRelease, flag_address, scrub_release, sealed_releases
from storage.uploads import ObjectHeaders
from tests.storage.releases import draft_of

pytestmark = pytest.mark.slow
MEDIA = "video_a/1.m4s"


def published(store: ObjectStore) -> tuple[ReleaseReference, dict[str, bytes]]:
    files = {MEDIA: secrets.token_bytes(3 * BLOCK_BYTES + 17), "manifest.mpd": b"<MPD/>" + secrets.token_bytes(9)}
    files["multivariant.m3u8"] = secrets.token_bytes(80)
    return publish_release(store, draft_of(f"scrub-{secrets.token_hex(5)}", files, store)), files


def overwrite(store: ObjectStore, address: ObjectAddress, content: bytes) -> None:
    """Puts other bytes under a key, as no part of the product can."""
    store._uploader.put_bytes(address, content, ObjectHeaders(), condition={})


def test_a_whole_release_scrubs_clean_and_a_rotten_byte_is_found_with_file_and_block(store: ObjectStore) -> None:
    reference, files = published(store)
    assert list(sealed_releases(store, reference.title_id)) == [reference]
    assert reference in list(sealed_releases(store))
    clean = scrub_release(store, reference)
    assert (clean.objects, clean.damaged, clean.is_current) == (3, (), True)

    rotten = bytearray(files[MEDIA])
    rotten[2 * BLOCK_BYTES + 5] ^= 1
    overwrite(store, object_address(store.buckets.releases, reference, MEDIA), bytes(rotten))
    store.remove(object_address(store.buckets.releases, reference, "multivariant.m3u8"))
    found = scrub_release(store, reference)

    assert [(item.path, item.blocks) for item in found.damaged] == [("multivariant.m3u8", ()), (MEDIA, (2,))]
    assert "nothing there" in found.damaged[0].found
    flag = store.get(flag_address(store.buckets.work, reference.title_id, reference.release_id))
    assert flag is not None
    assert ScrubbedRelease.model_validate_json(flag[0]) == found


def test_a_broken_seal_is_damage_too(store: ObjectStore) -> None:
    reference, _ = published(store)
    overwrite(store, parse_address(f"{reference.release_uri}/release.json"), b"{}")
    assert [item.path for item in scrub_release(store, reference).damaged] == ["release.json"]


def test_the_janitor_removes_what_nobody_speaks_of_and_nothing_else(store: ObjectStore) -> None:
    reference, _ = published(store)
    orphan, kept = store.put_bytes(b"\0" + secrets.token_bytes(900)), store.put_bytes(b"\0" + secrets.token_bytes(900))
    document = ResultStore(store).put_document(kept)
    unsealed = draft_of(f"dead-{secrets.token_hex(5)}", {"manifest.mpd": b"x", "multivariant.m3u8": b"y"}, store)
    release = release_id_of(unsealed.presentation.files)
    half = ObjectAddress(store.buckets.releases, f"titles/{unsealed.title_id}/releases/{release}/manifest.mpd")
    store.put_if_absent(half, b"x")
    upload = ObjectAddress(store.buckets.work, f"objects/sha256/ab/{secrets.token_hex(32)}")
    store._client.create_multipart_upload(Bucket=upload.bucket, Key=upload.key)

    assert find_leftovers(store, before=datetime.now(UTC) - timedelta(hours=1)) == Leftovers()
    left = find_leftovers(store, before=datetime.now(UTC) + timedelta(minutes=1))
    assert orphan.uri.rpartition("/")[2] in {item.key.rpartition("/")[2] for item in left.orphans}
    # Other tests leave unsealed releases in the same store.
    unsealed_here = tuple(item for item in left.unsealed if item.key.startswith(f"titles/{unsealed.title_id}/"))
    assert {item.key for item in unsealed_here} == {half.key}
    assert not [item for item in left.unsealed if item.key.startswith(f"titles/{reference.title_id}/")]
    assert upload.key in {item.key for item in left.uploads}
    ours = Leftovers(
        uploads=tuple(item for item in left.uploads if item.key == upload.key),
        unsealed=unsealed_here,
        orphans=tuple(item for item in left.orphans if item.key.endswith(orphan.sha256)),
    )
    remove_leftovers(store, ours)

    assert store.head(parse_address(orphan.uri)) is None
    assert store.head(half) is None
    assert upload.key not in {item.key for item in store.list_open_uploads()}
    store.verify(kept)
    store.verify(document)
    assert verify_release(store, reference).release_id == reference.release_id


def test_nothing_goes_that_was_written_since_the_oldest_running_title_began() -> None:
    now, day = datetime(2026, 1, 10, tzinfo=UTC), timedelta(days=1)
    assert safe_moment(now, day, None) == now - day
    assert safe_moment(now, day, now - 3 * day) == now - 3 * day
    assert safe_moment(now, day, now - day / 2) == now - day
