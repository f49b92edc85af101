"""The MPD: the packager's draft in schema order, with stable ids, our names and exact rates.

Sources: ISO/IEC 23009-1:2022 and its schema DASH-MPD.xsd (5th edition, amendment 1); DASH-IF IOP 5.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from fractions import Fraction

from domain.tracks import EncodedAudio, Rendition
from domain.video import Codec
from media.errors import PresentationInvalid
from media.packaging.packager import audio_role
from media.packaging.plan import PresentationPlan, TrackFile
from media.packaging.pssh import shorten_base64
from media.packaging.segment_index import TrackIndex

DASH = "urn:mpeg:dash:schema:mpd:2011"
_PREFIXES = {
    "": DASH,
    "cenc": "urn:mpeg:cenc:2013",
    "mspr": "urn:microsoft:playready",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
_SWITCHING = "urn:mpeg:dash:adaptation-set-switching:2016"
_ROLE = "urn:mpeg:dash:role:2011"
_BASE_ORDER = (
    "FramePacking", "AudioChannelConfiguration", "ContentProtection", "OutputProtection", "EssentialProperty",
    "SupplementalProperty", "InbandEventStream", "Switching", "RandomAccess", "GroupLabel", "Label",
    "ProducerReferenceTime", "ContentPopularityRate", "Resync",
)  # fmt: skip
CHILD_ORDER = {
    "AdaptationSet": (
        *_BASE_ORDER, "Accessibility", "Role", "Rating", "Viewpoint", "ContentComponent", "BaseURL", "SegmentBase",
        "SegmentList", "SegmentTemplate", "Representation",
    ),
    "Representation": (
        *_BASE_ORDER, "BaseURL", "ExtendedBandwidth", "SubRepresentation", "SegmentBase", "SegmentList",
        "SegmentTemplate",
    ),
}  # fmt: skip
"""Order of child elements in the schema (``RepresentationBaseType`` and its two extensions)."""
_CODEC_ORDER = {Codec.H264: 0, Codec.HEVC: 1, Codec.AV1: 2}
_LABEL_ORDER = {"SD": 0, "HD": 1, "UHD1": 2, "UHD2": 3, "AUDIO": 4}


def canonical_mpd(draft: str, plan: PresentationPlan, indexes: Mapping[str, TrackIndex], *, target_s: int) -> str:
    """Returns the final MPD.

    Args:
        draft: The packager's MPD.
        plan: What was packaged.
        indexes: Track name → what lies on disk.
        target_s: Target duration in seconds, for the peak rates.

    Raises:
        PresentationInvalid: if the draft is not an MPD of these tracks.
    """
    root = parse_mpd(draft)
    items = {item.name: item for item in plan.tracks}
    for period in root.iter(_tag("Period")):
        sets = [element for element in period if element.tag == _tag("AdaptationSet")]
        for adaptation_set in sets:
            _name_representations(adaptation_set, items)
            _describe(adaptation_set, plan, items)
            for representation in adaptation_set.iter(_tag("Representation")):
                peak = indexes[representation.get("id", "")].peak_bps(target_s)
                representation.set("bandwidth", str(peak))
        order = {item.name: position for position, item in enumerate(plan.tracks)}
        ordered = sorted(sets, key=lambda element: _set_order(element, plan, items, order))
        _renumber(ordered)
        period[:] = [element for element in period if element not in sets] + ordered
    _shorten_pssh(root)
    _put_in_schema_order(root)
    return _written(root)


def codecs_of(mpd: str) -> dict[str, str]:
    """Returns Representation id → its ``codecs`` attribute (RFC 6381).

    Raises:
        PresentationInvalid: if the text is no MPD.
    """
    representations = parse_mpd(mpd).iter(_tag("Representation"))
    return {element.get("id", ""): element.get("codecs", "") for element in representations}


def misplaced_children(mpd: str) -> list[str]:
    """Returns each element of an MPD whose children are not in schema order, with the child that comes too late.

    Raises:
        PresentationInvalid: if the text is no MPD.
    """
    broken = []
    for element in parse_mpd(mpd).iter():
        order = CHILD_ORDER.get(_local_name(element), ())
        places = [order.index(_local_name(child)) for child in element if _local_name(child) in order]
        late = next((index for index in range(1, len(places)) if places[index] < places[index - 1]), None)
        if late is not None:
            broken.append(f"{_local_name(element)} {element.get('id')}: {order[places[late]]} is out of order")
    return broken


def parse_mpd(text: str) -> ET.Element:
    """Returns the root element of an MPD.

    Raises:
        PresentationInvalid: if the text is no MPD.
    """
    try:
        root = ET.fromstring(text)  # noqa: S314 - written by our own packager a moment ago
    except ET.ParseError as error:
        raise PresentationInvalid("MPD", found=str(error), expected="well-formed XML") from None
    if root.tag != _tag("MPD"):
        raise PresentationInvalid("MPD", found=root.tag, expected="an MPD element (ISO/IEC 23009-1, 5.3.1)")
    return root


def _tag(name: str) -> str:
    return f"{{{DASH}}}{name}"


def _local_name(element: ET.Element) -> str:
    return element.tag.removeprefix(f"{{{DASH}}}")


def _name_representations(adaptation_set: ET.Element, items: Mapping[str, TrackFile]) -> None:
    """Names each Representation after its track: the draft's numbers say nothing, its folder does."""
    for representation in adaptation_set.iter(_tag("Representation")):
        template = representation.find(_tag("SegmentTemplate"))
        name = "" if template is None else template.get("initialization", "").removesuffix("/init.mp4")
        if name not in items:
            raise PresentationInvalid("MPD", found=f"a Representation of {name!r}", expected="our tracks only")
        representation.set("id", name)


