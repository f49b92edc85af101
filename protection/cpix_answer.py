"""The key server's answer: read with suspicion, and refused unless it is exactly what was asked for.

Source: SPEKE API v2, "Customizations and constraints": every element of the request carries a valid value in the
answer, else the encryptor stops; the key server never changes KIDs, content id, version or contract.
"""

import base64
import binascii
import uuid
import xml.etree.ElementTree as ET
from collections import Counter
from typing import NamedTuple, NoReturn

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from domain.drm import SYSTEM_IDS, DrmSignal, DrmSystem
from protection.cpix import CPIX, PSKC, VERSION, KeyRequest, WantedKey, filters_of, tag, uuid_text
from protection.cpix_delivery import Delivery, DeliveryKey, read_delivery
from protection.errors import KeyAnswerInvalid
from protection.secret_bytes import ContentKey

_SIGNALING_TAGS = {"media": "#EXT-X-KEY:", "master": "#EXT-X-SESSION-KEY:"}
_LONGEST_SIGNAL = 65_536


class KeyAnswer(NamedTuple):
    """What a key server gave."""

    keys: dict[str, ContentKey]
    """By KID."""
    signals: tuple[DrmSignal, ...]


def parse_answer(text: bytes, request: KeyRequest, delivery_key: DeliveryKey | None = None) -> KeyAnswer:
    """Returns the keys and signals of an answer.

    Args:
        text: The answer's body.
        request: What was asked for.
        delivery_key: The private key that goes with the request's certificate, if it had one.

    Raises:
        KeyAnswerInvalid: naming what is wrong; never repeating what may be a key.
    """
    root = _parsed(text)
    if root.tag != tag(CPIX, "CPIX") or root.get("version") != VERSION:
        refuse("the answer is no CPIX document of version 2.3")
    if root.get("contentId") != request.content_id:
        refuse("the answer is for another content id", request.content_id)
    delivery = None if delivery_key is None else read_delivery(root, delivery_key)
    keys = _keys(root, request, delivery)
    _require_contract(root, request)
    return KeyAnswer(keys, _signals(root, request))


def refuse(found: str, expected: str = "what SPEKE 2.0 asks of a key server") -> NoReturn:
    """Raises the error of an answer that is not what was asked for."""
    raise KeyAnswerInvalid("key server", found=found, expected=expected, fix="show this to whoever runs the key server")


def _parsed(text: bytes) -> ET.Element:
    try:
        # No document type at all: no entities to expand or to fetch.
        root: ET.Element = defusedxml.ElementTree.fromstring(text, forbid_dtd=True)
    except DefusedXmlException as error:
        refuse(f"the answer has a document type or entities ({type(error).__name__})", "plain XML")
    except (ET.ParseError, ValueError):  # the parser's message could repeat a line with a key
        refuse("the answer is not well-formed XML", "a CPIX document")
    return root


def _keys(root: ET.Element, request: KeyRequest, delivery: Delivery | None) -> dict[str, ContentKey]:
    elements = root.findall(f"{tag(CPIX, 'ContentKeyList')}/{tag(CPIX, 'ContentKey')}")
    found = Counter(_kid(element) for element in elements)
    wanted = {key.kid for key in request.keys}
    for kid in sorted(wanted - set(found)):
        refuse(f"no key for KID {uuid_text(kid)}", "a key for each KID that was asked for")
    if set(found) - wanted or max(found.values()) > 1:
        refuse("keys that were not asked for, or one KID twice", "one key for each KID that was asked for")
    return {_kid(element): _key(element, request, delivery) for element in elements}


def _key(element: ET.Element, request: KeyRequest, delivery: Delivery | None) -> ContentKey:
    kid = _kid(element)
    if element.get("commonEncryptionScheme") != request.scheme:
        refuse(f"another encryption scheme for KID {uuid_text(kid)}", request.scheme)
    secret = element.find(f"{tag(CPIX, 'Data')}/{tag(PSKC, 'Secret')}")
    if secret is None:
        refuse(f"no secret for KID {uuid_text(kid)}", "a content key of 16 bytes")
    if delivery is None:
        key = decoded(secret.findtext(tag(PSKC, "PlainValue")), f"the key of KID {uuid_text(kid)}")
    else:
        key = delivery.open(secret, f"the key of KID {uuid_text(kid)}")
    if len(key) != ContentKey.SIZE_BYTES:
        refuse(f"a key of {len(key)} bytes for KID {uuid_text(kid)}", "16 bytes")
    return ContentKey(key)


