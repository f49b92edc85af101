"""Requests on a running stack: ten at once, again after success, bad sources; and what is left behind."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from client.errors import TitleCanceled, TitleFailed
from client.fetching import read_result
from client.local_stack.control import seal_payloads
from client.local_stack.state import NAMESPACE
from client.titles import submit_title
from domain.recipe import PackagingRecipe, Recipe
from domain.release import TitleReceipt
from domain.request import ProvisionalOrder, TitleRequest
from domain.result import TitleResult
from protection.errors import PayloadUnreadable
from protection.payload_codec import data_converter
from protection.payload_keys import NO_KEYS, PayloadKeys
from protection.secret_bytes import SecretBytes
from sample_media import faults
from sample_media.clips import make_clip
from storage.release_layout import reference_to
from storage.release_reader import read_current, read_pointer, read_release
from tests.players.preview import playing, visit
from tests.support.leaks import exported_histories
from tests.support.provisional import first_current, forget_results, require_playable
from tests.support.stacks import RECIPE, TestStack, children_of, running_stack, wait_for
from tests.support.title_tracks import require_tracks, with_tracks

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestStack]:
    """One stack for all requests of this file; it seals what Temporal keeps."""
    folder = tmp_path_factory.mktemp("requests") / "state"
    await seal_payloads(folder)
    async with running_stack(folder) as running:
        yield running


def request_for(source: str, title_id: str) -> TitleRequest:
    return TitleRequest(title_id=title_id, source=source, recipe=Recipe.model_validate(RECIPE))


def nothing_is_left(stack: TestStack) -> bool:
    scratch = [path for path in (stack.folder / "scratch").rglob("*") if path.is_file()]
    tools = [pid for part in ("io", "encode-cpu", "measure") for pid in children_of(stack.pid_of(part))]
    return not scratch and not tools and not stack.session.store.list_open_uploads()


async def test_the_same_submit_ten_times_at_once_is_one_run_and_later_none(stack: TestStack, tmp_path: Path) -> None:
    clip = await make_clip("tiny_320x180p24", tmp_path)
    request = await with_tracks(stack, request_for("s3://pertitle-incoming/later", "ten-times"), clip)
    submissions = await asyncio.gather(*(submit_title(stack.session.temporal, request) for _ in range(10)))
    runs = {(await submission.handle.describe()).run_id for submission in submissions}
    assert len(runs) == 1
    receipts = [await stack.finish(submission.handle, "ten-times") for submission in submissions]
    assert len({receipt.release.release_id for receipt in receipts}) == 1

    later = await submit_title(stack.session.temporal, request)
    assert not later.is_new
    assert (await later.handle.describe()).run_id in runs
    assert nothing_is_left(stack)
    require_tracks(stack, receipts[0])


async def test_the_same_title_under_new_keys_is_a_new_release_and_encodes_nothing(
    stack: TestStack, tmp_path: Path
) -> None:
    clip = await make_clip("tiny_320x180p24", tmp_path)
    first = request_for(await stack.upload(clip), "rotated")
    rotated = PackagingRecipe(key_generation=2)
    second = first.model_copy(update={"recipe": first.recipe.model_copy(update={"packaging": rotated})})
    releases, results = [], []
    for request in (first, second):
        submission = await submit_title(stack.session.temporal, request)
        receipt = await stack.finish(submission.handle, "rotated")
        releases.append(read_release(stack.session.store, receipt.release))
        results.append(TitleResult.model_validate_json(stack.session.store.read_bytes(receipt.result)))

    old, new = releases
    assert old.release_id != new.release_id
    current = read_current(stack.session.store, "rotated")
    assert current is not None
    assert current.release_id == new.release_id
    assert not {item.kid for item in old.keys} & {item.kid for item in new.keys}
    assert {item.label for item in old.keys} == {item.label for item in new.keys}
    segments = [
        {item.path: item.sha256 for item in release.objects if item.path.endswith(".m4s")} for release in releases
    ]
    assert segments[0].keys() == segments[1].keys()
    assert not set(segments[0].values()) & set(segments[1].values())
    assert results[1].cpu_s.trials == results[1].cpu_s.encode == 0
    assert old.key_provider == new.key_provider == "local"


async def test_a_published_title_is_played_with_keys_from_the_local_key_store(stack: TestStack, tmp_path: Path) -> None:
    """`pertitle play`, with a visitor in Chromium: each rung is decrypted, decoded, shown with its score."""
    clip = await make_clip("tiny_320x180p24", tmp_path)
    request = request_for(await stack.upload(clip), "ten-times")
    result = read_result(stack.session.store, await stack.finish(await stack.submit(request), "ten-times"))
    with playing("ten-times", "--state", str(stack.folder)) as (process, said):
        seen = visit(said["url"])
        line = Path(f"/proc/{process.pid}/cmdline").read_text()
    assert (seen["error"], seen["trouble"], seen["console"], seen["foreign"]) == (None, "", [], [])
    rungs = {rung.name: rung.height_px for ladder in result.ladders for rung in ladder.rungs}
    assert {item["name"]: item["height"] for item in seen["seen"]} == rungs
    assert seen["licenses"] >= 1
    assert seen["facts"]["Quality"].endswith(result.metric)
    assert said["release_id"] == result.release_id
    assert said["url"].partition("#")[2] not in line


async def test_a_finished_title_is_inspected_again_by_what_another_request_expects_of_it(
    stack: TestStack, tmp_path: Path
) -> None:
    """After the title above; its release stays as it is, whatever comes of the inspection."""
    request = request_for(await stack.upload(await make_clip("tiny_320x180p24", tmp_path)), "ten-times")
    finished = await stack.finish(await stack.submit(request), "ten-times")
    content = request.model_dump(mode="json", exclude_defaults=True) | {"inspection": {"captions": "required"}}
    strict = TitleRequest.model_validate({**content, "when_stuck": "fail"})
    with pytest.raises(TitleFailed) as failure:
        await stack.finish(await stack.submit(strict), "ten-times")
    assert failure.value.cause_code == "TXT-102"
    assert read_current(stack.session.store, "ten-times") == finished.release

    activities = []
    for reason in ("it has no speech", "it has no speech, as I said"):
        waved = {**content, "overrides": [{"code": "TXT-102", "by": "Kim", "reason": reason}]}
        handle = await stack.submit(TitleRequest.model_validate(waved))
        assert await stack.finish(handle, "ten-times") == finished
        events = (await handle.fetch_history()).events
        activities.append(
            [event.activity_task_scheduled_event_attributes.activity_type.name for event in events if is_asked(event)]
        )
    assert activities == [["open_title", "inspect_source", "keep_settled"], ["open_title"]]


def is_asked(event: HistoryEvent) -> bool:
    """Whether it asks for an activity."""
    return event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED


async def test_without_the_key_file_nothing_is_played(stack: TestStack) -> None:
    """After the title above; the code and the exit code are what a person sees."""
    kek, away = stack.state.kek_file, stack.state.kek_file.with_name("kek-away")
    kek.rename(away)
    try:
        command = [sys.executable, "-m", "client", "play", "ten-times", "--no-browser", "--state", str(stack.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert not kek.exists()
    finally:
        away.rename(kek)
    assert done.returncode == 4
    assert done.stderr.startswith("KEY-001")
    assert done.stdout == ""


async def test_a_provisional_release_is_current_first_and_changes_nothing_of_the_full_one(
    stack: TestStack, tmp_path: Path
) -> None:
    store = stack.session.store
    # A second codec, so that the search goes on for long enough.
    codecs = [{"codec": codec, "preset": "veryfast"} for codec in ("h264", "hevc")]
    recipe = Recipe.model_validate({**RECIPE, "codecs": codecs, "heights_px": [180, 90]})
    source = await stack.upload(await make_clip("tiny_320x180p24", tmp_path))
    plain = TitleRequest(title_id="early", source=source, recipe=recipe)
    request = plain.model_copy(update={"provisional": ProvisionalOrder(first_s=2.0)})
    handle = (await submit_title(stack.session.temporal, request)).handle
    seen, pointer = await first_current(stack, handle, "early")
    assert seen.provisional
    assert seen.duration_s == pytest.approx(53 / 24, abs=0.001)
    assert (pointer.provisional, pointer.release_id) == (True, seen.release_id)
    require_playable(stack, pointer, tmp_path / "presentation", rungs=2)

    receipt = await stack.finish(handle, "early")
    current = read_pointer(store, "early")
    assert current is not None
    assert (current.provisional, current.release_id) == (False, receipt.release.release_id)
    result = TitleResult.model_validate_json(store.read_bytes(receipt.result))
    assert result.first_playable == seen
    assert seen.after_s < result.wall_s
    full = read_release(store, receipt.release)
    early = read_release(store, reference_to(store.buckets.releases, "early", seen.release_id))
    assert not {item.kid for item in full.keys} & {item.kid for item in early.keys}

    forget_results(stack)
    content = plain.model_dump(mode="json", exclude_defaults=True)
    again = await stack.session.temporal.start_workflow(
        "EncodeTitle", content, id="title/early/without", task_queue="orchestrate", result_type=TitleReceipt
    )
    assert (await again.result()).release == receipt.release
    assert nothing_is_left(stack)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("empty", "CNT-002"),
        ("text", "CNT-002"),
        ("no-moov", "CNT-002"),
        ("cut-mdat", "CNT-003"),
        ("audio-only", "VID-001"),
        ("mixed-fields", "VID-002"),
        ("wrong-clock", "VID-003"),
        ("hdr", "VID-004"),
    ],
)
async def test_a_bad_source_ends_with_its_code_and_leaves_nothing(
    stack: TestStack, tmp_path: Path, fault: str, code: str
) -> None:
    title_id = f"bad-{fault}"
    request = request_for(await stack.upload(await bad_source(fault, tmp_path)), title_id)
    handle = (await submit_title(stack.session.temporal, request)).handle
    with pytest.raises(TitleFailed) as failure:
        await stack.finish(handle, title_id)
    assert failure.value.cause_code == code
    assert failure.value.record["where"]
    assert failure.value.record["found"]
    assert failure.value.record["fix"]
    assert read_current(stack.session.store, title_id) is None
    assert nothing_is_left(stack)


async def bad_source(fault: str, folder: Path) -> Path:
    clip = await make_clip("tiny_320x180p24", folder)
    makers: dict[str, Callable[[], Any]] = {
        "empty": lambda: faults.write_empty(folder),
        "text": lambda: faults.write_text(folder),
        "no-moov": lambda: faults.cut_before_index(clip, folder),
        "cut-mdat": lambda: faults.cut_pictures(clip, folder),
        "audio-only": lambda: faults.make_audio_only(folder),
        "mixed-fields": lambda: faults.make_mixed_fields(folder),
        "wrong-clock": lambda: faults.make_wrong_clock(folder),
        "hdr": lambda: faults.make_hdr_tagged(folder),
    }
    made = makers[fault]()
    path: Path = await made if asyncio.iscoroutine(made) else made
    return path


async def test_a_missing_source_object_is_named(stack: TestStack) -> None:
    request = request_for("s3://pertitle-incoming/sources/never-uploaded.mov", "missing")
    handle = (await submit_title(stack.session.temporal, request)).handle
    with pytest.raises(TitleFailed) as failure:
        await stack.finish(handle, "missing")
    assert failure.value.cause_code == "CNT-001"
    assert "never-uploaded" in str(failure.value)
    assert nothing_is_left(stack)


async def test_cancel_leaves_no_process_no_upload_and_no_scratch_file(stack: TestStack, tmp_path: Path) -> None:
    clip = await make_clip("tiny_320x180p23976", tmp_path)
    slow = Recipe.model_validate({**RECIPE, "codecs": [{"codec": "h264", "preset": "veryslow"}]})
    request = TitleRequest(title_id="canceled", source=await stack.upload(clip), recipe=slow)
    handle = (await submit_title(stack.session.temporal, request)).handle
    encoder = stack.pid_of("encode-cpu")
    await wait_for(lambda: children_of(encoder), "the first trial encode")
    await handle.cancel()
    with pytest.raises(TitleCanceled):
        await stack.finish(handle, "canceled")
    assert nothing_is_left(stack)
    assert read_current(stack.session.store, "canceled") is None


async def test_temporal_keeps_nothing_of_a_title_that_could_be_read(stack: TestStack, tmp_path: Path) -> None:
    """Histories of a title, its children and a failed one: sealed payloads, encoded failures, no address, no word."""
    good = request_for(await stack.upload(await make_clip("tiny_320x180p24", tmp_path)), "ten-times")
    await stack.finish((await submit_title(stack.session.temporal, good)).handle, "ten-times")
    bad = request_for(await stack.upload(await bad_source("text", tmp_path)), "sealed-text")
    handle = (await submit_title(stack.session.temporal, bad)).handle
    with pytest.raises(TitleFailed) as failure:
        await stack.finish(handle, "sealed-text")
    assert failure.value.cause_code == "CNT-002"

    histories = await exported_histories(stack.session.temporal)
    assert sum(name.startswith("history title/ten-times") for name in histories) > 3
    words = [request.source.encode() for request in (good, bad)] + [
        failure.value.record["found"].encode(),
        b"heights_px",
    ]
    for name, parts in histories.items():
        exported = json.loads(parts[0])
        kept = list(payloads_in(exported))
        plain = [
            base64.b64decode(item["data"])
            for item in kept
            if base64.b64decode(item["metadata"]["encoding"]) != b"binary/encrypted"
        ]
        assert kept
        # The server's own word for an activity that was canceled before anybody had it.
        assert set(plain) <= {b'"ACTIVITY_ID_NOT_STARTED"'}, name
        assert set(failure_texts_in(exported)) <= {"Encoded failure", ""}, name
        for part in (*parts, *(base64.b64decode(item["data"]) for item in kept)):
            assert not [word for word in words if word in part], name
    database = b"".join(path.read_bytes() for path in (stack.folder / "temporal").rglob("*") if path.is_file())
    assert not [word for word in words if word in database]


def payloads_in(node: object) -> Iterator[dict[str, Any]]:
    """Yields every payload of an exported history; Temporal's own search attributes and headers of it are none."""
    if isinstance(node, dict):
        if "metadata" in node and "data" in node:
            yield node
        for name, child in node.items():
            if name not in {"searchAttributes", "indexedFields"}:
                yield from payloads_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from payloads_in(child)


