"""What leaves packaging: names and KIDs of keys, and no key."""

from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.delivery import described_presentation, scanned_tree
from activities.heartbeats import Pulse
from activities.sources import title_key
from domain.checks import CheckReport
from domain.files import StoredFile
from domain.recipe import PackagingRecipe, Recipe
from domain.release import PresentationFile
from domain.request import TitleRequest
from media.packaging.package import PackagedTree
from protection.errors import KeyLeak
from protection.key_set import LABELS, KeySet
from protection.leak_scan import LeakScanner
from protection.local_keys import LocalKeyProvider
from tests.support.records import RecordsInMemory

NAME = "title-0123456789"
TREE = PackagedTree(
    files=(), dash="manifest.mpd", hls="multivariant.m3u8", decrypted_md5={}, checks=CheckReport(rules=()), cpu_s=1.0
)
SOURCE = StoredFile(uri="s3://incoming/a.mov", sha256="a" * 64, size_bytes=1)


@pytest.fixture
def keys(tmp_path: Path) -> KeySet:
    return LocalKeyProvider(RecordsInMemory(), tmp_path / "kek").open_or_create_key_set(NAME, "cbcs")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "presentation" / "video").mkdir(parents=True)
    (tmp_path / "presentation" / "video" / "00001.m4s").write_bytes(bytes(1000))
    return tmp_path / "presentation"


async def scan(folder: Path, keys: KeySet | None) -> PackagedTree:
    async def scanning() -> PackagedTree:
        pulse = Pulse("package")
        return await pulse.run(scanned_tree, TREE, folder, keys, pulse)

    return await ActivityEnvironment().run(scanning)


async def test_a_clean_presentation_passes_and_the_scan_is_paid_for(folder: Path, keys: KeySet) -> None:
    assert (await scan(folder, keys)).cpu_s > TREE.cpu_s
    assert await scan(folder, None) is TREE


@pytest.mark.parametrize("name", ["video/00002.m4s", "manifest.mpd"])
async def test_a_presentation_with_a_key_in_it_is_refused_and_the_key_not_repeated(
    folder: Path, keys: KeySet, name: str
) -> None:
    (folder / name).write_bytes(b"<ContentProtection>" + keys.key_for("HD").reveal_hex().encode())
    with pytest.raises(KeyLeak, match=rf"KEY-007.*{name}") as caught:
        await scan(folder, keys)
    assert LeakScanner(keys.secrets()).scan_bytes(str(caught.value).encode()) == ()


def test_the_presentation_names_provider_and_kids_and_nothing_else_of_the_keys(keys: KeySet) -> None:
    class Plan:
        scheme, keys = "cbcs", ()

    file = PresentationFile(path="manifest.mpd", file=SOURCE, content_type="application/dash+xml")
    document = described_presentation(TREE, (file,), Plan(), keys)  # type: ignore[arg-type] # all that is read of it
    assert (document.key_provider, document.key_set) == ("local", NAME)
    assert LeakScanner(keys.secrets()).scan_bytes(document.model_dump_json().encode()) == ()


def test_two_generations_share_no_key_no_kid_and_no_vector(tmp_path: Path) -> None:
    """The generation is part of the recipe, hence of the title key, hence of the key set's name."""
    provider = LocalKeyProvider(RecordsInMemory(), tmp_path / "kek")

    def generation(number: int) -> KeySet:
        recipe = Recipe(packaging=PackagingRecipe(key_generation=number))
        request = TitleRequest(title_id="film", source=SOURCE.uri, recipe=recipe)
        return provider.open_or_create_key_set(title_key(request, SOURCE, "b" * 64), "cbcs")

    first, again, second = generation(1), generation(1), generation(2)
    assert first.secrets() == again.secrets()
    for facts in (_keys, _kids, _vectors):
        assert not facts(first) & facts(second)


def _keys(keys: KeySet) -> set[bytes]:
    return {secret.reveal() for secret in keys.secrets()}


def _kids(keys: KeySet) -> set[str]:
    return {item.kid for item in keys.references()}


def _vectors(keys: KeySet) -> set[bytes]:
    return {keys.iv_for(name) for name in (*LABELS, "video_h264_720p")}
