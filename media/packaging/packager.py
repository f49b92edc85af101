"""Shaka Packager's command line as a pure function, and the secrets that go through its standard input.

It muxes and encrypts, and writes no manifest: ours are written from what it made.
"""

from fractions import Fraction
from pathlib import Path

from domain.tracks import Rendition
from media.command import Command, command
from media.errors import PresentationInvalid
from media.packaging.plan import PresentationPlan, TrackFile
from media.tools import ToolPaths

_SYSTEMS = {
    "cbcs": "Widevine,PlayReady,FairPlay",
    # FairPlay has no cenc. CommonSystem is never named: it adds an identity key tag to HLS (shaka-packager #1439).
    "cenc": "Widevine,PlayReady",
}


def packaging_command(tools: ToolPaths, plan: PresentationPlan, *, out_dir: Path) -> Command:
    """Builds the command; the keys come through standard input, see ``key_flags``.

    Raises:
        PresentationInvalid: if a path cannot be written in the packager's stream descriptors.
    """
    if any(mark in str(out_dir) for mark in ",$\n"):
        raise PresentationInvalid("presentation folder", found=str(out_dir), expected="a path without comma and dollar")
    return command(
        [
            tools.packager,
            *(_stream(item, out_dir / item.name) for item in plan.media),
            *(_stream(item, out_dir / name, "trick_play_factor=1") for name, item in plan.trick_tracks.items()),
            *(_protection(plan) if plan.is_encrypted else []),
            *_OUTPUT,
            *_segments(plan),
        ],
        purpose=f"presentation of {len(plan.tracks)} tracks",
    )


def key_flags(plan: PresentationPlan) -> bytes | None:
    """Returns the flag file with the content keys, for standard input only: argv is readable by everyone in /proc.

    Every track is a packager label of its own, because the IV belongs to the label and must differ between tracks.
    ``None`` for a clear title.
    """
    if not plan.is_encrypted:
        return None
    entries = [_label(plan, item, item.name) for item in plan.media]
    entries += [_label(plan, item, name) for name, item in plan.trick_tracks.items()]
    return f"--enable_raw_key_encryption\n--keys={','.join(entries)}\n".encode()


def _label(plan: PresentationPlan, item: TrackFile, folder: str) -> str:
    key, iv = plan.key_of(item), plan.iv_of(item, folder)
    return f"label={folder}:key_id={key.kid}:key={key.key.hex()}:iv={iv.hex()}"


def _stream(item: TrackFile, folder: Path, *more: str) -> str:
    parts = [
        f"in={item.path}",
        f"stream={'video' if isinstance(item.track, Rendition) else 'audio'}",
        f"init_segment={folder}/init.mp4",
        f"segment_template={folder}/$Number%05d$.m4s",
        f"drm_label={folder.name}",
        *more,
    ]
    return ",".join(parts)


def _protection(plan: PresentationPlan) -> list[str]:
    return [
        "--flagfile=/dev/stdin",
        *("--protection_scheme", plan.scheme),
        *("--protection_systems", _SYSTEMS[plan.scheme]),
        # The default is five seconds in the clear, with a discontinuity that players and Apple's rules dislike.
        *("--clear_lead", "0"),
    ]


_OUTPUT = (
    # With IVs from us this makes two runs equal: no clock in moov.
    "--use_fake_clock_for_muxer",
    "--quiet",
)


def _segments(plan: PresentationPlan) -> list[str]:
    """Cuts at the planned frames by cue points, for no segment duration could say them.

    Pictures are cut at the first IDR frame at or after a cue, hence half a frame early; sound and fast play at their
    first frame after that. One thread (``--single_threaded``) would wait for ever: at a cue tracks wait for each other.
    """
    cues = [_seconds_text((frame - Fraction(1, 2)) / plan.frame_rate) for frame in plan.segment_starts_frames[1:]]
    return ["--segment_duration", str(_NO_OTHER_CUT_S), *(["--ad_cues", ";".join(cues)] if cues else [])]


_NO_OTHER_CUT_S = 1_000_000
"""Longer than any title."""


def _seconds_text(seconds: Fraction) -> str:
    """Returns seconds with four decimals: finer than half a frame at any rate."""
    ticks = round(seconds * 10_000)
    return f"{ticks // 10_000}.{ticks % 10_000:04d}"