def failure_texts_in(node: object) -> Iterator[str]:
    """Yields messages and stack traces of failures."""
    if isinstance(node, dict):
        if "source" in node and "message" in node:
            yield from (node["message"], node.get("stackTrace", ""))
        for child in node.values():
            yield from failure_texts_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from failure_texts_in(child)


@pytest.mark.parametrize("keys", [NO_KEYS, PayloadKeys({"k1": SecretBytes(bytes(32))})], ids=["no key", "wrong key"])
async def test_a_client_with_another_key_is_told_so(stack: TestStack, tmp_path: Path, keys: PayloadKeys) -> None:
    request = request_for(await stack.upload(await make_clip("tiny_320x180p24", tmp_path)), "ten-times")
    handle = (await submit_title(stack.session.temporal, request)).handle
    await stack.finish(handle, "ten-times")
    stranger = await Client.connect(
        stack.state.temporal_address, namespace=NAMESPACE, data_converter=data_converter(keys)
    )
    with pytest.raises(PayloadUnreadable, match="KEY-016"):
        await stranger.get_workflow_handle(handle.id).result()


async def test_the_codec_endpoint_opens_payloads_for_whoever_knows_its_address(
    stack: TestStack, tmp_path: Path
) -> None:
    request = request_for(await stack.upload(await make_clip("tiny_320x180p24", tmp_path)), "ten-times")
    handle = (await submit_title(stack.session.temporal, request)).handle
    exported = json.loads((await stack.session.temporal.get_workflow_handle(handle.id).fetch_history()).to_json())
    sealed = {"payloads": exported["events"][0]["workflowExecutionStartedEventAttributes"]["input"]["payloads"]}
    command = [sys.executable, "-m", "client", "codec", "--state", str(stack.folder)]
    printed = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    address = printed.stdout.strip()
    page = {"Origin": stack.state.ui_url}
    async with httpx.AsyncClient(trust_env=False) as portal:
        answer = await portal.post(f"{address}/decode", json=sealed, headers=page)
        opened = b"".join(base64.b64decode(item["data"]) for item in answer.json()["payloads"])
        assert request.source.encode() in opened
        assert answer.headers["access-control-allow-origin"] == stack.state.ui_url
        again = await portal.post(f"{address}/encode", json=answer.json())
        assert again.json() != sealed  # another nonce
        assert (await portal.post(f"{address}/decode", json=again.json())).json() == answer.json()
        strange = await portal.post(f"{address}/decode", json=sealed, headers={"Origin": "https://example.org"})
        assert "access-control-allow-origin" not in strange.headers
        assert (await portal.post(f"{address[:-1]}x/decode", json=sealed)).status_code == 404
        assert (await portal.post(f"{address}/decode", content=b"{{")).status_code == 400
        changed = {"payloads": [{**item, "data": base64.b64encode(bytes(40)).decode()} for item in sealed["payloads"]]}
        refused = await portal.post(f"{address}/decode", json=changed)
        assert refused.status_code == 422
        assert "KEY-016" in refused.text
