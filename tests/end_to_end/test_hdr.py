"""HDR titles on a running stack: kept as they are, and with SDR rungs beside their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from client.fetching import read_result
from client.titles import submit_title
from domain.files import StoredFile
from domain.recipe import Recipe
from domain.request import TitleRequest
from domain.result import TitleResult
from sample_media import faults
from storage.release_reader import read_release
from tests.support.sdr_rungs import (
    fetch_release,
    reference_luma,
    require_sdr_is_said,
    require_sdr_manifests,
    require_sdr_pictures,
)
from tests.support.stacks import RECIPE, TestStack, running_stack

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestStack]:
    """One stack for both titles: the second finds the HDR encodes of the first."""
    async with running_stack(tmp_path_factory.mktemp("hdr") / "state") as running:
        yield running


async def test_an_hdr10_title_is_published_as_such_without_h264(stack: TestStack, tmp_path: Path) -> None:
    clip = await faults.make_hdr10(tmp_path)
    codecs = [{"codec": "h264"}, {"codec": "hevc", "preset": "ultrafast"}]
    recipe = Recipe.model_validate({**RECIPE, "codecs": codecs})
    request = TitleRequest(title_id="hdr10", source=await stack.upload(clip), recipe=recipe)
    handle = (await submit_title(stack.session.temporal, request)).handle
    receipt = await stack.finish(handle, "hdr10")
    store = stack.session.store
    result = TitleResult.model_validate_json(store.read_bytes(receipt.result))
    assert [ladder.codec.value for ladder in result.ladders] == ["hevc"]
    assert any("not calibrated" in note for note in result.notes)
    release = read_release(store, receipt.release)
    (listed,) = (item for item in release.objects if item.path == release.hls)
    uri = f"{receipt.release.release_uri}/{listed.path}"
    playlist = store.read_bytes(StoredFile(uri=uri, sha256=listed.sha256, size_bytes=listed.size_bytes)).decode()
    assert "VIDEO-RANGE=PQ" in playlist
    assert "VIDEO-RANGE=SDR" not in playlist


async def test_an_hdr10_title_has_sdr_rungs_beside_its_own_if_it_asks(stack: TestStack, tmp_path: Path) -> None:
    store, clip = stack.session.store, await faults.make_hdr10(tmp_path)
    codecs = [{"codec": "h264", "preset": "veryfast"}, {"codec": "hevc", "preset": "ultrafast"}]
    asked = {"hdr": {"sdr_rungs": True}, "packaging": {"scheme": "clear", "storage": "file"}}
    recipe = Recipe.model_validate({**RECIPE, "codecs": codecs, **asked})
    request = TitleRequest(title_id="hdr10-sdr", source=await stack.upload(clip), recipe=recipe)
    receipt = await stack.finish((await submit_title(stack.session.temporal, request)).handle, "hdr10-sdr")
    result = read_result(store, receipt)
    named = {ladder.name: [rung.name for rung in ladder.rungs] for ladder in result.ladders}
    assert list(named) == ["hevc", "sdr-h264", "sdr-hevc"]
    release = fetch_release(store, receipt, tmp_path / "release")
    require_sdr_is_said(result, release, store.read_bytes(receipt.report).decode())
    require_sdr_manifests(tmp_path / "release", [*named["sdr-h264"], *named["sdr-hevc"]], named["hevc"])
    reference = reference_luma(store, tmp_path)
    assert 40 < min(reference) <= max(reference) < 200
    for ladder in result.ladders[1:]:
        require_sdr_pictures(tmp_path / "release", ladder, reference)
    assert result.cpu_s.tone_mapping > 0
