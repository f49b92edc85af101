"""Packages a title: mux and encrypt, write text, thumbnails and manifests, check every rule, decrypt every track."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from domain.checks import CheckReport
from domain.tracks import Rendition, TextTrack, Thumbnails
from media.errors import PresentationInvalid, ToolFailed
from media.packaging.catalog import write_catalog
from media.packaging.checks import check_presentation
from media.packaging.dash_writer import dash_manifest
from media.packaging.decryption import decrypt_track
from media.packaging.hls import iframe_playlist, media_playlist, subtitle_playlist
from media.packaging.multivariant import multivariant_playlist
from media.packaging.packager import key_flags, packaging_command
from media.packaging.plan import MANIFEST, MULTIVARIANT, PresentationPlan, TrackFile
from media.packaging.presentation_index import PresentationIndex, read_presentation
from media.packaging.pssh import replace_pssh
from media.packaging.signaling import boxes_of
from media.packaging.text_tracks import write_text_track
from media.packaging.thumbnails import SheetIndex, write_thumbnails
from media.packaging.track_file import join_segments
from media.packaging.track_header import read_track_header
from media.process import ToolRun, run_tool
from media.tools import ToolPaths

PROGRESS_S = 2.0
"""Time between two reports while the packager runs, in seconds."""
_CONTENT_TYPES = {
    # RFC 8216bis, 4 and 10 (m3u8); ISO/IEC 23009-1, annex C (MPD); Apple 10.4 (segments); RFC 4337 (MP4).
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".m4s": "video/iso.segment",
    # W3C WebVTT, 11; RFC 2046, 4.2.
    ".vtt": "text/vtt",
    ".jpg": "image/jpeg",
    ".json": "application/json",
}
_MISALIGNED = "not properly GOP-aligned"
"""What the packager says when tracks have no IDR frame in common after a cue."""
_MP4_TYPES = {"vide": "video/mp4", "soun": "audio/mp4", "text": "application/mp4"}


@dataclass(frozen=True, slots=True)
class PackagedTree:
    """A presentation on this machine that may be published."""

    files: tuple[tuple[str, str], ...]
    """(path in the folder, content type), in rising order of path."""
    dash: str
    """Path of the MPD."""
    hls: str
    """Path of the multivariant playlist."""
    decrypted_md5: dict[str, str]
    """Track name → MD5 of its decrypted elementary stream, equal to the clear stream's."""
    checks: CheckReport
    """How each rule is kept; no MUST is broken."""
    cpu_s: float
    """User and system seconds of the packager and of our own threads."""


async def package_presentation(
    tools: ToolPaths, plan: PresentationPlan, *, out_dir: Path, on_progress: Callable[[str], None]
) -> PackagedTree:
    """Packages, encrypts, checks and decrypts a title.

    Args:
        tools: The programs.
        plan: Tracks, keys and recipe.
        out_dir: An empty or new folder.
        on_progress: Called with what was done last, at least every few seconds.

    Raises:
        PresentationInvalid: if the folder is not empty, or if what was made breaks a rule.
        DecryptionMismatch: if a track does not decrypt to its clear file.
        ToolFailed: if the packager ended badly.
        ToolMissing: if there is no packager.
    """
    _make_empty(out_dir)
    cpu_s = await _run_packager(tools, plan, out_dir, on_progress)
    checks, finishing_s = await asyncio.to_thread(_finish_manifests, plan, out_dir, on_progress)
    cpu_s += finishing_s
    on_progress(f"manifests written, {len(checks.passed())} rules kept")
    decrypted: dict[str, str] = {}
    for folder, item in proofs_of(plan).items():
        key = plan.key_of(item).key if plan.is_encrypted else None
        only_sync = folder != item.name
        track = await asyncio.to_thread(decrypt_track, out_dir / folder, item.path, key, only_sync=only_sync)
        decrypted[folder] = track.md5
        cpu_s += track.cpu_s
        on_progress(f"{folder} proved: {track.packets} packets equal to the clear ones")
    return PackagedTree(_listed(out_dir), MANIFEST, MULTIVARIANT, decrypted, checks, cpu_s)


