"""A checker of the MPD types that we meet: order of child elements, required attributes, types of values.

Source: ISO/IEC 23009-1:2022 and its schema DASH-MPD.xsd (5th edition, amendment 1), written down by type.
"""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from media.rules.model import PresentationOnDisk
from media.rules.mpd_reader import children, local_name
from media.rules.rule import DASH, Finding, Rule, rule

_REPRESENTATION_BASE = (
    "FramePacking", "AudioChannelConfiguration", "ContentProtection", "OutputProtection", "EssentialProperty",
    "SupplementalProperty", "InbandEventStream", "Switching", "RandomAccess", "GroupLabel", "Label",
    "ProducerReferenceTime", "ContentPopularityRate", "Resync",
)  # fmt: skip
_SEGMENTS = ("SegmentBase", "SegmentList", "SegmentTemplate")
_SEGMENT_BASE = ("Initialization", "RepresentationIndex", "FailoverContent")
CHILDREN = {
    "MPD": (
        "ProgramInformation", "BaseURL", "Location", "PatchLocation", "ServiceDescription", "InitializationSet",
        "InitializationGroup", "InitializationPresentation", "ContentProtection", "Period", "Metrics",
        "EssentialProperty", "SupplementalProperty", "UTCTiming", "LeapSecondInformation",
    ),
    "Period": (
        "BaseURL", *_SEGMENTS, "AssetIdentifier", "EventStream", "ServiceDescription", "ContentProtection",
        "AdaptationSet", "Subset", "SupplementalProperty", "EmptyAdaptationSet", "GroupLabel", "Preselection",
    ),
    "AdaptationSet": (
        *_REPRESENTATION_BASE, "Accessibility", "Role", "Rating", "Viewpoint", "ContentComponent", "BaseURL",
        *_SEGMENTS, "Representation",
    ),
    "Representation": (*_REPRESENTATION_BASE, "BaseURL", "ExtendedBandwidth", "SubRepresentation", *_SEGMENTS),
    "SegmentTemplate": (*_SEGMENT_BASE, "SegmentTimeline", "BitstreamSwitching"),
    "SegmentList": (*_SEGMENT_BASE, "SegmentTimeline", "BitstreamSwitching", "SegmentURL"),
    "SegmentBase": _SEGMENT_BASE,
    "SegmentTimeline": ("Pattern", "S"),
}  # fmt: skip
"""Type → children of its namespace, in order; other types are not looked into."""
_LATER_THAN_THE_SCHEMA = {"ContentSteering"}
_DESCRIPTORS = (
    "AudioChannelConfiguration", "ContentProtection", "EssentialProperty", "SupplementalProperty", "Accessibility",
    "Role", "Rating", "Viewpoint", "UTCTiming", "InbandEventStream",
)  # fmt: skip
_REQUIRED = {
    "MPD": ("profiles", "minBufferTime"),
    "Representation": ("id", "bandwidth"),
    "S": ("d",),
    **dict.fromkeys(_DESCRIPTORS, ("schemeIdUri",)),
}
_WHOLE, _BOOLEAN = re.compile(r"\d+\Z"), re.compile(r"(true|false|0|1)\Z")
_XS_DURATION = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?\Z")
_TYPES = {
    **dict.fromkeys(("bandwidth", "width", "height", "timescale", "startNumber", "duration", "maxWidth"), _WHOLE),
    **dict.fromkeys(("presentationTimeOffset", "t", "d", "maxBandwidth", "minBandwidth"), _WHOLE),
    **dict.fromkeys(("bitstreamSwitching", "indexRangeExact"), _BOOLEAN),
    **dict.fromkeys(("segmentAlignment", "subsegmentAlignment"), _BOOLEAN),
    **dict.fromkeys(("minBufferTime", "mediaPresentationDuration", "maxSegmentDuration"), _XS_DURATION),
    **dict.fromkeys(("frameRate", "maxFrameRate", "minFrameRate"), re.compile(r"\d+(/[1-9]\d*)?\Z")),
    **dict.fromkeys(("par", "sar"), re.compile(r"\d*:\d*\Z")),
    **dict.fromkeys(("startWithSAP", "subsegmentStartsWithSAP"), re.compile(r"[0-6]\Z")),
    **dict.fromkeys(("indexRange", "range", "mediaRange"), re.compile(r"\d*-\d*\Z")),
    "r": re.compile(r"-?\d+\Z"),
}
_NO_WHOLE_DURATION = {"Period", "MPD"}


