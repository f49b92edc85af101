"""Shaka Packager's command line as a pure function, and the secrets that go through its standard input."""

from fractions import Fraction
from pathlib import Path

from domain.tracks import EncodedAudio, Rendition
from domain.video import Codec
from media.command import Command, command
from media.errors import PresentationInvalid
from media.packaging.languages import UNDETERMINED, language_tag
from media.packaging.plan import MANIFEST, MULTIVARIANT, PresentationPlan, TrackFile
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
            *(_stream(plan, item, out_dir) for item in plan.media),
            *(_protection(plan) if plan.is_encrypted else []),
            *_output(out_dir),
            *("--segment_duration", _duration_text(plan.segment_s)),
            *_default_language(plan),
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
    entries = [
        f"label={item.name}:key_id={plan.key_of(item).kid}:key={plan.key_of(item).key.hex()}:iv={plan.iv_of(item).hex()}"
        for item in plan.media
    ]
    return f"--enable_raw_key_encryption\n--keys={','.join(entries)}\n".encode()


def audio_group(track: EncodedAudio) -> str:
    """Returns the HLS audio group: one per channel count, because all members of a group must suit a variant's CODECS.

    Source: Apple HLS authoring specification (2025-06-26), 8.19 and RFC 8216bis, 4.4.6.1.1.
    """
    return f"audio_{track.channels}ch"


def audio_role(plan: PresentationPlan, track: EncodedAudio) -> str:
    """Returns the DASH role of an audio track.

    Source: ISO/IEC 23009-1, 5.8.5.5, ``urn:mpeg:dash:role:2011``.
    """
    if track.role is not None:
        return track.role
    first = plan.audio[0]
    if track == first:
        return "main"
    return "alternate" if track.language == first.language else "dub"


def _stream(plan: PresentationPlan, item: TrackFile, out_dir: Path) -> str:
    folder = out_dir / item.name
    parts = [
        f"in={item.path}",
        f"stream={'video' if isinstance(item.track, Rendition) else 'audio'}",
        f"init_segment={folder}/init.mp4",
        f"segment_template={folder}/$Number%05d$.m4s",
        f"playlist_name={item.name}/playlist.m3u8",
        f"drm_label={item.name}",
    ]
    if isinstance(item.track, EncodedAudio):
        parts += _audio_parts(plan, item.track)
    elif isinstance(item.track, Rendition) and item.track.codec is Codec.H264:
        # Apple 6.1 and 6.16: I-frame playlists are a must, in H.264 and SDR at least.
        parts.append(f"iframe_playlist_name={item.name}/iframes.m3u8")
    return ",".join(parts)


def _audio_parts(plan: PresentationPlan, track: EncodedAudio) -> list[str]:
    return [
        f"hls_group_id={audio_group(track)}",
        f"hls_name={track.name}",  # the name that people read is written with the final playlist
        *_language(track),
        f"dash_roles={audio_role(plan, track)}",
    ]


def _protection(plan: PresentationPlan) -> list[str]:
    return [
        "--flagfile=/dev/stdin",
        *("--protection_scheme", plan.scheme),
        *("--protection_systems", _SYSTEMS[plan.scheme]),
        # The default is five seconds in the clear, with a discontinuity that players and Apple's rules dislike.
        *("--clear_lead", "0"),
    ]


def _output(out_dir: Path) -> list[str]:
    return [
        *("--mpd_output", str(out_dir / MANIFEST)),
        "--generate_static_live_mpd",
        *("--hls_master_playlist_output", str(out_dir / MULTIVARIANT)),
        *("--hls_playlist_type", "VOD"),
        # Three things that make two runs equal: no clock in moov, one thread (adaptation set ids), IVs from us.
        "--use_fake_clock_for_muxer",
        "--single_threaded",
        "--quiet",
    ]


def _language(track: EncodedAudio) -> list[str]:
    """The packager refuses ``und``; without a language it takes the file's own, which is ``und`` too."""
    tag = language_tag(track)
    return [] if tag == UNDETERMINED else [f"lang={tag}"]


def _default_language(plan: PresentationPlan) -> list[str]:
    tag = language_tag(plan.audio[0]) if plan.audio else UNDETERMINED
    return [] if tag == UNDETERMINED else ["--default_language", tag]


def _duration_text(seconds: Fraction) -> str:
    """Returns seconds as text, one nanosecond long.

    The packager multiplies a double with the timescale and cuts off the fraction: 2.002 at 24000 becomes one tick less,
    and after 1001 segments (33 minutes) an IDR one frame before the grid begins a segment of one frame (measured).
    A nanosecond is below one tick, so that the cut-off always meets the exact tick.
    """
    nanoseconds = -(-seconds.numerator * 10**9 // seconds.denominator) + 1
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"
