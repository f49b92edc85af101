"""The MPD, written from what lies on disk.

Sources: ISO/IEC 23009-1:2022; DASH-IF IOP 4.3 and 5; ISO/IEC 23000-19 for the CMAF profile.
"""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby

from domain.hdr import DynamicRange
from domain.tracks import EncodedAudio, Rendition, TextTrack
from domain.video import Codec
from media.packaging.codec_strings import is_perceptual_quantizer
from media.packaging.dash import dash_tag, xml_text
from media.packaging.dash_segments import segment_addressing
from media.packaging.languages import language_tag, menu_names
from media.packaging.plan import TrackFile
from media.packaging.playlists import seconds_text
from media.packaging.presentation_index import PresentationIndex
from media.packaging.roles import audio_role
from media.packaging.signaling import content_protection
from media.packaging.thumbnails import SheetIndex

_PROFILES = {
    # ISO/IEC 23009-1, 8.4 and 8.3, each with 8.12 (CMAF).
    "segments": "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019",
    "file": "urn:mpeg:dash:profile:isoff-on-demand:2011,urn:mpeg:dash:profile:cmaf:2019",
}
_SWITCHING = "urn:mpeg:dash:adaptation-set-switching:2016"
_ROLE = "urn:mpeg:dash:role:2011"
_TRICK_MODE = "http://dashif.org/guidelines/trickmode"
_TILES = "http://dashif.org/guidelines/thumbnail_tile"
_CHANNELS = "urn:mpeg:mpegB:cicp:ChannelConfiguration"
_CICP_LAYOUTS = {7: 11, 8: 12}
"""Channels → ChannelConfiguration (ISO/IEC 23091-3, table 10): up to 5.1 both are the same number; 12 is 7.1."""
_PURPOSE = "urn:tva:metadata:cs:AudioPurposeCS:2007"
_PURPOSES = {"description": "1", "caption": "2"}
"""For the visually impaired, and for the hard of hearing (DASH-IF IOP 4.3, 7.1.2)."""
_CODEC_ORDER = tuple(Codec)
_MAX_PLAYOUT_RATE = "32"
"""How fast a trick play track may be played: one IDR in two seconds is then 16 a second."""


def dash_manifest(index: PresentationIndex) -> str:
    """Returns the MPD of a presentation."""
    duration = f"PT{seconds_text(index.plan.duration_s)}S"
    longest_s = max(seconds for track in index.tracks.values() for seconds in track.durations_s)
    root = ET.Element(
        dash_tag("MPD"),
        {
            "profiles": _PROFILES[index.plan.recipe.storage],
            "type": "static",
            "mediaPresentationDuration": duration,
            # With the peak rate that each Representation states, a segment is there when the one before has ended.
            "minBufferTime": f"PT{seconds_text(longest_s)}S",
        },
    )
    period = ET.SubElement(root, dash_tag("Period"), {"id": "0", "start": "PT0S"})
    period.extend(_adaptation_sets(index))
    return xml_text(root)


def _adaptation_sets(index: PresentationIndex) -> list[ET.Element]:
    """Returns all sets, numbered from 1: picture, sound, text, fast play, thumbnails."""
    groups = _video_groups(index)
    numbers = {item.name: number for number, group in enumerate(groups, start=1) for item in group}
    sets = [_video_set(index, group, groups, numbers) for group in groups]
    sets += [_audio_set(index, track) for track in index.plan.audio]
    sets += [_text_set(index, track) for track in index.plan.text]
    sets += [_trick_set(index, name, item, numbers) for name, item in index.plan.trick_tracks.items()]
    sets += [_image_set(sheets) for sheets in index.sheets.values()]
    for number, element in enumerate(sets, start=1):
        element.attrib = {"id": str(number), **element.attrib}
    return sets


