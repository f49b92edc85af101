"""ClearKey, for test copies only: browsers play what a published presentation has protected for real systems.

A published MPD never says ClearKey: its license server would hand out content keys in the open. Tests and the preview
on loopback need it, because no browser in a test has the modules of the real systems.
"""

import copy
import xml.etree.ElementTree as ET

from media.errors import PresentationInvalid
from media.packaging.dash import DASH, misplaced_children, parse_mpd

SYSTEM = "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e"
"""ClearKey in DASH. Source: DASH-IF, identifiers of content protection systems; W3C EME, 9.1 (``org.w3.clearkey``)."""
COMMON = "urn:mpeg:dash:mp4protection:2011"
DASHIF = "https://dashif.org/CPS"
"""Namespace of ``Laurl``. Source: DASH-IF IOP part 6, 5.1 (CPS 1.0)."""
_PROTECTION = f"{{{DASH}}}ContentProtection"
_PREFIXES = {
    "": DASH,
    "cenc": "urn:mpeg:cenc:2013",
    "mspr": "urn:microsoft:playready",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "dashif": DASHIF,
}


def with_clearkey(mpd: str, license_url: str = "") -> str:
    """Returns a copy of an MPD in which every protected set also names ClearKey, right after the common element.

    Calling it twice changes nothing more; a clear MPD comes back with the same meaning.

    Args:
        mpd: A published MPD.
        license_url: Where a player asks for keys (W3C EME, 9.1.3); empty if the player is given them otherwise.

    Raises:
        PresentationInvalid: if the text is no MPD, or a protected set lacks the common element.
    """
    root = parse_mpd(mpd)
    for element in root.iter():
        protections = element.findall(_PROTECTION)
        if protections:
            _add_clearkey(element, protections, license_url)
    for prefix, uri in _PREFIXES.items():
        ET.register_namespace(prefix, uri)
    ET.indent(root)
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
    if late := misplaced_children(text):
        raise PresentationInvalid("MPD", found="; ".join(late), expected="an MPD in schema order")
    return text


def _add_clearkey(element: ET.Element, protections: list[ET.Element], license_url: str) -> None:
    for protection in protections:
        if protection.get("schemeIdUri", "").lower() == SYSTEM:
            element.remove(protection)
    common = next((item for item in protections if item.get("schemeIdUri") == COMMON), None)
    if common is None:
        raise PresentationInvalid("MPD", found="ContentProtection without mp4protection", expected="a default KID")
    clearkey = ET.Element(_PROTECTION, {"schemeIdUri": SYSTEM, "value": "ClearKey1.0"})
    if license_url:
        ET.SubElement(clearkey, f"{{{DASHIF}}}Laurl", {"licenseType": "EME-1.0"}).text = license_url
    clearkey.tail = copy.copy(common.tail)
    element.insert(list(element).index(common) + 1, clearkey)
