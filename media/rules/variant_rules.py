"""Rules on multivariant playlists: what they promise to players is what lies on disk."""

from collections.abc import Iterator
from fractions import Fraction

from media.packaging.segment_index import mean_rate_bps, peak_rate_bps
from media.rules.codec_names import is_same_codec
from media.rules.hls_model import Multivariant, Playlist, Stream
from media.rules.media_model import Track
from media.rules.model import PresentationOnDisk
from media.rules.playlist_reader import decimal
from media.rules.rule import APPLE, RFC, Finding, Rule, rule

_TOLERANCE, _OURS = Fraction(1, 10), Fraction(1, 100)
_LOWEST_VARIANT_FPS = 10
_VIDEO_ATTRIBUTES = ("CODECS", "RESOLUTION", "FRAME-RATE", "AVERAGE-BANDWIDTH", "BANDWIDTH")
_IFRAME_ATTRIBUTES = ("CODECS", "RESOLUTION", "BANDWIDTH", "AVERAGE-BANDWIDTH", "URI")


def _variants(presentation: PresentationOnDisk, *tags: str) -> Iterator[tuple[Multivariant, Stream, Playlist | None]]:
    for root in presentation.multivariants:
        for tag in tags or ("STREAM-INF",):
            yield from ((root, item, presentation.playlists.get(item.path or "")) for item in root.of(tag))


def _where(root: Multivariant, stream: Stream) -> str:
    return f"{root.path} {stream.tag} {stream.uri}"


def _is_video(playlist: Playlist | None) -> bool:
    return playlist is not None and playlist.handler == "vide"


