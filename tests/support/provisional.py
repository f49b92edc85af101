"""A title with a provisional release: seen while it is current, fetched, and compared with one that had none."""

import asyncio
from pathlib import Path

from client.titles import Handle
from domain.progress import TitleProgress
from domain.release import CurrentPointer, FirstPlayable
from media.rules.check import check_folder
from storage.addresses import ObjectAddress
from storage.release_layout import reference_to
from storage.release_reader import fetch_release, read_pointer
from tests.support.stacks import TestStack, wait_for_answer


async def first_current(stack: TestStack, handle: Handle, title_id: str) -> tuple[FirstPlayable, CurrentPointer]:
    """Follows a title until it says that something can be played; returns that, and what is current then."""

    async def playable() -> FirstPlayable | None:
        progress: TitleProgress = await handle.query("progress", result_type=TitleProgress)
        return progress.first_playable

    seen: FirstPlayable = await wait_for_answer(playable, "something to play")
    pointer = await asyncio.to_thread(read_pointer, stack.session.store, title_id)
    assert pointer is not None
    return seen, pointer


def require_playable(stack: TestStack, pointer: CurrentPointer, folder: Path, *, rungs: int) -> None:
    """Fetches a provisional release, every byte proved, and holds it against the rules for presentations."""
    store = stack.session.store
    reference = reference_to(store.buckets.releases, pointer.title_id, pointer.release_id)
    manifest = fetch_release(store, reference, folder)
    assert manifest.provisional
    assert check_folder(folder).broken("must") == ()
    folders = {item.path.split("/")[0] for item in manifest.objects}
    assert len([name for name in folders if name.startswith("video_")]) == rungs
    assert [name for name in folders if name.startswith("audio_")]


def forget_results(stack: TestStack) -> None:
    """Removes all results, so that nothing of a title is found again. Keys, releases and sources stay."""
    store = stack.session.store
    for item in list(store.list_objects(store.buckets.work, "results/")):
        store.remove(ObjectAddress(store.buckets.work, item.key))
