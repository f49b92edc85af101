"""The ``pertitle`` command."""

import os
import sys
from typing import NoReturn

import typer

from client import (
    attention_commands,
    check_command,
    demo_command,
    encode_command,
    inspect_command,
    play_command,
    stack_commands,
    store_commands,
    title_commands,
)
from client.exit_codes import ExitCode

_HELP = """Per-title, per-shot video encoding: a mezzanine in, an encrypted and verified streaming release out.

\b
Start with:
  pertitle demo                     a sample title, end to end, in minutes
  pertitle up                       the local stack: Temporal, S3, workers
  pertitle submit film.mov --wait   a title of your own

Commands work on the local stack in .pertitle/, or on a cluster if TEMPORAL_ADDRESS is set.
"""
_EPILOG = (
    "Exit codes: 0 done; 2 usage; 3 request or source refused; 4 title failed; 5 stack trouble; "
    "6 title canceled; 7 a rule is broken; 8 damaged releases; 130 interrupted; 1 a defect of pertitle."
)

app = typer.Typer(
    name="pertitle",
    help=_HELP,
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for room in (
    title_commands,
    attention_commands,
    inspect_command,
    encode_command,
    play_command,
    stack_commands,
    store_commands,
    demo_command,
    check_command,
):
    room.register(app)


def main() -> NoReturn:
    """Runs the command and ends the process."""
    code: int
    try:
        app()
        code = ExitCode.OK
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(bool(exit_.code))
    except Exception as error:  # noqa: BLE001 - the last place that can say it in words
        _say_defect(error)
        code = ExitCode.DEFECT
    sys.stdout.flush()
    sys.stderr.flush()
    # The Temporal library may abort the interpreter's regular end (sdk-python issue 300): leave without one.
    os._exit(code)


def _say_defect(error: Exception) -> None:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace else ""
    typer.echo(
        f"PERT-000 this is a defect of pertitle, not yours: {type(error).__name__}: {error}{place}. "
        "fix: report it with the command that you typed.",
        err=True,
    )


if __name__ == "__main__":
    main()
