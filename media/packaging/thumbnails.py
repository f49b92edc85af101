"""Thumbnails for seeking: JPEG sheets, their HLS image playlist and their WebVTT file.

Sources: DASH-IF IOP 4.3, 6.2.6 (tiles); the HLS image media playlist extension (``EXT-X-IMAGE-STREAM-INF``,
``EXT-X-TILES``; not in the RFC, clients that do not know it skip it); W3C Media Fragments URI 1.0, 4.2.2 (``xywh``).
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from domain.tracks import Thumbnails
from media.errors import PresentationInvalid
from media.packaging.playlists import seconds_text
from media.packaging.segment_index import mean_rate_bps, peak_rate_bps

SPRITES = "thumbnails.vtt"
"""Name of the WebVTT file beside the sheets."""


@dataclass(frozen=True, slots=True)
class SheetIndex:
    """The sheets of one set of thumbnails as they lie on disk."""

    track: Thumbnails
    sizes_bytes: tuple[int, ...]
    title_s: Fraction

    @property
    def sheet_s(self) -> Fraction:
        """Seconds that a full sheet covers."""
        return self.track.columns * self.track.rows * self.track.interval_s

    @property
    def durations_s(self) -> tuple[Fraction, ...]:
        """Seconds of each sheet; the last ends with the title."""
        count = len(self.sizes_bytes)
        return tuple(min(self.sheet_s, self.title_s - number * self.sheet_s) for number in range(count))

    @property
    def peak_bps(self) -> int:
        """Largest rate of a sheet in bits per second."""
        return peak_rate_bps(self._weights(), self.target_s)

    @property
    def mean_bps(self) -> int:
        """Mean rate in bits per second."""
        return mean_rate_bps(self._weights())

    @property
    def target_s(self) -> int:
        """Target duration of the image playlist in seconds."""
        return max(1, int(max(self.durations_s) + Fraction(1, 2)))

    def _weights(self) -> list[tuple[int, Fraction]]:
        return list(zip(self.sizes_bytes, self.durations_s, strict=True))


def write_thumbnails(track: Thumbnails, source: Path, folder: Path, title_s: Fraction) -> SheetIndex:
    """Copies the sheets as ``00001.jpg`` and so on, and writes what points into them.

    Raises:
        PresentationInvalid: if the sheets are not those that the track tells of, or do not fit the title.
    """
    sheets = sorted(path for path in source.iterdir() if path.is_file())
    shown_s, per_sheet = (track.stills - 1) * track.interval_s, track.columns * track.rows
    if len(sheets) != len(track.sheets) or len(sheets) != -(-track.stills // per_sheet) or shown_s >= title_s:
        found = f"{len(sheets)} sheets, {track.stills} stills every {track.interval_s} s"
        expected = f"{len(track.sheets)} sheets of {per_sheet} for {float(title_s)} s"
        raise PresentationInvalid(track.name, found=found, expected=expected)
    folder.mkdir(parents=True)
    for number, sheet in enumerate(sheets, start=1):
        shutil.copyfile(sheet, folder / sheet_name(number))
    index = SheetIndex(track, tuple(sheet.stat().st_size for sheet in sheets), title_s)
    (folder / SPRITES).write_text(sprite_file(index), "utf-8")
    (folder / "playlist.m3u8").write_text(image_playlist(index), "utf-8")
    return index


def sheet_name(number: int) -> str:
    """Returns the name of a sheet, counted from 1."""
    return f"{number:05d}.jpg"


def image_playlist(index: SheetIndex) -> str:
    """Returns the image media playlist."""
    track = index.track
    layout = f"RESOLUTION={track.tile},LAYOUT={track.columns}x{track.rows},DURATION={seconds_text(track.interval_s)}"
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{index.target_s}", "#EXT-X-PLAYLIST-TYPE:VOD"]
    lines.append("#EXT-X-IMAGES-ONLY")
    for number, duration_s in enumerate(index.durations_s, start=1):
        lines += [f"#EXTINF:{seconds_text(duration_s)},", f"#EXT-X-TILES:{layout}", sheet_name(number)]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def sprite_file(index: SheetIndex) -> str:
    """Returns the WebVTT file: for each still its time, its sheet, and where on the sheet it is."""
    return "\n".join(["WEBVTT", "", *_sprites(index)])


def _sprites(index: SheetIndex) -> Iterator[str]:
    track = index.track
    per_sheet = track.columns * track.rows
    for number in range(track.stills):
        start_s = number * track.interval_s
        sheet, place = divmod(number, per_sheet)
        x, y = place % track.columns * track.tile.width_px, place // track.columns * track.tile.height_px
        end_s = index.title_s if number == track.stills - 1 else start_s + track.interval_s
        yield f"{_clock(start_s)} --> {_clock(end_s)}"
        yield f"{sheet_name(sheet + 1)}#xywh={x},{y},{track.tile.width_px},{track.tile.height_px}"
        yield ""


def _clock(seconds: Fraction) -> str:
    milliseconds = round(seconds * 1000)
    minutes = milliseconds // 60_000
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000 % 60:02d}.{milliseconds % 1000:03d}"