@rule(
    "MPD-001",
    "children of elements come in the order of the schema",
    source=f"{DASH}, DASH-MPD.xsd",
    fix="sort the children as the schema lists them: ContentProtection and properties before Role and Representation",
    needs="dash",
)
def children_are_in_order(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields elements with a child too late, or of a name that the schema does not know there."""
    for mpd in presentation.mpds:
        for element in mpd.root.iter():
            for found, expected in _order_faults(element):
                yield Finding(f"{mpd.path} {_label(element)}", found, expected)


def _order_faults(element: ET.Element) -> Iterator[tuple[str, str]]:
    order = CHILDREN.get(local_name(element))
    if order is None:
        return
    names = [local_name(child) for child in element if not child.tag.startswith("{") or "{" not in local_name(child)]
    names = [name for name in names if "{" not in name and name not in _LATER_THAN_THE_SCHEMA]
    yield from ((f"an element {name}", "one that the schema has") for name in sorted(set(names) - set(order)))
    known = [name for name in names if name in order]
    late = next(((one, two) for one, two in pairwise(known) if order.index(two) < order.index(one)), None)
    if late:
        yield f"{late[1]} after {late[0]}", f"{late[1]} before it"


@rule(
    "MPD-002",
    "required attributes are there, and values have their types",
    source=f"{DASH}, DASH-MPD.xsd",
    fix="write the attribute as the schema wants it",
    needs="dash",
)
def attributes_are_valid(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields missing and malformed attributes."""
    for mpd in presentation.mpds:
        for element in mpd.root.iter():
            for said in _attribute_faults(element):
                yield Finding(f"{mpd.path} {_label(element)}", *said)
        for one in (one for item in mpd.sets for one in item.representations):
            if not one.mime:
                yield Finding(one.where, "no mimeType", "a mimeType on it or on its AdaptationSet")
        is_static = mpd.root.get("type", "static") == "static"
        if is_static and mpd.duration_s is None and not all(p.get("duration") for p in children(mpd.root, "Period")):
            yield Finding(mpd.path, "no duration", "mediaPresentationDuration in a static MPD")


def _attribute_faults(element: ET.Element) -> Iterator[tuple[str, str]]:
    for name in _REQUIRED.get(local_name(element), ()):
        if not element.get(name):
            yield f"no {name}", f"the attribute {name}"
    for name, value in element.attrib.items():
        if not _has_type(local_name(element), name, value):
            yield f"{name}={value!r}", "a value of the attribute's type"


def _has_type(element: str, name: str, value: str) -> bool:
    if name == "duration" and element in _NO_WHOLE_DURATION:
        return _XS_DURATION.match(value) is not None
    pattern = _TYPES.get(name) if element in CHILDREN or element in {"S", "Initialization", "SegmentURL"} else None
    return pattern is None or pattern.match(value) is not None


@rule(
    "MPD-003",
    "ids are unique",
    source=f"{DASH}, 5.3.3.2 and 5.3.5.2",
    fix="number adaptation sets and name Representations after their tracks",
    needs="dash",
)
def ids_are_unique(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields ids that occur twice in a Period."""
    for mpd in presentation.mpds:
        for period in children(mpd.root, "Period"):
            sets = children(period, "AdaptationSet")
            ones = [one for item in sets for one in children(item, "Representation")]
            for kind, elements in (("AdaptationSet", sets), ("Representation", ones)):
                counts = Counter(element.get("id") for element in elements if element.get("id"))
                for name, count in counts.items():
                    if count > 1:
                        yield Finding(f"{mpd.path} {kind} {name}", f"{count} times", "once")


def _label(element: ET.Element) -> str:
    said = element.get("id") or element.get("schemeIdUri") or ""
    return f"{local_name(element)} {said}".strip()


RULES: tuple[Rule, ...] = (children_are_in_order, attributes_are_valid, ids_are_unique)
