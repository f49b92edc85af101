"""CPIX documents as SPEKE 2.0 uses them: what is asked for. The answer is read in :mod:`protection.cpix_answer`.

Source: DASH-IF CPIX 2.3; SPEKE API v2, "Standard payload components" and "Customizations and constraints".
"""

import base64
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from domain.drm import SYSTEM_IDS, DrmSystem
from protection.encryption_contract import Span, TrackType
from protection.key_set import Scheme

CPIX = "urn:dashif:org:cpix"
PSKC = "urn:ietf:params:xml:ns:keyprov:pskc"
ENC = "http://www.w3.org/2001/04/xmlenc#"
DS = "http://www.w3.org/2000/09/xmldsig#"
VERSION = "2.3"
"""SPEKE 2.0 speaks this version of CPIX and no other."""
RSA_OAEP = f"{ENC}rsa-oaep-mgf1p"
AES_256_CBC = f"{ENC}aes256-cbc"
HMAC_SHA_512 = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512"
DELIVERY_ID = "pertitle"
_PREFIXES = {"cpix": CPIX, "pskc": PSKC, "enc": ENC, "ds": DS}


@dataclass(frozen=True, slots=True)
class WantedKey:
    """One key that is asked for."""

    kid: str
    """32 hexadecimal digits; the encryptor chooses it."""
    tracks: TrackType


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """Everything that one request asks for."""

    content_id: str
    scheme: Scheme
    keys: tuple[WantedKey, ...]
    systems: tuple[DrmSystem, ...]
    certificate: bytes = b""
    """DER certificate that content keys are to be encrypted for; empty for keys in the clear inside TLS."""

    @property
    def signaled(self) -> Iterator[tuple[WantedKey, DrmSystem]]:
        """Each key with each license system; FairPlay knows ``cbcs`` only."""
        for system in self.systems:
            if system != "fairplay" or self.scheme == "cbcs":
                for key in self.keys:
                    yield key, system


def write_request(request: KeyRequest) -> bytes:
    """Returns the document to send: the shape of the answer, with empty places to fill."""
    root = ET.Element(tag(CPIX, "CPIX"), {"contentId": request.content_id, "version": VERSION})
    root.set("xmlns:pskc", PSKC)  # a must on the element itself, though only the answer uses it
    if request.certificate:
        root.append(_delivery(request.certificate))
    keys = ET.SubElement(root, tag(CPIX, "ContentKeyList"))
    for key in request.keys:
        facts = {"kid": uuid_text(key.kid), "commonEncryptionScheme": request.scheme}
        ET.SubElement(keys, tag(CPIX, "ContentKey"), facts)
    systems = ET.SubElement(root, tag(CPIX, "DRMSystemList"))
    systems.extend(_signaled(key, system) for key, system in request.signaled)
    rules = ET.SubElement(root, tag(CPIX, "ContentKeyUsageRuleList"))
    rules.extend(_rule(key) for key in request.keys)
    for prefix, uri in _PREFIXES.items():
        ET.register_namespace(prefix, uri)
    return ET.tostring(root, encoding="unicode").encode()


def filters_of(tracks: TrackType) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Returns the filters of a rule: element name and attributes, each list sorted."""
    video = [("VideoFilter", _limits(span, "Pixels")) for span in tracks.video]
    return tuple(sorted([*video, *(("AudioFilter", _limits(span, "Channels")) for span in tracks.audio)]))


def tag(namespace: str, name: str) -> str:
    """Returns a name as ElementTree writes it."""
    return f"{{{namespace}}}{name}"


def uuid_text(kid: str) -> str:
    """Returns a KID as CPIX writes it, a UUID with hyphens."""
    return str(uuid.UUID(hex=kid))


def _limits(span: Span, unit: str) -> tuple[tuple[str, str], ...]:
    limits = {f"max{unit}": span.most, f"min{unit}": span.least}
    return tuple((name, str(limit)) for name, limit in limits.items() if limit)


def _signaled(key: WantedKey, system: DrmSystem) -> ET.Element:
    element = ET.Element(tag(CPIX, "DRMSystem"), {"kid": uuid_text(key.kid), "systemId": SYSTEM_IDS[system]})
    # CPIX 2.3, DRMSystemType: PSSH, ContentProtectionData, …, HLSSignalingData, in this order.
    if system != "fairplay":
        ET.SubElement(element, tag(CPIX, "PSSH"))
        ET.SubElement(element, tag(CPIX, "ContentProtectionData"))
    for playlist in ("media", "master"):
        ET.SubElement(element, tag(CPIX, "HLSSignalingData"), {"playlist": playlist})
    return element


def _rule(key: WantedKey) -> ET.Element:
    facts = {"kid": uuid_text(key.kid), "intendedTrackType": key.tracks.name}
    rule = ET.Element(tag(CPIX, "ContentKeyUsageRule"), facts)
    for name, limits in sorted(filters_of(key.tracks), reverse=True):
        ET.SubElement(rule, tag(CPIX, name), dict(limits))
    return rule


def _delivery(certificate: bytes) -> ET.Element:
    parts = ET.Element(tag(CPIX, "DeliveryDataList"))
    delivery = ET.SubElement(parts, tag(CPIX, "DeliveryData"), {"id": DELIVERY_ID})
    data = ET.SubElement(ET.SubElement(delivery, tag(CPIX, "DeliveryKey")), tag(DS, "X509Data"))
    ET.SubElement(data, tag(DS, "X509Certificate")).text = base64.b64encode(certificate).decode()
    return parts
