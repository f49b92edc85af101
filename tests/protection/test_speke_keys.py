"""The SPEKE key provider against a key server with TLS and authentication: right answers, and every wrong one."""

import base64
import http.server
import threading
import traceback
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from domain.drm import FAIRPLAY, PLAYREADY, WIDEVINE
from domain.tracks import KeyLabel
from protection.cpix import CPIX, PSKC, tag
from protection.cpix_delivery import load_delivery_key
from protection.encryption_contract import EncryptionContract
from protection.errors import (
    KeyAnswerInvalid,
    KeysChanged,
    KeyServiceFailed,
    KeyServiceForeign,
    KeyServiceRefused,
    KeysNotConfigured,
    ProtectionError,
    SchemeMismatch,
)
from protection.key_set import LABELS, KeySet
from protection.leak_scan import LeakScanner
from protection.speke_auth import SigV4, basic_auth, digest_auth
from protection.speke_client import LARGEST_ANSWER_BYTES, SpekeClient, SpekeEndpoint
from protection.speke_keys import SpekeKeyProvider
from tests.support.authority import Authority
from tests.support.key_server import PASSWORD, USER, KeyServer, running_key_server
from tests.support.records import RecordsInMemory

NAME = "title-0123456789"
VIDEO_4 = EncryptionContract("VIDEO-4", "AUDIO-1")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def server(tmp_path: Path, authority: Authority) -> Iterator[KeyServer]:
    with running_key_server(tmp_path, authority) as running:
        yield running


def written(path: Path, text: str = f"{USER}:{PASSWORD}\n") -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def client(server: KeyServer, folder: Path, auth: httpx.Auth | None = None, **endpoint: Any) -> SpekeClient:
    place = SpekeEndpoint(**{"url": server.url, "ca_file": server.ca_file, **endpoint})
    return SpekeClient(place, auth or basic_auth(written(folder / "credentials")), pause=lambda _: None)


def ask(server: KeyServer, folder: Path, labels: tuple[KeyLabel, ...] = LABELS, **provider: Any) -> KeySet:
    asking = SpekeKeyProvider(client(server, folder), RecordsInMemory(), VIDEO_4, **provider)
    return asking.open_or_create_key_set(NAME, "cbcs", labels)


def require_nothing_shown(error: BaseException, server: KeyServer) -> None:
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    kids = {element.get("kid", "") for text in server.requests for element in ET.fromstring(text).iter()} - {""}  # noqa: S314 - ours
    for kid in kids:
        key = server.key_of(NAME, kid)
        assert key.hex() not in shown
        assert base64.b64encode(key).decode() not in shown
    assert PASSWORD not in shown


def test_each_label_gets_the_key_server_s_key_and_every_system_its_signal(server: KeyServer, tmp_path: Path) -> None:
    keys = ask(server, tmp_path)
    assert keys.provider_name == "speke"
    assert len({keys.kid_for(label) for label in LABELS}) == len(LABELS)
    for label in LABELS:
        assert keys.key_for(label).reveal() == server.key_of(NAME, keys.kid_for(label))
        signals = {signal.system_id: signal for signal in keys.signals_for(label)}
        assert set(signals) == {WIDEVINE, PLAYREADY, FAIRPLAY}
        assert bytes.fromhex(keys.kid_for(label)) in base64.b64decode(signals[WIDEVINE].pssh)
        assert signals[PLAYREADY].content_protection.startswith("<cenc:pssh")
        assert signals[FAIRPLAY].hls_media.startswith('#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://')
        assert signals[FAIRPLAY].hls_multivariant.startswith("#EXT-X-SESSION-KEY:")
        assert signals[FAIRPLAY].pssh == ""


def test_a_retry_asks_for_the_same_keys_and_has_the_same_vectors(server: KeyServer, tmp_path: Path) -> None:
    first, second = ask(server, tmp_path), ask(server, tmp_path)
    assert first.references() == second.references()
    assert [first.key_for(label) for label in LABELS] == [second.key_for(label) for label in LABELS]
    assert first.iv_for("video") == second.iv_for("video")
    assert server.requests[0] == server.requests[1]


def test_the_record_tells_nothing_of_the_keys(server: KeyServer, tmp_path: Path) -> None:
    records = RecordsInMemory()
    keys = SpekeKeyProvider(client(server, tmp_path), records, VIDEO_4).open_or_create_key_set(NAME, "cbcs")
    (record,) = records.content.values()
    assert LeakScanner(keys.secrets()).scan_bytes(record) == ()
    assert keys.kid_for("SD").encode() in record


