"""What an initialization segment says about its track: time scale, edit list, defaults, protection.

Sources: ISO/IEC 14496-12:2022 (8.4.2 mdhd, 8.4.3 hdlr, 8.6.6 elst, 8.8.3 trex, 8.12 sinf);
ISO/IEC 23001-7:2023 (8.2 tenc).
"""

from dataclasses import dataclass
from pathlib import Path

from media.errors import PresentationInvalid
from media.packaging.box_writer import box
from media.packaging.boxes import Box, read_boxes
from media.packaging.codec_strings import ColorCodes, codec_string, color_codes


@dataclass(frozen=True, slots=True)
class SampleProtection:
    """How the samples of a track are encrypted (23001-7, 8.2)."""

    scheme: str
    """``schm`` type: ``cbcs`` or ``cenc``."""
    original_format: str
    kid: str
    """32 lower-case hexadecimal digits."""
    is_protected: bool
    pattern: tuple[int, int]
    """Encrypted and clear blocks; (0, 0) where there is no pattern."""
    iv_bytes: int
    """Size of the IV that stands with each sample; 0 where it is constant."""
    constant_iv: bytes


@dataclass(frozen=True, slots=True)
class TrackHeader:
    """The facts of one track that do not change from segment to segment."""

    handler: str
    """``vide``, ``soun`` or ``text``."""
    timescale: int
    media_time: int
    """Media time, in ticks, at which the presentation starts (from the edit list)."""
    default_duration: int
    default_size: int
    default_flags: int
    sample_entries: tuple[str, ...]
    """Kinds of the sample entries; one that is not ``encv`` or ``enca`` would allow clear samples."""
    protection: SampleProtection | None
    codecs: str = ""
    """Codec string for manifests (RFC 6381)."""
    color: ColorCodes | None = None
    """Colors of a picture, if the track states them."""
    sample_rate_hz: int = 0
    """Of sound; else 0."""
    pssh: tuple[bytes, ...] = ()
    """The PSSH boxes, whole, in order."""


def read_track_header(path: Path) -> TrackHeader:
    """Reads an initialization segment of one track.

    Raises:
        PresentationInvalid: if it is malformed.
    """
    moov = next((found for _, found in read_boxes(path) if found.kind == "moov"), None)
    if moov is None:
        raise PresentationInvalid(str(path), found="no moov box", expected="an initialization segment")
    media, trex = moov.require("trak", "mdia"), moov.require("mvex", "trex")
    mdhd = media.require("mdhd")
    entries = media.require("minf", "stbl", "stsd").children()
    if not entries:
        raise PresentationInvalid(str(path), found="no sample entry", expected="one (14496-12, 8.5.2)")
    protection = _protection(entries[0])
    handler = media.require("hdlr").body[8:12].decode("latin-1")
    return TrackHeader(
        handler=handler,
        timescale=mdhd.integer(20 if mdhd.version else 12),
        media_time=_media_time(moov.find("trak", "edts", "elst")),
        default_duration=trex.integer(12),
        default_size=trex.integer(16),
        default_flags=trex.integer(20),
        sample_entries=tuple(entry.kind for entry in entries),
        protection=protection,
        codecs=codec_string(protection.original_format if protection else entries[0].kind, entries[0]),
        color=color_codes(entries[0]) if handler == "vide" else None,
        # 12.2.3.2: a number of 16.16 bits; the whole part is the rate.
        sample_rate_hz=entries[0].integer(24, 2) if handler == "soun" else 0,
        pssh=tuple(box("pssh", child.body) for child in moov.children() if child.kind == "pssh"),
    )


def _media_time(elst: Box | None) -> int:
    """Returns where the one edit starts; an empty edit or several are not made by our packager and not understood."""
    if elst is None:
        return 0
    size = 8 if elst.version else 4
    count, start = elst.integer(4), int.from_bytes(elst.body[8 + size : 8 + 2 * size], "big", signed=True)
    if count != 1 or start < 0:
        raise PresentationInvalid("edit list", found=f"{count} edits, the first at {start}", expected="one, not empty")
    return start


def _protection(entry: Box) -> SampleProtection | None:
    sinf = entry.find("sinf")
    if sinf is None:
        return None
    tenc = sinf.require("schi", "tenc")
    pattern, iv_bytes = tenc.integer(5, 1), tenc.integer(7, 1)
    constant = tenc.body[25 : 25 + tenc.integer(24, 1)] if iv_bytes == 0 else b""
    return SampleProtection(
        scheme=sinf.require("schm").body[4:8].decode("latin-1"),
        original_format=sinf.require("frma").body[:4].decode("latin-1"),
        kid=tenc.body[8:24].hex(),
        is_protected=tenc.integer(6, 1) == 1,
        pattern=(pattern >> 4, pattern & 15) if tenc.version else (0, 0),
        iv_bytes=iv_bytes,
        constant_iv=constant,
    )
