"""What an initialization segment says: brands, time scale, edit list, sample entries, protection.

Sources: ISO/IEC 14496-12:2022 (8.4.2 mdhd, 8.4.3 hdlr, 8.5.2 stsd, 8.6.6 elst, 8.8.3 trex, 8.12 sinf);
ISO/IEC 23001-7:2023 (8.2 tenc).
"""

from fractions import Fraction

from media.errors import PresentationInvalid
from media.packaging.boxes import Box, split_boxes
from media.rules.codec_names import codec_name
from media.rules.media_model import InitFacts, SampleEntry, SampleProtection
from media.rules.protection_headers import parse_pssh

_VISUAL = {"encv", "avc1", "avc3", "hvc1", "hev1", "av01", "vp09", "dvh1", "dvhe"}
_AUDIO = {"enca", "mp4a", "ac-3", "ec-3", "ac-4", "Opus", "fLaC"}
# 12.1.3 (visual) and 12.2.3 (audio): where child boxes begin in a sample entry.
_CHILDREN = {**dict.fromkeys(_VISUAL, 78), **dict.fromkeys(_AUDIO, 28), "wvtt": 8}


def read_init(ftyp: Box | None, moov: Box) -> InitFacts:
    """Returns the facts of an initialization segment of one track.

    Raises:
        PresentationInvalid: if it is malformed.
    """
    children = moov.children()
    tracks = [box for box in children if box.kind == "trak"]
    media, trex = moov.require("trak", "mdia"), moov.find("mvex", "trex")
    mdhd, mvhd = media.require("mdhd"), moov.require("mvhd")
    timescale = mdhd.integer(20 if mdhd.version else 12)
    movie_timescale = mvhd.integer(20 if mvhd.version else 12)
    entries = tuple(_entry(box) for box in split_boxes(media.require("minf", "stbl", "stsd").body, 8))
    if not timescale or not movie_timescale or not entries:
        found = f"time scales {movie_timescale} and {timescale}, {len(entries)} sample entries"
        raise PresentationInvalid("moov", found=found, expected="a time scale and a sample entry")
    shift = _shift(moov.find("trak", "edts", "elst"), Fraction(timescale, movie_timescale))
    return InitFacts(
        brands=_brands(ftyp),
        tracks=len(tracks),
        handler=media.require("hdlr").body[8:12].decode("latin-1"),
        timescale=timescale,
        shift=shift,
        edit_s=Fraction(shift, timescale),
        has_mvex=trex is not None,
        defaults=(trex.integer(12), trex.integer(16), trex.integer(20)) if trex else (0, 0, 0),
        entries=entries,
        pssh=tuple(parse_pssh(box) for box in children if box.kind == "pssh"),
        language=_language(mdhd.integer(32 if mdhd.version else 20, 2)),
    )


def _brands(ftyp: Box | None) -> tuple[str, ...]:
    if ftyp is None:
        return ()
    return tuple(ftyp.body[at : at + 4].decode("latin-1") for at in (0, *range(8, len(ftyp.body), 4)))


def _language(packed: int) -> str:
    return "".join(chr(0x60 + (packed >> shift & 31)) for shift in (10, 5, 0))


def _shift(elst: Box | None, ticks_per_movie_tick: Fraction) -> int:
    """Returns what the edit list subtracts: the first edit's media time, less the empty edits before it."""
    if elst is None:
        return 0
    size, shift = (8 if elst.version else 4), Fraction(0)
    for number in range(min(elst.integer(4), 1000)):
        at = 8 + number * (2 * size + 4)
        duration, start = elst.integer(at, size), elst.integer(at + size, size)
        if start != (1 << 8 * size) - 1:
            return round(shift + start)
        shift -= duration * ticks_per_movie_tick
    return round(shift)


def _entry(box: Box) -> SampleEntry:
    at = _CHILDREN.get(box.kind)
    children = [] if at is None or at > len(box.body) else list(split_boxes(box.body, at))
    sinf = next((child for child in children if child.kind == "sinf"), None)
    original = sinf.require("frma").body[:4].decode("latin-1") if sinf else box.kind
    is_visual, is_audio = box.kind in _VISUAL, box.kind in _AUDIO
    return SampleEntry(
        kind=box.kind,
        format=original,
        codec=codec_name(original, children),
        width_px=box.integer(24, 2) if is_visual else 0,
        height_px=box.integer(26, 2) if is_visual else 0,
        channels=box.integer(16, 2) if is_audio else 0,
        sample_rate_hz=box.integer(24, 2) if is_audio else 0,
        nal_length_bytes=_nal_length_bytes(children),
        protection=_protection(sinf) if sinf else None,
    )


def _nal_length_bytes(boxes: list[Box]) -> int:
    """Returns the size of NAL unit lengths (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1)."""
    places = {"avcC": 4, "hvcC": 21}
    return next((1 + (box.integer(places[box.kind], 1) & 3) for box in boxes if box.kind in places), 0)


def _protection(sinf: Box) -> SampleProtection:
    tenc = sinf.require("schi", "tenc")
    pattern, iv_bytes = tenc.integer(5, 1), tenc.integer(7, 1)
    return SampleProtection(
        scheme=sinf.require("schm").body[4:8].decode("latin-1"),
        kid=tenc.body[8:24].hex(),
        is_protected=tenc.integer(6, 1) == 1,
        pattern=(pattern >> 4, pattern & 15) if tenc.version else (0, 0),
        iv_bytes=iv_bytes,
        constant_iv=tenc.body[25 : 25 + tenc.integer(24, 1)] if iv_bytes == 0 else b"",
    )