def _describe(adaptation_set: ET.Element, plan: PresentationPlan, items: Mapping[str, TrackFile]) -> None:
    """States size and rate once, on each Representation (IOP), and that segments start with sync samples."""
    for attribute in ("maxWidth", "maxHeight", "width", "height", "frameRate", "maxFrameRate"):
        adaptation_set.attrib.pop(attribute, None)
    adaptation_set.set("startWithSAP", "1")
    representations = adaptation_set.findall(_tag("Representation"))
    for representation in representations:
        track = items[representation.get("id", "")].track
        if isinstance(track, Rendition):
            representation.set("width", str(track.resolution.width_px))
            representation.set("height", str(track.resolution.height_px))
            representation.set("frameRate", _rate_text(plan.frame_rate))
    first = items[representations[0].get("id", "")].track
    role = audio_role(plan, first) if isinstance(first, EncodedAudio) else "main"
    for element in adaptation_set.findall(_tag("Role")):
        adaptation_set.remove(element)
    adaptation_set.append(ET.Element(_tag("Role"), {"schemeIdUri": _ROLE, "value": role}))
    others = [element for element in adaptation_set if element not in representations]
    adaptation_set[:] = others + sorted(representations, key=lambda element: _size_order(items, element))


def _size_order(items: Mapping[str, TrackFile], representation: ET.Element) -> tuple[float, str]:
    track = items[representation.get("id", "")].track
    return (track.bitrate_bps if isinstance(track, Rendition | EncodedAudio) else 0.0, track.name)


def _rate_text(rate: Fraction) -> str:
    return str(rate)  # "24" or "24000/1001": FrameRateType of the schema


def _set_order(
    adaptation_set: ET.Element, plan: PresentationPlan, items: Mapping[str, TrackFile], order: Mapping[str, int]
) -> tuple[int, int, int]:
    """Orders codecs first (H.264, HEVC, AV1), then key labels, then audio: default, then as given."""
    representation = adaptation_set.find(_tag("Representation"))
    item = items[representation.get("id", "") if representation is not None else ""]
    if isinstance(item.track, Rendition):
        return (_CODEC_ORDER[item.track.codec], _LABEL_ORDER.get(item.label or "", 0), order[item.name])
    return (len(_CODEC_ORDER), plan.audio.index(item.track), order[item.name])


def _renumber(adaptation_sets: list[ET.Element]) -> None:
    """Numbers the adaptation sets from 1 and follows the links between those that a player may switch across."""
    numbers = {element.get("id", ""): str(index) for index, element in enumerate(adaptation_sets, start=1)}
    for element in adaptation_sets:
        element.set("id", numbers[element.get("id", "")])
        for linked in element.findall(_tag("SupplementalProperty")):
            if linked.get("schemeIdUri") == _SWITCHING:
                known = [numbers[number] for number in linked.get("value", "").split(",") if number in numbers]
                linked.set("value", ",".join(sorted(known, key=int)))


def _shorten_pssh(root: ET.Element) -> None:
    for element in root.iter(f"{{{_PREFIXES['cenc']}}}pssh"):
        element.text = shorten_base64(element.text or "")


def _put_in_schema_order(root: ET.Element) -> None:
    """Sorts children: the packager writes color before protection, which the schema forbids."""
    for element in root.iter():
        order = CHILD_ORDER.get(_local_name(element))
        if order:
            element[:] = sorted(element, key=lambda child: _place(order, child))


def _place(order: tuple[str, ...], child: ET.Element) -> tuple[int, str]:
    name = _local_name(child)
    place = order.index(name) if name in order else len(order)
    # The three color properties come in any order from run to run: the scheme decides.
    return (place, child.get("schemeIdUri", "") if name == "SupplementalProperty" else "")


def _written(root: ET.Element) -> str:
    for prefix, uri in _PREFIXES.items():
        ET.register_namespace(prefix, uri)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