def _require_contract(root: ET.Element, request: KeyRequest) -> None:
    rules = root.findall(f"{tag(CPIX, 'ContentKeyUsageRuleList')}/{tag(CPIX, 'ContentKeyUsageRule')}")
    found = Counter((_kid(rule), rule.get("intendedTrackType", ""), _filters(rule)) for rule in rules)
    if found != Counter((key.kid, key.tracks.name, filters_of(key.tracks)) for key in request.keys):
        refuse("another encryption contract than was sent", "the same usage rules")


def _filters(rule: ET.Element) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    return tuple(sorted((element.tag.rpartition("}")[2], tuple(sorted(element.attrib.items()))) for element in rule))


def _signals(root: ET.Element, request: KeyRequest) -> tuple[DrmSignal, ...]:
    elements = root.findall(f"{tag(CPIX, 'DRMSystemList')}/{tag(CPIX, 'DRMSystem')}")
    given = {(_kid(element), element.get("systemId", "").lower()): element for element in elements}
    wanted = {(key.kid, SYSTEM_IDS[system]) for key, system in request.signaled}
    if set(given) != wanted or len(given) != len(elements):
        refuse("other license systems than were asked for", "one DRMSystem for each key and system")
    return tuple(_signal(given[key.kid, SYSTEM_IDS[system]], key, system) for key, system in request.signaled)


def _signal(element: ET.Element, key: WantedKey, system: DrmSystem) -> DrmSignal:
    where = f"{system}, KID {uuid_text(key.kid)}"
    playlists = {item.get("playlist"): item.text for item in element.findall(tag(CPIX, "HLSSignalingData"))}
    signal = DrmSignal(
        system_id=SYSTEM_IDS[system],
        kid=key.kid,
        hls_media=_hls(playlists.get("media"), "media", where),
        hls_multivariant=_hls(playlists.get("master"), "master", where),
    )
    if system == "fairplay":
        return signal
    pssh = _pssh(element.findtext(tag(CPIX, "PSSH")), SYSTEM_IDS[system], where)
    protection = _protection(element.findtext(tag(CPIX, "ContentProtectionData")), where)
    return signal.model_copy(update={"pssh": pssh, "content_protection": protection})


def _hls(text: str | None, playlist: str, where: str) -> str:
    """Returns HLS tags, each line of which must be the tag that belongs there: they go into playlists as they are."""
    try:
        lines = decoded(text, f"HLS signaling of {where}").decode("utf-8").strip()
    except UnicodeDecodeError:
        refuse(f"HLS signaling of {where} is no text")
    right = all(line.startswith(_SIGNALING_TAGS[playlist]) and line.isprintable() for line in lines.split("\n"))
    if not right or len(lines) > _LONGEST_SIGNAL:
        refuse(f"HLS signaling of {where} for {playlist} playlists", f"lines of {_SIGNALING_TAGS[playlist]}…")
    return lines


def _pssh(text: str | None, system_id: str, where: str) -> str:
    """Returns a ``pssh`` box in base64. Source: ISO/IEC 23001-7, 8.1.1."""
    box = decoded(text, f"PSSH of {where}")
    sized = int.from_bytes(box[:4]) == len(box) >= 32 and box[4:8] == b"pssh"
    if not sized or box[12:28] != uuid.UUID(system_id).bytes:
        refuse(f"PSSH of {where} is no such box", "one whole pssh box of that system")
    return base64.b64encode(box).decode()


def _protection(text: str | None, where: str) -> str:
    content = decoded(text, f"ContentProtectionData of {where}")
    _parsed(b"<ContentProtection>" + content + b"</ContentProtection>")
    return content.decode("utf-8")


def _kid(element: ET.Element) -> str:
    try:
        return uuid.UUID(element.get("kid", "")).hex
    except ValueError:
        refuse(f"a {element.tag.rpartition('}')[2]} whose kid is no UUID")


def decoded(text: str | None, what: str) -> bytes:
    """Returns the bytes of base64 text.

    Raises:
        KeyAnswerInvalid: if there is none, or it is no base64.
    """
    try:
        content = base64.b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        refuse(f"{what} is no base64")
    if not content:
        refuse(f"{what} is missing")
    return content
