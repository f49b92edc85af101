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
            *("--segment_duration", _duration_text(plan.segment_s)),
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
    # Three things that make two runs equal: no clock in moov, one thread, IVs from us.
    "--use_fake_clock_for_muxer",
    "--single_threaded",
    "--quiet",
)


def _duration_text(seconds: Fraction) -> str:
    """Returns seconds as text, one nanosecond long.

    The packager multiplies a double with the timescale and cuts off the fraction: 2.002 at 24000 becomes one tick less,
    and after 1001 segments (33 minutes) an IDR one frame before the grid begins a segment of one frame (measured).
    A nanosecond is below one tick, so that the cut-off always meets the exact tick.
    """
    nanoseconds = -(-seconds.numerator * 10**9 // seconds.denominator) + 1
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"
