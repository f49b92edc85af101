"""The codec strings that manifests name, read from sample entries.

Sources: RFC 6381, 3.3; ISO/IEC 14496-15:2022, annex E (AVC, HEVC); AV1 Codec ISO Media File Format Binding 1.2, 5;
ISO/IEC 14496-1, 7.2.6 (descriptors); ETSI TS 102 366, annex F (AC-3, E-AC-3).
"""

from typing import NamedTuple

from domain.hdr import DynamicRange
from media.errors import PresentationInvalid
from media.packaging.boxes import Box


class ColorCodes(NamedTuple):
    """Code points of ITU-T H.273: primaries, transfer and matrix."""

    primaries: int
    transfer: int
    matrix: int


BT709 = ColorCodes(1, 1, 1)
_PQ, _HLG = 16, 18
_DECODER_CONFIG, _DECODER_SPECIFIC = 0x04, 0x05
_ES, _ES_HEADER_BYTES = 0x03, 3


def codec_string(kind: str, entry: Box) -> str:
    """Returns the codec string of a sample entry.

    Args:
        kind: Format of the samples; of an encrypted entry its original format.
        entry: The sample entry.

    Raises:
        PresentationInvalid: if the entry is malformed.
    """
    if kind in {"avc1", "avc3"}:
        return f"{kind}.{entry.require('avcC').body[1:4].hex()}"
    if kind in {"hvc1", "hev1"}:
        return _hevc(kind, entry.require("hvcC"))
    if kind == "av01":
        return _av1(entry)
    if kind == "mp4a":
        return _aac(entry.require("esds"))
    return kind  # ac-3, ec-3 and wvtt have no parameters


def color_codes(entry: Box) -> ColorCodes | None:
    """Returns the colors that a visual sample entry states, or ``None`` (14496-12, 12.1.5)."""
    colr = entry.find("colr")
    if colr is None or colr.body[:4] != b"nclx":
        return None
    return ColorCodes(colr.integer(4, 2), colr.integer(6, 2), colr.integer(8, 2))


def video_range(color: ColorCodes | None) -> DynamicRange:
    """Returns the ``VIDEO-RANGE`` of colors (RFC 8216bis, 4.4.6.2): by the transfer characteristics alone."""
    found = {_PQ: DynamicRange.PQ, _HLG: DynamicRange.HLG}
    return found.get(color.transfer if color else 1, DynamicRange.SDR)


def is_perceptual_quantizer(color: ColorCodes | None) -> bool:
    """Tells whether a player that does not know the transfer function would show a wrong picture."""
    return color is not None and color.transfer == _PQ


def _hevc(kind: str, config: Box) -> str:
    space = ("", "A", "B", "C")[config.integer(1, 1) >> 6]
    tier = "H" if config.integer(1, 1) & 0x20 else "L"
    compatibility = int(f"{config.integer(2):032b}"[::-1], 2)
    constraints = config.body[6:12].rstrip(b"\0")
    parts = [
        kind,
        f"{space}{config.integer(1, 1) & 0x1F}",
        f"{compatibility:x}",
        f"{tier}{config.integer(12, 1)}",
        *(f"{byte:x}" for byte in constraints),
    ]
    return ".".join(parts)


def _av1(entry: Box) -> str:
    """Returns all fields: a reader that takes the defaults for missing ones reads the same."""
    first, second = entry.require("av1C").integer(1, 1), entry.require("av1C").integer(2, 1)
    profile, level, tier = first >> 5, first & 0x1F, "H" if second & 0x80 else "M"
    depth = 8 + 2 * bool(second & 0x40) + 2 * bool(second & 0x20)
    color = color_codes(entry) or BT709
    colr = entry.find("colr")
    full_range = bool(colr is not None and len(colr.body) > 10 and colr.integer(10, 1) & 0x80)
    # monochrome, then subsampling in x and y with the position of the chroma samples
    shape = f"{second >> 4 & 1}.{second >> 3 & 1}{second >> 2 & 1}{second & 3}"
    codes = f"{color.primaries:02d}.{color.transfer:02d}.{color.matrix:02d}.{full_range:d}"
    return f"av01.{profile}.{level:02d}{tier}.{depth:02d}.{shape}.{codes}"


def _aac(esds: Box) -> str:
    """Returns the audio object type of the decoder's specific info (14496-3, 1.6.2.1)."""
    tag, body = _descriptor(esds.body[4:])
    if tag == _ES:
        # The flags behind the id announce what we never write: dependence, a URL, a clock reference.
        tag, body = _descriptor(body[_ES_HEADER_BYTES:])
    if tag != _DECODER_CONFIG or len(body) < 15:
        raise PresentationInvalid("box esds", found=f"descriptor {tag}", expected="a decoder configuration")
    indication = body[0]
    tag, specific = _descriptor(body[13:])
    if tag != _DECODER_SPECIFIC or not specific:
        raise PresentationInvalid("box esds", found=f"descriptor {tag}", expected="decoder specific info")
    object_type = specific[0] >> 3
    if object_type == 31:
        object_type = 32 + ((specific[0] & 7) << 3 | specific[1] >> 5)
    return f"mp4a.{indication:02x}.{object_type}"


def _descriptor(data: bytes) -> tuple[int, bytes]:
    """Returns (tag, body) of a descriptor; its size comes in groups of seven bits."""
    size, at = 0, 1
    while at < len(data):
        byte = data[at]
        size, at = size << 7 | byte & 0x7F, at + 1
        if not byte & 0x80:
            break
    return (data[0] if data else 0), data[at : at + size]
