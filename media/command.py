"""A command line as a value: built by pure functions, run in one place, readable by people."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from media.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Command:
    """What to start, and what it makes."""

    argv: tuple[str, ...]
    purpose: str
    """What it makes, in a few words, for logs and errors: ``trial encodes of shot 3 at 960x540``."""
    sandbox: Sandbox | None = None
    """What it may see and use; needed by whatever reads untrusted media."""

    def shell_line(self) -> str:
        """Returns the line that a person can paste into a shell."""
        return shlex.join(self.argv)


def command(argv: Iterable[str | int | float], *, purpose: str, sandbox: Sandbox | None = None) -> Command:
    """Builds a command; numbers become text in one way only.

    Raises:
        TypeError: if an argument is neither text nor number.
        ValueError: if it opens untrusted media (``media.probe.hardened_options``) without a sandbox.
    """
    arguments = tuple(_as_argument(argument) for argument in argv)
    if sandbox is None and "-protocol_whitelist" in arguments:
        raise ValueError(f"{purpose}: what reads untrusted media needs a sandbox (media.sandbox)")
    return Command(arguments, purpose, sandbox)


def _as_argument(argument: str | float) -> str:
    if isinstance(argument, str):
        return argument
    if isinstance(argument, bool) or not isinstance(argument, int | float):
        raise TypeError(f"text or number expected, {argument!r} found")
    return format_number(argument)


def format_number(number: float) -> str:
    """Returns a number without exponent and without trailing zeros: ``23.5``, ``24``."""
    text = f"{number:.6f}".rstrip("0").rstrip(".")
    return text or "0"
