"""Where subtitles and thumbnails are kept: their content keys, and how later steps find them."""

from collections.abc import Sequence
from pathlib import Path

from activities.faults import TracksMissing
from activities.heartbeats import Pulse
from activities.toolbox import Toolbox
from domain.mezzanine import Mezzanine
from domain.request import TitleRequest
from domain.steps import TextTracks
from domain.subtitles import Sidecar, SidecarSet
from domain.tracks import Rendition, Thumbnails
from domain.values import Sha256, digest_of
from media.packaging.plan import TrackFile
from media.stills import StillPlan, choose_rendition, plan_stills
from storage.sources import SourceStore


def describe_sidecars(sources: SourceStore, request: TitleRequest) -> tuple[Sidecar, ...]:
    """Returns the subtitle files that a request names, with their digests.

    Raises:
        SourceMissing: if nothing lies at an address.
    """
    return tuple(Sidecar(file=sources.describe_source(item.source), request=item) for item in request.subtitles)


def keep_sidecars(toolbox: Toolbox, title_key: Sha256, sidecars: tuple[Sidecar, ...]) -> None:
    """Keeps what subtitle files a title has."""
    if sidecars:
        toolbox.results.keep("sidecars", title_key, SidecarSet(sidecars=sidecars))


def find_sidecars(toolbox: Toolbox, title_key: Sha256) -> tuple[Sidecar, ...]:
    """Returns the subtitle files of a title; most have none."""
    found = toolbox.results.find("sidecars", title_key, SidecarSet)
    return found.sidecars if found else ()


def text_key(mezzanine: Mezzanine, sidecars: tuple[Sidecar, ...]) -> Sha256:
    """Returns the content key of a title's texts: files and tracks, length, start, the build."""
    return digest_of(
        {
            "source": mezzanine.source.file.sha256,
            "start_s": str(mezzanine.source_start_s),
            "tracks": [track.model_dump(mode="json") for track in mezzanine.source.subtitles],
            "sidecars": [
                {"file": item.file.sha256, **item.request.model_dump(mode="json", exclude={"source"})}
                for item in sidecars
            ],
            "frames": mezzanine.source.video.frames,
            "frame_rate": str(mezzanine.frame_rate),
            "tools": mezzanine.tools_digest,
            "version": 1,
        }
    )


def find_texts(toolbox: Toolbox, mezzanine: Mezzanine, title_key: Sha256) -> TextTracks:
    """Returns the text tracks of a title.

    Raises:
        TracksMissing: if they are not in the store; a title without subtitles has an empty document there.
    """
    found = toolbox.results.find("texts", text_key(mezzanine, find_sidecars(toolbox, title_key)), TextTracks)
    if found is None:
        raise _missing("subtitles")
    return found


def still_source(mezzanine: Mezzanine, renditions: Sequence[Rendition]) -> tuple[Rendition, StillPlan]:
    """Returns the rendition that stills are taken from, and which ones."""
    plan = plan_stills(mezzanine.source.video.frames, mezzanine.frame_rate, mezzanine.display)
    return choose_rendition(list(renditions), plan.tile), plan


def thumbnail_key(mezzanine: Mezzanine, rendition: Rendition, plan: StillPlan) -> Sha256:
    """Returns the content key of a title's thumbnails: the rendition, which stills, colors, the build."""
    return digest_of(
        {
            "rendition": rendition.file.sha256,
            "tile": str(plan.tile),
            "interval_frames": plan.interval_frames,
            "stills": plan.stills,
            "color": mezzanine.color.model_dump(mode="json"),
            "tools": mezzanine.tools_digest,
            "version": 1,
        }
    )


def find_thumbnails(toolbox: Toolbox, mezzanine: Mezzanine, renditions: Sequence[Rendition]) -> Thumbnails | None:
    """Returns the thumbnails of a title; ``None`` if the recipe wants none.

    Raises:
        TracksMissing: if they are not in the store.
    """
    if not mezzanine.recipe.packaging.thumbnails:
        return None
    found = toolbox.results.find(
        "thumbnails", thumbnail_key(mezzanine, *still_source(mezzanine, renditions)), Thumbnails
    )
    if found is None:
        raise _missing("thumbnails")
    return found


def fetch_texts(toolbox: Toolbox, texts: TextTracks, folder: Path, pulse: Pulse) -> list[TrackFile]:
    """Fetches text tracks into a folder."""
    return [
        TrackFile(track, toolbox.cache.fetch_into(track.file, folder / f"{track.name}.vtt", on_progress=pulse))
        for track in texts.tracks
    ]


def fetch_thumbnails(toolbox: Toolbox, thumbnails: Thumbnails | None, folder: Path, pulse: Pulse) -> list[TrackFile]:
    """Fetches the sheets of thumbnails into a folder of their own, in order of name."""
    if thumbnails is None:
        return []
    sheets = folder / thumbnails.name
    sheets.mkdir()
    for number, sheet in enumerate(thumbnails.sheets, start=1):
        toolbox.cache.fetch_into(sheet, sheets / f"{number:05d}.jpg", on_progress=pulse)
    return [TrackFile(thumbnails, sheets)]


def _missing(what: str) -> TracksMissing:
    return TracksMissing(what, found="nothing in the store", expected="the finished tracks", fix="submit again")