def _video_groups(index: PresentationIndex) -> list[list[TrackFile]]:
    """Returns what may stand in one set: one codec, one key, one kind of color; SDR first, smallest first."""
    videos = [item for item in index.plan.media if isinstance(item.track, Rendition)]
    smallest: dict[object, tuple[int, bool, int]] = {}
    for item in videos:
        place = (_codec_place(item), index.range_of(item) is not DynamicRange.SDR, _pixels(item))
        smallest[_kinship(index, item)] = min(place, smallest.get(_kinship(index, item), place))
    ordered = sorted(videos, key=lambda item: (smallest[_kinship(index, item)], _rate(item), item.name))
    return [list(group) for _, group in groupby(ordered, key=lambda item: _kinship(index, item))]


def _kinship(index: PresentationIndex, item: TrackFile) -> tuple[object, ...]:
    return (_codec_place(item), index.color_of(item), item.label if index.plan.is_encrypted else None)


def _video_set(
    index: PresentationIndex, group: list[TrackFile], groups: Sequence[list[TrackFile]], numbers: dict[str, int]
) -> ET.Element:
    made = _set("video", "video/mp4", par=_shape(index), sar="1:1", frameRate=str(index.plan.frame_rate))
    _protect(index, group[0], made)
    _describe_color(index, group[0], made)
    own = numbers[group[0].name]
    near = [other for other in groups if _kinship(index, other[0])[:2] == _kinship(index, group[0])[:2]]
    others = [str(numbers[other[0].name]) for other in near if numbers[other[0].name] != own]
    if others:
        # Other keys, same codec: a player may switch across (DASH-IF IOP 4.3, 3.8.1).
        _property(made, "SupplementalProperty", _SWITCHING, ",".join(others))
    _property(made, "Role", _ROLE, "main")
    made.extend(_representation(index, item.name, **_size(item)) for item in group)
    return _aligned(index, made, [item.name for item in group])


def _audio_set(index: PresentationIndex, track: EncodedAudio) -> ET.Element:
    item = next(item for item in index.plan.media if item.track is track)
    made = _set("audio", "audio/mp4", lang=language_tag(track))
    _property(made, "AudioChannelConfiguration", _CHANNELS, str(_CICP_LAYOUTS.get(track.channels, track.channels)))
    _protect(index, item, made)
    _label(made, menu_names(index.plan.audio)[track.name])
    _describe_role(made, audio_role(index.plan, track))
    rate_hz = index.tracks[track.name].header.sample_rate_hz
    made.append(_representation(index, track.name, audioSamplingRate=str(rate_hz)))
    return _aligned(index, made, [track.name])


def _text_set(index: PresentationIndex, track: TextTrack) -> ET.Element:
    made = _set("text", "application/mp4", lang=language_tag(track))
    _label(made, menu_names(index.plan.text)[track.name])
    _describe_role(made, track.role)
    made.append(_representation(index, track.name))
    return _aligned(index, made, [track.name])


def _trick_set(index: PresentationIndex, name: str, item: TrackFile, numbers: dict[str, int]) -> ET.Element:
    """Returns the IDRs of a rendition alone, for fast play of the sets of its codec (DASH-IF IOP 4.3, 3.2.9)."""
    track = index.tracks[name]
    pictures = sum(segment.samples for segment in track.segments)
    made = _set("video", "video/mp4", par=_shape(index), sar="1:1", frameRate=str(pictures / track.duration_s))
    _protect(index, item, made, name)
    videos = [other for other in index.plan.media if isinstance(other.track, Rendition)]
    main = {numbers[other.name] for other in videos if _kinship(index, other)[:2] == _kinship(index, item)[:2]}
    _property(made, "EssentialProperty", _TRICK_MODE, " ".join(str(number) for number in sorted(main)))
    _describe_color(index, item, made)
    more = {"codingDependency": "false", "maxPlayoutRate": _MAX_PLAYOUT_RATE}
    made.append(_representation(index, name, **_size(item), **more))
    return _aligned(index, made, [name])


