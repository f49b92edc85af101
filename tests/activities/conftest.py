"""A title of two short shots in a real store, and a toolbox as a worker has it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.toolbox import Toolbox
from domain.files import StoredFile
from domain.mezzanine import Mezzanine, MezzaninePiece
from domain.recipe import CodecRecipe, Recipe
from domain.shots import Shot, ShotList
from domain.values import digest_of
from domain.video import Codec, Color, FrameRange, SourceDescription, VideoTrack
from domain.work import Unit, UnitReference, WorkPlan
from media.bench import ShotPiece
from media.tools import find_tools, read_versions, tools_digest
from storage.local_cache import LocalCache
from storage.object_store import ObjectStore
from storage.results import ResultStore
from storage.sources import SourceStore
from tests.support.pieces import DISPLAY

FRAMES = (22, 19)


@dataclass(frozen=True)
class StoredTitle:
    """A title in the store whose content keys nobody else has, and the worker that meets it."""

    box: Toolbox
    mezzanine: Mezzanine
    reference: StoredFile

    def unit(self, *units: Unit) -> UnitReference:
        """Stores a plan and returns its first unit."""
        plan = WorkPlan(mezzanine=self.reference, units=units)
        return UnitReference(plan=self.box.results.put_document(plan), index=0)


@pytest.fixture
def scored_sparsely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials of the shots of 22 and 19 frames are scored on every third, as those of 24 frames and more are."""
    monkeypatch.setattr("domain.mezzanine.SCORED_FRAMES_AT_LEAST", 6)


@pytest.fixture(scope="session")
async def versions() -> dict[str, str]:
    return await read_versions(find_tools())


@pytest.fixture
def toolbox(store: ObjectStore, tmp_path: Path, versions: dict[str, str]) -> Iterator[Toolbox]:
    results = ResultStore(store)
    cache = LocalCache(store, tmp_path / "cache", max_bytes=1 << 30)
    yield Toolbox(
        tools=find_tools(),
        versions=versions,
        tools_digest=tools_digest(versions),
        store=store,
        results=results,
        sources=SourceStore(store, results),
        cache=cache,
        scratch=tmp_path / "scratch",
        keys=None,
    )
    cache.close()


@pytest.fixture
def stored_title(toolbox: Toolbox, tiny_pieces: tuple[ShotPiece, ...], tmp_path: Path) -> StoredTitle:
    mezzanine = mezzanine_of(toolbox, tiny_pieces[1:], salt=str(tmp_path))
    return StoredTitle(toolbox, mezzanine, toolbox.results.put_document(mezzanine))


def mezzanine_of(toolbox: Toolbox, pieces: tuple[ShotPiece, ...], *, salt: str) -> Mezzanine:
    """Returns the mezzanine of two pieces; the salt makes its pictures (and so all keys) this test's own."""
    total, first = sum(FRAMES), FRAMES[0]
    kept = tuple(
        MezzaninePiece(
            shot_index=index,
            file=toolbox.store.put_file(piece.path),
            pictures_sha256=digest_of({"salt": salt, "shot": index}),
            frames=piece.frames,
        )
        for index, piece in enumerate(pieces)
    )
    video = VideoTrack(
        stream_index=0, codec_name="h264", width_px=320, height_px=180, frames=total, frame_rate=Fraction(24),
        pixel_format="yuv420p", bit_depth=8, color=Color(),
    )  # fmt: skip
    ranges = (FrameRange(start_frame=0, end_frame=first), FrameRange(start_frame=first, end_frame=total))
    return Mezzanine(
        source=SourceDescription(file=kept[0].file, container="mov", video=video),
        shots=ShotList(shots=tuple(Shot(index=n, range=item, activity=3.0 + n) for n, item in enumerate(ranges))),
        idr_frames=(0, first),
        pieces=kept,
        pixel_format="yuv420p",
        display=DISPLAY,
        color=Color(),
        recipe=Recipe(codecs=(CodecRecipe(codec=Codec.H264, preset="veryfast"),)),
        tools=toolbox.versions,
        tools_digest=toolbox.tools_digest,
    )


@pytest.fixture
def environment() -> ActivityEnvironment:
    return ActivityEnvironment()


@pytest.fixture
def heartbeats(environment: ActivityEnvironment) -> list[dict[str, object]]:
    """What the activity tells Temporal."""
    heard: list[dict[str, object]] = []
    environment.on_heartbeat = heard.append
    return heard
