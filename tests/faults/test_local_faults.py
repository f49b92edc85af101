"""One machine on its bad days: every case of ``local_cases``."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.object_store import ObjectStore
from tests.faults.local_cases import LOCAL_CASES, LocalScene
from tests.support.fault_cases import FaultCase, FaultReport, as_parameters, play

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB in memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def scene(store: ObjectStore, tmp_path: Path, request: pytest.FixtureRequest) -> LocalScene:
    needs_disk = "disk" in request.getfixturevalue("case").name
    small = request.getfixturevalue("small_disk") if needs_disk else tmp_path
    return LocalScene(store, tmp_path, small)


@pytest.mark.parametrize("case", as_parameters(LOCAL_CASES))
async def test_the_machine_survives(
    case: FaultCase[LocalScene], scene: LocalScene, fault_reports: list[FaultReport]
) -> None:
    await play(case, scene, fault_reports)