def test_only_the_keys_that_are_needed_are_asked_for(server: KeyServer, tmp_path: Path) -> None:
    keys = ask(server, tmp_path, ("SD", "AUDIO"))
    assert [item.label for item in keys.references()] == ["SD", "AUDIO"]
    assert server.requests[0].count(b"<cpix:ContentKey ") == 2


def test_cenc_asks_for_no_fairplay(server: KeyServer, tmp_path: Path) -> None:
    asking = SpekeKeyProvider(client(server, tmp_path), RecordsInMemory(), VIDEO_4)
    keys = asking.open_or_create_key_set(NAME, "cenc", ["SD"])
    assert {signal.system_id for signal in keys.signals} == {WIDEVINE, PLAYREADY}


def test_one_key_for_all_tracks_where_the_contract_says_so(server: KeyServer, tmp_path: Path) -> None:
    shared = SpekeKeyProvider(client(server, tmp_path), RecordsInMemory(), EncryptionContract("SHARED", "SHARED"))
    keys = shared.open_or_create_key_set(NAME, "cbcs")
    assert len({keys.kid_for(label) for label in LABELS}) == 1
    assert b'intendedTrackType="ALL"' in server.requests[0]


def test_digest_authentication_is_spoken(server: KeyServer, tmp_path: Path) -> None:
    server.auth = "digest"
    auth = digest_auth(written(tmp_path / "credentials"))
    asking = SpekeKeyProvider(client(server, tmp_path, auth), RecordsInMemory(), VIDEO_4)
    assert asking.open_or_create_key_set(NAME, "cbcs").key_for("SD")


def test_aws_signatures_cover_address_and_document(server: KeyServer, tmp_path: Path) -> None:
    server.auth = "sigv4"
    credentials = Credentials("AKIDEXAMPLE", "the secret access key")

    def check(request: http.server.BaseHTTPRequestHandler, body: bytes) -> bool:
        headers = {name: request.headers[name] for name in ("Content-Type", "Host", "X-Amz-Date")}
        again = AWSRequest(method="POST", url=f"https://{headers['Host']}{request.path}", data=body, headers=headers)
        again.context["timestamp"] = headers["X-Amz-Date"]
        signer = SigV4Auth(credentials, "execute-api", "eu-west-1")
        signature = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
        return bool(request.headers["Authorization"].endswith(f"Signature={signature}"))

    server.check_signature = check
    asking = SpekeKeyProvider(client(server, tmp_path, SigV4(credentials, "eu-west-1")), RecordsInMemory(), VIDEO_4)
    assert asking.open_or_create_key_set(NAME, "cbcs").key_for("SD")
    stranger = client(server, tmp_path, SigV4(Credentials("AKIDEXAMPLE", "another"), "eu-west-1"))
    with pytest.raises(KeyServiceRefused, match=r"KEY-010.*HTTP 401"):
        stranger.exchange(b"<a/>")


def test_wrong_credentials_are_refused_and_not_shown(server: KeyServer, tmp_path: Path) -> None:
    wrong = basic_auth(written(tmp_path / "wrong", f"{USER}:staple battery\n"))
    with pytest.raises(KeyServiceRefused, match=r"KEY-010.*HTTP 401.*check the credentials") as caught:
        client(server, tmp_path, wrong).exchange(b"<a/>")
    assert "staple" not in str(caught.value)
    assert server.requests == []


def test_a_server_under_a_foreign_authority_hears_nothing(server: KeyServer, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority().write_certificate(tmp_path / "other")
    with pytest.raises(KeyServiceForeign, match="KEY-011"):
        client(server, tmp_path, ca_file=stranger).exchange(b"<a/>")
    with pytest.raises(KeyServiceForeign, match="KEY-011"):
        client(server, tmp_path, ca_file=None).exchange(b"<a/>")
    assert server.requests == []


def test_a_certificate_for_another_host_is_refused(server: KeyServer, tmp_path: Path) -> None:
    with pytest.raises(KeyServiceForeign):
        client(server, tmp_path, url=server.url.replace("127.0.0.1", "localhost")).exchange(b"<a/>")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/speke", "https://user:word@127.0.0.1/", "https://127.0.0.1/?token=1", "ftp://x", ""]
)
def test_an_address_that_would_tell_secrets_is_refused(url: str) -> None:
    with pytest.raises(KeysNotConfigured, match="KEY-015") as caught:
        SpekeEndpoint(url)
    assert "word" not in str(caught.value)


def test_a_file_of_authorities_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeysNotConfigured, match="CA file"):
        SpekeClient(SpekeEndpoint("https://127.0.0.1/", tmp_path / "absent"), httpx.Auth())


