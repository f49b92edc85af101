"""Widevine's PSSH box, freed of repeated KIDs: the packager writes one KID per label, and our tracks share keys.

Source: ISO/IEC 14496-12:2022, 4.2; ISO/IEC 23001-7:2023, 8.1 (pssh); Widevine's ``WidevinePsshData`` message, field 2
(``key_ids``, 16 bytes each) as encoded by Protocol Buffers: tag 0x12, length 0x10.
"""

import base64
from pathlib import Path

from media.packaging.boxes import split_boxes

WIDEVINE_SYSTEM = bytes.fromhex("edef8ba979d64acea3c827dcd51d21ed")
_KEY_ID = b"\x12\x10"
_KEY_ID_BYTES = 18


def without_repeated_kids(box: bytes) -> bytes:
    """Returns a PSSH box, each KID once; a box of another system is returned as it is."""
    if box[12:28] != WIDEVINE_SYSTEM or box[8] != 0:
        return box
    message, kids, at = box[32:], [], 0
    while message[at : at + 2] == _KEY_ID:
        kids.append(message[at : at + _KEY_ID_BYTES])
        at += _KEY_ID_BYTES
    shorter = b"".join(dict.fromkeys(kids)) + message[at:]
    return (32 + len(shorter)).to_bytes(4, "big") + box[4:28] + len(shorter).to_bytes(4, "big") + shorter


def shorten_base64(text: str) -> str:
    """Returns a base64 PSSH box, each KID once."""
    return base64.b64encode(without_repeated_kids(base64.b64decode(text))).decode()


def shorten_init(path: Path) -> None:
    """Rewrites the PSSH boxes of an initialization segment; nothing in it points at what follows them."""
    content = path.read_bytes()
    rewritten = []
    for box in split_boxes(content):
        body = box.body
        if box.kind == "moov":
            body = b"".join(_shortened(child.kind, child.body) for child in split_boxes(body))
        rewritten.append(_packed(box.kind, body))
    path.write_bytes(b"".join(rewritten))


def _shortened(kind: str, body: bytes) -> bytes:
    packed = _packed(kind, body)
    return without_repeated_kids(packed) if kind == "pssh" else packed


def _packed(kind: str, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + kind.encode("latin-1") + body