@rule(
    "HLS-020",
    "streams say codecs, size, frame rate and rates",
    source=f"{APPLE}, 9.1 to 9.4, 9.14 and 9.15",
    fix="write the missing attribute",
    needs="hls",
)
def streams_describe_themselves(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields variant streams and I-frame streams that lack an attribute."""
    for root, stream, playlist in _variants(presentation, "STREAM-INF", "I-FRAME-STREAM-INF"):
        names: tuple[str, ...] = _IFRAME_ATTRIBUTES if stream.tag.startswith("I-") else _VIDEO_ATTRIBUTES
        if stream.tag == "STREAM-INF" and playlist is not None and not _is_video(playlist):
            names = ("CODECS", "BANDWIDTH", "AVERAGE-BANDWIDTH")
        missing = [name for name in names if not stream.attributes.get(name)]
        if missing:
            yield Finding(_where(root, stream), f"no {', '.join(missing)}", "these attributes")


@rule(
    "HLS-021",
    "CODECS names what the sample entries have",
    source=f"{RFC}, 4.4.6.2; RFC 6381",
    fix="write the codec of the variant and of each of its groups, no other",
    needs="hls",
)
def codecs_are_right(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields streams with a codec missing or too many; WebVTT may be named or not."""
    for root, stream, playlist in _variants(presentation, "STREAM-INF", "I-FRAME-STREAM-INF"):
        stated = [name.strip() for name in stream.attributes.get("CODECS", "").split(",") if name.strip()]
        tracks = [item.track for item in (playlist, *_members(presentation, root, stream)) if item and item.track]
        found = sorted({track.init.entry.codec for track in tracks})
        missing = [name for name in found if not any(is_same_codec(other, name) for other in stated)]
        extra = [other for other in stated if not any(is_same_codec(other, name) for name in found)]
        extra = [name for name in extra if not name.startswith(("wvtt", "stpp"))]
        missing = [name for name in missing if name != "wvtt"]
        if tracks and stated and (missing or extra):
            yield Finding(_where(root, stream), ",".join(stated), ",".join(found))


def _members(presentation: PresentationOnDisk, root: Multivariant, stream: Stream) -> list[Playlist]:
    """Returns the playlists of the audio and subtitle groups of a variant."""
    groups = [(kind, stream.attributes.get(kind, "")) for kind in ("AUDIO", "SUBTITLES")]
    paths = [item.path for kind, name in groups if name for item in root.group(kind, name)]
    return [presentation.playlists[path] for path in paths if path is not None and path in presentation.playlists]


@rule(
    "HLS-022",
    "RESOLUTION and FRAME-RATE are those of the media",
    source=f"{RFC}, 4.4.6.2; {APPLE}, 9.2, 9.4 and 9.15",
    fix="state width and height of the sample entry, and frames per second to three decimals",
    needs="hls",
)
def pictures_are_as_stated(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields streams of another size or frame rate than stated."""
    for root, stream, playlist in _variants(presentation, "STREAM-INF", "I-FRAME-STREAM-INF"):
        if playlist is None or playlist.track is None or playlist.track.init.handler != "vide":
            continue
        entry, stated = playlist.track.init.entry, stream.attributes.get("RESOLUTION", "")
        if stated and entry.width_px and stated != f"{entry.width_px}x{entry.height_px}":
            yield Finding(_where(root, stream), f"RESOLUTION {stated}", f"{entry.width_px}x{entry.height_px}")
        rate, found = stream.attributes.get("FRAME-RATE", ""), playlist.track.frame_rate
        if rate and found >= _LOWEST_VARIANT_FPS and abs(decimal(rate) - found) > Fraction(1, 100):
            yield Finding(_where(root, stream), f"FRAME-RATE {rate}", f"{float(found):.3f}")


@rule(
    "HLS-023",
    "BANDWIDTH and AVERAGE-BANDWIDTH are measured, within 10 %",
    source=f"{APPLE}, 1.26, 1.27, 6.9 and 9.13; {RFC}, 4.1",
    fix="count the bytes: largest sum of peaks, and mean, over what can be played together",
    needs="hls",
)
def rates_are_measured(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields streams whose stated rates are more than 10 % off."""
    yield from _rate_faults(presentation, _TOLERANCE)


@rule(
    "HLS-024",
    "BANDWIDTH and AVERAGE-BANDWIDTH are exact, within 1 %",
    source=f"pertitle (stricter than {APPLE}, 1.26 and 1.27)",
    fix="count the bytes instead of estimating",
    severity="should",
    needs="hls",
)
def rates_are_exact(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields streams whose stated rates are more than 1 % off."""
    yield from _rate_faults(presentation, _OURS)


def _rate_faults(presentation: PresentationOnDisk, tolerance: Fraction) -> Iterator[Finding]:
    for root, stream, playlist in _variants(presentation, "STREAM-INF", "I-FRAME-STREAM-INF", "IMAGE-STREAM-INF"):
        if playlist is None or not playlist.entries or any(item.duration_s <= 0 for item in playlist.entries):
            continue
        for name, low, high in _measured(presentation, root, stream, playlist):
            stated = stream.number(name)
            if name in stream.attributes and not low * (1 - tolerance) <= stated <= high * (1 + tolerance):
                yield Finding(_where(root, stream), f"{name} {stated}", f"{low} ± {float(tolerance):.0%}")


def _measured(
    presentation: PresentationOnDisk, root: Multivariant, stream: Stream, playlist: Playlist
) -> Iterator[tuple[str, int, int]]:
    """Yields (attribute, rate without text, rate with text): subtitles may be counted or not, being next to nothing."""
    target_s = playlist.number("EXT-X-TARGETDURATION") or 1
    for name, rate in (("BANDWIDTH", _peak), ("AVERAGE-BANDWIDTH", _mean)):
        sums = {"soun": 0, "text": 0}
        for item in _members(presentation, root, stream) if stream.tag == "STREAM-INF" else ():
            kind = "soun" if item.handler == "soun" else "text"
            sums[kind] = max(sums[kind], rate(presentation, item, target_s))
        low = rate(presentation, playlist, target_s) + sums["soun"]
        yield name, low, low + sums["text"]


def _weights(presentation: PresentationOnDisk, playlist: Playlist) -> list[tuple[int, Fraction]]:
    sized = [
        (presentation.files.get(item.span.path, 0) if item.span.length is None else item.span.length, item.duration_s)
        for item in playlist.entries
    ]
    return [(size, duration) for size, duration in sized if duration > 0]


def _peak(presentation: PresentationOnDisk, playlist: Playlist, target_s: int) -> int:
    weights = _weights(presentation, playlist)
    return peak_rate_bps(weights, target_s) if weights else 0


def _mean(presentation: PresentationOnDisk, playlist: Playlist, target_s: int) -> int:
    del target_s
    weights = _weights(presentation, playlist)
    return mean_rate_bps(weights) if weights else 0


@rule(
    "HLS-025",
    "the peak rate is at most twice the mean",
    source=f"{APPLE}, 1.30",
    fix="cap the rate of the encodes",
    severity="should",
    needs="hls",
)
def peaks_are_moderate(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields variant streams whose BANDWIDTH is above twice their AVERAGE-BANDWIDTH."""
    for root, stream, _ in _variants(presentation):
        peak, mean = stream.number("BANDWIDTH"), stream.number("AVERAGE-BANDWIDTH")
        if mean and peak > 2 * mean:
            yield Finding(_where(root, stream), f"{peak / mean:.2f} times the mean", "2 times at most")


@rule(
    "HLS-026",
    "trick play is no ordinary variant stream",
    source=f"{RFC}, 4.4.6.3; {APPLE}, 6.1",
    fix="list it as EXT-X-I-FRAME-STREAM-INF or in DASH only (dash_only=1): players switch to any variant they see",
    needs="hls",
)
def trick_play_is_apart(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields variant streams of a few frames per second beside ordinary ones, or of a DASH trick-play set."""
    found = [(root, one, item) for root, one, item in _variants(presentation) if item is not None and _is_video(item)]
    tracks = [item.track for _, _, item in found if item.track is not None]
    fastest = max((track.frame_rate for track in tracks), default=Fraction(0))
    for root, stream, playlist in found:
        rate = playlist.track.frame_rate if playlist.track else fastest
        is_slow = rate < _LOWEST_VARIANT_FPS and 2 * rate < fastest
        if is_slow or _is_trick(presentation, playlist.track):
            yield Finding(_where(root, stream), f"{float(rate):.3f} frames per second", "no such variant stream")


def _is_trick(presentation: PresentationOnDisk, track: Track | None) -> bool:
    sets = [item for mpd in presentation.mpds for item in mpd.sets if item.is_trick]
    return track is not None and track.name in {one.name for item in sets for one in item.tracks}


@rule(
    "HLS-027",
    "I-frame playlists are there for each codec",
    source=f"{APPLE}, 6.1, 6.13 (AirPlay) and 6.14",
    fix="add an I-frame playlist for each codec (iframe_playlist_name)",
    severity="should",
    needs="hls",
)
def iframes_are_there(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields multivariant playlists without I-frames for a codec that their variants have."""
    for root in presentation.multivariants:
        wanted = {_family(item) for item in root.of("STREAM-INF") if item.attributes.get("RESOLUTION")}
        found = {_family(item) for item in root.of("I-FRAME-STREAM-INF")}
        if wanted and not found:
            continue  # HLS-028 says it
        for codec in sorted(wanted - found - {""}):
            yield Finding(root.path, f"no I-frames in {codec}", f"an I-frame playlist in {codec}")


def _family(stream: Stream) -> str:
    return stream.attributes.get("CODECS", "").partition(".")[0]


@rule(
    "HLS-028",
    "I-frame playlists are there",
    source=f"{APPLE}, 6.1",
    fix="add I-frame playlists (iframe_playlist_name)",
    needs="hls",
)
def some_iframes_are_there(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields multivariant playlists of video without any I-frame playlist."""
    for root in presentation.multivariants:
        has_video = any(item.attributes.get("RESOLUTION") for item in root.of("STREAM-INF"))
        if has_video and not root.of("I-FRAME-STREAM-INF"):
            yield Finding(root.path, "no EXT-X-I-FRAME-STREAM-INF", "I-frame playlists")


@rule(
    "HLS-029",
    "there is an I-frame each second",
    source=f"{APPLE}, 6.2 and 6.3",
    fix="add a rendition of one frame per second, I-frames only",
    severity="should",
    needs="hls",
)
def iframes_are_dense(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields presentations whose densest I-frame playlist has fewer than a picture a second."""
    found = [item for item in presentation.playlists.values() if item.kind == "iframes" and item.entries]
    densest = min((item.duration_s / len(item.entries) for item in found), default=Fraction(0))
    if densest > Fraction(11, 10):
        yield Finding(found[0].path, f"an I-frame each {float(densest):.3f} s", "one a second somewhere")


@rule(
    "HLS-030",
    "SCORE stands on every variant stream or on none",
    source=f"{APPLE}, 9.19; {RFC}, 4.4.6.2",
    fix="write SCORE on all variant streams",
    needs="hls",
)
def scores_are_all_or_none(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields multivariant playlists with SCORE on some variant streams."""
    for root in presentation.multivariants:
        scored = [item for item in root.of("STREAM-INF") if "SCORE" in item.attributes]
        if scored and len(scored) != len(root.of("STREAM-INF")):
            found = f"{len(scored)} of {len(root.of('STREAM-INF'))} variant streams"
            yield Finding(root.path, f"SCORE on {found}", "on all or none")


RULES: tuple[Rule, ...] = (
    streams_describe_themselves,
    codecs_are_right,
    pictures_are_as_stated,
    rates_are_measured,
    rates_are_exact,
    peaks_are_moderate,
    trick_play_is_apart,
    iframes_are_there,
    some_iframes_are_there,
    iframes_are_dense,
    scores_are_all_or_none,
)