async def _run_packager(
    tools: ToolPaths, plan: PresentationPlan, out_dir: Path, on_progress: Callable[[str], None]
) -> float:
    """Runs the packager and reports how many segments there are, because it says nothing itself."""
    running = asyncio.create_task(_mux(tools, plan, out_dir))
    try:
        while not running.done():
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(running), PROGRESS_S)
            on_progress(f"{await asyncio.to_thread(_count_segments, out_dir)} segments packaged")
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await running
    return (await running).cpu_s


async def _mux(tools: ToolPaths, plan: PresentationPlan, out_dir: Path) -> ToolRun:
    try:
        return await run_tool(packaging_command(tools, plan, out_dir=out_dir), stdin=key_flags(plan))
    except ToolFailed as error:
        if _MISALIGNED not in error.found:
            raise
        raise PresentationInvalid(
            "presentation",
            found="renditions whose IDR frames differ where a segment starts",
            expected="an IDR frame of every rendition at every segment start (IOP 7.3, Apple 8.22)",
            fix="assemble the renditions again from encodes of one IDR plan",
        ) from error


def _make_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise PresentationInvalid("presentation folder", found=f"{folder} is not empty", expected="an empty folder")
    folder.mkdir(parents=True, exist_ok=True)


def _count_segments(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*/*.m4s"))


def proofs_of(plan: PresentationPlan) -> dict[str, TrackFile]:
    """Returns folder → the track whose clear file its packets come from; of fast play only the sync samples."""
    return {**{item.name: item for item in plan.media}, **plan.trick_tracks}


def _finish_manifests(
    plan: PresentationPlan, out_dir: Path, on_progress: Callable[[str], None]
) -> tuple[CheckReport, float]:
    """Writes everything that the packager did not and checks every rule; returns the verdicts and CPU seconds."""
    began = time.thread_time()
    sheets: dict[str, SheetIndex] = {}
    for folder, item in proofs_of(plan).items():
        if plan.is_encrypted:
            replace_pssh(out_dir / folder / "init.mp4", boxes_of(plan.key_of(item), plan.scheme))
    for item in plan.tracks:
        if isinstance(item.track, TextTrack):
            write_text_track(plan, item.track, item.path, out_dir / item.name)
            on_progress(f"{item.name} written")
        elif isinstance(item.track, Thumbnails):
            sheets[item.name] = write_thumbnails(item.track, item.path, out_dir / item.name, plan.duration_s)
    index = read_presentation(plan, out_dir, sheets, on_progress)
    if plan.recipe.storage == "file":
        for track in index.tracks.values():
            join_segments(track, on_progress)
        index = read_presentation(plan, out_dir, sheets, on_progress)
    write_manifests(index, out_dir)
    write_catalog(index, out_dir)
    checks = check_presentation(out_dir, plan)
    return checks, time.thread_time() - began


def write_manifests(index: PresentationIndex, out_dir: Path) -> None:
    """Writes MPD, multivariant playlist and media playlists."""
    for item in index.plan.media:
        track, keys, folder = index.tracks[item.name], index.key_tags(item), out_dir / item.name
        _write(folder / "playlist.m3u8", media_playlist(track, keys, target_s=index.target_s))
        if isinstance(item.track, Rendition):
            # Apple 6.1: I-frame playlists are a must.
            _write(folder / "iframes.m3u8", iframe_playlist(track, keys, target_s=index.target_s))
    for text in index.plan.text:
        playlist = subtitle_playlist(index.tracks[text.name], target_s=index.target_s)
        _write(out_dir / text.name / "playlist.m3u8", playlist)
    _write(out_dir / MANIFEST, dash_manifest(index))
    _write(out_dir / MULTIVARIANT, multivariant_playlist(index))


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def _listed(out_dir: Path) -> tuple[tuple[str, str], ...]:
    paths = sorted(path.relative_to(out_dir).as_posix() for path in out_dir.rglob("*") if path.is_file())
    return tuple((path, _content_type(out_dir, path)) for path in paths)


def _content_type(out_dir: Path, path: str) -> str:
    suffix = Path(path).suffix
    if suffix in _CONTENT_TYPES:
        return _CONTENT_TYPES[suffix]
    return _MP4_TYPES[read_track_header(out_dir / path).handler]
