"""Rules on MPDs: what they state is what lies on disk, and players are told what they need."""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

from media.packaging.segment_index import peak_rate_bps
from media.rules.codec_names import is_same_codec
from media.rules.media_model import Track
from media.rules.model import AdaptationSet, PresentationOnDisk, Representation
from media.rules.mpd_reader import children
from media.rules.protection_headers import PLAYREADY, parse_pssh_base64
from media.rules.rule import CENC, CMAF, DASH, IOP, Finding, Rule, rule

MP4_PROTECTION = "urn:mpeg:dash:mp4protection:2011"
_TOLERANCE = Fraction(1, 10)
_CMAF_PROFILE = "urn:mpeg:dash:profile:cmaf"
_RATE = re.compile(r"(\d+)(?:/([1-9]\d*))?\Z")


def _representations(presentation: PresentationOnDisk, *kinds: str) -> Iterator[Representation]:
    for mpd in presentation.mpds:
        for item in mpd.sets:
            if not kinds or item.kind in kinds:
                yield from item.representations


@rule(
    "MPD-004",
    "segment times are those of the media",
    source=f"{DASH}, 5.3.9.6; {IOP}, timing model",
    fix="write the SegmentTimeline from tfdt and sample durations after the edit list",
    needs="dash",
)
def times_are_those_of_the_media(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields the first segment of each Representation whose stated time is not that of its boxes.

    Timelines and indexes must be exact to a tick of either time scale; ``@duration`` may be half a segment off (IOP).
    """
    for item in _representations(presentation, "video", "audio"):
        if item.track is not None and not item.references:
            yield Finding(item.where, "no segments", "segments of a timeline, a list or an index")
        elif item.track is not None:
            yield from islice(_untrue_times(item, item.track), 1)


def _untrue_times(item: Representation, track: Track) -> Iterator[Finding]:
    scale = track.init.timescale
    tick_s = max(Fraction(1, scale), Fraction(1, item.timescale))
    # An index counts before the edit list (14496-12, 8.16.3).
    shift_s = abs(track.init.edit_s) if item.addressing == "base" else Fraction(0)
    for reference in item.references:
        if reference.segment is None:
            continue
        start_s, end_s = Fraction(reference.segment.start, scale), Fraction(reference.segment.end, scale)
        stated_end_s = reference.start_s + reference.duration_s
        off_s = abs(reference.start_s - start_s)
        if item.addressing != "duration":
            off_s = max(off_s, abs(stated_end_s - end_s))
        if off_s - shift_s > (reference.duration_s / 2 if item.addressing == "duration" else tick_s):
            found = f"{reference.span}: {float(reference.start_s):.6f} to {float(stated_end_s):.6f} s stated"
            yield Finding(item.where, found, f"{float(start_s):.6f} to {float(end_s):.6f} s")


@rule(
    "MPD-005",
    "one addressing mode and time scale in an adaptation set",
    source=f"{IOP}, addressing modes",
    fix="package all renditions of a set in one run",
    needs="dash",
)
def addressing_is_one(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields adaptation sets that mix addressing modes or time scales."""
    for item in _sets(presentation):
        modes = {(one.addressing, one.timescale) for one in item.representations}
        if len(modes) > 1:
            yield Finding(item.where, "; ".join(f"{mode} at {scale}" for mode, scale in sorted(modes)), "one of them")


def _sets(presentation: PresentationOnDisk) -> list[AdaptationSet]:
    return [item for mpd in presentation.mpds for item in mpd.sets]


@rule(
    "MPD-006",
    "segments in templates have an initialization segment",
    source=f"{DASH}, 5.3.9.4; {IOP}, text; dash.js error 28",
    fix="deliver DASH text as wvtt or stpp in mp4 (or as one file), not as raw WebVTT segments in a SegmentTemplate",
    needs="dash",
)
def templates_have_initialization(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields templates without ``initialization``, but for pictures: dash.js then asks for the folder."""
    for item in _representations(presentation, "video", "audio", "text", "other"):
        if item.addressing in {"timeline", "duration"} and item.track is None:
            template = "text" if item.mime.startswith("text/") else item.mime
            yield Finding(item.where, f"{template} segments without initialization", "initialization and mp4 segments")


@rule(
    "MPD-007",
    "segment alignment is stated, and true",
    source=f"{IOP}, segment alignment; {DASH}, 5.3.3.2",
    fix='encode with one IDR plan; then write segmentAlignment="true" (subsegmentAlignment with SegmentBase)',
    needs="dash",
)
def alignment_is_stated(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields audio and video sets that do not state alignment, and those that state it and are not aligned."""
    for item in (one for mpd in presentation.mpds for one in mpd.sets_of("video", "audio")):
        is_base = any(one.addressing in {"base", "single"} for one in item.representations)
        name = "subsegmentAlignment" if is_base else "segmentAlignment"
        starts = {track.starts_s for track in item.tracks}
        is_stated = item.attributes.get(name, "false") not in {"false", "0"}
        if len(item.representations) > 1 and not is_stated:
            yield Finding(item.where, f"no {name}", f'{name}="true" on aligned segments')
        elif is_stated and len(starts) > 1:
            yield Finding(item.where, f"{name} stated, {len(starts)} different timelines", "one timeline")


@rule(
    "MPD-008",
    "bandwidth is the measured peak within 10 %",
    source=f"{DASH}, 5.3.5.2",
    fix="state the peak rate counted from the bytes",
    needs="dash",
)
def bandwidth_is_measured(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields Representations whose bandwidth is not their peak rate."""
    for item in _representations(presentation, "video", "audio"):
        if item.track is None or not item.track.weights:
            continue
        longest = max(duration for _, duration in item.track.weights)
        peak = peak_rate_bps(item.track.weights, max(1, int(longest + Fraction(1, 2))))
        stated = int(item.attributes["bandwidth"]) if item.attributes.get("bandwidth", "").isdigit() else 0
        if abs(peak - stated) > _TOLERANCE * peak:
            yield Finding(item.where, f"bandwidth {stated}", f"{peak} ± 10 %")


@rule(
    "MPD-009",
    "codecs are those of the sample entries",
    source=f"{DASH}, 5.3.7.2; RFC 6381",
    fix="make the name from the decoder configuration",
    needs="dash",
)
def codecs_are_right(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields Representations with another codec name than their boxes give."""
    for item in _representations(presentation):
        codecs = item.attributes.get("codecs", "")
        if item.track is not None and not (codecs and is_same_codec(codecs, item.track.init.entry.codec)):
            yield Finding(item.where, f"codecs {codecs!r}", item.track.init.entry.codec)


@rule(
    "MPD-010",
    "picture size and frame rate are those of the media",
    source=f"{DASH}, 5.3.7.2; {IOP}, video",
    fix="state width, height and frameRate as the sample entry and the sample durations have them",
    needs="dash",
)
def pictures_are_as_stated(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields video Representations of another size or rate than stated."""
    for item in _representations(presentation, "video"):
        if item.track is None:
            continue
        entry = item.track.init.entry
        stated = (item.attributes.get("width"), item.attributes.get("height"))
        if entry.width_px and stated != (str(entry.width_px), str(entry.height_px)):
            yield Finding(item.where, f"{stated[0]}x{stated[1]}", f"{entry.width_px}x{entry.height_px}")
        rate = _RATE.match(item.attributes.get("frameRate", ""))
        value = Fraction(int(rate[1]), int(rate[2] or 1)) if rate else Fraction(0)
        # A trick-play track keeps I-frames as they come: its rate is a mean at best.
        if (
            item.track.frame_rate
            and item.track.name not in presentation.trick
            and abs(value - item.track.frame_rate) > Fraction(1, 100)
        ):
            found = f"frameRate {item.attributes.get('frameRate', 'missing')}"
            yield Finding(item.where, found, f"{float(item.track.frame_rate):.3f}")


@rule(
    "MPD-011",
    "it is stated that segments start with stream access points",
    source=f"{IOP}, stream access points; {DASH}, 5.3.7.2",
    fix='write startWithSAP="1" (subsegmentStartsWithSAP with SegmentBase)',
    severity="should",
    needs="dash",
)
def access_points_are_stated(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields video sets without startWithSAP."""
    for item in (one for mpd in presentation.mpds for one in mpd.sets_of("video")):
        stated = [one.attributes.get(name) for one in item.representations for name in _SAP_NAMES]
        if not any(value in {"1", "2"} for value in stated):
            yield Finding(item.where, "no startWithSAP", 'startWithSAP="1"')


_SAP_NAMES = ("startWithSAP", "subsegmentStartsWithSAP")


@rule(
    "MPD-012",
    "sizes and rates are stated once, without maxima",
    source=f"{IOP}, video adaptation sets",
    fix="leave maxWidth, maxHeight and maxFrameRate away",
    severity="should",
    needs="dash",
)
def no_maxima(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields adaptation sets with maxWidth and the like."""
    for item in _sets(presentation):
        found = [name for name in ("maxWidth", "maxHeight", "maxFrameRate") if name in item.attributes]
        if found:
            yield Finding(item.where, ", ".join(found), "none")


@rule(
    "MPD-013",
    "audio and text say their language, audio its layout",
    source=f"{IOP}, audio and text adaptation sets; {DASH}, 5.3.3.2 and 5.8.5.4",
    fix="write lang (und where it is not known), audioSamplingRate and AudioChannelConfiguration",
    severity="should",
    needs="dash",
)
def audio_describes_itself(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields audio and text sets without language, and audio without sampling rate or channels."""
    for item in (one for mpd in presentation.mpds for one in mpd.sets_of("audio", "text")):
        if not item.attributes.get("lang"):
            yield Finding(item.where, "no lang", "a language tag (BCP 47)")
        for one in item.representations if item.kind == "audio" else ():
            if "audioSamplingRate" not in one.attributes:
                yield Finding(one.where, "no audioSamplingRate", "the sampling rate")
            both = (one.element, item.element)
            if not any(children(element, "AudioChannelConfiguration") for element in both):
                yield Finding(one.where, "no AudioChannelConfiguration", "the channel layout")


@rule(
    "MPD-014",
    "the presentation is as long as stated",
    source=f"{DASH}, 5.3.1.2",
    fix="write mediaPresentationDuration from the longest track",
    needs="dash",
)
def duration_is_right(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields MPDs of one Period whose duration is more than a frame off."""
    for mpd in presentation.mpds:
        tracks = [track for item in mpd.sets_of("video", "audio") for track in item.tracks if track.frame_rate]
        if mpd.duration_s is None or mpd.periods != 1 or not tracks:
            continue
        longest = max(tracks, key=lambda track: track.end_s)
        if abs(mpd.duration_s - longest.end_s) > max(1 / track.frame_rate for track in tracks):
            yield Finding(mpd.path, f"{float(mpd.duration_s):.6f} s", f"{float(longest.end_s):.6f} s")


@rule(
    "MPD-015",
    "the CMAF profile is stated",
    source=f"{DASH}, 8.12; {CMAF}, 6",
    fix="add urn:mpeg:dash:profile:cmaf:2019 to profiles",
    severity="should",
    needs="dash",
)
def cmaf_profile_is_stated(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields MPDs of CMAF tracks that do not say so."""
    for mpd in presentation.mpds:
        profiles = mpd.root.get("profiles", "")
        if _CMAF_PROFILE not in profiles:
            yield Finding(mpd.path, f"profiles {profiles}", _CMAF_PROFILE)


@rule(
    "MPD-016",
    "ContentProtection states scheme and KID of the boxes",
    source=f"{CENC}, 11.2; {IOP}, content protection",
    fix="write an mp4protection ContentProtection with value and cenc:default_KID from schm and tenc",
    needs="encrypted dash",
)
def protection_is_stated(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields sets of protected tracks whose mp4protection descriptor is missing or says another scheme or KID."""
    for item in _sets(presentation):
        protections = [track.init.protection for track in item.tracks]
        stated = next((one for one in item.protections if one.scheme == MP4_PROTECTION), None)
        if stated is None and any(protections):
            yield Finding(item.where, "no mp4protection", "ContentProtection of a protected track")
        for protection in protections if stated is not None else ():
            found = (stated.value, stated.kid) if stated else ("", "")
            wanted = (protection.scheme, protection.kid) if protection else ("", "")
            if found != wanted:
                yield Finding(item.where, " ".join(found), " ".join(wanted).strip() or "no ContentProtection")


@rule(
    "MPD-017",
    "one default KID in an adaptation set",
    source=f"{IOP}, content protection; {CENC}, 11.2",
    fix="put renditions of different keys into adaptation sets of their own, linked by adaptation-set-switching",
    needs="encrypted dash",
)
def kid_is_one(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields adaptation sets of several KIDs."""
    for item in _sets(presentation):
        kids = {one.kid for one in item.protections if one.kid} | {track.kid for track in item.tracks if track.kid}
        if len(kids) > 1:
            yield Finding(item.where, f"KIDs {', '.join(sorted(kids))}", "one KID")


@rule(
    "MPD-018",
    "system headers of the MPD are for the set's KID",
    source=f"{CENC}, 11.2; {IOP}, content protection",
    fix="write cenc:pssh as in the initialization segment; PlayReady 4.3.0.0 for cbcs",
    needs="encrypted dash",
)
def headers_are_for_the_kid(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields sets with a ``cenc:pssh`` of other KIDs, or with a PlayReady header of another scheme's version."""
    for item in _sets(presentation):
        kids = {track.kid for track in item.tracks}
        is_cbcs = any(one.value == "cbcs" for one in item.protections if one.scheme == MP4_PROTECTION)
        for header in (box for one in item.protections for box in parse_pssh_base64(one.pssh)):
            if header.kids and not kids & set(header.kids):
                yield Finding(item.where, f"cenc:pssh of {', '.join(header.kids)}", ", ".join(sorted(kids)))
            if header.system == PLAYREADY and header.version and is_cbcs is not header.version.startswith("4.3"):
                yield Finding(item.where, f"PlayReady header {header.version}", "4.3.0.0 for cbcs, 4.0 to 4.2 for cenc")


@rule(
    "MPD-019",
    "trick-play sets name the set that they belong to",
    source=f"{IOP}, trick modes; {DASH}, 5.8.4.8",
    fix="write the id of the ordinary set as value of the trickmode property",
    needs="dash",
)
def trick_sets_have_their_set(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields trick-play sets whose property names no ordinary video set."""
    for mpd in presentation.mpds:
        known = {item.attributes.get("id", "") for item in mpd.sets_of("video")}
        for item in (one for one in mpd.sets if one.is_trick):
            values = [child.get("value", "") for child in children(item.element, "EssentialProperty")
                      if "trickmode" in child.get("schemeIdUri", "")]  # fmt: skip
            if not all(set(value.split()) & known for value in values):
                yield Finding(item.where, f"trickmode of {', '.join(values)}", "the id of an ordinary video set")


RULES: tuple[Rule, ...] = (
    times_are_those_of_the_media,
    addressing_is_one,
    templates_have_initialization,
    alignment_is_stated,
    bandwidth_is_measured,
    codecs_are_right,
    pictures_are_as_stated,
    access_points_are_stated,
    no_maxima,
    audio_describes_itself,
    duration_is_right,
    cmaf_profile_is_stated,
    protection_is_stated,
    kid_is_one,
    headers_are_for_the_kid,
    trick_sets_have_their_set,
)
