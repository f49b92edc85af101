"""The policies of ``infra/policies``: what each identity may do and may not, judged by a real S3 server.

The server evaluates the very documents that are given to AWS: allow, explicit deny, prefixes. What it cannot prove:
AWS's own condition keys, KMS permissions, and roles that are assumed.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from pydantic import SecretStr

from client.local_stack.identities import IDENTITIES, IDENTITY_OF_ROLE, POLICIES, policy_text
from storage.connection import connect
from storage.object_store import ObjectStore
from tests.support.s3_server import RunningS3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.slow
WORK, INCOMING, RELEASES, KEYS = (f"pertitle-{name}" for name in ("work", "incoming", "releases", "keys"))
SOURCE, RESULT, SEGMENT = f"{INCOMING}/sources/a/film.mov", f"{WORK}/results/a", f"{RELEASES}/titles/film/a.m4s"
ORPHAN = f"{WORK}/objects/a"
RECORD, SPEKE_RECORD = f"{KEYS}/key-sets/title.json", f"{KEYS}/speke-key-sets/title.json"

ALLOWED = {
    "studio": [("put", SOURCE), ("get", SOURCE), ("abort", SOURCE), ("list", INCOMING)],
    "encoder": [*((action, place) for action in ("put", "get", "abort") for place in (RESULT, ORPHAN)), ("list", WORK)],
    "keeper": [
        *(("put", RESULT), ("get", RESULT), ("abort", RESULT)),
        *(("get", ORPHAN), ("put", ORPHAN), ("delete", ORPHAN), ("abort", ORPHAN)),
        *(("abort", SOURCE), ("abort", f"{INCOMING}/elsewhere"), ("abort", SEGMENT)),
        *(("list", bucket) for bucket in (WORK, INCOMING, RELEASES, KEYS)),
    ],
    "publisher": [
        *(("get", SOURCE), ("get", f"{INCOMING}/elsewhere"), ("list", INCOMING)),
        *((action, place) for action in ("put", "get", "abort") for place in (RESULT, ORPHAN)),
        ("list", WORK),
        *(("put", SEGMENT), ("get", SEGMENT), ("abort", SEGMENT), ("list", RELEASES)),
        *(("put", RECORD), ("get", RECORD), ("put", SPEKE_RECORD), ("get", SPEKE_RECORD), ("list", KEYS)),
    ],
    "reader": [("get", SEGMENT)],
}
ELSEWHERE = tuple(f"{bucket}/elsewhere" for bucket in (INCOMING, RELEASES, KEYS))
PLACES = (SOURCE, RESULT, ORPHAN, SEGMENT, RECORD, SPEKE_RECORD, *ELSEWHERE)
CASES = [
    *((action, place) for place in PLACES for action in ("get", "put", "delete")),
    # This server lets whoever may put also abort; AWS asks for a right of its own, which key records do not have.
    *(("abort", place) for place in PLACES if not place.startswith(KEYS)),
    *((action, bucket) for bucket in (WORK, INCOMING, RELEASES, KEYS) for action in ("list", "remove")),
    ("make", "pertitle-another"),
]


@pytest.fixture
def ready(store: ObjectStore) -> ObjectStore:
    """The store with an object at each place."""
    for place in PLACES:
        bucket, _, key = place.partition("/")
        store._client.put_object(Bucket=bucket, Key=key, Body=b"there")
    return store


def client_of(server: RunningS3Server, identity: str) -> "S3Client":
    return connect(
        server.connection.model_copy(
            update={"access_key_id": identity, "secret_access_key": SecretStr(f"{identity}-secret")}
        )
    )


def attempt(client: "S3Client", admin: "S3Client", action: str, place: str) -> None:
    bucket, _, key = place.partition("/")
    calls: dict[str, Callable[[], Any]] = {
        "get": lambda: client.get_object(Bucket=bucket, Key=key),
        "put": lambda: client.put_object(Bucket=bucket, Key=key, Body=b"new"),
        "delete": lambda: client.delete_object(Bucket=bucket, Key=key),
        "list": lambda: client.list_objects_v2(Bucket=bucket),
        "make": lambda: client.create_bucket(Bucket=bucket),
        "remove": lambda: client.delete_bucket(Bucket=bucket),
    }
    if action == "abort":
        upload = admin.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        try:
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        except ClientError:
            admin.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
            raise
    else:
        calls[action]()


def answer(client: "S3Client", admin: "S3Client", action: str, place: str) -> str:
    try:
        attempt(client, admin, action, place)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


@pytest.mark.parametrize("identity", IDENTITIES)
def test_an_identity_may_do_what_it_needs_and_nothing_else(
    identity: str, s3_server: RunningS3Server, ready: ObjectStore
) -> None:
    client, admin = client_of(s3_server, identity), ready._client
    answers = {case: answer(client, admin, *case) for case in CASES}
    assert {case for case, said in answers.items() if said == "done"} == set(ALLOWED[identity])
    assert {said for said in answers.values() if said != "done"} == {"AccessDenied"}


@pytest.mark.parametrize("identity", IDENTITIES)
def test_a_policy_is_small_and_has_no_wildcard_action_or_bucket(identity: str) -> None:
    policy = json.loads(policy_text(identity))
    assert policy["Version"] == "2012-10-17"
    for statement in policy["Statement"]:
        assert all(action.startswith("s3:") and "*" not in action for action in statement["Action"])
        assert all(resource.startswith("arn:aws:s3:::pertitle-") for resource in statement["Resource"])


def test_every_policy_has_its_identity_and_every_worker_one_of_them() -> None:
    assert sorted(path.stem for path in POLICIES.glob("*.json")) == sorted(IDENTITIES)
    assert set(IDENTITY_OF_ROLE.values()) <= set(IDENTITIES)
