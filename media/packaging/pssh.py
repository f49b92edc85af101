"""PSSH boxes: each track names its own key and no other.

The packager lists all keys of a title in Widevine's box, one for each label. A player would then ask for the UHD key
to play SD, and fail where a license server rightly refuses it. PlayReady's box names the track's key only and is kept.

Source: ISO/IEC 14496-12:2022, 4.2; ISO/IEC 23001-7:2023, 8.1 (pssh); Widevine's ``WidevinePsshData`` message as encoded
by Protocol Buffers: field 2 (``key_ids``, 16 bytes) and field 9 (``protection_scheme``, a four-character code).
"""

from pathlib import Path

from domain.drm import PLAYREADY, WIDEVINE
from media.packaging.box_writer import box, full_box, u32
from media.packaging.boxes import split_boxes

WIDEVINE_SYSTEM = bytes.fromhex(WIDEVINE.replace("-", ""))
PLAYREADY_SYSTEM = bytes.fromhex(PLAYREADY.replace("-", ""))
_KEY_ID = b"\x12\x10"
_PROTECTION_SCHEME = b"\x48"


def widevine_pssh(kid: str, scheme: str) -> bytes:
    """Returns Widevine's PSSH box of one key.

    Args:
        kid: 32 hexadecimal digits.
        scheme: ``cbcs`` or ``cenc``.
    """
    code = _varint(int.from_bytes(scheme.encode("ascii"), "big"))
    return pssh_box(WIDEVINE_SYSTEM, _KEY_ID + bytes.fromhex(kid) + _PROTECTION_SCHEME + code)


def pssh_box(system: bytes, content: bytes) -> bytes:
    """Returns a PSSH box of version 0."""
    return full_box("pssh", system, u32(len(content)), content)


def system_of(pssh: bytes) -> bytes:
    """Returns the system id of a PSSH box, 16 bytes."""
    return pssh[12:28]


def content_of(pssh: bytes) -> bytes:
    """Returns what a PSSH box carries for its system; behind the KIDs in version 1."""
    at = 28
    if pssh[8]:
        at += 4 + 16 * int.from_bytes(pssh[28:32], "big")
    return pssh[at + 4 : at + 4 + int.from_bytes(pssh[at : at + 4], "big")]


def replace_pssh(path: Path, ours: tuple[bytes, ...]) -> None:
    """Puts PSSH boxes into an initialization segment, for those of the same systems; nothing points behind them."""
    rewritten = [
        box(found.kind, _with_pssh(found.body, ours) if found.kind == "moov" else found.body)
        for found in split_boxes(path.read_bytes())
    ]
    path.write_bytes(b"".join(rewritten))


def _with_pssh(moov: bytes, ours: tuple[bytes, ...]) -> bytes:
    children = [(child.kind, box(child.kind, child.body)) for child in split_boxes(moov)]
    replaced = {system_of(pssh) for pssh in ours}
    theirs = [packed for kind, packed in children if kind == "pssh" and system_of(packed) not in replaced]
    rest = [packed for kind, packed in children if kind != "pssh"]
    return b"".join([*rest, *sorted([*theirs, *ours], key=system_of)])


def _varint(number: int) -> bytes:
    """Returns a Protocol Buffers varint: groups of seven bits, the lowest first."""
    groups = []
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])
