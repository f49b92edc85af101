"""Fixtures that several rooms share, and the order in which files are given to workers."""

import pytest
from hypothesis import settings

# No test may fail because the machine is busy. What Hypothesis sets by itself on a CI machine stays.
settings.register_profile("pertitle", parent=settings(), deadline=None)
settings.load_profile("pertitle")

pytest_plugins = [
    "tests.support.goldens",
    "tests.support.pieces",
    "tests.support.s3_server",
    "tests.support.temporal_server",
]

LONGEST_FIRST = (
    "end_to_end/test_demo.py",
    "faults/test_stack_faults.py",
    "end_to_end/test_requests.py",
    "workflows/test_title_order.py",
    "client/test_encode.py",
    "client/test_stack_servers.py",
    "media/test_inspection_media.py",
    "players/",
)
"""Files that take minutes. With several workers the last one to start decides when all is done."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first; within a file and among the others the order stays."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    path = item.path.as_posix()
    found = (place for place, part in enumerate(LONGEST_FIRST) if f"/tests/{part}" in path)
    return next(found, len(LONGEST_FIRST))
