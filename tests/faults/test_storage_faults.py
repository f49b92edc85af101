"""The store on its bad days: every case of ``storage_cases`` against a real server behind a failing proxy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.connection import Buckets, connect
from storage.object_store import ObjectStore
from tests.faults.storage_cases import STORE_CASES, StoreScene
from tests.support.fault_cases import FaultCase, FaultReport, as_parameters, play
from tests.support.s3_fault_proxy import S3FaultProxy, running_proxy
from tests.support.s3_server import RunningS3Server

pytestmark = pytest.mark.slow
LIMIT_BYTES = 1 << 20


@pytest.fixture(scope="module")
def proxy(s3_server: RunningS3Server) -> Iterator[S3FaultProxy]:
    port = int(str(s3_server.connection.endpoint_url).rpartition(":")[2])
    with running_proxy(lambda: port) as running:
        yield running


@pytest.fixture
def scene(
    s3_server: RunningS3Server, buckets: Buckets, store: ObjectStore, proxy: S3FaultProxy, tmp_path: Path
) -> StoreScene:
    connection = s3_server.connection.model_copy(update={"endpoint_url": proxy.url})
    behind = ObjectStore(connect(connection), buckets, single_put_limit_bytes=LIMIT_BYTES)
    return StoreScene(behind, store, proxy, tmp_path)


@pytest.mark.parametrize("case", as_parameters(STORE_CASES))
async def test_the_store_survives(
    case: FaultCase[StoreScene], scene: StoreScene, fault_reports: list[FaultReport]
) -> None:
    await play(case, scene, fault_reports)