def test_a_busy_server_is_asked_again(server: KeyServer, tmp_path: Path) -> None:
    server.status = [503, 429]
    assert ask(server, tmp_path).key_for("SD")
    assert len(server.requests) == 3
    server.status = [500, 500, 500]
    with pytest.raises(KeyServiceFailed, match=r"KEY-009.*HTTP 500") as caught:
        ask(server, tmp_path)
    assert caught.value.retryable


def test_a_server_that_does_not_answer_in_time_fails_the_step_for_now(server: KeyServer, tmp_path: Path) -> None:
    server.hang = threading.Event()
    with pytest.raises(KeyServiceFailed, match="no answer in time"):
        client(server, tmp_path, timeout_s=0.2).exchange(b"<a/>")


def test_a_server_that_is_not_there_fails_the_step_for_now(tmp_path: Path, authority: Authority) -> None:
    with running_key_server(tmp_path, authority) as server:
        gone = client(server, tmp_path)
    with pytest.raises(KeyServiceFailed, match="KEY-009"):
        gone.exchange(b"<a/>")


def test_a_refusal_is_told_in_the_server_s_words(server: KeyServer, tmp_path: Path) -> None:
    server.status = [422]
    with pytest.raises(KeyServiceRefused, match="Unsupported SPEKE version"):
        ask(server, tmp_path)


def test_an_answer_of_another_speke_version_is_refused(server: KeyServer, tmp_path: Path) -> None:
    server.version = "1.0"
    with pytest.raises(KeyAnswerInvalid, match="X-Speke-Version"):
        ask(server, tmp_path)


def _first(root: ET.Element, name: str) -> ET.Element:
    return next(root.iter(tag(CPIX, name)))


def _drop(name: str) -> Callable[[ET.Element], None]:
    def spoil(root: ET.Element) -> None:
        holder = _first(root, f"{name}List")
        holder.remove(holder[0])

    return spoil


def _set(name: str, attribute: str, text: str) -> Callable[[ET.Element], None]:
    return lambda root: _first(root, name).set(attribute, text)


def _write(name: str, text: str) -> Callable[[ET.Element], None]:
    def spoil(root: ET.Element) -> None:
        _first(root, name).text = text

    return spoil


def _plain(key: bytes) -> Callable[[ET.Element], None]:
    def spoil(root: ET.Element) -> None:
        next(root.iter(tag(PSKC, "PlainValue"))).text = base64.b64encode(key).decode()

    return spoil


def _add_key(root: ET.Element) -> None:
    facts = {"kid": "00000000-0000-8000-8000-000000000000", "commonEncryptionScheme": "cbcs"}
    ET.SubElement(_first(root, "ContentKeyList"), tag(CPIX, "ContentKey"), facts)


def _double_key(root: ET.Element) -> None:
    keys = _first(root, "ContentKeyList")
    keys.append(keys[0])


def _add_filter(root: ET.Element) -> None:
    ET.SubElement(_first(root, "ContentKeyUsageRule"), tag(CPIX, "VideoFilter"))


OTHER_KID = "11111111-2222-8333-8444-555555555555"
XXE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><CPIX>&x;</CPIX>'
BOMB = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]><CPIX>&c;</CPIX>'


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (_drop("ContentKey"), "no key for KID"),
        (_add_key, "not asked for"),
        (_double_key, "one KID twice"),
        (_set("ContentKey", "kid", OTHER_KID), "no key for KID"),
        (_set("ContentKey", "kid", "no uuid"), "kid is no UUID"),
        (_set("ContentKey", "commonEncryptionScheme", "cenc"), "another encryption scheme"),
        (_plain(bytes(15)), "a key of 15 bytes"),
        (_plain(bytes(32)), "a key of 32 bytes"),
        (_plain(b""), "is missing"),
        (lambda root: next(root.iter(tag(PSKC, "Secret"))).clear(), "is missing"),
        (_set("CPIX", "contentId", "another"), "another content id"),
        (_set("CPIX", "version", "2.4"), "version 2.3"),
        (_drop("ContentKeyUsageRule"), "another encryption contract"),
        (_set("ContentKeyUsageRule", "intendedTrackType", "VIDEO"), "another encryption contract"),
        (_set("ContentKeyUsageRule", "kid", OTHER_KID), "another encryption contract"),
        (_set("VideoFilter", "maxPixels", "1"), "another encryption contract"),
        (_add_filter, "another encryption contract"),
        (_drop("DRMSystem"), "other license systems"),
        (_write("PSSH", ""), "PSSH of widevine.*missing"),
        (_write("PSSH", base64.b64encode(bytes(40)).decode()), "no such box"),
        (_write("HLSSignalingData", base64.b64encode(b"#EXT-X-KEY:A\n#EXTINF:9").decode()), "HLS signaling"),
        (_write("HLSSignalingData", "%%%"), "no base64"),
        (_write("ContentProtectionData", base64.b64encode(b"<a>").decode()), "not well-formed"),
        (_write("ContentProtectionData", base64.b64encode(XXE[:60]).decode()), "not well-formed|document type"),
        (lambda _: b"<CPIX", "not well-formed"),
        (lambda _: b"", "not well-formed"),
        (lambda _: XXE, "document type"),
        (lambda _: BOMB, "document type"),
        (lambda _: b"<a>" + b" " * LARGEST_ANSWER_BYTES + b"</a>", "more than 1048576 bytes"),
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_refused(
    server: KeyServer, tmp_path: Path, spoil: Any, found: str
) -> None:
    server.spoil = spoil
    with pytest.raises(KeyAnswerInvalid, match=f"KEY-012.*({found})") as caught:
        ask(server, tmp_path)
    require_nothing_shown(caught.value, server)


