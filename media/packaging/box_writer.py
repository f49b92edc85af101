"""A writer of ISO base media file boxes, for the few that we write ourselves.

Source: ISO/IEC 14496-12:2022, 4.2 (object structure).
"""


def box(kind: str, *parts: bytes) -> bytes:
    """Returns a box around its parts."""
    body = b"".join(parts)
    return (8 + len(body)).to_bytes(4, "big") + kind.encode("latin-1") + body


def full_box(kind: str, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Returns a full box: version and flags stand before its parts."""
    return box(kind, bytes([version]), flags.to_bytes(3, "big"), *parts)


def u16(*values: int) -> bytes:
    """Returns unsigned numbers of 16 bits."""
    return b"".join(value.to_bytes(2, "big") for value in values)


def u32(*values: int) -> bytes:
    """Returns unsigned numbers of 32 bits."""
    return b"".join(value.to_bytes(4, "big") for value in values)


def u64(*values: int) -> bytes:
    """Returns unsigned numbers of 64 bits."""
    return b"".join(value.to_bytes(8, "big") for value in values)
