"""What stands around a program that reads untrusted media: no network, almost no files, and limits on what it uses.

Pure: values in, arguments out. ``media.process`` finds out what this machine can do and starts the result::

    setpriv (dies with us) → bwrap (name spaces of its own) → prlimit (limits) → the program

Inside bubblewrap there is no network, not even the loopback of this machine; no process but the program's own; and of
the file system only the system's libraries, the program, the source (all read-only) and, where a program writes files,
one folder. Source: bwrap(1), prlimit(1), getrlimit(2); operations report §5.2.
"""

import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_GIB = 1 << 30
_MIB = 1 << 20
_BASE_MEMORY = 4 * _GIB
_MEMORY_PER_CORE = 256 * _MIB
"""Stacks and allocation arenas of a thread; address space, not memory in use."""
_MEMORY_PER_PIXEL = 1024
"""Pictures in flight: 128 of them at up to 8 bytes a pixel (a frame for each thread, and references)."""
_LARGEST_PICTURE = 8192 * 4352
_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin")
_TEMPORARY_BYTES = 64 * _MIB


class SandboxPolicy(StrEnum):
    """What a worker does about bubblewrap."""

    REQUIRE = "require"
    """Refuse to start where it does not work."""
    PREFER = "prefer"
    """Use it where it works; elsewhere say so loudly and go on with limits alone."""
    OFF = "off"
    """Limits alone."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use; over it the kernel refuses or ends it. Source: getrlimit(2)."""

    address_space_bytes: int
    cpu_s: int
    file_bytes: int
    """Size of any one file it writes, its messages included."""
    open_files: int = 256
    processes: int = 4096
    """Processes and threads; only inside name spaces of its own, for elsewhere all of the user's would count. The
    kernel exempts root, which workers should not be."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What a program that reads untrusted media may see, change and use."""

    limits: Limits
    reads: tuple[Path, ...]
    """Files and folders that it sees, read-only, beside the system and itself."""
    writes: tuple[Path, ...] = ()
    """Folders that it may write into."""


@dataclass(frozen=True, slots=True)
class Walls:
    """What this machine offers to build a sandbox of; empty where a program is missing or does not work."""

    die_with_us: tuple[str, ...] = ()
    """``setpriv`` and its arguments."""
    bwrap: str = ""
    prlimit: str = ""
    system: tuple[str, ...] = ()
    """bwrap's arguments that show the system's libraries."""


def probe_sandbox(path: Path) -> Sandbox:
    """Returns the sandbox of a program that only asks what a file is: seconds, and nothing written."""
    limits = Limits(address_space_bytes=_memory(_LARGEST_PICTURE), cpu_s=120, file_bytes=16 * _MIB)
    return Sandbox(limits, reads=(path,))


def read_sandbox(path: Path, *, also: tuple[Path, ...] = (), notes: Path | None = None) -> Sandbox:
    """Returns the sandbox of a program that decodes a source and tells what it saw.

    Args:
        path: The source.
        also: What else it must see: an interpreter and its modules.
        notes: Folder for text that it writes about what it saw, 4 GiB at most.
    """
    # Two days of one core: a feature in 8K is decoded in less, and an endless loop does not last for ever.
    file_bytes = 64 * _MIB if notes is None else 4 * _GIB
    limits = Limits(address_space_bytes=_memory(_LARGEST_PICTURE), cpu_s=172_800, file_bytes=file_bytes)
    return Sandbox(limits, reads=(path, *also), writes=() if notes is None else (notes,))


def write_sandbox(path: Path, folder: Path) -> Sandbox:
    """Returns the sandbox of a program that decodes a source and writes files into a folder, of 4 TiB at most."""
    limits = Limits(address_space_bytes=_memory(_LARGEST_PICTURE), cpu_s=864_000, file_bytes=4 << 40)
    return Sandbox(limits, reads=(path,), writes=(folder,))


def _memory(pixels: int) -> int:
    return _BASE_MEMORY + (os.cpu_count() or 1) * _MEMORY_PER_CORE + pixels * _MEMORY_PER_PIXEL


def sandboxed_argv(argv: tuple[str, ...], sandbox: Sandbox | None, walls: Walls) -> list[str]:
    """Returns what to start instead of a program.

    Args:
        argv: Program (an absolute path) and arguments.
        sandbox: What it may do; ``None`` for a program that reads only what we made.
        walls: What this machine offers.
    """
    if sandbox is None:
        return [*walls.die_with_us, *argv]
    return [*walls.die_with_us, *_name_spaces(argv[0], sandbox, walls), *_limits(sandbox.limits, walls), *argv]


def _name_spaces(program: str, sandbox: Sandbox, walls: Walls) -> list[str]:
    if not walls.bwrap:
        return []
    # As process 1 the program is bwrap's own child, and its CPU seconds count; else bwrap leaves it to an init.
    own = ["--unshare-all", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL", "--chdir", "/"]
    small = ["--dev", "/dev", "--size", str(_TEMPORARY_BYTES), "--tmpfs", "/tmp"]  # noqa: S108 - bwrap's own, empty
    seen = [part for path in (program, *map(str, sandbox.reads)) for part in ("--ro-bind", path, path)]
    changed = [part for path in map(str, sandbox.writes) for part in ("--bind", path, path)]
    # Popen gave a session of our own already; bwrap's --new-session would only put it out of reach of a killpg.
    # The source may lie in a folder that is written to: shown after it, it stays read-only.
    return [walls.bwrap, *own, *walls.system, *small, *changed, *seen, "--remount-ro", "/", "--"]


def _limits(limits: Limits, walls: Walls) -> list[str]:
    if not walls.prlimit:
        return []
    names = {"as": limits.address_space_bytes, "cpu": limits.cpu_s, "fsize": limits.file_bytes}
    names |= {"nofile": limits.open_files, "core": 0}
    if walls.bwrap:
        names["nproc"] = limits.processes
    return [walls.prlimit, *(f"--{name}={value}:{value}" for name, value in names.items()), "--"]


def system_arguments() -> tuple[str, ...]:
    """Returns bwrap's arguments that show this machine's libraries, and links as links."""
    shown: list[str] = []
    for place in map(Path, _SYSTEM):
        try:
            mode = place.lstat().st_mode
        except OSError:
            continue
        shown += ["--symlink", str(place.readlink())] if stat.S_ISLNK(mode) else ["--ro-bind", str(place)]
        shown.append(str(place))
    return tuple(shown)
