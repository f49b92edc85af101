"""A real Temporal server with limits lowered to our budgets, in memory, on a free loopback port."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from client.local_stack.parts import DYNAMIC_CONFIG

MOST_EVENTS = 2_000
MOST_BYTES = 2 * 1024 * 1024
LIMITS = {
    **DYNAMIC_CONFIG,
    # What the server says of a queue's backlog is else up to five seconds old.
    "matching.TaskQueueInfoByBuildIdTTL": "0",
    # A run beyond our budget is terminated by the server itself, and its test fails.
    "limit.historyCount.error": MOST_EVENTS,
    "limit.historyCount.warn": MOST_EVENTS // 2,
    "limit.historySize.error": MOST_BYTES,
    "limit.historySize.warn": MOST_BYTES // 2,
    "limit.numPendingActivities.error": 100,
    "limit.numPendingChildExecutions.error": 20,
    "limit.blobSize.error": 16_384,
    "limit.blobSize.warn": 4_096,
}
SEARCH_ATTRIBUTES = (
    SearchAttributeKey.for_keyword("TitleId"),
    SearchAttributeKey.for_keyword("Priority"),
    SearchAttributeKey.for_keyword("Stage"),
    SearchAttributeKey.for_float("PercentDone"),
    SearchAttributeKey.for_keyword("Studio"),
)


@asynccontextmanager
async def running_temporal() -> AsyncIterator[WorkflowEnvironment]:
    """Runs a server for the length of an ``async with`` block."""
    arguments = [
        argument for name, limit in LIMITS.items() for argument in ("--dynamic-config-value", f"{name}={limit}")
    ]
    environment = await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        search_attributes=SEARCH_ATTRIBUTES,
        dev_server_existing_path=str(Path(sys.executable).parent / "temporal"),
        dev_server_extra_args=arguments,
        dev_server_log_level="error",
    )
    async with environment:
        yield environment


@pytest_asyncio.fixture(scope="session")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    """The server, once for all tests."""
    async with running_temporal() as environment:
        yield environment


@pytest_asyncio.fixture
async def empty_temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A server of the test's own: its queues are empty, and what it says of them is exact."""
    async with running_temporal() as environment:
        yield environment
