"""Processes by identity: what counts as gone."""

import subprocess
import sys

from client.local_stack.processes import identify_process, is_alive

LEADER_ENDS_FIRST = """
import ctypes, sys, threading
def wait():
    sys.stdin.read()
threading.Thread(target=wait).start()
print("up", flush=True)
ctypes.CDLL(None).syscall(60, 0)  # exit(2): this thread only; the process goes on
"""


def test_a_process_with_a_thread_left_is_not_gone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LEADER_ENDS_FIRST], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        before = identify_process(child.pid)
        assert before is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        while _letter(child.pid) != "Z":
            assert child.poll() is None
        assert is_alive(before)
        assert child.stdin is not None
        child.stdin.close()
        child.wait()
    assert not is_alive(before)


def _letter(pid: int) -> str:
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:  # noqa: PTH123 - a file of the kernel
        return stat.read().rpartition(")")[2].split()[0]
