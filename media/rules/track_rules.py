"""Rules on tracks: boxes, times, sync samples, alignment of what a player switches between."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from media.rules.media_model import Track
from media.rules.model import PresentationOnDisk
from media.rules.rule import APPLE, BMFF, CMAF, IOP, Finding, Rule, rule

_STRUCTURAL_BRANDS = {"cmfc", "cmf2"}
_IN_BAND = {"avc3": "avc1", "hev1": "hvc1"}


@rule(
    "BOX-001",
    "initialization segments are CMAF headers of one track",
    source=f"{CMAF}, 7.2 and 7.3.2",
    fix="write the brand cmfc or cmf2, one track and mvex into the initialization segment",
)
def headers_are_cmaf(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields initialization segments without structural brand, with several tracks, or without mvex."""
    for track in presentation.tracks:
        if not _STRUCTURAL_BRANDS & set(track.init.brands):
            yield Finding(track.name, f"brands {', '.join(track.init.brands)}", "cmfc or cmf2 among them")
        if track.init.tracks != 1:
            yield Finding(track.name, f"{track.init.tracks} tracks", "one track in each file")
        if not track.init.has_mvex:
            yield Finding(track.name, "no mvex box", "mvex with trex")


@rule(
    "BOX-002",
    "each segment begins where the one before it ends",
    source=f"{APPLE}, 7.3; {CMAF}, 7.3.2; {BMFF}, 8.8.12",
    fix="package again from whole files; a gap or overlap in tfdt makes players stall or drop samples",
)
def times_are_continuous(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields fragments whose decode time is not the end of the one before."""
    for track in presentation.tracks:
        at: int | None = None
        for segment in track.segments:
            for fragment in segment.fragments:
                if at is not None and fragment.decode_start != at:
                    yield Finding(str(segment.span), f"starts at {fragment.decode_start}", f"{at}")
                at = fragment.decode_start + fragment.duration


@rule(
    "BOX-003",
    "every segment starts with a sync sample",
    source=f"{APPLE}, 7.4; {IOP}, segments and stream access points",
    fix="force an IDR where each segment begins",
)
def segments_start_with_sync(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields video and audio segments whose first sample is no sync sample."""
    for track in presentation.tracks:
        if track.init.handler in {"vide", "soun"}:
            for segment in track.segments:
                if not segment.fragments[0].starts_with_sync:
                    yield Finding(str(segment.span), "starts with a dependent sample", "a sync sample")


@rule(
    "BOX-004",
    "video renditions have their segments at the same times",
    source=f"{IOP}, segment alignment; {CMAF}, 7.3.4; {APPLE}, 8.22",
    fix="encode all renditions with one IDR plan and package with one segment duration",
)
def video_is_aligned(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields video tracks whose segment starts differ from those of the first one."""
    yield from _misaligned(presentation.video)


def _misaligned(tracks: Sequence[Track]) -> Iterator[Finding]:
    known = [track for track in tracks if track.segments]
    for track in known[1:]:
        ours, theirs = known[0].starts_s, track.starts_s
        if ours == theirs:
            continue
        pairs = enumerate(zip(ours, theirs, strict=False))
        first = next((number for number, (a, b) in pairs if a != b), min(len(ours), len(theirs)))
        found = f"{len(theirs)} segments, another start from segment {first + 1} on{_at(theirs, first)}"
        yield Finding(track.name, found, f"the {len(ours)} starts of {known[0].name}{_at(ours, first)}")


def _at(starts: Sequence[Fraction], number: int) -> str:
    return f" ({float(starts[number]):.6f} s)" if number < len(starts) else ""


@rule(
    "BOX-005",
    "edit lists are equal inside an adaptation set",
    source=f"{IOP}, edit lists; {CMAF}, 7.3.4",
    fix="encode with the same number of reordered frames in all renditions of a codec",
    needs="dash",
)
def edits_are_equal(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields adaptation sets whose tracks are shifted differently by their edit lists."""
    for mpd in presentation.mpds:
        for item in mpd.sets:
            shifts = {track.init.edit_s: track.name for track in item.tracks}
            if len(shifts) > 1:
                found = "; ".join(f"{name} {float(shift):.6f} s" for shift, name in sorted(shifts.items()))
                yield Finding(item.where, found, "one shift for all")


@rule(
    "BOX-006",
    "audio and video start together and last equally long",
    source=f"{APPLE}, 8.3 and 8.7",
    fix="cut or fill audio to the length of the pictures",
)
def tracks_last_equally_long(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields tracks that do not start at zero, or end more than a sample away from the longest video."""
    sound = [track for track in presentation.tracks if track.init.handler == "soun" and track.segments]
    tracks = [*(track for track in presentation.video if track.segments), *sound]
    end_s = max((track.end_s for track in presentation.video or sound), default=Fraction(0))
    for track in tracks:
        if not track.frame_rate:
            continue
        one_s = 1 / track.frame_rate
        if track.starts_s[0] > one_s or abs(track.end_s - end_s) > one_s:
            found = f"{float(track.starts_s[0]):.6f} to {float(track.end_s):.6f} s"
            yield Finding(track.name, found, f"0 to {float(end_s):.6f} s")


@rule(
    "BOX-007",
    "parameter sets stand in the sample entry",
    source=f"{APPLE}, 1.10; ISO/IEC 14496-15, 5.3.2 and 8.3.2",
    fix="package as avc1 or hvc1",
    severity="should",
)
def parameter_sets_are_out_of_band(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields sample entries of formats with parameter sets among the samples."""
    for track in presentation.tracks:
        kind = track.init.entry.format
        if kind in _IN_BAND:
            yield Finding(track.name, f"sample entry {kind}", _IN_BAND[kind])


@rule(
    "BOX-008",
    "audio segments end within an audio frame of video segments",
    source=f"{APPLE}, 8.22",
    fix="cut audio at the frame nearest to each video boundary",
    severity="should",
)
def audio_follows_video(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields audio tracks with other segment boundaries than video, beyond one audio frame (a segment, a frame)."""
    video = next((track for track in presentation.video if track.segments), None)
    for track in presentation.tracks if video else ():
        if track.init.handler != "soun" or not track.frame_rate or video is None:
            continue
        one_s = 1 / track.frame_rate
        off = [abs(a - b) for a, b in zip(track.starts_s, video.starts_s, strict=False)]
        if len(track.segments) != len(video.segments) or max(off, default=Fraction(0)) > 2 * one_s:
            found = f"{len(track.segments)} segments, up to {float(max(off, default=Fraction(0))):.4f} s away"
            yield Finding(track.name, found, f"the {len(video.segments)} boundaries of {video.name}")


@rule(
    "BOX-009",
    "fragments are addressed from their own moof",
    source=f"{CMAF}, 7.5; {BMFF}, 8.8.7",
    fix="write tfhd with default-base-is-moof and without base-data-offset",
)
def fragments_are_relative(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields tracks with fragments whose data offsets count from the start of the file."""
    for track in presentation.tracks:
        bad = [segment for segment in track.segments if not all(item.has_base_is_moof for item in segment.fragments)]
        if bad:
            yield Finding(str(bad[0].span), f"{len(bad)} segments count from the start of the file", "from their moof")


RULES: tuple[Rule, ...] = (
    headers_are_cmaf,
    times_are_continuous,
    segments_start_with_sync,
    video_is_aligned,
    edits_are_equal,
    tracks_last_equally_long,
    parameter_sets_are_out_of_band,
    audio_follows_video,
    fragments_are_relative,
)
