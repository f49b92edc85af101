"""What the ``pertitle`` command ends with (documented in docs/cli.md)."""

from enum import IntEnum

from client.errors import TitleCanceled, TitleFailed
from domain.errors import PertitleError

_REFUSED = ("REQ-", "CNT-", "VID-", "AUD-", "TXT-", "UPL-", "POL-", "SEC-", "PKG-003", "PLAY-")
_STACK = ("STK-", "STO-")


class ExitCode(IntEnum):
    """Every exit code."""

    OK = 0
    """It is done."""
    DEFECT = 1
    """A defect of pertitle itself."""
    USAGE = 2
    """The command line is wrong."""
    REFUSED = 3
    """The request or the source was refused."""
    TITLE_FAILED = 4
    """The title failed for another reason."""
    STACK = 5
    """The stack (or cluster) is not there or not well."""
    CANCELED = 6
    """The title was canceled."""
    RULE_BROKEN = 7
    """``check``: the presentation breaks a MUST."""
    DAMAGED = 8
    """A scrub found damaged releases."""
    INTERRUPTED = 130
    """Ctrl-C or SIGTERM."""


def exit_code_of(error: PertitleError) -> ExitCode:
    """Returns the exit code for one of our errors, by the family of its code."""
    if isinstance(error, TitleCanceled):
        return ExitCode.CANCELED
    code = error.cause_code if isinstance(error, TitleFailed) else error.code
    if code.startswith(_REFUSED):
        return ExitCode.REFUSED
    if code.startswith(_STACK) and not isinstance(error, TitleFailed):
        return ExitCode.STACK
    return ExitCode.TITLE_FAILED
