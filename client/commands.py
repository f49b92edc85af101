"""How every command runs: errors become one paragraph and an exit code, never a stack trace."""

import asyncio
import functools
import re
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

from client.exit_codes import ExitCode, exit_code_of
from client.local_stack.state import DEFAULT_STATE
from client.output import notes, print_error
from domain.errors import PertitleError

P = ParamSpec("P")
T = TypeVar("T")

StateOption = Annotated[
    Path, typer.Option("--state", metavar="DIR", help="State folder of the local stack.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables and text.")]
TitleArgument = Annotated[str, typer.Argument(metavar="ID", help="The title's id, as given to `submit`.")]
DEFAULT_STATE_DIR = DEFAULT_STATE


def reported(command: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Makes a typer command of a coroutine function; what it raises is printed and becomes the exit code."""
    # A backspace alone on a line tells typer to keep the lines of the block that follows.
    command.__doc__ = re.sub(r"\n( *)(Examples?:\n)", "\n\\1\b\n\\1\\2", command.__doc__ or "")

    @functools.wraps(command)
    def run(*args: P.args, **options: P.kwargs) -> None:
        # Shells start what runs in the background with SIGINT ignored; whoever sends it to a command means it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            asyncio.run(_until_told_to_end(command(*args, **options)))
        except PertitleError as error:
            print_error(error, as_json=bool(options.get("json_output")))
            raise typer.Exit(exit_code_of(error)) from None
        except (KeyboardInterrupt, asyncio.CancelledError):
            notes().print("interrupted", style="yellow")
            raise typer.Exit(ExitCode.INTERRUPTED) from None

    return run


async def _until_told_to_end(work: Coroutine[Any, Any, T]) -> T:
    """SIGTERM (what CI sends) cleans up exactly as Ctrl-C does."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
