"""The same call for many items, a few at a time."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

ItemT = TypeVar("ItemT")

THREADS = 8
"""Objects read or written at once; below the client's number of connections."""


def ignore(_item: object) -> None:
    """Does nothing with an item."""


def for_each(
    function: Callable[[ItemT], object], items: Iterable[ItemT], *, on_done: Callable[[ItemT], None] = ignore
) -> None:
    """Calls a function for each item in several threads, and tells of the items in order as they are done.

    After a failure (also of ``on_done``) no further call begins, and the failure is raised when all threads have
    ended: whoever cleans up behind meets nobody.
    """
    listed = tuple(items)
    pool = ThreadPoolExecutor(THREADS)
    try:
        for item, _ in zip(listed, pool.map(function, listed), strict=True):
            on_done(item)
    finally:
        pool.shutdown(cancel_futures=True)