def test_other_keys_than_the_first_time_are_refused(server: KeyServer, tmp_path: Path) -> None:
    asking = SpekeKeyProvider(client(server, tmp_path), RecordsInMemory(), VIDEO_4)
    asking.open_or_create_key_set(NAME, "cbcs")
    server.secret = b"another"
    with pytest.raises(KeysChanged, match="KEY-014"):
        asking.open_or_create_key_set(NAME, "cbcs")


def test_a_key_set_of_the_other_scheme_is_refused_before_anybody_is_asked(server: KeyServer, tmp_path: Path) -> None:
    asking = SpekeKeyProvider(client(server, tmp_path), RecordsInMemory(), VIDEO_4)
    asking.open_or_create_key_set(NAME, "cbcs")
    with pytest.raises(SchemeMismatch, match="KEY-005"):
        asking.open_or_create_key_set(NAME, "cenc")
    assert len(server.requests) == 1


def test_keys_come_encrypted_for_our_certificate(server: KeyServer, tmp_path: Path, authority: Authority) -> None:
    delivery_key = load_delivery_key(authority.write_encryptor_identity(tmp_path))
    bodies: list[bytes] = []
    server.spoil = lambda root: bodies.append(ET.tostring(root))
    keys = ask(server, tmp_path, delivery_key=delivery_key)
    for label in LABELS:
        assert keys.key_for(label).reveal() == server.key_of(NAME, keys.kid_for(label))
    # The seed is ours and never traveled; the keys were in the answer, but not to be read.
    assert LeakScanner(keys.secrets()).scan_bytes(bodies[0]) == ()


def _downgrade(root: ET.Element) -> None:
    root.remove(_first(root, "DeliveryDataList"))


def _flip(path: str) -> Callable[[ET.Element], None]:
    def spoil(root: ET.Element) -> None:
        element = root.findall(f".//{path}")[-1]
        content = bytearray(base64.b64decode(element.text or ""))
        content[-1] ^= 1
        element.text = base64.b64encode(content).decode()

    return spoil


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (_downgrade, "not encrypted, though we sent"),
        (_flip(tag(PSKC, "ValueMAC")), "wrong MAC"),
        (_flip("{http://www.w3.org/2001/04/xmlenc#}CipherValue"), "wrong MAC"),
        (_set("DocumentKey", "Algorithm", "none"), "other algorithms"),
    ],
)
def test_badly_encrypted_keys_are_refused(
    server: KeyServer, tmp_path: Path, authority: Authority, spoil: Any, found: str
) -> None:
    server.spoil = spoil
    delivery_key = load_delivery_key(authority.write_encryptor_identity(tmp_path))
    with pytest.raises(KeyAnswerInvalid, match=found):
        ask(server, tmp_path, delivery_key=delivery_key)


def test_a_short_or_foreign_delivery_key_is_refused(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(KeysNotConfigured, match="2048 bits"):
        load_delivery_key(authority.write_encryptor_identity(tmp_path, bits=1024))
    with pytest.raises(KeysNotConfigured, match="no certificate"):
        load_delivery_key(written(tmp_path / "nothing"))


def test_credentials_that_others_can_read_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "open")
    path.chmod(0o644)
    with pytest.raises(ProtectionError, match="KEY-001"):
        basic_auth(path)
    with pytest.raises(KeysNotConfigured, match="user:password"):
        basic_auth(written(tmp_path / "empty", "nobody\n"))
