"""The gate before publishing: the packaged folder, read back from disk, against its plan and against all rules.

Here stands what needs the plan: durations, keys, IVs, the grid. What holds for any presentation is in ``media/rules``.
All that is broken is named at once.

Sources: Apple HLS authoring specification, revision 2025-06-26 ("Apple"); DASH-IF IOP 5 ("IOP");
ISO/IEC 23001-7 and 23009-1.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

from domain.checks import CheckReport
from domain.tracks import Rendition
from media.errors import PresentationInvalid
from media.packaging.encryption_checks import broken_encryption
from media.packaging.manifest_checks import broken_manifests
from media.packaging.plan import MANIFEST, MULTIVARIANT, PresentationPlan
from media.packaging.segment_index import TrackIndex, read_track
from media.rules.check import check_folder

_AAC_FRAME_SAMPLES = 1024


def check_presentation(folder: Path, plan: PresentationPlan) -> CheckReport:
    """Checks a packaged folder against its plan and against the rules for any presentation.

    Returns:
        How each rule is kept; no MUST is broken.

    Raises:
        PresentationInvalid: if the plan or a MUST is broken; ``found`` lists all that is, with its clause.
    """
    indexes: dict[str, TrackIndex] = {}
    broken: list[str] = []
    for item in plan.media:
        try:
            indexes[item.name] = read_track(folder / item.name)
        except PresentationInvalid as error:
            broken.append(f"{item.name}: {error.where}: {error.found} (ISO/IEC 14496-12)")
            continue
        broken += broken_times(plan, item.track.name, indexes[item.name])
        broken += broken_encryption(plan, item, indexes[item.name]) if plan.is_encrypted else []
    broken += broken_alignment(plan, indexes)
    broken += broken_manifests(folder, plan, indexes)
    has_manifests = all((folder / name).is_file() for name in (MANIFEST, MULTIVARIANT))
    report = check_folder(folder) if has_manifests else CheckReport(rules=())  # what is missing was said above
    broken += _broken_rules(report)
    if broken:
        raise PresentationInvalid(
            "presentation", found="; ".join(broken), expected="no broken rule", fix="do not publish; package again"
        )
    return report


def _broken_rules(report: CheckReport) -> Iterator[str]:
    for rule in report.broken("must"):
        for finding in rule.findings:
            yield f"{rule.rule} {finding.where}: {finding.found}, {finding.expected} expected ({rule.source})"


def broken_times(plan: PresentationPlan, name: str, index: TrackIndex) -> Iterator[str]:
    """Yields the time rules that a track breaks by itself."""
    if not index.segments:
        yield f"{name}: no segment"
        return
    track = next(item.track for item in plan.tracks if item.name == name)
    for segment, following in zip(index.segments, index.segments[1:], strict=False):
        end = segment.start + segment.duration
        if end != following.start:
            yield f"{name}/{following.name}: starts at {following.start}, {end} expected (Apple 8.1)"
    for segment in index.segments:
        if not segment.starts_with_sync:
            yield f"{name}/{segment.name}: does not start with a sync sample (Apple 7.4, IOP 6.2)"
    title_s = plan.frames / plan.frame_rate
    # One frame of picture, or one AAC frame, which is what the end of a track can be off by.
    allowed_s = 1 / plan.frame_rate if isinstance(track, Rendition) else Fraction(_AAC_FRAME_SAMPLES, index.timescale)
    end_s = index.starts_s[-1] + index.durations_s[-1]
    if index.segments[0].start != 0 or abs(end_s - title_s) > allowed_s:
        found = f"{float(index.starts_s[0]):.6f} to {float(end_s):.6f} s"
        yield f"{name}: {found}, 0 to {float(title_s):.6f} s expected (Apple 8.3, 8.7)"


def broken_alignment(plan: PresentationPlan, indexes: Mapping[str, TrackIndex]) -> Iterator[str]:
    """Yields each video track whose segments do not start at the frames that the plan says: the same for all codecs."""
    planned = tuple(frame / plan.frame_rate for frame in plan.segment_starts_frames)
    for rendition in plan.renditions:
        found = indexes[rendition.name].starts_s if rendition.name in indexes else planned
        if found == planned:
            continue
        pairs = enumerate(zip(found, planned, strict=False), start=1)
        first = next((number for number, (ours, theirs) in pairs if ours != theirs), min(len(found), len(planned)) + 1)
        yield (
            f"{rendition.name}: {len(found)} segments, not aligned from segment {first} on, "
            f"{len(planned)} expected (IOP 7.3, Apple 8.22)"
        )
