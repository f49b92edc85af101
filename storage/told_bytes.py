"""Bytes on their way to the server: progress is told while they go, not only when a part of 16 MiB has gone."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storage.errors import StorageError

_MOST_BYTES = 1 << 16


class ToldBytes(io.BytesIO):
    """A body that tells whenever some of it is read, so that a slow upload is not taken for a dead one."""

    def __init__(self, content: bytes, tell: Callable[[], None]) -> None:
        """Takes the bytes and who is told; if that raises, the upload stops."""
        super().__init__(content)
        self._tell = tell
        self.stopped_by: BaseException | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        """Returns the next bytes."""
        try:
            self._tell()
        except BaseException as error:
            # The client library would call this a broken connection.
            self.stopped_by = error
            raise
        return super().read(size)


@contextmanager
def told(content: bytes, tell: Callable[[], None]) -> Iterator[ToldBytes]:
    """Gives a body for one request; what stopped it is raised as it was.

    Raises:
        BaseException: whatever ``tell`` raised.
    """
    body = ToldBytes(content, tell)
    try:
        yield body
    except StorageError:
        if body.stopped_by is not None:
            raise body.stopped_by from None
        raise
