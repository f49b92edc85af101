"""Manifests for one kind of client, made from those of the whole presentation: pure functions over their text.

What is left out is only not told: nothing is packaged again, and every URI stays. Hence a filter is no protection;
the content keys are.

Sources: ISO/IEC 23009-1:2022, 5.3.3 (adaptation sets and their links); RFC 8216bis, 4.4.6; Apple HLS authoring
specification, revision 2025-06-26, 1.32 and 9.13.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from domain.clients import ClientFilter, TrackFacts
from media.errors import PresentationInvalid
from media.packaging.dash import dash_tag as _tag
from media.packaging.dash import parse_mpd, xml_text
from media.packaging.multivariant import FIRST_VARIANT_BPS
from media.packaging.playlists import raw_attributes

_LINKS = ("urn:mpeg:dash:adaptation-set-switching:2016", "http://dashif.org/guidelines/trickmode")
"""Properties whose value names other adaptation sets."""
_ROLE = "urn:mpeg:dash:role:2011"
_AUDIO_CODECS = ("mp4a", "ec-3", "ac-3", "Opus", "fLaC")


class Manifests(NamedTuple):
    """The two documents that a player starts with."""

    dash: str
    """Text of the MPD."""
    hls: str
    """Text of the multivariant playlist."""


def filtered_manifests(whole: Manifests, tracks: Sequence[TrackFacts], client: ClientFilter) -> Manifests:
    """Returns the manifests with only those tracks that a client can play.

    Args:
        whole: The manifests of the whole presentation.
        tracks: All tracks that the manifests name.
        client: What the client can play.

    Raises:
        PresentationInvalid: if no video is left, or the texts are no manifests of these tracks.
    """
    kept = {track.name: track for track in tracks if client.lets_through(track)}
    if not any(track.kind == "video" for track in kept.values()):
        raise PresentationInvalid(
            "client filter",
            found="no video track passes it",
            expected="at least one",
            fix=f"widen the filter {client.model_dump_json(exclude_none=True)}",
        )
    has_all_keys = {track.label for track in tracks} == {track.label for track in kept.values()}
    hls = filtered_multivariant(whole.hls, kept, has_all_keys=has_all_keys)
    return Manifests(filtered_mpd(whole.dash, kept), hls)


def filtered_mpd(mpd: str, kept: Mapping[str, TrackFacts]) -> str:
    """Returns an MPD with the Representations named, and no link to an adaptation set that is gone.

    Raises:
        PresentationInvalid: if the text is no MPD.
    """
    root = parse_mpd(mpd)
    for period in root.iterfind(_tag("Period")):
        for adaptation_set in period.findall(_tag("AdaptationSet")):
            for representation in adaptation_set.findall(_tag("Representation")):
                if representation.get("id", "") not in kept:
                    adaptation_set.remove(representation)
            if adaptation_set.find(_tag("Representation")) is None:
                period.remove(adaptation_set)
        _mend_links(period)
        _mend_main_audio(period)
    return xml_text(root)


def _mend_links(period: ET.Element) -> None:
    """Drops the numbers of removed adaptation sets; a trick mode of nothing goes, too."""
    present = {element.get("id", "") for element in period.iterfind(_tag("AdaptationSet"))}
    for element in period.findall(_tag("AdaptationSet")):
        for linked in [item for item in element if item.get("schemeIdUri") in _LINKS]:
            left = [number for number in linked.get("value", "").replace(",", " ").split() if number in present]
            separator = "," if linked.get("schemeIdUri") == _LINKS[0] else " "
            linked.set("value", separator.join(left))
            if left:
                continue
            if linked.get("schemeIdUri") == _LINKS[0]:
                element.remove(linked)
            else:
                period.remove(element)
                break


def _mend_main_audio(period: ET.Element) -> None:
    """Makes the first sound the main one if the filter took the main one away: players start with it."""
    sounds = [item for item in period.iterfind(_tag("AdaptationSet")) if item.get("contentType") == "audio"]
    roles = [role for item in sounds for role in item.iterfind(_tag("Role")) if role.get("schemeIdUri") == _ROLE]
    if roles and all(role.get("value") != "main" for role in roles):
        roles[0].set("value", "main")


def filtered_multivariant(text: str, kept: Mapping[str, TrackFacts], *, has_all_keys: bool = True) -> str:
    """Returns a multivariant playlist with the tracks named, its rates summed anew and one default in each group.

    Args:
        text: The playlist of all tracks.
        kept: Name → a track that stays.
        has_all_keys: The tracks that stay need every key that all of them need.
    """
    parts = _parted(text, kept)
    if not has_all_keys:
        # A hint for keys to be fetched early: some of them are of pictures that are gone.
        parts.head[:] = [line for line in parts.head if not line.startswith("#EXT-X-SESSION-KEY:")]
    groups: dict[str, list[Attributes]] = {}
    for attributes in parts.media:
        groups.setdefault(attributes["GROUP-ID"], []).append(attributes)
    for members in groups.values():
        _mend_default(members)
    lines = [*parts.head, *(_line("#EXT-X-MEDIA", attributes) for attributes in parts.media)]
    for attributes, uri in _in_order(_mended(parts.variants, groups, kept)):
        lines += [_line("#EXT-X-STREAM-INF", attributes), uri]
    return "\n".join([*lines, *parts.others]) + "\n"


Attributes = dict[str, str]
"""Name → value as written, with quotation marks."""
Variant = tuple[Attributes, str]
"""Attributes and URI."""


class _Parts(NamedTuple):
    """Lines of a playlist, without those of tracks that are filtered out."""

    head: list[str]
    media: list[Attributes]
    variants: list[Variant]
    others: list[str]
    """I-frame and image tags."""


def _parted(text: str, kept: Mapping[str, TrackFacts]) -> _Parts:
    parts = _Parts([], [], [], [])
    lines = iter(text.splitlines())
    for line in lines:
        tag, _, rest = line.partition(":")
        attributes = raw_attributes(rest)
        uri = next(lines, "") if tag == "#EXT-X-STREAM-INF" else attributes.get("URI", "")
        is_kept = _folder(uri) in kept
        if tag == "#EXT-X-STREAM-INF" and is_kept:
            parts.variants.append((attributes, uri))
        elif tag == "#EXT-X-MEDIA" and is_kept:
            parts.media.append(attributes)
        elif tag in {"#EXT-X-I-FRAME-STREAM-INF", "#EXT-X-IMAGE-STREAM-INF"} and is_kept:
            parts.others.append(line)
        elif not tag.endswith(("STREAM-INF", "EXT-X-MEDIA")) and line:
            parts.head.append(line)
    return parts


def _folder(uri: str) -> str:
    return uri.strip('"').partition("/")[0]


def _mend_default(members: list[Attributes]) -> None:
    """Gives a group of sound a default if the filter took it away (players would start silent or with any)."""
    if members[0].get("TYPE") == "AUDIO" and all(member.get("DEFAULT") != "YES" for member in members):
        members[0] |= {"DEFAULT": "YES", "AUTOSELECT": "YES"}


def _mended(
    variants: Sequence[Variant], groups: Mapping[str, list[Attributes]], kept: Mapping[str, TrackFacts]
) -> list[Variant]:
    """Returns the variants that can still be played, without groups that are gone, each once."""
    made: dict[tuple[str, str], Variant] = {}
    is_sounding = any(members[0].get("TYPE") == "AUDIO" for members in groups.values())
    for attributes, uri in variants:
        if "AUDIO" in attributes and attributes["AUDIO"] not in groups:
            if is_sounding:
                continue  # the same picture stands beside another group
            del attributes["AUDIO"]
            attributes["CODECS"] = _without_sound(attributes["CODECS"])
        if attributes.get("SUBTITLES", "") not in groups:
            attributes.pop("SUBTITLES", None)
        heard = [kept[_folder(member["URI"])] for member in groups.get(attributes.get("AUDIO", ""), [])]
        video = kept[_folder(uri)]
        attributes["BANDWIDTH"] = str(video.peak_bps + max((track.peak_bps for track in heard), default=0))
        attributes["AVERAGE-BANDWIDTH"] = str(video.mean_bps + max((track.mean_bps for track in heard), default=0))
        made.setdefault((uri, attributes.get("AUDIO", "")), (attributes, uri))
    return list(made.values())


def _without_sound(codecs: str) -> str:
    video = (codec for codec in codecs.strip('"').split(",") if not codec.startswith(_AUDIO_CODECS))
    return f'"{",".join(video)}"'


def _in_order(variants: list[Variant]) -> list[Variant]:
    """Puts the variants first that playback starts best with (Apple 1.32), of the codec and range that come first."""
    families = [(attributes["CODECS"].partition(".")[0], attributes.get("VIDEO-RANGE")) for attributes, _ in variants]
    in_first = [item for item, family in zip(variants, families, strict=True) if family == families[0]]
    best = min(in_first, key=lambda item: abs(int(item[0]["AVERAGE-BANDWIDTH"]) - FIRST_VARIANT_BPS))
    return sorted(variants, key=lambda item: item[1] != best[1])


def _line(tag: str, attributes: Attributes) -> str:
    return f"{tag}:{','.join(f'{name}={value}' for name, value in attributes.items())}"
