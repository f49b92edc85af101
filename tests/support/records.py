"""Key records in memory, with the promise of the real store: the first writer wins."""


class RecordsInMemory:
    """What a keys bucket does, for tests of what is asked of key services."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    def put_if_absent(self, name: str, content: bytes) -> bool:
        """Stores a record where none is yet; tells whether it did."""
        return self.content.setdefault(name, content) is content

    def get(self, name: str) -> bytes | None:
        """Returns a record, or ``None`` if there is none."""
        return self.content.get(name)
