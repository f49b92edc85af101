"""A whole presentation as it lies on disk: what manifests are written from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from domain.hdr import DynamicRange
from media.packaging.codec_strings import ColorCodes, video_range
from media.packaging.hls import target_duration_s
from media.packaging.plan import PresentationPlan, TrackFile
from media.packaging.segment_index import TrackIndex, read_track
from media.packaging.signaling import key_tags
from media.packaging.thumbnails import SheetIndex


@dataclass(frozen=True)
class PresentationIndex:
    """Plan, and what was made of it."""

    plan: PresentationPlan
    tracks: Mapping[str, TrackIndex]
    """Folder → picture, sound, text and trick play."""
    sheets: Mapping[str, SheetIndex]
    """Folder → thumbnails."""

    @cached_property
    def target_s(self) -> int:
        """Target duration of all playlists in seconds."""
        return target_duration_s(self.tracks)

    def color_of(self, item: TrackFile) -> ColorCodes | None:
        """Returns the colors that a track states."""
        return self.tracks[item.name].header.color

    def range_of(self, item: TrackFile) -> DynamicRange:
        """Returns the dynamic range that a track's colors stand for."""
        return video_range(self.color_of(item))

    def key_tags(self, item: TrackFile) -> list[str]:
        """Returns the ``EXT-X-KEY`` tags of a track; none for a clear one."""
        if not self.plan.is_encrypted:
            return []
        return key_tags(self.tracks[item.name].header, self.plan.key_of(item), self.plan.scheme)


def read_presentation(
    plan: PresentationPlan,
    folder: Path,
    sheets: Mapping[str, SheetIndex],
    on_progress: Callable[[str], None] = lambda _: None,
) -> PresentationIndex:
    """Reads all segments of a packaged folder; reports each track.

    Raises:
        PresentationInvalid: if a file is missing or malformed.
    """
    names = [*(item.name for item in plan.media), *(track.name for track in plan.text), *plan.trick_tracks]
    tracks = {}
    for name in names:
        tracks[name] = read_track(folder / name)
        on_progress(f"{name} read back")
    return PresentationIndex(plan, tracks, sheets)
