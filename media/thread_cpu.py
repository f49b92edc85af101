"""CPU seconds of a program by thread: ffmpeg names its threads after what they do.

Threads are looked at while the program runs; what a thread used after the last look is missing here, and so is a
thread that came and went between two looks. Whoever needs the whole takes the program's own sum for it.
"""

from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY_S = 0.05
"""Seconds between two looks: a few reads of /proc each, below 1 % of a core."""


@dataclass(frozen=True, slots=True)
class ThreadCpu:
    """One thread as it was last seen."""

    thread_id: int
    """Rises in the order in which threads were started."""
    name: str
    """At most 15 characters (``TASK_COMM_LEN``)."""
    cpu_s: float


class ThreadWatch:
    """Remembers the CPU seconds of all threads of one process, and of those it was started by exec from."""

    def __init__(self, pid: int) -> None:
        self._tasks = Path(f"/proc/{pid}/task")
        self._seen: dict[int, ThreadCpu] = {}

    def look(self) -> None:
        """Reads all threads; a process or thread that is gone keeps what was read last.

        Source: proc(5), ``/proc/PID/task/TID/schedstat``: time on a processor in nanoseconds.
        """
        try:
            tasks = list(self._tasks.iterdir())
        except OSError:
            return
        for task in tasks:
            try:
                name = (task / "comm").read_text(encoding="utf-8", errors="replace").rstrip("\n")
                on_cpu_ns = int((task / "schedstat").read_text(encoding="ascii").split()[0])
            except (OSError, ValueError, IndexError):
                continue
            thread_id = int(task.name)
            self._seen[thread_id] = ThreadCpu(thread_id, name, on_cpu_ns * 1e-9)

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all threads that were seen."""
        return sum(thread.cpu_s for thread in self._seen.values())

    def threads(self) -> tuple[ThreadCpu, ...]:
        """Returns all threads that were ever seen, oldest first."""
        return tuple(self._seen[thread_id] for thread_id in sorted(self._seen))
