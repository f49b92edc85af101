"""Faults of the store, one at a time, through the proxy before a real server (operations.md, family B)."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.files import StoredFile
from domain.release import CurrentPointer
from storage import errors
from storage.addresses import ObjectAddress, parse_address
from storage.object_store import ObjectStore
from storage.publisher import publish_release
from storage.release_layout import ReleaseDraft
from storage.release_reader import read_current, verify_release
from storage.results import ResultStore
from storage.scrub import sealed_releases
from storage.side_by_side import for_each
from storage.sources import SourceStore
from tests.storage.releases import draft_of
from tests.support.fault_cases import FaultCase, FaultReport
from tests.support.s3_fault_proxy import (
    Rule,
    S3FaultProxy,
    another_etag,
    flipped_bit,
    lost_answer,
    refusing,
    reset,
    slow,
    truncated,
)

PART_BYTES = 6 << 20
ONCE = frozenset({1})
ONCE_AND_LATER_THRICE = frozenset({1, 3, 4, 5})
"""A damaged body is read three times in all."""


@dataclass(frozen=True)
class StoreScene:
    """A store behind the proxy, the same store without it, and a folder."""

    store: ObjectStore
    direct: ObjectStore
    proxy: S3FaultProxy
    folder: Path

    def new_file(self, size_bytes: int) -> Path:
        """Returns a file of random bytes."""
        path = self.folder / secrets.token_hex(6)
        path.write_bytes(secrets.token_bytes(size_bytes))
        return path

    def kept(self, size_bytes: int = 100_000) -> StoredFile:
        """Returns an object that lies in the store."""
        return self.direct.put_bytes(secrets.token_bytes(size_bytes))

    @contextmanager
    def counted(self, report: FaultReport, *rules: Rule) -> Iterator[None]:
        """Makes the proxy fail, and notes how often it did; a fault that never struck proves nothing."""
        with self.proxy.failing(*rules):
            yield
        assert all(rule.struck for rule in rules)
        report.seen = f"{sum(rule.struck for rule in rules)} faults"

    def leftovers(self) -> list[str]:
        """Returns open uploads and partial files."""
        uploads = [f"upload of {upload.key}" for upload in self.direct.list_open_uploads()]
        return uploads + [path.name for path in self.folder.glob(".*.partial")]


def server_away(scene: StoreScene, report: FaultReport) -> None:
    kept = scene.kept()
    scene.proxy.refuse()
    try:
        with pytest.raises(errors.StorageUnavailable, match="GetObject"):
            scene.store.read_bytes(kept)
    finally:
        scene.proxy.accept()
    assert len(scene.store.read_bytes(kept)) == kept.size_bytes
    report.leaked = scene.leftovers()


def throttled(scene: StoreScene, report: FaultReport) -> None:
    contents = [secrets.token_bytes(500) for _ in range(60)]
    before = len(scene.proxy.seen)
    lost: list[bytes] = []

    def put(content: bytes) -> None:
        try:
            scene.store.put_bytes(content)
        except errors.StorageUnavailable:
            lost.append(content)

    with scene.counted(report, Rule(refusing(503, "SlowDown"), method="PUT", probability=0.3)):
        for_each(put, contents)
    requests = len(scene.proxy.seen) - before
    assert requests <= 2 * len(contents)
    assert len(lost) <= 3
    report.seen = f"{requests} requests for {len(contents)} objects, {len(lost)} left to Temporal's next try"


def lost_answer_of_a_put(scene: StoreScene, report: FaultReport) -> None:
    content = secrets.token_bytes(5_000)
    with scene.counted(report, Rule(lost_answer(500, "InternalError"), method="PUT", nth=ONCE)):
        stored = scene.store.put_bytes(content)
    assert scene.direct.read_bytes(stored) == content


def error_in_a_200(scene: StoreScene, report: FaultReport) -> None:
    path = scene.new_file(PART_BYTES)
    with (
        scene.counted(report, Rule(refusing(200, "InternalError"), method="POST", query="uploadId")),
        pytest.raises(errors.StorageUnavailable, match="CompleteMultipartUpload"),
    ):
        scene.store.put_file(path)
    report.leaked = scene.leftovers()
    assert scene.direct.head(parse_address(scene.store.put_file(path).uri)) is not None


def lost_answer_of_complete(scene: StoreScene, report: FaultReport) -> None:
    path = scene.new_file(PART_BYTES)
    with scene.counted(report, Rule(lost_answer(500, "InternalError"), method="POST", query="uploadId", nth=ONCE)):
        stored = scene.store.put_file(path)
    scene.direct.verify(stored)
    report.leaked = scene.leftovers()


def conflict(scene: StoreScene, report: FaultReport) -> None:
    path, content = scene.new_file(PART_BYTES), secrets.token_bytes(900)
    at_complete = Rule(refusing(409, "ConditionalRequestConflict"), method="POST", query="uploadId", nth=ONCE)
    at_put = Rule(refusing(409, "ConditionalRequestConflict"), method="PUT", query="^(?!.*uploadId)", nth=ONCE)
    with scene.counted(report, at_complete, at_put):
        in_parts, at_once = scene.store.put_file(path), scene.store.put_bytes(content)
    scene.direct.verify(in_parts)
    scene.direct.verify(at_once)
    report.leaked = scene.leftovers()


def truncated_body(scene: StoreScene, report: FaultReport) -> None:
    kept, into = scene.kept(300_000), scene.folder / "truncated"
    with scene.counted(report, Rule(truncated, method="GET", nth=ONCE_AND_LATER_THRICE)):
        scene.store.fetch(kept, into).unlink()
        with pytest.raises(errors.StorageUnavailable):
            scene.store.fetch(kept, into)
        assert not into.exists()
        scene.store.fetch(kept, into)
    report.leaked = scene.leftovers()


def flipped_bit_in_an_object(scene: StoreScene, report: FaultReport) -> None:
    kept, into = scene.kept(300_000), scene.folder / "flipped"
    with scene.counted(report, Rule(flipped_bit, method="GET", nth=ONCE_AND_LATER_THRICE)):
        scene.store.fetch(kept, into).unlink()
        with pytest.raises(errors.DigestMismatch) as caught:
            scene.store.fetch(kept, into)
        assert caught.value.retryable
        assert not into.exists()
        scene.store.fetch(kept, into)
    report.leaked = scene.leftovers()


def flipped_bit_in_a_document(scene: StoreScene, report: FaultReport) -> None:
    key = secrets.token_hex(32)
    value = CurrentPointer(title_id="a", release_id="r" + "a" * 20, release_uri="s3://b/" + "x" * 500)
    ResultStore(scene.direct).keep("tests", key, value)
    results = ResultStore(scene.store)
    with scene.counted(report, Rule(flipped_bit, method="GET", key="/results/", nth=ONCE_AND_LATER_THRICE)):
        assert results.find("tests", key, CurrentPointer) == value
        with pytest.raises(errors.DigestMismatch):
            results.find("tests", key, CurrentPointer)
        assert results.find("tests", key, CurrentPointer) == value


def source_replaced(scene: StoreScene, report: FaultReport) -> None:
    address = ObjectAddress(scene.store.buckets.incoming, f"sources/{secrets.token_hex(6)}.mov")
    scene.direct.put_if_absent(address, secrets.token_bytes(70_000))
    with (
        scene.counted(report, Rule(another_etag, method="HEAD", key=address.key)),
        pytest.raises(errors.SourceChanged) as caught,
    ):
        SourceStore(scene.store, ResultStore(scene.store)).describe_source(address.uri)
    assert caught.value.retryable


def denied(scene: StoreScene, report: FaultReport) -> None:
    with (
        scene.counted(report, Rule(refusing(403, "AccessDenied"), method="PUT")),
        pytest.raises(errors.AccessDenied, match="PutObject") as caught,
    ):
        scene.store.put_bytes(secrets.token_bytes(80))
    assert not caught.value.retryable
    assert scene.proxy.seen[-1].status == 403


def expired(scene: StoreScene, report: FaultReport) -> None:
    path = scene.new_file(PART_BYTES)
    with (
        scene.counted(report, Rule(refusing(400, "ExpiredToken"), method="PUT", query="partNumber=1")),
        pytest.raises(errors.StorageUnavailable, match="UploadPart") as caught,
    ):
        scene.store.put_file(path)
    assert caught.value.retryable
    report.leaked = scene.leftovers()
    scene.store.put_file(path)


def wrong_region(scene: StoreScene, report: FaultReport) -> None:
    with (
        scene.counted(report, Rule(refusing(400, "AuthorizationHeaderMalformed"))),
        pytest.raises(errors.StorageRefused, match="region") as caught,
    ):
        scene.store.put_bytes(secrets.token_bytes(80))
    assert not caught.value.retryable


def orphans(scene: StoreScene, report: FaultReport) -> None:
    address = ObjectAddress(scene.store.buckets.work, f"orphans/{secrets.token_hex(6)}")
    scene.direct._client.create_multipart_upload(Bucket=address.bucket, Key=address.key)
    assert scene.direct.abort_stale_uploads("orphans/", timedelta(days=1)) == ()
    aborted = scene.direct.abort_stale_uploads("orphans/", timedelta(0))
    assert [upload.key for upload in aborted] == [address.key]
    report.leaked = scene.leftovers()


def late_listing(scene: StoreScene, report: FaultReport) -> None:
    content = secrets.token_bytes(700)
    stored = scene.direct.put_bytes(content)
    path = scene.folder / "late"
    path.write_bytes(content)
    with scene.counted(report, Rule(refusing(404, "NotFound"), method="HEAD")):
        assert scene.store.put_file(path) == stored


def slow_store(scene: StoreScene, report: FaultReport) -> None:
    kept, into = scene.kept(200_000), scene.folder / "slow"
    told: list[int] = []
    with scene.counted(report, Rule(slow(64_000), method="GET")):
        scene.store.fetch(kept, into, on_progress=told.append)
    assert len(told) >= 3, "progress must be told more often than once in a heartbeat time-out"
    told.clear()
    scene.store.put_file(scene.new_file(600_000), on_progress=told.append)
    scene.store.put_file(scene.new_file(PART_BYTES), on_progress=told.append)
    assert len(told) >= 20, "uploads tell while a part goes, not only when it has gone"


def cut_connection(scene: StoreScene, report: FaultReport) -> None:
    kept = scene.kept()
    with scene.counted(report, Rule(reset, nth=frozenset({1, 2}))):
        scene.store.read_bytes(kept)


def crashed_publisher(scene: StoreScene, report: FaultReport) -> None:
    """Dies after each step, one after the other; ``current.json`` is whole at every moment."""
    files = {
        "a/init.mp4": b"i",
        "a/1.m4s": b"m" * 4_000,
        "a.m3u8": b"p",
        "manifest.mpd": b"d",
        "multivariant.m3u8": b"h",
    }
    title_id, steps = f"crash-{secrets.token_hex(5)}", 2 * len(files) + 2
    for count in range(1, steps + 1):
        draft = draft_of(title_id, {**files, "a/1.m4s": secrets.token_bytes(4_000)}, scene.direct)
        before = read_current(scene.direct, title_id)
        done: list[str] = []

        def die(name: str, done: list[str] = done, count: int = count) -> None:
            done.append(name)
            if len(done) == count:
                raise InterruptedError

        with pytest.raises(InterruptedError):
            publish_release(scene.store, draft, on_step=die)
        current = read_current(scene.direct, title_id)
        assert (current == before) == (count < steps)
        if current is not None:
            verify_release(scene.direct, current)
        assert publish_release(scene.store, draft) == read_current(scene.direct, title_id)
    report.seen = f"died after each of {steps} steps"
    report.leaked = scene.leftovers()


def two_publishers(scene: StoreScene, report: FaultReport) -> None:
    title_id = f"race-{secrets.token_hex(5)}"
    files = {"manifest.mpd": b"d", "multivariant.m3u8": b"h"}
    drafts = [draft_of(title_id, {**files, "a/1.m4s": secrets.token_bytes(90)}, scene.direct) for _ in range(2)]
    won = []

    def publish(draft: ReleaseDraft) -> None:
        try:
            won.append(publish_release(scene.store, draft))
        except errors.CurrentMoved:
            report.seen = "one was told that another won"

    for_each(publish, drafts)
    current = read_current(scene.direct, title_id)
    assert current in won
    assert current is not None
    verify_release(scene.direct, current)


def verify_mismatch(scene: StoreScene, report: FaultReport) -> None:
    draft = draft_of(
        f"rot-{secrets.token_hex(5)}", {"manifest.mpd": b"d" * 99, "multivariant.m3u8": b"h"}, scene.direct
    )
    rule = Rule(flipped_bit, method="GET", key=r"/pertitle-releases/.*/manifest\.mpd")
    with scene.counted(report, rule), pytest.raises(errors.DigestMismatch):
        publish_release(scene.store, draft)
    assert read_current(scene.direct, draft.title_id) is None
    assert list(sealed_releases(scene.direct, draft.title_id)) == []


def clock_skew(scene: StoreScene, report: FaultReport) -> None:
    """Signs as a machine would whose clock is 20 minutes slow; the server decides."""
    slow_clock = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda **_: slow_clock)
        with pytest.raises(errors.ClockSkew, match="clock"):
            scene.store.put_bytes(secrets.token_bytes(90))
    report.seen = "STO-006"


def _case(
    number: str, act: Callable[[StoreScene, FaultReport], None], done: str, expected: str
) -> FaultCase[StoreScene]:
    return FaultCase(number, act.__name__.replace("_", " "), done, expected, act, is_sampled=True)


STORE_CASES: list[FaultCase[StoreScene]] = [
    _case("B19", server_away, "connections are refused, then taken again", "STO-003, then goes on"),
    _case("B20", throttled, "30 % of writes: 503 SlowDown", "all stored, fewer than two requests each"),
    _case("B21", lost_answer_of_a_put, "the answer of a conditional PUT is lost", "found by digest, success"),
    _case("B22", error_in_a_200, "complete answers 200 with an error inside", "a failure, nothing left open"),
    _case("B23", lost_answer_of_complete, "the answer of complete is lost", "found by digest, success"),
    _case("B24", conflict, "409 ConditionalRequestConflict", "sent again, success"),
    _case("B25", truncated_body, "half of a body", "read again; STO-003 if it stays; the next try succeeds"),
    _case("B26", flipped_bit_in_an_object, "one bit of an object flips", "read again; STO-002 if it stays"),
    _case(
        "B26d",
        flipped_bit_in_a_document,
        "one bit of a document flips",
        "read again; STO-002 if it stays",
    ),
    _case("B27", source_replaced, "another ETag between two requests", "STO-009, the next try reads the new one"),
    _case("B28", denied, "403", "STO-004 names the action, final, not repeated"),
    _case("B29", expired, "credentials expire in an upload", "tried again, nothing left open"),
    _case("B30", wrong_region, "the server wants another region", "STO-005 names the region, final"),
    _case("B31", orphans, "an upload is left open", "aborted when old enough, not before"),
    _case("B32", late_listing, "404 for what was just written", "success"),
    _case("B34", slow_store, "64 kB/s", "progress is told all the while"),
    _case("A17", clock_skew, "the clock is 20 minutes slow", "STO-006, not 'denied'"),
    _case("D42", crashed_publisher, "publishing dies after each of its steps", "current.json always whole; goes on"),
    _case("D43", two_publishers, "two releases of a title at once", "one is current, both are whole"),
    _case("D44", verify_mismatch, "what is read back is not what was written", "no seal, no pointer"),
    _case("B35", cut_connection, "the connection is reset twice", "success"),
]
