"""Errors of the local stack.

::

    StackError
    ├── StackNotRunning  STK-001  there is no running stack in the state folder
    ├── PartNotReady     STK-002  a part does not become ready; carries the end of its log
    ├── StackBusy        STK-003  another `up` or `down` works on the same state folder
    ├── StackDiffers     STK-004  a stack with other parts or worker settings runs already
    ├── BrokenState      STK-005  the state file cannot be read
    ├── ProgramMissing   STK-006  a server's program is not installed
    ├── StackStuck       STK-007  the stack does not end
    ├── ClusterUnreachable  STK-008  the Temporal server of TEMPORAL_ADDRESS does not answer
    └── PlayerMissing    STK-009  the player of the preview page cannot be had
"""

from typing import ClassVar

from domain.errors import PertitleError


class StackError(PertitleError):
    """The stack is in trouble, not the title."""

    code: ClassVar[str] = "STK-000"


class StackNotRunning(StackError):
    """There is no running stack in the state folder."""

    code: ClassVar[str] = "STK-001"


class PartNotReady(StackError):
    """A part of the stack does not become ready."""

    code: ClassVar[str] = "STK-002"


class StackBusy(StackError):
    """Another command works on the same state folder."""

    code: ClassVar[str] = "STK-003"
    retryable: ClassVar[bool] = True


class StackDiffers(StackError):
    """A stack with other parts or worker settings runs already."""

    code: ClassVar[str] = "STK-004"


class BrokenState(StackError):
    """The state file cannot be read."""

    code: ClassVar[str] = "STK-005"


class ProgramMissing(StackError):
    """A server's program is not installed."""

    code: ClassVar[str] = "STK-006"


class StackStuck(StackError):
    """The stack does not end."""

    code: ClassVar[str] = "STK-007"


class ClusterUnreachable(StackError):
    """The Temporal server that the environment names does not answer."""

    code: ClassVar[str] = "STK-008"
    retryable: ClassVar[bool] = True


class PlayerMissing(StackError):
    """The player of the preview page is not there and cannot be fetched."""

    code: ClassVar[str] = "STK-009"
