"""Requests on a running stack: ten at once, again after success, bad sources; and what is left behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from client.errors import TitleCanceled, TitleFailed
from client.titles import submit_title
from domain.recipe import PackagingRecipe, Recipe
from domain.request import TitleRequest
from domain.result import TitleResult
from sample_media import faults
from sample_media.clips import make_clip
from storage.release_reader import read_current, read_release
from tests.faults.conftest import RECIPE
from tests.support.stacks import TestStack, children_of, running_stack, wait_for

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestStack]:
    """One stack for all requests of this file."""
    async with running_stack(tmp_path_factory.mktemp("requests") / "state") as running:
        yield running


def request_for(source: str, title_id: str) -> TitleRequest:
    return TitleRequest(title_id=title_id, source=source, recipe=Recipe.model_validate(RECIPE))


def nothing_is_left(stack: TestStack) -> bool:
    scratch = [path for path in (stack.folder / "scratch").rglob("*") if path.is_file()]
    tools = [pid for part in ("io", "encode-cpu", "measure") for pid in children_of(stack.pid_of(part))]
    return not scratch and not tools and not stack.session.store.list_open_uploads()


async def test_the_same_submit_ten_times_at_once_is_one_run_and_later_none(stack: TestStack, tmp_path: Path) -> None:
    clip = await make_clip("tiny_320x180p24", tmp_path)
    request = request_for(await stack.upload(clip), "ten-times")
    submissions = await asyncio.gather(*(submit_title(stack.session.temporal, request) for _ in range(10)))
    runs = {(await submission.handle.describe()).run_id for submission in submissions}
    assert len(runs) == 1
    receipts = [await stack.finish(submission.handle, "ten-times") for submission in submissions]
    assert len({receipt.release.release_id for receipt in receipts}) == 1

    later = await submit_title(stack.session.temporal, request)
    assert not later.is_new
    assert (await later.handle.describe()).run_id in runs
    assert nothing_is_left(stack)


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


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("empty", "CNT-002"),
        ("text", "CNT-002"),
        ("no-moov", "CNT-002"),
        ("cut-mdat", "CNT-003"),
        ("audio-only", "VID-001"),
        ("interlaced", "VID-002"),
        ("variable-rate", "VID-003"),
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
        "interlaced": lambda: faults.make_interlaced(folder, is_flagged=True),
        "variable-rate": lambda: faults.make_variable_rate(folder),
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
