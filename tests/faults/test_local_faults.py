"""One machine on its bad days: every case of ``local_cases``."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.object_store import ObjectStore
from tests.faults.local_cases import LOCAL_CASES, LocalScene
from tests.support.fault_cases import FaultCase, FaultReport, as_parameters, play

pytestmark = pytest.mark.slow


MOUNT_OPTIONS = {"C35": "size=4m", "C35f": "size=4m", "C36": "size=4m,nr_inodes=8", "C37": "size=4m,ro"}
CGROUPS = (
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),  # version 1
    (Path("/sys/fs/cgroup"), "memory.max"),  # version 2
)


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of 4 MiB in memory, with the flaw of the case."""
    options = MOUNT_OPTIONS[request.getfixturevalue("case").case]
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def little_memory() -> Iterator[Path]:
    """A cgroup of 64 MiB. Source: Linux, admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst."""
    root, limit = next((item for item in CGROUPS if (item[0] / "cgroup.procs").exists()), CGROUPS[1])
    group = root / f"pertitle-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        if not (group / limit).exists():
            pytest.skip("the memory controller is not ours here")
        (group / limit).write_text(str(64 << 20))
        yield group
    finally:
        group.rmdir()


@pytest.fixture
def scene(store: ObjectStore, tmp_path: Path, request: pytest.FixtureRequest) -> LocalScene:
    case = request.getfixturevalue("case").case
    small = request.getfixturevalue("small_disk") if case in MOUNT_OPTIONS else tmp_path
    memory = request.getfixturevalue("little_memory") if case == "C38" else tmp_path
    return LocalScene(store, tmp_path, small, memory)


@pytest.mark.parametrize("case", as_parameters(LOCAL_CASES))
async def test_the_machine_survives(
    case: FaultCase[LocalScene], scene: LocalScene, fault_reports: list[FaultReport]
) -> None:
    await play(case, scene, fault_reports)
