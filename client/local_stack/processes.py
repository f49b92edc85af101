"""Processes by identity, not by number: a number is used again after an exit, a start time after no reboot."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from pydantic import Field

from domain.values import Value

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ProcessId(Value):
    """One process for ever: its number, when it started, and since which boot that is counted."""

    pid: int = Field(gt=1)
    started_ticks: int
    """Clock ticks between boot and the start of the process (proc(5), ``stat``, field 22)."""
    boot_id: str


def identify_process(pid: int) -> ProcessId | None:
    """Returns the identity of a living process, ``None`` if there is none with this number.

    A zombie has ended, unless threads of its are left: those still hold its ports and files (proc(5), ``stat``,
    field 20).
    """
    try:
        # The name in parentheses may hold spaces and parentheses: count fields from its end.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in {"Z", "X"} and int(fields[17]) <= 1:
        return None
    return ProcessId(pid=pid, started_ticks=int(fields[19]), boot_id=_boot_id())


def is_alive(process: ProcessId | None) -> bool:
    """Tells whether exactly this process still runs."""
    return process is not None and identify_process(process.pid) == process


def signal_process(process: ProcessId, number: signal.Signals, *, group: bool = False) -> bool:
    """Sends a signal to exactly this process (with ``group``: and to the process group that it leads).

    Returns:
        Whether the process was there.
    """
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        # The handle pins the number: checked now, it cannot become another process before the signal.
        if identify_process(process.pid) != process:
            return False
        if group:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
        else:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
        return True
    finally:
        os.close(handle)


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return "unknown"
