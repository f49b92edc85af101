"""Codec names (RFC 6381) made from decoder configurations.

Sources: ISO/IEC 14496-15, 5.3.3 (avcC), 8.3.3 and annex E (hvcC); AV1 in ISOBMFF 1.2, 2.3 and 5 (av1C);
ISO/IEC 14496-1, 7.2.6 (esds).
"""

from media.packaging.boxes import Box


def codec_name(kind: str, children: list[Box]) -> str:
    """Returns the codec name of a sample entry; its kind alone where the configuration is not understood."""
    boxes = {box.kind: box.body for box in children}
    if kind in {"avc1", "avc3"} and len(boxes.get("avcC", b"")) >= 4:
        return f"{kind}.{boxes['avcC'][1:4].hex()}"
    if kind in {"hvc1", "hev1"} and len(boxes.get("hvcC", b"")) >= 13:
        return f"{kind}.{_hevc(boxes['hvcC'])}"
    if kind == "av01" and len(boxes.get("av1C", b"")) >= 3:
        return f"{kind}.{_av1(boxes['av1C'])}"
    if kind == "mp4a" and (audio := _mpeg4_audio(boxes.get("esds", b""))):
        return f"{kind}.{audio}"
    return kind


def is_same_codec(stated: str, found: str) -> bool:
    """Tells whether a stated name says what the boxes say; optional parts at the end may be left out on either side."""
    ours, theirs = (_normal(name) for name in (stated, found))
    shortest = min(len(ours), len(theirs))
    needed = 4 if ours[0] == "av01" else len(theirs) if theirs[0] != "stpp" else 1
    return len(ours) >= needed and ours[:shortest] == theirs[:shortest]


def _normal(name: str) -> list[str]:
    parts = name.strip().split(".")
    # Trailing constraint bytes of zero may be written or not (ISO/IEC 14496-15, annex E).
    while parts[0] in {"hvc1", "hev1"} and len(parts) > 4 and parts[-1] in {"0", "00"}:
        parts.pop()
    kept = parts[0], *(part.lower() for part in parts[1:])
    return list(kept)


def _hevc(configuration: bytes) -> str:
    first, level = configuration[1], configuration[12]
    space, tier, profile = first >> 6, first >> 5 & 1, first & 31
    flags = int(f"{int.from_bytes(configuration[2:6], 'big'):032b}"[::-1], 2)
    constraints = configuration[6:12].rstrip(b"\0")
    parts = [f"{('', 'A', 'B', 'C')[space]}{profile}", f"{flags:X}", f"{'H' if tier else 'L'}{level}"]
    return ".".join([*parts, *(f"{byte:X}" for byte in constraints)])


def _av1(configuration: bytes) -> str:
    profile, level = configuration[1] >> 5, configuration[1] & 31
    tier, is_high, is_twelve = (configuration[2] >> shift & 1 for shift in (7, 6, 5))
    depth = 12 if is_high and is_twelve else 10 if is_high else 8
    return f"{profile}.{level:02d}{'H' if tier else 'M'}.{depth:02d}"


def _mpeg4_audio(esds: bytes) -> str:
    """Returns object type indication and audio object type: ``40.2`` for AAC-LC."""
    at = _descriptor(esds, 4, 0x03)
    at = _descriptor(esds, at + 3, 0x04) if at else 0
    if not at:
        return ""
    kind = esds[at]
    at = _descriptor(esds, at + 13, 0x05)
    return f"{kind:x}.{esds[at] >> 3}" if at and at < len(esds) else f"{kind:x}"


def _descriptor(esds: bytes, at: int, tag: int) -> int:
    """Returns where the content of a descriptor begins, 0 where there is another one; sizes take up to four bytes."""
    if at >= len(esds) or esds[at] != tag:
        return 0
    at += 1
    while at < len(esds) and esds[at] & 0x80:
        at += 1
    return at + 1 if at + 1 < len(esds) else 0
