"""Rules on media playlists: tags, versions, durations, discontinuities, texts, I-frames."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate

from media.rules.hls_model import Playlist, Tag
from media.rules.model import PresentationOnDisk
from media.rules.rule import APPLE, RFC, Finding, Rule, rule

_REQUIRED_TAGS = ("EXT-X-TARGETDURATION", "EXT-X-ENDLIST", "EXT-X-PLAYLIST-TYPE")
_EXTINF_TOLERANCE_S = Fraction(1, 10_000)
"""Below the rounding of a duration written with three decimals, above that with four."""


@rule(
    "HLS-001",
    "playlists have the tags that a whole title needs",
    source=f"{RFC}, 4.4.1.1, 4.4.3.1 and 4.4.3.4; {APPLE}, 8.6 and 8.20",
    fix="write #EXTM3U first, then target duration, playlist type VOD, EXT-X-MAP for fMP4 and EXT-X-ENDLIST",
    needs="hls",
)
def tags_are_there(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields playlists without a required tag, or with one twice."""
    for root in presentation.all_playlists:
        if root.first_line != "#EXTM3U":
            yield Finding(root.path, f"first line {root.first_line[:40]!r}", "#EXTM3U")
    for playlist in presentation.playlists.values():
        for name in (*_REQUIRED_TAGS, "EXT-X-VERSION"):
            count = len(playlist.values(name))
            if count > 1 or (count == 0 and name in _REQUIRED_TAGS):
                yield Finding(playlist.path, f"{count} tags #{name}", "one")
        is_fmp4 = any(entry.span.path.endswith((".m4s", ".mp4", ".cmfv", ".cmfa")) for entry in playlist.entries)
        if is_fmp4 and any(entry.init is None for entry in playlist.entries):
            yield Finding(playlist.path, "fMP4 segments without EXT-X-MAP", "EXT-X-MAP before the first segment")


