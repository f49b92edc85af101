"""What keeps the store clean: the order for a cleaning, and what came of it."""

from pydantic import Field

from domain.values import Value


class CleanTask(Value):
    """Asks for what dead runs have left to be removed."""

    older_than_h: float = Field(ge=0)
    """Hours; nothing younger goes."""


class CleanReport(Value):
    """What was removed, and what was left alone."""

    uploads: int = 0
    """Open uploads that were aborted."""
    orphans: int = 0
    """Objects of the work bucket that nothing speaks of, removed; 0 where a title ran."""
    orphan_bytes: int = 0
    unsealed: int = 0
    """Objects of releases without a seal: told, not removed. `pertitle janitor` removes them."""
    is_quiet: bool = False
    """Whether no title ran."""
