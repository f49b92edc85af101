"""Packages a title: mux and encrypt, rewrite the manifests, check every rule, decrypt every track."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from media.errors import PresentationInvalid
from media.packaging.checks import check_presentation
from media.packaging.dash import canonical_mpd
from media.packaging.decryption import decrypt_track
from media.packaging.hls import iframe_playlist, media_playlist, target_duration_s
from media.packaging.multivariant import Multivariant
from media.packaging.packager import key_flags, packaging_command
from media.packaging.plan import MANIFEST, MULTIVARIANT, PresentationPlan
from media.packaging.pssh import shorten_init
from media.packaging.segment_index import TrackIndex, read_track
from media.packaging.track_header import read_track_header
from media.process import run_tool
from media.tools import ToolPaths

PROGRESS_S = 2.0
"""Time between two reports while the packager runs, in seconds."""
_CONTENT_TYPES = {
    # RFC 8216bis, 4 and 10 (m3u8); ISO/IEC 23009-1, annex C (MPD); Apple 10.4 (segments); RFC 4337 (MP4).
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".m4s": "video/iso.segment",
}


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
    cpu_s += await asyncio.to_thread(_finish_manifests, plan, out_dir)
    on_progress("manifests written and rules checked")
    decrypted: dict[str, str] = {}
    for item in plan.media:
        key = plan.key_of(item).key if plan.is_encrypted else None
        track = await asyncio.to_thread(decrypt_track, out_dir / item.name, item.path, key)
        decrypted[item.name] = track.md5
        cpu_s += track.cpu_s
        on_progress(f"{item.name} proved: {track.packets} packets equal to the clear ones")
    return PackagedTree(_listed(out_dir), MANIFEST, MULTIVARIANT, decrypted, cpu_s)


async def _run_packager(
    tools: ToolPaths, plan: PresentationPlan, out_dir: Path, on_progress: Callable[[str], None]
) -> float:
    """Runs the packager and reports how many segments there are, because it says nothing itself."""
    command = packaging_command(tools, plan, out_dir=out_dir)
    running = asyncio.create_task(run_tool(command, stdin=key_flags(plan)))
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


def _make_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise PresentationInvalid("presentation folder", found=f"{folder} is not empty", expected="an empty folder")
    folder.mkdir(parents=True, exist_ok=True)


def _count_segments(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*/*.m4s"))


def _finish_manifests(plan: PresentationPlan, out_dir: Path) -> float:
    """Rewrites the drafts from what lies on disk, then checks every rule; returns CPU seconds."""
    began = time.thread_time()
    for item in plan.media:
        shorten_init(out_dir / item.name / "init.mp4")
    write_manifests(plan, out_dir, {item.name: read_track(out_dir / item.name) for item in plan.media})
    check_presentation(out_dir, plan)
    return time.thread_time() - began


def write_manifests(plan: PresentationPlan, out_dir: Path, indexes: dict[str, TrackIndex]) -> None:
    """Replaces the packager's drafts by the final manifests.

    Raises:
        PresentationInvalid: if a draft does not fit the plan.
    """
    target_s = target_duration_s(indexes)
    iframes: dict[str, str] = {}
    for item in plan.media:
        index, kid = indexes[item.name], plan.key_of(item).kid if plan.is_encrypted else None
        playlist, stills = out_dir / item.name / "playlist.m3u8", out_dir / item.name / "iframes.m3u8"
        playlist.write_text(media_playlist(playlist.read_text("utf-8"), index, kid=kid, target_s=target_s), "utf-8")
        if stills.is_file():
            iframes[item.name] = iframe_playlist(stills.read_text("utf-8"), index, kid=kid, target_s=target_s)
            stills.write_text(iframes[item.name], "utf-8")
    mpd, multivariant = out_dir / MANIFEST, out_dir / MULTIVARIANT
    mpd.write_text(canonical_mpd(mpd.read_text("utf-8"), plan, indexes, target_s=target_s), "utf-8")
    text = Multivariant(multivariant.read_text("utf-8"), plan, indexes, iframes, target_s).text()
    multivariant.write_text(text, "utf-8")


def _listed(out_dir: Path) -> tuple[tuple[str, str], ...]:
    paths = sorted(path.relative_to(out_dir).as_posix() for path in out_dir.rglob("*") if path.is_file())
    return tuple((path, _content_type(out_dir, path)) for path in paths)


def _content_type(out_dir: Path, path: str) -> str:
    suffix = Path(path).suffix
    if suffix in _CONTENT_TYPES:
        return _CONTENT_TYPES[suffix]
    return "audio/mp4" if read_track_header(out_dir / path).handler == "soun" else "video/mp4"
