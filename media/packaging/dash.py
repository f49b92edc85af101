"""The MPD as a document: its namespaces, how it is read, and the order that its schema wants.

Sources: ISO/IEC 23009-1:2022 and its schema DASH-MPD.xsd (5th edition, amendment 1).
"""

import xml.etree.ElementTree as ET

from media.errors import PresentationInvalid

DASH = "urn:mpeg:dash:schema:mpd:2011"
_PREFIXES = {
    "": DASH,
    "cenc": "urn:mpeg:cenc:2013",
    "mspr": "urn:microsoft:playready",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
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


def codecs_of(mpd: str) -> dict[str, str]:
    """Returns Representation id → its ``codecs`` attribute (RFC 6381).

    Raises:
        PresentationInvalid: if the text is no MPD.
    """
    representations = parse_mpd(mpd).iter(dash_tag("Representation"))
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
    if root.tag != dash_tag("MPD"):
        raise PresentationInvalid("MPD", found=root.tag, expected="an MPD element (ISO/IEC 23009-1, 5.3.1)")
    return root


def dash_tag(name: str) -> str:
    """Returns the name of an element with its namespace."""
    return f"{{{DASH}}}{name}"


def xml_text(root: ET.Element) -> str:
    """Returns an MPD as text, its children in schema order."""
    for element in root.iter():
        if order := CHILD_ORDER.get(_local_name(element)):
            element[:] = sorted(element, key=lambda child, order=order: order.index(_local_name(child)))  # type: ignore[misc]
    for prefix, uri in _PREFIXES.items():
        ET.register_namespace(prefix, uri)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _local_name(element: ET.Element) -> str:
    return element.tag.removeprefix(f"{{{DASH}}}")
