"""The preview over real HTTP and a real store: who may read, who gets a license."""

import asyncio
import base64
import hashlib
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from domain.release import KeyReference, ReleaseManifest
from domain.tracks import KeyLabel
from portal.errors import FolderProtected, NotAPresentation, ReleaseKeysUnknown
from portal.preview.app import Preview, create_preview
from portal.preview.facts import shown_rungs
from portal.preview.license_keys import open_license_keys
from portal.preview.shelves import Shelf, folder_shelf, release_shelf
from protection.errors import UnsafeKeyFile, WrongKey
from protection.key_file import load_or_create_key
from protection.key_set import KeySet
from protection.leak_scan import LeakScanner
from protection.local_keys import LocalKeyProvider
from storage.object_store import ObjectStore
from storage.publisher import publish_release
from storage.release_keys import keep_key_set
from storage.release_reader import read_release
from storage.results import ResultStore
from storage.sealed_records import SealedRecordStore
from tests.storage.releases import draft_of

pytestmark = pytest.mark.slow
LABELS: tuple[KeyLabel, ...] = ("SD", "AUDIO")
SEGMENT = bytes(range(256)) * 40
MPD = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>
<AdaptationSet mimeType="video/mp4">
<Representation id="small" codecs="avc1.64001f" width="640" height="360" bandwidth="900000"/>
<Representation id="tiny" codecs="avc1.64001f" width="320" height="180" bandwidth="300000"/></AdaptationSet>
<AdaptationSet mimeType="video/mp4"><EssentialProperty schemeIdUri="http://dashif.org/guidelines/trickmode" value="1"/>
<Representation id="trick_tiny" codecs="avc1.64001f" width="320" height="180" bandwidth="9000"/></AdaptationSet>
<AdaptationSet mimeType="audio/mp4"><Representation id="sound" codecs="mp4a.40.2" bandwidth="96000"/></AdaptationSet>
</Period></MPD>"""


@dataclass(frozen=True)
class Shown:
    """A published release behind a running preview."""

    preview: Preview
    release: ReleaseManifest
    keys: KeySet

    def ask(self, path: str, body: object = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Asks as the page would; a header of ``None``-like text ``-`` is left out."""
        ours = {"X-Pertitle-Token": self.preview.token, "Origin": self.preview.origin}
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        sent = {name: text for name, text in {**ours, **given}.items() if text != "-"}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(self.preview.origin + path, data=content, headers=sent)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
                return answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), dict(error.headers)

    def license_for(self, *kids: str, **headers: str) -> tuple[int, Any]:
        """Asks for a license and returns status and answer."""
        status, content, _ = self.ask("/license", {"kids": [base64url(bytes.fromhex(kid)) for kid in kids]}, **headers)
        return status, json.loads(content)


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secrets") / "kek"
    load_or_create_key(path)
    return path


@pytest.fixture(scope="module")
def key_set(store: ObjectStore, key_file: Path) -> KeySet:
    name = hashlib.sha256(str(key_file).encode()).hexdigest()
    return LocalKeyProvider(SealedRecordStore(store), key_file).open_or_create_key_set(name, "cbcs")


@pytest.fixture(scope="module")
def release(store: ObjectStore, key_set: KeySet) -> ReleaseManifest:
    """A release whose key set is noted, as the pipeline does it."""
    draft = draft_of("preview-film", {"manifest.mpd": MPD.encode(), "small/00001.m4s": SEGMENT,
                                      "multivariant.m3u8": b"#EXTM3U\n"}, store)  # fmt: skip
    keys = tuple(KeyReference(label=label, kid=key_set.kid_for(label)) for label in LABELS)
    presentation = draft.presentation.model_copy(update={"keys": keys, "key_set": key_set.name})
    published = publish_release(store, draft.model_copy(update={"presentation": presentation}), on_step=lambda _: None)
    keep_key_set(ResultStore(store), published, key_set.name)
    return read_release(store, published)