@rule(
    "HLS-002",
    "the version is high enough for what is used",
    source=f"{RFC}, 8",
    fix="write #EXT-X-VERSION with at least the expected number",
    needs="hls",
)
def version_is_high_enough(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields playlists whose EXT-X-VERSION (1 where it is missing) is below what their tags need."""
    for root in presentation.all_playlists:
        stated = next((tag.value for tag in root.tags if tag.name == "EXT-X-VERSION"), "1")
        needed = max((_version_of(tag, root.tags) for tag in root.tags), default=1)
        if not stated.isdigit() or int(stated) < needed:
            yield Finding(root.path, f"version {stated}", f"{needed} or higher")


def _version_of(tag: Tag, tags: tuple[Tag, ...]) -> int:
    """Returns the protocol version that a tag needs (RFC 8216bis, 8)."""
    if tag.name == "EXT-X-KEY":
        return 5 if {"KEYFORMAT", "KEYFORMATVERSIONS"} & set(tag.attributes) else 2 if "IV" in tag.attributes else 1
    if tag.name == "EXT-X-MAP":
        return 5 if any(other.name == "EXT-X-I-FRAMES-ONLY" for other in tags) else 6
    if tag.name == "EXTINF":
        return 3 if "." in tag.value.partition(",")[0] else 1
    if tag.name == "EXT-X-MEDIA" and tag.attributes.get("INSTREAM-ID", "").startswith("SERVICE"):
        return 7
    if any(name.startswith("REQ-") for name in tag.attributes):
        return 12
    return {"EXT-X-BYTERANGE": 4, "EXT-X-I-FRAMES-ONLY": 4, "EXT-X-DEFINE": 8, "EXT-X-SKIP": 9}.get(tag.name, 1)


@rule(
    "HLS-003",
    "the multivariant playlist states its version",
    source=f"{RFC}, 4.4.1.2 and 8",
    fix="write #EXT-X-VERSION, with the highest number of the media playlists",
    severity="should",
    needs="hls",
)
def multivariant_has_version(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields multivariant playlists without version."""
    for root in presentation.multivariants:
        if not root.has_tag("EXT-X-VERSION"):
            yield Finding(root.path, "no #EXT-X-VERSION", "the version of the media playlists")


@rule(
    "HLS-004",
    "audio and video have one target duration",
    source=f"{APPLE}, 8.2",
    fix="write one value, the longest segment rounded, into all audio and video playlists",
    needs="hls",
)
def target_is_one(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields audio and video playlists with another target duration than most have."""
    found = {path: item.number("EXT-X-TARGETDURATION") for path, item in presentation.sounding.items()}
    values = [value for value in found.values() if value is not None]
    usual = max(sorted(set(values)), key=values.count, default=None)
    for path, value in found.items():
        if value is not None and value != usual:
            yield Finding(path, f"target duration {value}", f"{usual} as in the others")


@rule(
    "HLS-005",
    "no segment is longer than the target duration",
    source=f"{RFC}, 4.4.3.1; {APPLE}, 7.7",
    fix="raise the target duration to the longest EXTINF, rounded",
    needs="hls",
)
def target_is_kept(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields playlists with an EXTINF that is, rounded, above the target duration."""
    for playlist in presentation.playlists.values():
        target = playlist.number("EXT-X-TARGETDURATION")
        longest = max((entry.duration_s for entry in playlist.entries), default=Fraction(0))
        if target is not None and int(longest + Fraction(1, 2)) > target:
            yield Finding(playlist.path, f"EXTINF {float(longest):.6f}", f"{target} at most, rounded")


@rule(
    "HLS-006",
    "durations of any group of segments are true to one video frame",
    source=f"{APPLE}, 8.1",
    fix="write EXTINF from the sample durations, as differences of rounded ends",
    needs="hls",
)
def durations_are_true(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields playlists in which the error of a run of EXTINF is larger than a frame."""
    frame_s = min((1 / track.frame_rate for track in presentation.video if track.frame_rate), default=Fraction(1, 24))
    for playlist in presentation.ordinary.values():
        ends = list(accumulate(_errors_s(playlist), initial=Fraction(0)))
        spread_s = max(ends) - min(ends)
        if spread_s > frame_s:
            yield Finding(playlist.path, f"{float(spread_s):.6f} s off", f"{float(frame_s):.6f} s at most")


@rule(
    "HLS-007",
    "each duration is true to a tenth of a millisecond",
    source=f"{APPLE}, 8.1 (errors add up over a film)",
    fix="write EXTINF with six decimals",
    severity="should",
    needs="hls",
)
def durations_are_precise(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields playlists with an EXTINF that is rounded to milliseconds."""
    for playlist in presentation.ordinary.values():
        worst = max((abs(error) for error in _errors_s(playlist)), default=Fraction(0))
        if worst > _EXTINF_TOLERANCE_S:
            yield Finding(playlist.path, f"EXTINF {float(worst) * 1000:.3f} ms off", "0.1 ms at most")


def _errors_s(playlist: Playlist) -> list[Fraction]:
    if playlist.track is None:
        return []
    scale = playlist.track.init.timescale
    pairs = [(entry.duration_s, entry.segment) for entry in playlist.entries if entry.segment is not None]
    return [stated - Fraction(segment.end - segment.start, scale) for stated, segment in pairs]


@rule(
    "HLS-008",
    "all playlists cover the same time",
    source=f"{APPLE}, 5.5, 8.3 and 8.7",
    fix="let every playlist last as long as the title, subtitles too",
    needs="hls",
)
def playlists_last_equally_long(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields playlists that are shorter or longer than the longest video playlist.

    One video frame (an audio frame for audio, half a second for text) may be missing.
    """
    video = [item for item in presentation.ordinary.values() if item.handler == "vide"]
    longest = max((item.duration_s for item in video or presentation.sounding.values()), default=Fraction(0))
    frame_s = min((1 / track.frame_rate for track in presentation.video if track.frame_rate), default=Fraction(1, 24))
    for path, item in presentation.playlists.items():
        allowed_s = Fraction(1, 2) if item.handler not in {"vide", "soun"} else frame_s + Fraction(1, 1000)
        if item.kind != "images" and abs(item.duration_s - longest) > allowed_s and longest:
            yield Finding(path, f"{float(item.duration_s):.6f} s", f"{float(longest):.6f} s")


@rule(
    "HLS-009",
    "discontinuities stand at the same points in all playlists",
    source=f"{APPLE}, 8.15",
    fix="package with --clear_lead 0, or write the same EXT-X-DISCONTINUITY into every playlist",
    needs="hls",
)
def discontinuities_are_equal(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields playlists with other discontinuities than those that have most, to half a second."""
    found = {path: _discontinuities(item) for path, item in presentation.playlists.items() if item.kind != "images"}
    wanted = max(found.values(), key=len, default=())
    for path, times in found.items():
        pairs = zip(times, wanted, strict=False)
        if len(times) != len(wanted) or any(abs(one - other) > Fraction(1, 2) for one, other in pairs):
            yield Finding(path, f"discontinuities at {_seconds(times)}", _seconds(wanted))


def _discontinuities(playlist: Playlist) -> tuple[Fraction, ...]:
    starts = accumulate((entry.duration_s for entry in playlist.entries), initial=Fraction(0))
    return tuple(at for at, entry in zip(starts, playlist.entries, strict=False) if entry.has_discontinuity)


def _seconds(times: tuple[Fraction, ...]) -> str:
    return ", ".join(f"{float(time):.3f} s" for time in times) or "none"


@rule(
    "HLS-010",
    "independent segments are promised only where they are",
    source=f"{RFC}, 4.4.2.1; {APPLE}, 9.11 and 9.12",
    fix="force an IDR at each segment start and write EXT-X-INDEPENDENT-SEGMENTS, or leave the tag away",
    needs="hls",
)
def independence_is_true(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields playlists that promise independent segments and have others, and video without the promise."""
    is_global = any(root.has_tag("EXT-X-INDEPENDENT-SEGMENTS") for root in presentation.multivariants)
    for path, item in presentation.ordinary.items():
        segments = [entry.segment for entry in item.entries if entry.segment is not None]
        dependent = [one for one in segments if not one.fragments[0].starts_with_sync]
        is_stated = is_global or bool(item.values("EXT-X-INDEPENDENT-SEGMENTS"))
        if is_stated and dependent and item.handler in {"vide", "soun"}:
            yield Finding(path, f"{len(dependent)} dependent segments, {dependent[0].span} first", "none")
        if not is_stated and segments and not dependent and item.handler == "vide":
            yield Finding(path, "no EXT-X-INDEPENDENT-SEGMENTS", "the tag: all segments start with sync samples")


@rule(
    "HLS-011",
    "WebVTT segments map their time",
    source=f"{APPLE}, 5.3; {RFC}, 3.1.4",
    fix="write X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000 below WEBVTT in each segment",
    needs="hls",
)
def texts_map_their_time(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields WebVTT segments of playlists without X-TIMESTAMP-MAP, and files that are no WebVTT."""
    for playlist in presentation.ordinary.values():
        for path in dict.fromkeys(entry.span.path for entry in playlist.entries):
            text = presentation.texts.get(path)
            if text is None:
                continue
            head = text.replace("\r\n", "\n").partition("\n\n")[0]
            if not head.lstrip("\ufeff").startswith("WEBVTT"):
                yield Finding(path, f"begins with {text[:20]!r}", "WEBVTT")
            elif "X-TIMESTAMP-MAP=" not in head:
                yield Finding(path, "no X-TIMESTAMP-MAP", "X-TIMESTAMP-MAP in the header")


@rule(
    "HLS-012",
    "I-frame ranges begin with moof and hold an IDR picture",
    source=f"{APPLE}, 6.8 and 6.10; {RFC}, 4.4.3.6",
    fix="let each range begin at the moof of the I-frame and end where its first sample ends",
    needs="hls",
)
def iframes_are_iframes(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields I-frames whose range begins elsewhere, cuts the picture off, or shows another kind of picture."""
    for playlist in presentation.playlists.values():
        for entry in playlist.entries if playlist.kind == "iframes" else ():
            where = f"{playlist.path} {entry.span}"
            if entry.segment is None:
                if entry.span.path in presentation.files and playlist.track is not None:
                    yield Finding(where, "no moof in the range", "the moof of an I-frame at its beginning")
                continue
            first = entry.segment.fragments[0]
            ends_at = first.first_sample[0] + first.first_sample[1]
            end = entry.span.offset + (entry.span.length if entry.span.length is not None else 1 << 62)
            if first.offset - entry.span.offset not in range(_STYP_BYTES):
                yield Finding(where, f"the moof stands at {first.offset}", "the range begins with it")
            elif ends_at > end:
                yield Finding(where, f"the range ends {ends_at - end} bytes before its picture", f"an end at {ends_at}")
            elif not first.starts_with_sync or entry.is_idr is False:
                yield Finding(where, "no IDR picture", "an IDR picture")


_STYP_BYTES = 200
"""A segment type and an index may stand before the moof."""


RULES: tuple[Rule, ...] = (
    tags_are_there,
    version_is_high_enough,
    multivariant_has_version,
    target_is_one,
    target_is_kept,
    durations_are_true,
    durations_are_precise,
    playlists_last_equally_long,
    discontinuities_are_equal,
    independence_is_true,
    texts_map_their_time,
    iframes_are_iframes,
)
