"""Rules on the manifests: what they name exists, what exists they name, and what they state is true.

Sources: RFC 8216bis; Apple HLS authoring specification, revision 2025-06-26 ("Apple"); ISO/IEC 23009-1:2022 ("DASH").
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path, PurePosixPath

from domain.clients import CATALOG
from domain.tracks import Rendition
from media.packaging.dash import DASH, misplaced_children, parse_mpd
from media.packaging.hls import target_duration_s
from media.packaging.plan import MANIFEST, MULTIVARIANT, PresentationPlan
from media.packaging.playlists import StreamTag, lines_of, parse_attributes, parse_entries, parse_stream_tags
from media.packaging.segment_index import TrackIndex, mean_rate_bps, peak_rate_bps
from media.packaging.thumbnails import SPRITES

_TOLERANCE = Fraction(1, 10)
"""Apple 1.26 and 1.27: measured rates within 10 % of the stated ones."""
_NAMESPACE = {"d": DASH}


def broken_manifests(folder: Path, plan: PresentationPlan, indexes: Mapping[str, TrackIndex]) -> Iterator[str]:
    """Yields every rule that the manifests break, as a sentence with its clause."""
    missing = [name for name in (MANIFEST, MULTIVARIANT) if not (folder / name).is_file()]
    if missing:
        yield f"no {' and no '.join(missing)}"
        return
    playlists = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.m3u8")}
    mpd = (folder / MANIFEST).read_text("utf-8")
    yield from _broken_references(folder, mpd, playlists)
    yield from _broken_mpd(mpd, plan, indexes)
    for path, text in sorted(playlists.items()):
        if path != MULTIVARIANT:
            yield from _broken_media_playlist(path, text, plan, indexes)
    for tag in parse_stream_tags(playlists[MULTIVARIANT]):
        yield from _broken_attributes(tag, plan)
        yield from _broken_rates(tag, playlists, indexes)


def _broken_references(folder: Path, mpd: str, playlists: Mapping[str, str]) -> Iterator[str]:
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    by_dash, by_hls = set(_files_of_mpd(mpd)), set(_files_of_playlists(playlists))
    for kind, names in (("MPD", by_dash), ("playlists", by_hls)):
        for name in sorted(names - on_disk):
            yield f"{name}: named by the {kind}, but there is no such file (RFC 8216bis, 4.1; DASH 5.3.9.2)"
    for name in sorted(on_disk - by_dash - by_hls - _starting_points(folder)):
        if name.endswith(f"/{SPRITES}"):
            continue  # for players that show thumbnails by themselves
        yield f"{name}: no manifest names this file"
    for name in sorted((by_dash ^ by_hls) & on_disk):
        if name.endswith((".m4s", ".mp4")) and not name.startswith(("trick_", "text_")):
            yield f"{name}: named by one of the manifests only"


def _starting_points(folder: Path) -> set[str]:
    """Returns what nothing needs to name: the manifests, whole and for some clients, and the catalog."""
    found = [CATALOG, MANIFEST, MULTIVARIANT, *(path.name for path in folder.glob("*.mpd"))]
    return {*found, *(path.name for path in folder.glob("*.m3u8"))}


def _files_of_mpd(mpd: str) -> Iterator[str]:
    for template in parse_mpd(mpd).iterfind(".//d:SegmentTemplate", _NAMESPACE):
        if template.get("initialization") is None:
            continue  # thumbnails: as many as the playlist names
        yield template.get("initialization", "")
        first, media = int(template.get("startNumber", "1")), template.get("media", "")
        for number, _ in enumerate(_timeline(template), start=first):
            yield media.replace("$Number%05d$", f"{number:05d}")
    for url in parse_mpd(mpd).iterfind(".//d:Representation/d:BaseURL", _NAMESPACE):
        yield url.text or ""


def _files_of_playlists(playlists: Mapping[str, str]) -> Iterator[str]:
    for path, text in playlists.items():
        if path == MULTIVARIANT:
            yield from (tag.uri for tag in parse_stream_tags(text))
            continue
        base = PurePosixPath(path).parent
        maps = [parse_attributes(line)["URI"] for line in lines_of(text, "#EXT-X-MAP")]
        yield from (str(base / uri) for uri in [*maps, *(entry.uri for entry in parse_entries(text))])


def _timeline(template: ET.Element) -> Iterator[tuple[int, int]]:
    """Yields (start, duration) in ticks (DASH 5.3.9.6)."""
    at = 0
    for entry in template.iterfind("d:SegmentTimeline/d:S", _NAMESPACE):
        at, duration = int(entry.get("t", at)), int(entry.get("d", "0"))
        for _ in range(int(entry.get("r", "0")) + 1):
            yield at, duration
            at += duration


def _broken_mpd(mpd: str, plan: PresentationPlan, indexes: Mapping[str, TrackIndex]) -> Iterator[str]:
    yield from (f"MPD: {child} (DASH-MPD.xsd)" for child in misplaced_children(mpd))
    root = parse_mpd(mpd)
    found = {element.get("id", ""): element for element in root.iterfind(".//d:Representation", _NAMESPACE)}
    for name in sorted({item.name for item in plan.media} - set(found)):
        yield f"MPD: no Representation {name} (DASH 5.3.5)"
    target_s = target_duration_s(indexes)
    for name, index in indexes.items():
        template = found[name].find("d:SegmentTemplate", _NAMESPACE) if name in found else None
        if template is None:
            continue
        on_disk = [(segment.start, segment.duration) for segment in index.segments]
        if list(_timeline(template)) != on_disk or template.get("timescale") != str(index.timescale):
            yield f"MPD: the timeline of {name} is not that of its segments (DASH 5.3.9.6)"
        stated = int(found[name].get("bandwidth", "0"))
        if _is_off(stated, index.peak_bps(target_s)):
            yield f"MPD: bandwidth of {name} is {stated}, {index.peak_bps(target_s)} found (DASH 5.3.5.2)"


def _broken_media_playlist(
    path: str, text: str, plan: PresentationPlan, indexes: Mapping[str, TrackIndex]
) -> Iterator[str]:
    index = indexes.get(PurePosixPath(path).parent.name)
    item = next((item for item in plan.media if index and item.name == index.name), None)
    if index is None or item is None:
        return
    target_s = target_duration_s(indexes)
    if lines_of(text, "#EXT-X-TARGETDURATION") != [f"#EXT-X-TARGETDURATION:{target_s}"]:
        yield f"{path}: target duration {target_s} expected in all playlists (Apple 8.2)"
    for tag in ("#EXT-X-VERSION", "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-MAP", "#EXT-X-ENDLIST"):
        if not lines_of(text, tag):
            yield f"{path}: no {tag} (RFC 8216bis, 4.4)"
    total = sum((entry.duration_s for entry in parse_entries(text)), Fraction(0))
    if abs(total - index.duration_s) > Fraction(1, 10**6):
        yield f"{path}: durations sum to {float(total)} s, {float(index.duration_s)} s found (Apple 8.1)"
    if plan.is_encrypted:
        yield from _broken_keys(path, text, plan, plan.key_of(item).kid)


def _broken_keys(path: str, text: str, plan: PresentationPlan, kid: str) -> Iterator[str]:
    keys = [parse_attributes(line.partition(":")[2]) for line in lines_of(text, "#EXT-X-KEY")]
    if not keys:
        yield f"{path}: no EXT-X-KEY (RFC 8216bis, 4.4.4.4)"
    if any(key.get("KEYFORMAT", "identity") == "identity" for key in keys):
        yield f"{path}: an identity key beside DRM systems (Apple, EXT-X-KEY article)"
    if plan.scheme == "cbcs" and f"skd://{kid}" not in [key.get("URI") for key in keys]:
        yield f"{path}: no FairPlay key of the track's KID (Apple 13.4)"


def _broken_attributes(tag: StreamTag, plan: PresentationPlan) -> Iterator[str]:
    needed = {
        "MEDIA": (),
        "IMAGE-STREAM-INF": ("RESOLUTION", "BANDWIDTH"),
        "I-FRAME-STREAM-INF": ("CODECS", "RESOLUTION", "BANDWIDTH", "AVERAGE-BANDWIDTH"),
    }.get(tag.tag, ("CODECS", "RESOLUTION", "FRAME-RATE", "VIDEO-RANGE", "BANDWIDTH", "AVERAGE-BANDWIDTH"))
    for name in needed:
        if not tag.attributes.get(name):
            yield f"{MULTIVARIANT}: {tag.uri} has no {name} (Apple 9.1 to 9.4, 9.14 to 9.16)"
    if tag.tag == "STREAM-INF" and plan.audio and "AUDIO" not in tag.attributes:
        yield f"{MULTIVARIANT}: {tag.uri} has no audio group (RFC 8216bis, 4.4.6.2)"
    track = next((track for track in plan.renditions if tag.uri.startswith(f"{track.name}/")), None)
    if isinstance(track, Rendition) and tag.attributes.get("RESOLUTION") not in {None, str(track.resolution)}:
        yield f"{MULTIVARIANT}: RESOLUTION of {tag.uri} is not {track.resolution} (Apple 9.2)"


def _broken_rates(tag: StreamTag, playlists: Mapping[str, str], indexes: Mapping[str, TrackIndex]) -> Iterator[str]:
    if tag.tag in {"MEDIA", "IMAGE-STREAM-INF"} or tag.uri not in playlists:
        return
    target_s = target_duration_s(indexes)
    group = tag.attributes.get("AUDIO")
    members = [
        PurePosixPath(other.uri).parent.name
        for other in parse_stream_tags(playlists[MULTIVARIANT])
        if group and other.attributes.get("GROUP-ID") == group
    ]
    if tag.tag == "I-FRAME-STREAM-INF":
        weights = [(entry.length or 0, entry.duration_s) for entry in parse_entries(playlists[tag.uri])]
        peak, mean = peak_rate_bps(weights, target_s), mean_rate_bps(weights)
    else:
        video = indexes.get(PurePosixPath(tag.uri).parent.name)
        audio = [indexes[name] for name in members if name in indexes]
        if video is None:
            return
        peak = video.peak_bps(target_s) + max((index.peak_bps(target_s) for index in audio), default=0)
        mean = video.mean_bps + max((index.mean_bps for index in audio), default=0)
    for name, found, clause in (("BANDWIDTH", peak, "1.27"), ("AVERAGE-BANDWIDTH", mean, "1.26")):
        stated = int(tag.attributes.get(name, "0"))
        if _is_off(stated, found):
            yield f"{MULTIVARIANT}: {name} of {tag.uri} is {stated}, {found} found (Apple {clause})"


def _is_off(stated: int, found: int) -> bool:
    return abs(found - stated) > _TOLERANCE * stated