def _image_set(sheets: SheetIndex) -> ET.Element:
    """Returns tiled thumbnails (DASH-IF IOP 4.3, 6.2.6)."""
    track = sheets.track
    made = _set("image", "image/jpeg")
    size = {"width": str(track.tile.width_px * track.columns), "height": str(track.tile.height_px * track.rows)}
    representation = ET.SubElement(
        made, dash_tag("Representation"), {"id": track.name, "bandwidth": str(sheets.peak_bps), **size}
    )
    _property(representation, "EssentialProperty", _TILES, f"{track.columns}x{track.rows}")
    length = sheets.sheet_s
    ET.SubElement(
        representation,
        dash_tag("SegmentTemplate"),
        {
            "media": f"{track.name}/$Number%05d$.jpg",
            "timescale": str(length.denominator),
            "duration": str(length.numerator),
            "startNumber": "1",
        },
    )
    return made


def _set(kind: str, mime_type: str, **more: str) -> ET.Element:
    return ET.Element(dash_tag("AdaptationSet"), {"contentType": kind, "mimeType": mime_type, **more})


def _aligned(index: PresentationIndex, made: ET.Element, names: list[str]) -> ET.Element:
    """States alignment and access points, only where they are true (ISO/IEC 23009-1, 5.3.3.2)."""
    tracks = [index.tracks[name] for name in names]
    prefix = "subsegment" if tracks[0].is_one_file else "segment"
    if len({track.starts_s for track in tracks}) == 1:
        made.set(f"{prefix}Alignment", "true")
    if all(track.starts_are_sync for track in tracks):
        made.set("subsegmentStartsWithSAP" if tracks[0].is_one_file else "startWithSAP", "1")
    return made


def _representation(index: PresentationIndex, name: str, **more: str) -> ET.Element:
    track = index.tracks[name]
    facts = {"id": name, "bandwidth": str(track.peak_bps(index.target_s)), "codecs": track.header.codecs, **more}
    made = ET.Element(dash_tag("Representation"), facts)
    made.extend(segment_addressing(track))
    return made


def _protect(index: PresentationIndex, item: TrackFile, made: ET.Element, folder: str = "") -> None:
    if index.plan.is_encrypted:
        header = index.tracks[folder or item.name].header
        made.extend(content_protection(header, index.plan.key_of(item), index.plan.scheme))


def _describe_color(index: PresentationIndex, item: TrackFile, made: ET.Element) -> None:
    """States the colors; a player that cannot show PQ has to leave it alone (DASH-IF IOP 5, 4: HDR)."""
    color = index.color_of(item)
    if color is None:
        return
    kind = "EssentialProperty" if is_perceptual_quantizer(color) else "SupplementalProperty"
    for name, code in (
        ("ColourPrimaries", color.primaries),
        ("TransferCharacteristics", color.transfer),
        ("MatrixCoefficients", color.matrix),
    ):
        _property(made, kind, f"urn:mpeg:mpegB:cicp:{name}", str(code))


def _describe_role(made: ET.Element, role: str) -> None:
    if role in _PURPOSES:
        _property(made, "Accessibility", _PURPOSE, _PURPOSES[role])
    _property(made, "Role", _ROLE, role)


def _label(made: ET.Element, name: str) -> None:
    ET.SubElement(made, dash_tag("Label")).text = name


def _property(parent: ET.Element, name: str, scheme: str, value: str) -> None:
    ET.SubElement(parent, dash_tag(name), {"schemeIdUri": scheme, "value": value})


def _size(item: TrackFile) -> dict[str, str]:
    if not isinstance(item.track, Rendition):
        return {}
    return {"width": str(item.track.resolution.width_px), "height": str(item.track.resolution.height_px)}


def _shape(index: PresentationIndex) -> str:
    """Returns the shape of the picture, from the largest rendition: there rounding to whole pixels tells least."""
    largest = max((rendition.resolution for rendition in index.plan.renditions), key=lambda size: size.pixels)
    ratio = Fraction(largest.width_px, largest.height_px)
    return f"{ratio.numerator}:{ratio.denominator}"


def _pixels(item: TrackFile) -> int:
    return item.track.resolution.pixels if isinstance(item.track, Rendition) else 0


def _codec_place(item: TrackFile) -> int:
    return _CODEC_ORDER.index(item.track.codec) if isinstance(item.track, Rendition) else len(_CODEC_ORDER)


def _rate(item: TrackFile) -> float:
    return item.track.bitrate_bps if isinstance(item.track, Rendition) else 0.0