@pytest.fixture(scope="module")
def shown(
    store: ObjectStore,
    release: ReleaseManifest,
    key_set: KeySet,
    key_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("preview")
    player = folder / "player.js"
    player.write_text("// the player\n")
    shelf = release_shelf(store, release, key_file=key_file, folder=folder, result=None)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        preview = Preview(shelf.facts, shelf.files, shelf.keys, player, port=listener.getsockname()[1])
        server = uvicorn.Server(uvicorn.Config(create_preview(preview), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        try:
            yield Shown(preview, release, key_set)
        finally:
            server.should_exit = True
            thread.join()


def test_a_license_has_the_wanted_keys_and_no_others(shown: Shown) -> None:
    kid = shown.keys.kid_for("SD")
    status, answer = shown.license_for(kid, "00" * 16, shown.keys.kid_for("UHD1"))
    assert status == 200
    key = base64url(shown.keys.key_for("SD").reveal())
    assert answer == {"keys": [{"kty": "oct", "kid": base64url(bytes.fromhex(kid)), "k": key}], "type": "temporary"}


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Pertitle_Token": "-"},
        {"X_Pertitle_Token": "guessed"},
        {"Origin": "-"},
        {"Origin": "http://attacker.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
    ids=str,
)
def test_a_license_is_refused_to_others(shown: Shown, headers: dict[str, str]) -> None:
    status, answer = shown.license_for(shown.keys.kid_for("SD"), **headers)
    assert status == 403
    assert "keys" not in answer


@pytest.mark.parametrize("host", ["attacker.example", "localhost:1", "127.0.0.1"])
@pytest.mark.parametrize("path", ["/", "/facts", "/license"])
def test_another_host_name_is_refused(shown: Shown, host: str, path: str) -> None:
    assert shown.ask(path, Host=host)[0] == 400


@pytest.mark.parametrize("path", ["/facts", "/presentation/manifest.mpd", "/presentation/small/00001.m4s"])
def test_nothing_of_the_title_is_told_without_the_token(shown: Shown, path: str) -> None:
    assert shown.ask(path)[0] == 200
    assert shown.ask(path, X_Pertitle_Token="-")[0] == 403


def test_files_are_served_with_ranges_and_only_those_of_the_release(shown: Shown) -> None:
    status, content, headers = shown.ask("/presentation/small/00001.m4s", Range="bytes=256-511")
    assert (status, content) == (206, SEGMENT[256:512])
    assert headers["content-type"] == "video/iso.segment"
    for path in ("release.json", "..%2f..%2fcurrent.json", "small", "small/00002.m4s", "%2fetc%2fpasswd"):
        assert shown.ask(f"/presentation/{path}")[0] == 404


def test_no_answer_but_the_license_holds_a_key_or_the_token(shown: Shown) -> None:
    pages = ("/", "/page.css", "/page.js", "/player.js", "/facts", "/presentation/manifest.mpd")
    scanner = LeakScanner(shown.keys.secrets())
    for path in pages:
        status, content, headers = shown.ask(path)
        assert status == 200
        assert scanner.scan_bytes(content) == ()
        assert shown.preview.token.encode() not in content
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
    assert shown.preview.token not in repr(shown.preview)


def test_the_facts_name_the_rungs_in_rising_rate_without_fast_play(shown: Shown) -> None:
    facts = json.loads(shown.ask("/facts")[1])
    assert [rung["name"] for rung in facts["rungs"]] == ["tiny", "small"]
    assert set(facts["kids"]) == {shown.keys.kid_for(label) for label in LABELS}
    assert facts["scheme"] == "cbcs"


def test_without_the_key_file_there_is_no_license(store: ObjectStore, release: ReleaseManifest, tmp_path: Path) -> None:
    with pytest.raises(UnsafeKeyFile, match="KEY-001"):
        open_license_keys(store, release, None)
    with pytest.raises(UnsafeKeyFile, match="KEY-001"):
        open_license_keys(store, release, tmp_path / "kek")
    assert not (tmp_path / "kek").exists()
    load_or_create_key(tmp_path / "other")
    with pytest.raises(WrongKey, match="KEY-002"):
        open_license_keys(store, release, tmp_path / "other")


def test_a_release_of_another_key_store_is_named(store: ObjectStore, release: ReleaseManifest, key_file: Path) -> None:
    foreign = release.model_copy(update={"release_id": "r" + "0" * 20})
    with pytest.raises(ReleaseKeysUnknown, match="PLAY-001"):
        open_license_keys(store, foreign, key_file)
    renamed = release.model_copy(update={"keys": (KeyReference(label="SD", kid="ab" * 16),)})
    with pytest.raises(ReleaseKeysUnknown, match="other keys"):
        open_license_keys(store, renamed, key_file)


def test_a_folder_is_shown_in_the_clear_only_and_nothing_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "film"
    with pytest.raises(NotAPresentation, match="PLAY-003"):
        folder_shelf(folder)
    folder.mkdir()
    (folder / "manifest.mpd").write_text(MPD, "utf-8")
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / ".hidden").write_text("secret")
    shelf: Shelf = folder_shelf(folder)
    assert shelf.facts.heading == "film"
    assert shelf.files.find("manifest.mpd") is not None
    assert [shelf.files.find(path) for path in ("../secret", "link", ".hidden", "", "absent")] == [None] * 5
    (folder / "manifest.mpd").write_text(MPD.replace("<Representation", "<ContentProtection/><Representation", 1))
    with pytest.raises(FolderProtected, match="PLAY-002"):
        folder_shelf(folder)


def test_rungs_without_a_result_have_the_peak_rate_alone() -> None:
    assert [(rung.peak_bitrate_bps, rung.bitrate_bps, rung.vmaf) for rung in shown_rungs(MPD, None)] == [
        (300_000, None, None),
        (900_000, None, None),
    ]
