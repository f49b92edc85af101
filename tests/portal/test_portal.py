"""The portal as the local stack starts it, over the real S3 server."""

import hashlib
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.local_stack.control import start_stack, stop_stack
from client.local_stack.credentials import read_access_keys
from client.local_stack.state import StackState
from client.session import buckets_of
from portal.app import LatestReport, report_pointer
from storage.connection import StoreConnection, connect
from storage.object_store import ObjectStore
from workers.settings import load_settings

pytestmark = pytest.mark.slow
PAGE = b"<!doctype html><title>film</title>"


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StackState]:
    folder = tmp_path_factory.mktemp("portal")
    yield await start_stack(folder, parts=("s3", "portal"))
    await stop_stack(folder)


@pytest.fixture(scope="module")
def store(stack: StackState) -> ObjectStore:
    settings = load_settings(stack.environment())
    access_key, secret_key = read_access_keys(stack.credentials_file)
    connection = StoreConnection.model_validate(
        {"endpoint_url": stack.s3_endpoint_url, "access_key_id": access_key, "secret_access_key": secret_key}
    )
    return ObjectStore(connect(connection), buckets_of(settings))


def _get(url: str, host: str | None = None) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310 - loopback
            return response.status, response.read(), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def test_the_newest_report_of_a_title_is_shown(stack: StackState, store: ObjectStore) -> None:
    pointer = LatestReport(report=store.put_bytes(PAGE))
    store.put_if_absent(report_pointer(store, "film"), pointer.model_dump_json().encode())
    status, body, headers = _get(f"{stack.portal_url}/titles/film/report")
    assert (status, body) == (200, PAGE)
    assert headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in headers["content-security-policy"]


def test_a_damaged_report_is_not_shown(stack: StackState, store: ObjectStore) -> None:
    stored = store.put_bytes(b"another page")
    wrong = stored.model_copy(update={"sha256": hashlib.sha256(b"not that page").hexdigest()})
    store.put_if_absent(report_pointer(store, "damaged"), LatestReport(report=wrong).model_dump_json().encode())
    status, body, _ = _get(f"{stack.portal_url}/titles/damaged/report")
    assert status == 503
    assert b"another page" not in body


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/titles/never-made/report", 404),
        ("/titles/..%2Fx/report", 404),
        ("/titles/-x/report", 422),
        ("/titles/", 404),
        ("/titles", 404),
        ("/", 404),
        ("/docs", 404),
        ("/openapi.json", 404),
    ],
)
def test_nothing_else_is_served(stack: StackState, path: str, status: int) -> None:
    assert _get(stack.portal_url + path)[0] == status


def test_a_foreign_host_name_is_refused(stack: StackState) -> None:
    assert _get(f"{stack.portal_url}/healthz", host="attacker.example")[0] == 400
    assert _get(f"{stack.portal_url}/healthz")[1] == b"ok\n"


def test_the_portal_process_holds_no_secret_in_its_environment(stack: StackState) -> None:
    environment = Path(f"/proc/{stack.pids['portal']}/environ").read_text()
    assert not [secret for secret in read_access_keys(stack.credentials_file) if secret in environment]
