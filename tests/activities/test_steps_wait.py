"""The steps of a title reserve room as its units do: on a small disk titles are joined, packaged, published in turn."""

import asyncio
import dataclasses
import os
import subprocess
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.admission import Admission, MemoryRoom, ScratchRoom, has_names_left
from activities.delivery import DeliveryActivities, read_renditions
from activities.faults import NoRoom
from activities.heartbeats import Pulse
from activities.needs import package_needs
from activities.planning import PlanActivities
from activities.provisional import ProvisionalActivities
from activities.sources import SourceActivities
from activities.toolbox import Toolbox
from activities.tracks import TrackActivities
from activities.trials import EncodeActivities
from domain.mezzanine import Mezzanine
from domain.recipe import PackagingRecipe
from domain.steps import LadderSet, LadderTask, PackageTask, ProvisionalTask, PublishTask, TextTask
from domain.values import digest_of
from domain.work import UnitReference, WorkList
from media.bench import ShotPiece
from tests.activities.conftest import mezzanine_of


class SmallDisk(ScratchRoom):
    """A disk that can be made small; counts how often a step had to wait."""

    size_bytes = 1 << 62
    most_bytes = 0
    waited = 0

    def _disk(self) -> tuple[int, int]:
        return self.size_bytes, self.size_bytes

    def _has(self, needed_bytes: int) -> bool:
        has = super()._has(needed_bytes)
        self.waited += not has
        self.most_bytes = max(self.most_bytes, self._taken_bytes + needed_bytes * has)
        return has


def units(work: WorkList) -> list[UnitReference]:
    return [UnitReference(plan=work.plan, index=index) for index in range(work.count)]


async def encoded_title(box: Toolbox, pieces: tuple[ShotPiece, ...], salt: str) -> PackageTask:
    """Makes everything of a clear title that stands before its packaging."""
    whole = mezzanine_of(box, pieces, salt=salt)
    clear = whole.recipe.model_copy(update={"packaging": PackagingRecipe(scheme="clear", thumbnails=False)})
    reference = box.results.put_document(whole.model_copy(update={"recipe": clear}))
    planned = await ProvisionalActivities(box).plan_provisional(
        ProvisionalTask(title_id=f"steps-{digest_of({'salt': salt})[:12]}", mezzanine=reference, first_s=900.0)
    )
    assert planned is not None
    for unit in units(planned.encodes):
        await EncodeActivities(box).run_encode_unit(unit)
    task = LadderTask(mezzanine=planned.mezzanine, ladders=planned.ladders)
    for unit in units(await PlanActivities(box).plan_assembly(task)):
        await DeliveryActivities(box).run_assemble_unit(unit)
    key = digest_of({"title": salt})
    await SourceActivities(box).encode_audio(planned.mezzanine)
    await TrackActivities(box).make_texts(TextTask(mezzanine=planned.mezzanine, title_key=key))
    return PackageTask(mezzanine=planned.mezzanine, ladders=planned.ladders, title_key=key, key_set=key)


@pytest.mark.slow
async def test_two_titles_at_once_on_a_small_disk_are_packaged_one_after_the_other(
    toolbox: Toolbox, tiny_pieces: tuple[ShotPiece, ...], tmp_path: Path
) -> None:
    disk = SmallDisk(toolbox.scratch)
    box = dataclasses.replace(toolbox, admission=Admission(disk, MemoryRoom(1 << 40)))

    async def both() -> None:
        tasks = [await encoded_title(box, tiny_pieces[1:], f"{tmp_path}{number}") for number in range(2)]
        assert disk.waited == 0
        disk.size_bytes = needed_bytes(box, tasks[0]) * 3 // 2
        disk.most_bytes = 0
        packaged = await asyncio.gather(*(DeliveryActivities(box).package_title(task) for task in tasks))
        for task, tree in zip(tasks, packaged, strict=True):
            title_id, digest = f"steps-{task.title_key[:12]}", task.title_key
            draft = PublishTask(
                title_id=title_id, presentation=tree.presentation, source_sha256=digest, recipe_sha256=digest
            )
            await DeliveryActivities(box).publish_title(draft)

    await ActivityEnvironment().run(both)
    assert disk.waited > 0
    assert disk.most_bytes <= disk.size_bytes


def needed_bytes(box: Toolbox, task: PackageTask) -> int:
    mezzanine = box.results.read_document(task.mezzanine, Mezzanine)
    ladders = box.results.read_document(task.ladders, LadderSet)
    return package_needs(mezzanine, read_renditions(box, mezzanine, ladders), ()).scratch_bytes


@pytest.mark.slow
async def test_the_cache_gives_way_before_anybody_waits(toolbox: Toolbox, tmp_path: Path) -> None:
    kept = [toolbox.store.put_bytes(bytes([number]) * 100_000) for number in range(2)]
    for item in kept:
        with toolbox.cache.hold(item):
            pass

    class SharedDisk(ScratchRoom):
        def _disk(self) -> tuple[int, int]:
            return 250_000, 250_000 - toolbox.cache.size_bytes()

    disk = SharedDisk(toolbox.scratch, patience_s=0.0, cache=toolbox.cache)

    async def unit() -> None:
        async with disk.take(120_000, Pulse("unit")):
            assert toolbox.cache.size_bytes() == 100_000
            with pytest.raises(NoRoom):
                await disk.take(200_000, Pulse("larger")).__aenter__()

    await ActivityEnvironment().run(unit)


def test_a_usual_disk_has_names_left(tmp_path: Path) -> None:
    assert has_names_left(tmp_path / "not-made-yet")


def test_a_disk_with_two_names_left_takes_no_unit(tmp_path: Path) -> None:
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=42", "tmpfs", str(tmp_path)]
    if os.geteuid() or subprocess.run(mounted, check=False, capture_output=True).returncode:
        pytest.skip("a file system of its own needs the right to mount")
    try:
        assert has_names_left(tmp_path)
        for number in range(40):
            (tmp_path / str(number)).touch()
        assert not has_names_left(tmp_path)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
