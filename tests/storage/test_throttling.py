"""A store that throttles slows us down and fails nothing."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.files import StoredFile
from storage.addresses import parse_address
from storage.connection import Buckets, connect
from storage.errors import StoreThrottled
from storage.object_store import ObjectStore
from storage.throttling import AdaptiveLimit
from tests.support.s3_fault_proxy import Answer, Forward, Request, Rule, refusing, running_proxy
from tests.support.s3_server import RunningS3Server

MOST = 16
BORNE = 3
"""Requests at once that the throttling store bears."""


def test_a_refusal_halves_and_answers_raise_by_one_a_round() -> None:
    limit = AdaptiveLimit(MOST)
    limit.take()
    limit.give_back(throttled=True)
    assert limit.now == MOST // 2
    answers = 0
    while limit.now < MOST // 2 + 1:
        limit.take()
        limit.give_back(throttled=False)
        answers += 1
    assert answers == MOST // 2 + 1


def test_refusals_of_one_moment_halve_once() -> None:
    limit, together = AdaptiveLimit(MOST), threading.Barrier(8)

    def refused_try() -> None:
        limit.take()
        together.wait()
        limit.give_back(throttled=True)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(refused_try) for _ in range(8)]:
            done.result()
    assert (limit.now, limit.cuts) == (MOST // 2, 1)


@given(st.lists(st.booleans(), max_size=200))
def test_at_least_one_request_and_never_more_than_the_most_may_go(answers: list[bool]) -> None:
    limit = AdaptiveLimit(MOST)
    for throttled in answers:
        limit.take()
        limit.give_back(throttled=throttled)
        assert 1 <= limit.now <= MOST


def test_what_has_no_permit_gives_none_back() -> None:
    limit = AdaptiveLimit(1)
    limit.give_back(throttled=True)
    limit.take()
    limit.take()
    limit.give_back(throttled=False)
    assert (limit.now, limit.cuts) == (1, 0)


class CrowdedStore:
    """A fault: a client that lets itself have more requests at once than the store bears is asked to slow down."""

    def __init__(self, limit: AdaptiveLimit) -> None:
        self.refused: list[bool] = []
        self._limit = limit
        self._refuse = refusing(503, "SlowDown")

    async def __call__(self, request: Request, forward: Forward) -> Answer:
        # What it may send and not what is just under way: that would hang on how busy the machine is.
        self.refused.append(self._limit.now > BORNE)
        return await (self._refuse(request, forward) if self.refused[-1] else forward(request))


@pytest.mark.slow
def test_work_completes_on_a_throttling_store_with_fewer_requests_and_with_all_again_afterwards(
    s3_server: RunningS3Server, buckets: Buckets, store: ObjectStore
) -> None:
    port = int(str(s3_server.connection.endpoint_url).rpartition(":")[2])
    limit = AdaptiveLimit(MOST)
    crowded = CrowdedStore(limit)
    contents = [secrets.token_bytes(20_000) for _ in range(48)]
    tried_again: list[bytes] = []
    with running_proxy(lambda: port) as proxy, ThreadPoolExecutor(MOST) as pool:
        connection = s3_server.connection.model_copy(update={"endpoint_url": proxy.url})
        behind = ObjectStore(connect(connection, limit), buckets)

        def round_trip(content: bytes) -> StoredFile:
            stored = behind.put_bytes(content)
            assert behind.read_bytes(stored) == content
            return stored

        def step(content: bytes) -> StoredFile:
            # A request that is refused in each of its four tries, at 16, 8, 4 and 4 again, ends its step, and the
            # engine tries the step again: about one of a thousand.
            try:
                return round_trip(content)
            except StoreThrottled:
                tried_again.append(content)
                return round_trip(content)

        with proxy.failing(Rule(crowded)):
            kept = list(pool.map(step, contents))
        fallen = limit.now
        list(pool.map(lambda stored: [behind.head(parse_address(stored.uri)) for _ in range(8)], kept))
    assert [store.read_bytes(stored) for stored in kept] == contents
    assert len(tried_again) <= len(contents) / 8
    assert any(crowded.refused)
    assert limit.cuts >= 2  # to half and to a quarter: 16, 8, 4
    assert fallen <= BORNE + 1
    assert sum(crowded.refused) < len(crowded.refused) / 2
    assert limit.now == MOST
