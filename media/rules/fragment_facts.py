"""What one movie fragment says: times, sync samples, and how its samples are encrypted.

Fast, because a title has ten thousands of them: tables are unpacked as a whole.

Sources: ISO/IEC 14496-12:2022 (8.7.8 saiz, 8.7.9 saio, 8.8.3.1 sample flags, 8.8.7 tfhd, 8.8.8 trun, 8.8.12 tfdt);
ISO/IEC 23001-7:2023 (7.2 senc).
"""

import struct
from itertools import accumulate
from typing import NamedTuple

from media.errors import PresentationInvalid
from media.packaging.boxes import Box, split_boxes
from media.packaging.fragments import SMALL_SAMPLE_BYTES
from media.rules.media_model import Fragment, InitFacts, SampleProtection

_NON_SYNC = 1 << 16
_BLOCK_BYTES = 16


class _Samples(NamedTuple):
    durations: list[int]
    sizes: list[int]
    flags: list[int]
    offsets: list[int]


def read_fragment(moof: Box, offset: int, init: InitFacts) -> Fragment:
    """Returns the facts of one movie fragment of one track.

    Args:
        moof: The box.
        offset: Where it stands in the file.
        init: The track's initialization segment.

    Raises:
        PresentationInvalid: if it is malformed.
    """
    traf = moof.require("traf")
    boxes = _placed_children(moof, traf)
    tfhd, tfdt, truns = traf.require("tfhd"), traf.require("tfdt"), [box for _, box in boxes if box.kind == "trun"]
    samples = _joined([_run(trun, _defaults(tfhd, init)) for trun in truns])
    if not samples.sizes:
        raise PresentationInvalid("fragment", found="no sample", expected="a track run (14496-12, 8.8.8)")
    decode_start = tfdt.integer(4, 8 if tfdt.version else 4)
    decoded = list(accumulate(samples.durations, initial=decode_start))
    presented = [at + move for at, move in zip(decoded, samples.offsets, strict=False)]
    syncs = [not flags & _NON_SYNC for flags in samples.flags]
    entry_index = tfhd.integer(8 + 8 * bool(tfhd.flags & 1)) if tfhd.flags & 2 else 1
    senc, saiz, senc_at, saio_at = _auxiliary(boxes)
    protection = _protection_of(init, entry_index)
    iv_bytes = protection.iv_bytes if protection else 0
    return Fragment(
        offset=offset,
        decode_start=decode_start,
        duration=decoded[-1] - decode_start,
        first_presented=min(presented),
        last_presented=max(at + length for at, length in zip(presented, samples.durations, strict=True)),
        samples=len(samples.sizes),
        syncs=sum(syncs),
        starts_with_sync=syncs[0],
        first_sample=(offset + (truns[0].integer(8) if truns[0].flags & 1 else 0), samples.sizes[0]),
        entry_index=entry_index,
        has_base_is_moof=bool(tfhd.flags & 0x20000) and not tfhd.flags & 1,
        senc_samples=senc.integer(4) if senc else None,
        saiz_samples=saiz.integer(5 + 8 * (saiz.flags & 1)) if saiz else None,
        saio_is_right=None if senc_at is None or saio_at is None else senc_at == saio_at,
        first_iv=senc.body[8 : 8 + iv_bytes] if senc else b"",
        clear_samples=_clear_samples(senc, samples.sizes, iv_bytes) if protection and protection.is_protected else 0,
    )


def _placed_children(moof: Box, traf: Box) -> list[tuple[int, Box]]:
    """Returns the children of traf with their place from the start of moof."""
    at = 8
    for box in moof.children():
        if box.kind == "traf":
            break
        at += 8 + len(box.body)
    placed, at = [], at + 8
    for box in split_boxes(traf.body):
        placed.append((at, box))
        at += 8 + len(box.body)
    return placed


def _protection_of(init: InitFacts, entry_index: int) -> SampleProtection | None:
    return init.entries[entry_index - 1].protection if 0 < entry_index <= len(init.entries) else init.protection


def _auxiliary(boxes: list[tuple[int, Box]]) -> tuple[Box | None, Box | None, int | None, int | None]:
    """Returns senc, saiz, where the first entry of senc stands, and where saio says that it stands."""
    found = {box.kind: (at, box) for at, box in boxes if box.kind in {"senc", "saiz", "saio"}}
    senc_at, senc = found.get("senc", (None, None))
    _, saiz = found.get("saiz", (None, None))
    _, saio = found.get("saio", (None, None))
    saio_at = None
    if saio is not None:
        at = 4 + 8 * (saio.flags & 1)
        saio_at = saio.integer(at + 4, 8 if saio.version else 4) if saio.integer(at) else None
    return senc, saiz, None if senc_at is None else senc_at + 16, saio_at


def _defaults(tfhd: Box, init: InitFacts) -> tuple[int, int, int]:
    at = 8 + 8 * bool(tfhd.flags & 0x1) + 4 * bool(tfhd.flags & 0x2)
    values = list(init.defaults)
    for position, bit in enumerate((0x8, 0x10, 0x20)):
        if tfhd.flags & bit:
            values[position], at = tfhd.integer(at), at + 4
    return values[0], values[1], values[2]


def _run(trun: Box, defaults: tuple[int, int, int]) -> _Samples:
    """Unpacks a track run; what it leaves out comes from the defaults."""
    count, at = trun.integer(4), 8 + 4 * bool(trun.flags & 0x1)
    first_flags = trun.integer(at) if trun.flags & 0x4 else None
    at += 4 * bool(trun.flags & 0x4)
    bits = [bit for bit in (0x100, 0x200, 0x400, 0x800) if trun.flags & bit]
    end = at + 4 * count * len(bits)
    if end > len(trun.body) or count > 1 << 20:
        raise PresentationInvalid("box trun", found=f"{len(trun.body)} bytes", expected=f"{count} samples")
    letters = "".join("i" if bit == 0x800 and trun.version else "I" for bit in bits)
    columns = list(zip(*struct.iter_unpack(f">{letters}", trun.body[at:end]), strict=True)) if bits and count else []
    table = dict(zip(bits, columns, strict=False))
    durations, sizes, flags = (
        list(table.get(bit, [default] * count)) for bit, default in zip((0x100, 0x200, 0x400), defaults, strict=True)
    )
    if first_flags is not None and flags and 0x400 not in table:
        flags[0] = first_flags
    return _Samples(durations, sizes, flags, list(table.get(0x800, [0] * count)))


def _joined(runs: list[_Samples]) -> _Samples:
    if len(runs) == 1:
        return runs[0]
    columns = ([value for run in runs for value in run[column]] for column in range(4))
    return _Samples(*columns)


def _clear_samples(senc: Box | None, sizes: list[int], iv_bytes: int) -> int:
    """Counts samples without a protected block although they are large enough to have one."""
    if senc is None:
        return sum(size > SMALL_SAMPLE_BYTES for size in sizes)
    if not senc.flags & 2:
        return 0
    body, at, clear = senc.body, 8, 0
    for size in sizes[: senc.integer(4)]:
        at += iv_bytes
        count, at = senc.integer(at, 2), at + 2
        if at + 6 * count > len(body):
            raise PresentationInvalid("box senc", found=f"{len(body)} bytes", expected=f"{count} subsamples at {at}")
        protected = sum(
            amount for _, amount in struct.iter_unpack(">HI", body[at : at + 6 * count]) if amount >= _BLOCK_BYTES
        )
        clear += protected == 0 and size > SMALL_SAMPLE_BYTES
        at += 6 * count
    return clear
