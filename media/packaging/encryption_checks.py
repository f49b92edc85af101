"""Rules on encryption, read from the boxes on disk.

Source: ISO/IEC 23001-7:2023 (Common Encryption), clauses named with each rule.
"""

from collections.abc import Iterator

from domain.tracks import Rendition
from media.packaging.plan import PresentationPlan, TrackFile
from media.packaging.segment_index import TrackIndex

_VIDEO_PATTERN = {"cbcs": (1, 9), "cenc": (0, 0), "clear": (0, 0)}
_IV_BYTES = {"cbcs": 0, "cenc": 8}


def broken_encryption(plan: PresentationPlan, item: TrackFile, index: TrackIndex) -> Iterator[str]:
    """Yields every rule that a track's protection breaks, as a sentence with its clause."""
    entries = index.header.sample_entries
    expected_entry = "encv" if isinstance(item.track, Rendition) else "enca"
    if entries != (expected_entry,):
        yield f"{item.name}: sample entries {'+'.join(entries)}, {expected_entry} expected (23001-7, 4.2)"
    yield from _broken_header(plan, item, index)
    for segment in index.segments:
        if segment.fragments_without_senc:
            yield f"{item.name}/{segment.name}: a fragment without complete senc (23001-7, 7.2)"
        elif segment.clear_samples:
            yield f"{item.name}/{segment.name}: {segment.clear_samples} clear samples (23001-7, 9.1)"


def _broken_header(plan: PresentationPlan, item: TrackFile, index: TrackIndex) -> Iterator[str]:
    protection = index.header.protection
    if protection is None:
        yield f"{item.name}: not encrypted, no sinf (23001-7, 4.2)"
        return
    kid = plan.key_of(item).kid
    pattern = _VIDEO_PATTERN[plan.scheme] if isinstance(item.track, Rendition) else (0, 0)
    constant_iv = plan.iv_of(item) if plan.scheme == "cbcs" else b""
    facts = (
        ("schm", protection.scheme, plan.scheme, "10.1"),
        ("tenc KID", protection.kid, kid, "8.2"),
        ("tenc isProtected", protection.is_protected, True, "8.2"),
        ("tenc pattern", protection.pattern, pattern, "10.4.2"),
        ("tenc IV size", protection.iv_bytes, _IV_BYTES[plan.scheme], "8.2"),
    )
    for name, found, expected, clause in facts:
        if found != expected:
            yield f"{item.name}: {name} {found}, {expected} expected (23001-7, {clause})"
    if protection.constant_iv != constant_iv:
        yield f"{item.name}: tenc constant IV is not the track's own (23001-7, 8.2)"
