"""PSSH boxes and what is inside them: the KIDs that Widevine and PlayReady headers name.

Sources: ISO/IEC 23001-7:2023, 8.1 (pssh); Widevine's ``WidevinePsshData`` message, field 2 (Protocol Buffers encoding);
Microsoft, PlayReady header specification (PlayReady object, record type 1, UTF-16; KIDs as GUIDs in little-endian).
"""

import base64
import binascii
import re
from collections.abc import Iterator
from uuid import UUID

from media.errors import PresentationInvalid
from media.packaging.boxes import Box, split_boxes
from media.rules.media_model import Pssh

WIDEVINE = "edef8ba979d64acea3c827dcd51d21ed"
PLAYREADY = "9a04f07998404286ab92e65be0885f95"
_VERSION = re.compile(r'<WRMHEADER[^>]*\bversion="([^"]*)"')
_KIDS = (re.compile(r'<KID\b[^>]*\bVALUE="([^"]+)"'), re.compile(r"<KID>([^<]+)</KID>"))


def parse_pssh(box: Box) -> Pssh:
    """Returns the facts of a PSSH box."""
    system, at = box.body[4:20].hex(), 20
    kids: list[str] = []
    if box.version:
        count, at = box.integer(at), at + 4
        kids = [box.body[at + 16 * number : at + 16 * number + 16].hex() for number in range(min(count, 1000))]
        at += 16 * count
    content = box.body[at + 4 :]
    if system == WIDEVINE:
        kids += _widevine_kids(content)
    if system == PLAYREADY:
        header = _playready_header(content)
        return Pssh(system, tuple(dict.fromkeys([*kids, *_playready_kids(header)])), _version_of(header))
    return Pssh(system, tuple(dict.fromkeys(kids)), "")


def parse_pssh_base64(text: str) -> list[Pssh]:
    """Returns the PSSH boxes of a base64 text; none where it is none."""
    try:
        content = base64.b64decode(text.strip(), validate=False)
        return [parse_pssh(box) for box in split_boxes(content) if box.kind == "pssh"]
    except (binascii.Error, ValueError, PresentationInvalid):
        return []


def parse_playready_object(text: str) -> Pssh | None:
    """Returns the facts of a base64 PlayReady object (``mspr:pro``, or an HLS key's data URI)."""
    try:
        header = _playready_header(base64.b64decode(text.strip(), validate=False))
    except (binascii.Error, ValueError):
        return None
    return Pssh(PLAYREADY, tuple(_playready_kids(header)), _version_of(header)) if header else None


def _widevine_kids(message: bytes) -> Iterator[str]:
    """Yields the ``key_ids`` of the message: fields of wire type 2 with number 2."""
    at = 0
    while at < len(message):
        field, at = _varint(message, at)
        if field & 7 == 2:
            size, at = _varint(message, at)
            if field >> 3 == 2:
                yield message[at : at + size].hex()
            at += size
        elif field & 7 == 0:
            _, at = _varint(message, at)
        else:
            at += {1: 8, 5: 4}.get(field & 7, len(message))


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte, at = message[at], at + 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return value, at


def _playready_header(content: bytes) -> str:
    """Returns the XML of the first rights-management record."""
    at = 6
    while at + 4 <= len(content):
        kind, size = (int.from_bytes(content[at + 2 * half : at + 2 * half + 2], "little") for half in (0, 1))
        if kind == 1:
            return content[at + 4 : at + 4 + size].decode("utf-16-le", "replace")
        at += 4 + size
    return ""


def _version_of(header: str) -> str:
    found = _VERSION.search(header)
    return found[1] if found else ""


def _playready_kids(header: str) -> Iterator[str]:
    for pattern in _KIDS:
        for text in pattern.findall(header):
            try:
                yield UUID(bytes_le=base64.b64decode(text)).hex
            except (binascii.Error, ValueError):
                continue
