"""Rules on protection in the files: boxes, patterns, IVs, KIDs, system headers."""

from collections.abc import Iterator

from media.rules.media_model import Segment, Track
from media.rules.model import PresentationOnDisk
from media.rules.protection_headers import PLAYREADY
from media.rules.rule import APPLE, CENC, Finding, Rule, rule

_KEY_ARTICLE = "Apple, Using content protection systems with HLS"


def _protected(presentation: PresentationOnDisk) -> list[Track]:
    return [track for track in presentation.tracks if track.init.protection]


@rule(
    "ENC-001",
    "one scheme, cbcs or cenc, for all tracks",
    source=f"{CENC}, 10.1 and 10.4; ISO/IEC 23000-19, 8",
    fix="package all tracks with one --protection_scheme",
    needs="encrypted",
)
def scheme_is_one(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields tracks of another scheme than the first, or of one that CMAF does not know."""
    tracks = _protected(presentation)
    first = tracks[0].init.protection
    for track in tracks:
        scheme = track.init.protection.scheme if track.init.protection else ""
        if scheme not in {"cbcs", "cenc"}:
            yield Finding(track.name, f"scheme {scheme!r}", "cbcs or cenc")
        elif first and scheme != first.scheme:
            yield Finding(track.name, f"scheme {scheme}", f"{first.scheme} as in {tracks[0].name}")


@rule(
    "ENC-002",
    "sample entries of protected tracks are all protected",
    source=f"{CENC}, 4.2; {APPLE}, 13.10",
    fix="package with --clear_lead 0: a second, clear sample entry lets parts of the track through unprotected",
    severity="should",
    needs="encrypted",
)
def entries_are_protected(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields protected tracks with clear sample entries or clear fragments, and clear tracks among protected ones."""
    for track in presentation.tracks:
        clear = [entry.kind for entry in track.init.entries if not entry.protection]
        if track.init.protection and clear:
            yield Finding(track.name, f"a clear sample entry {clear[0]}", "protected sample entries only")
        elif not track.init.protection and track.init.handler in {"vide", "soun"}:
            yield Finding(track.name, "not protected", "protected like the others")


@rule(
    "ENC-003",
    "cbcs video has the pattern 1:9, audio and cenc have none",
    source=f"{CENC}, 10.4.2; {APPLE}, 13.7",
    fix="encrypt video with crypt_byte_block 1 and skip_byte_block 9",
    needs="encrypted",
)
def pattern_is_right(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields tracks of another pattern in tenc."""
    for track in _protected(presentation):
        protection = track.init.protection
        is_patterned = protection and protection.scheme == "cbcs" and track.init.handler == "vide"
        wanted = (1, 9) if is_patterned else (0, 0)
        if protection and protection.pattern != wanted:
            found, expected = (":".join(map(str, pair)) for pair in (protection.pattern, wanted))
            yield Finding(track.name, f"pattern {found}", expected)


@rule(
    "ENC-004",
    "IVs have the size of their scheme",
    source=f"{CENC}, 8.2, 9.2 and 10.4",
    fix="use a constant IV of 16 bytes in cbcs, an IV of 8 bytes with each sample in cenc",
    needs="encrypted",
)
def iv_sizes_are_right(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields tracks whose tenc states other IV sizes, or that is not marked as protected."""
    for track in _protected(presentation):
        protection = track.init.protection
        if protection is None:
            continue
        if not protection.is_protected:
            yield Finding(track.name, "tenc says not protected", "default_isProtected 1")
        constant = len(protection.constant_iv)
        sizes = f"{protection.iv_bytes} bytes with each sample, {constant} constant"
        if protection.scheme == "cbcs" and (protection.iv_bytes, constant) != (0, 16):
            yield Finding(track.name, sizes, "a constant IV of 16 bytes")
        elif protection.scheme == "cenc" and protection.iv_bytes != 8:
            yield Finding(track.name, sizes, "8 bytes with each sample")


@rule(
    "ENC-005",
    "protected fragments carry senc, saiz and saio that agree",
    source=f"{CENC}, 7.1 and 7.2; {APPLE}, 1.41 (AirPlay)",
    fix="package again; a player cannot decrypt a sample without its IV and subsamples",
    needs="encrypted",
)
def auxiliary_boxes_agree(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields segments with missing or contradicting auxiliary boxes.

    A constant IV without subsamples (cbcs audio) leaves nothing to say: saiz and saio may then be missing (7.1).
    """
    for track in _protected(presentation):
        for segment in track.segments:
            if said := next(_auxiliary_faults(track, segment), None):
                yield Finding(str(segment.span), *said)


def _auxiliary_faults(track: Track, segment: Segment) -> Iterator[tuple[str, str]]:
    protection = track.init.protection
    has_subsamples = track.init.handler == "vide" or (protection is not None and protection.iv_bytes > 0)
    for fragment in segment.fragments:
        if not _is_protected(track, fragment.entry_index):
            continue
        if fragment.senc_samples != fragment.samples:
            yield f"senc of {fragment.senc_samples or 0} samples", f"one of {fragment.samples}"
        elif has_subsamples and fragment.saiz_samples != fragment.samples:
            yield f"saiz of {fragment.saiz_samples or 0} samples", f"one of {fragment.samples}"
        elif has_subsamples and not fragment.saio_is_right:
            yield "saio does not lead to senc", "the offset of the first entry of senc"


def _is_protected(track: Track, entry_index: int) -> bool:
    entries = track.init.entries
    return not 0 < entry_index <= len(entries) or entries[entry_index - 1].protection is not None


@rule(
    "ENC-006",
    "samples of protected tracks are encrypted",
    source=f"{CENC}, 9.1 and 9.5",
    fix="package with --clear_lead 0, and look at the subsample sizes of senc",
    severity="should",
    needs="encrypted",
)
def samples_are_encrypted(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields segments with samples that stay clear although they are large enough for a block."""
    for track in _protected(presentation):
        for segment in track.segments:
            clear = sum(fragment.clear_samples for fragment in segment.fragments)
            if clear:
                yield Finding(str(segment.span), f"{clear} of {segment.samples} samples clear", "none")
            elif any(not _is_protected(track, fragment.entry_index) for fragment in segment.fragments):
                yield Finding(str(segment.span), "a clear fragment of a protected track", "none")


@rule(
    "ENC-007",
    "no two tracks of one KID share an IV in cenc",
    source=f"{CENC}, 9.3; NIST SP 800-38A, appendix B",
    fix="derive the IV from key, track and content; a counter used twice gives the difference of two tracks away",
    needs="encrypted",
)
def counters_are_unique(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields tracks with the first IV of a fragment that another track of the same KID has on another sample.

    Equal samples under equal IVs are no fault: trick play repeats samples of its track, as they were encrypted there.
    """
    seen: dict[tuple[str, bytes], tuple[str, int]] = {}
    for track in _protected(presentation):
        if track.init.protection is None or track.init.protection.scheme != "cenc":
            continue
        own = {
            (track.kid, fragment.first_iv): (track.name, fragment.first_sample[1])
            for segment in track.segments
            for fragment in segment.fragments
            if fragment.first_iv
        }
        other = next((seen[iv][0] for iv, (_, size) in own.items() if seen.get(iv, ("", size))[1] != size), None)
        if other is not None:
            yield Finding(track.name, f"an IV of {other}", "IVs of its own")
        seen.update(own)


@rule(
    "ENC-008",
    "PlayReady headers have the version of the scheme",
    source=f"{_KEY_ARTICLE} (PlayReady); Microsoft, PlayReady header specification",
    fix="write a WRMHEADER of version 4.3.0.0 for cbcs, 4.0 to 4.2 for cenc",
    needs="encrypted",
)
def playready_version_is_right(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields initialization segments with a PlayReady header of another version."""
    for track in _protected(presentation):
        for header in (header for header in track.init.pssh if header.system == PLAYREADY and header.version):
            is_cbcs = track.init.protection is not None and track.init.protection.scheme == "cbcs"
            if is_cbcs is not header.version.startswith("4.3"):
                yield Finding(track.name, f"version {header.version}", "4.3.0.0" if is_cbcs else "4.0 to 4.2")


@rule(
    "ENC-009",
    "PSSH boxes name the track's KID",
    source=f"{CENC}, 8.1.1",
    fix="make the PSSH box of each track from its own KID",
    needs="encrypted",
)
def pssh_names_the_kid(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields PSSH boxes that name KIDs, but not the track's."""
    for track in _protected(presentation):
        for header in track.init.pssh:
            if header.kids and track.kid not in header.kids:
                yield Finding(track.name, f"KIDs {', '.join(header.kids)}", track.kid)


@rule(
    "ENC-010",
    "PSSH boxes name no KID of another track",
    source=f"{CENC}, 8.1.1",
    fix="make the PSSH box of each track from its own KID; else a license for SD asks for the key of UHD",
    severity="should",
    needs="encrypted",
)
def pssh_names_no_other_kid(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields PSSH boxes with more KIDs than the track has."""
    for track in _protected(presentation):
        own = {entry.protection.kid for entry in track.init.entries if entry.protection}
        for header in track.init.pssh:
            others = [kid for kid in header.kids if kid not in own]
            if others and own & set(header.kids):
                yield Finding(track.name, f"{len(others)} other KIDs for system {header.system[:8]}", "its own only")


@rule(
    "ENC-011",
    "initialization segments carry a PSSH box for each system",
    source=f"{_KEY_ARTICLE} (Create a PSSH box)",
    fix="package with the PSSH boxes in the initialization segment",
    severity="should",
    needs="encrypted",
)
def pssh_is_there(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields protected tracks without any PSSH box, or without those that others have."""
    wanted = {header.system for track in _protected(presentation) for header in track.init.pssh}
    for track in _protected(presentation):
        missing = wanted - {header.system for header in track.init.pssh}
        if missing or not wanted:
            yield Finding(track.name, f"{len(track.init.pssh)} PSSH boxes", f"{len(wanted) or 1} systems")


RULES: tuple[Rule, ...] = (
    scheme_is_one,
    entries_are_protected,
    pattern_is_right,
    iv_sizes_are_right,
    auxiliary_boxes_agree,
    samples_are_encrypted,
    counters_are_unique,
    playready_version_is_right,
    pssh_names_the_kid,
    pssh_names_no_other_kid,
    pssh_is_there,
)
