"""Manifests for one kind of client, made from those of the whole presentation: pure functions over their text.

What is left out is only not told: nothing is packaged again, and every URI stays. Hence a filter is no protection;
the content keys are.

Sources: ISO/IEC 23009-1:2022, 5.3.3 (adaptation sets and their links); RFC 8216bis, 4.4.6; Apple HLS authoring
specification, revision 2025-06-26, 1.32 and 9.13.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from domain.clients import ClientFilter, TrackFacts
from media.errors import PresentationInvalid
from media.packaging.dash import DASH, parse_mpd, written_mpd
from media.packaging.multivariant import FIRST_VARIANT_BPS
from media.packaging.playlists import attribute_text, parse_attributes

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
    return Manifests(filtered_mpd(whole.dash, kept), filtered_multivariant(whole.hls, kept))


def filtered_mpd(mpd: str, kept: Mapping[str, TrackFacts]) -> str:
    """Returns an MPD with the Representations named, and no link to an adaptation set that is gone.

    Raises:
        PresentationInvalid: if the text is no MPD.
    """
    root = parse_mpd(mpd)
    for period in root.iterfind(_tag("Period")):
        for adaptation_set in period.findall(_tag("AdaptationSet")):
            for representation in adaptation_set.findall(_tag("Representation")):
                if _track_of(representation.get("id", "")) not in kept:
                    adaptation_set.remove(representation)
            if adaptation_set.find(_tag("Representation")) is None:
                period.remove(adaptation_set)
        _mend_links(period)
        _mend_main_audio(period)
    return written_mpd(root)


def _track_of(representation: str) -> str:
    """Returns the track of a Representation; trick modes are called after the track that they are made of."""
    return representation.partition(".")[0]


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


def filtered_multivariant(text: str, kept: Mapping[str, TrackFacts]) -> str:
    """Returns a multivariant playlist with the tracks named, its rates summed anew and one default in each group."""
    head, media, variants, others = _parted(text, kept)
    groups: dict[str, list[dict[str, str]]] = {}
    for attributes in media:
        groups.setdefault(attributes["GROUP-ID"], []).append(attributes)
    for members in groups.values():
        _mend_default(members)
    lines = [*head, *(f"#EXT-X-MEDIA:{attribute_text(attributes)}" for attributes in media)]
    for attributes, uri in _in_order(_mended(variants, groups, kept)):
        lines += [f"#EXT-X-STREAM-INF:{attribute_text(attributes)}", uri]
    return "\n".join([*lines, *others]) + "\n"


Variant = tuple[dict[str, str], str]


def _parted(
    text: str, kept: Mapping[str, TrackFacts]
) -> tuple[list[str], list[dict[str, str]], list[Variant], list[str]]:
    """Returns head lines, kept renditions, kept variants and other kept stream tags."""
    head: list[str] = []
    media: list[dict[str, str]] = []
    variants: list[Variant] = []
    others: list[str] = []
    lines = iter(text.splitlines())
    for line in lines:
        tag, _, rest = line.partition(":")
        attributes = parse_attributes(rest)
        if tag == "#EXT-X-STREAM-INF":
            uri = next(lines, "")
            if _folder(uri) in kept:
                variants.append((attributes, uri))
        elif tag == "#EXT-X-MEDIA":
            if _folder(attributes.get("URI", "")) in kept:
                media.append(attributes)
        elif "URI" in attributes and tag.endswith("STREAM-INF"):
            if _folder(attributes["URI"]) in kept:
                others.append(line)
        elif line:
            head.append(line)
    return head, media, variants, others


def _folder(uri: str) -> str:
    return uri.partition("/")[0]


def _mend_default(members: list[dict[str, str]]) -> None:
    """Gives a group of sound a default if the filter took it away (players would start silent or with any)."""
    if members[0].get("TYPE") == "AUDIO" and all(member.get("DEFAULT") != "YES" for member in members):
        members[0]["DEFAULT"] = "YES"
        members[0]["AUTOSELECT"] = "YES"


def _mended(
    variants: Iterable[Variant], groups: Mapping[str, list[dict[str, str]]], kept: Mapping[str, TrackFacts]
) -> list[Variant]:
    """Returns the variants that can still be played, without groups that are gone, each once."""
    made: dict[tuple[str, str], Variant] = {}
    sounded = any(members[0].get("TYPE") == "AUDIO" for members in groups.values())
    for attributes, uri in variants:
        if "AUDIO" in attributes and attributes["AUDIO"] not in groups:
            if sounded:
                continue  # the same picture stands beside another group
            del attributes["AUDIO"]
            attributes["CODECS"] = _without_sound(attributes.get("CODECS", ""))
        if attributes.get("SUBTITLES", "") not in groups:
            attributes.pop("SUBTITLES", None)
        heard = [kept[_folder(member["URI"])] for member in groups.get(attributes.get("AUDIO", ""), [])]
        video = kept[_folder(uri)]
        attributes["BANDWIDTH"] = str(video.peak_bps + max((track.peak_bps for track in heard), default=0))
        attributes["AVERAGE-BANDWIDTH"] = str(video.mean_bps + max((track.mean_bps for track in heard), default=0))
        made.setdefault((uri, attributes.get("AUDIO", "")), (attributes, uri))
    return list(made.values())


def _without_sound(codecs: str) -> str:
    return ",".join(codec for codec in codecs.split(",") if not codec.startswith(_AUDIO_CODECS))


def _in_order(variants: list[Variant]) -> list[Variant]:
    """Puts the variant first that playback starts best with (Apple 1.32), of the codec that comes first."""
    if not variants:
        return variants
    family = variants[0][0].get("CODECS", "").partition(".")[0]
    first = min(
        (item for item in variants if item[0].get("CODECS", "").startswith(family)),
        key=lambda item: abs(int(item[0]["AVERAGE-BANDWIDTH"]) - FIRST_VARIANT_BPS),
    )
    together = [item for item in variants if item[1] == first[1]]
    return [*together, *(item for item in variants if item[1] != first[1])]


def _tag(name: str) -> str:
    return f"{{{DASH}}}{name}"
