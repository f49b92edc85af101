"""From what was seen and heard to findings: pure, by the thresholds of the request."""

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from domain.files import StoredFile
from domain.findings import CATALOGUE, Finding, InspectionReport, Override, TrackLoudness
from domain.hdr import DynamicRange, HdrMetadata
from domain.inspection_policy import InspectionPolicy
from domain.steps import StoppingFinding
from domain.video import SourceDescription, VideoTrack
from media.looks import ContentLooks, PictureLooks, SoundLooks, Span

MOST_PLACES = 20
"""Places that are listed of one code; a title of slides has thousands of still pictures."""
_SYNC_S = 0.04
_CHUNK_S = 0.1
_BLACK_SHARE = 0.95
_BAR_SHARE = 0.02
_SMALL_COLORS = frozenset({"smpte170m", "bt470bg"})
"""BT.601 with 525 and 625 lines: one matrix, nearly the same primaries."""
_CHECKS = ("digest", "full decode", "counts and lengths", "constant rate", "fields", "color tags", "text tracks")
_CONTENT_CHECKS = (
    "black", "still pictures", "bars", "legal range", "flashes (a signal, not certified)", "silence",
    "loudness (not dialogue-gated)",
)  # fmt: skip


class _Judge:
    """One source, its programme's clock, and how findings are worded."""

    def __init__(self, source: SourceDescription, start_s: Fraction, policy: InspectionPolicy) -> None:
        self.source, self.policy, self.start_s = source, policy, float(start_s)
        self.end_s = float(start_s + source.video.exact_duration_s)

    def finding(self, code: str, where: str, found: str, **more: Any) -> Finding:
        return _finding(self.policy, code, where, found, **more)

    def at(self, code: str, track: int, kind: str, span: Span, found: str) -> Finding:
        """A finding at a stretch of time, given in the container's clock."""
        start_s = max(0.0, span[0] - self.start_s)
        end_s = max(start_s, min(span[1], self.end_s) - self.start_s)
        rate = self.source.video.frame_rate
        where = f"{kind} track {track}, {timecode(start_s, rate)} to {timecode(end_s, rate)}"
        return self.finding(code, where, found, track=track, start_s=round(start_s, 3), end_s=round(end_s, 3))

    def amid(self, spans: Iterable[Span], least_s: float) -> list[Span]:
        """Spans that are long enough and touch neither end of the programme."""
        frame_s = float(1 / self.source.video.frame_rate)
        return [
            span
            for span in spans
            if span[1] - span[0] >= least_s and span[0] > self.start_s + frame_s and span[1] < self.end_s - frame_s
        ]


def _finding(policy: InspectionPolicy, code: str, where: str, found: str, **more: Any) -> Finding:
    kind, level = CATALOGUE[code], policy.level_of(code)
    return Finding(code=code, level=level, where=where, found=found, expected=kind.expected, fix=kind.fix, **more)


def judge_source(
    source: SourceDescription, start_s: Fraction, looks: ContentLooks | None, policy: InspectionPolicy
) -> tuple[Finding, ...]:
    """Returns all findings of a source, in the order of the catalogue's families.

    Args:
        source: What inspection found.
        start_s: Time of the first picture in the container's clock.
        looks: What was seen and heard; ``None`` where nobody looked.
        policy: Thresholds and levels.
    """
    judge = _Judge(source, start_s, policy)
    found = [*_judge_file(judge), *_judge_tags(judge), *_judge_text(judge)]
    if looks is not None:
        found += [*_judge_pictures(judge, looks.pictures)]
        for place, track in enumerate(source.audio):
            heard = looks.sound.get(track.stream_index)
            if heard is not None:
                found += _judge_sound(judge, track.stream_index, heard, is_first=place == 0)
    order = list(CATALOGUE)
    return tuple(sorted(found, key=lambda finding: order.index(finding.code)))


def judge_upload(file: StoredFile, policy: InspectionPolicy) -> tuple[Finding, ...]:
    """Returns what is wrong with a file as a whole: known before it is opened."""
    facts = (
        ("UPL-101", policy.sha256, file.sha256, f"SHA-256 {file.sha256}"),
        ("UPL-102", policy.size_bytes, file.size_bytes, f"{file.size_bytes:,} bytes"),
    )
    return tuple(
        _finding(policy, code, "source", found)
        for code, wanted, seen, found in facts
        if wanted is not None and wanted != seen
    )


def _judge_file(judge: _Judge) -> Iterator[Finding]:
    yield from judge_upload(judge.source.file, judge.policy)
    for note in judge.source.notes:
        yield judge.finding("CNT-103", "source", note)
    for track in judge.source.damaged_audio:
        where = f"audio track {track.stream_index} ({track.codec_name}, {track.language})"
        yield judge.finding("AUD-105", where, f"{track.found}; left out", track=track.stream_index)
    if not judge.source.audio:
        yield judge.finding("AUD-103", "source", "no audio track that can be decoded")


def _judge_tags(judge: _Judge) -> Iterator[Finding]:
    video = judge.source.video
    where, color = f"video track {video.stream_index}", video.color
    said = f"primaries {color.primaries}, transfer {color.transfer}, matrix {color.matrix}, {video.bit_depth} bits"
    if video.color_is_assumed:
        yield judge.finding("VID-107", where, f"assumed: {said}", track=video.stream_index)
    elif color.dynamic_range is DynamicRange.SDR and (color.primaries in _SMALL_COLORS) != (
        color.matrix in _SMALL_COLORS
    ):
        yield judge.finding("VID-108", where, said, track=video.stream_index)
    if color.dynamic_range is DynamicRange.PQ:
        stated = video.hdr or HdrMetadata()
        parts = (("mastering display", stated.mastering_display), ("content light level", stated.content_light))
        absent = [f"no {name}" for name, value in parts if value is None]
        if absent:
            yield judge.finding("VID-109", where, ", ".join(absent), track=video.stream_index)


def _judge_text(judge: _Judge) -> Iterator[Finding]:
    if not judge.source.subtitles:
        code = "TXT-102" if judge.policy.captions == "required" else "TXT-101"
        yield judge.finding(code, "source", "no text track")


def _judge_pictures(judge: _Judge, looks: PictureLooks) -> Iterator[Finding]:
    video, policy = judge.source.video, judge.policy
    track, where = video.stream_index, f"video track {video.stream_index}"
    black_s = sum(min(end, judge.end_s) - start for start, end in looks.black)
    if looks.active is None and black_s >= _BLACK_SHARE * video.duration_s:
        yield judge.finding("VID-102", where, f"{black_s:.1f} s of {video.duration_s:.1f} s", track=track)
    black = judge.amid(looks.black, policy.black_s)
    still = [span for span in looks.still if not _is_within(span, looks.black, judge.end_s)]
    for code, spans in (("VID-101", black), ("VID-103", still), ("VID-106", looks.flashes)):
        yield from _listed(judge, code, (track, "video"), spans)
    yield from _judge_bars(judge, looks)
    if video.color.range == "tv" and looks.illegal_share > policy.illegal_share:
        yield judge.finding("VID-105", where, f"{looks.illegal_share:.1%} of all samples", track=track)


def _is_within(span: Span, others: Iterable[Span], end_s: float) -> bool:
    """Black stands still too, and is told once."""
    end = min(span[1], end_s)
    return any(start - 0.5 <= span[0] and end <= other_end + 0.5 for start, other_end in others)


def _judge_bars(judge: _Judge, looks: PictureLooks) -> Iterator[Finding]:
    video = judge.source.video
    if looks.active is None:
        return
    left, top, right, bottom = looks.active
    # A dark scene with a light in it has no bars: those run along the whole of one side.
    if (right - left > 1 - _BAR_SHARE) == (bottom - top > 1 - _BAR_SHARE):
        return
    size = _size_of(video, right - left, bottom - top)
    found = f"active picture of about {size} in {video.resolution}"
    yield judge.finding("VID-104", f"video track {video.stream_index}", found, track=video.stream_index)


def _size_of(video: VideoTrack, width: float, height: float) -> str:
    return f"{round(width * video.width_px)}x{round(height * video.height_px)}"


def _judge_sound(judge: _Judge, track: int, heard: SoundLooks, *, is_first: bool) -> Iterator[Finding]:
    policy, where = judge.policy, f"audio track {track}"
    if heard.integrated_lufs is None:
        if is_first:
            yield judge.finding("AUD-102", where, "nothing above -70 LUFS", track=track)
        return
    # Where the sound ends is known to a tenth of a second; what may be right is not complained of.
    apart_s = max(heard.end_s - judge.end_s, judge.end_s - heard.end_s - _CHUNK_S)
    if apart_s > _SYNC_S:
        code = "CNT-101" if apart_s > policy.length_s else "CNT-102"
        longer = "sound" if heard.end_s > judge.end_s else "pictures"
        yield judge.finding(code, where, f"{longer} longer by {apart_s:.1f} s", track=track)
    yield from _listed(judge, "AUD-101", (track, "audio"), judge.amid(heard.silence, policy.silence_s))
    target = policy.loudness_lufs
    if target is not None and abs(heard.integrated_lufs - target) > policy.loudness_tolerance_lu:
        yield judge.finding("AUD-104", where, f"{heard.integrated_lufs:.1f} LUFS", track=track)


def _listed(judge: _Judge, code: str, track: tuple[int, str], spans: Sequence[Span]) -> Iterator[Finding]:
    """Yields a finding for each span, the longest ``MOST_PLACES``, in order of time."""
    shown = sorted(sorted(spans, key=lambda span: span[0] - span[1])[:MOST_PLACES])
    for span in shown:
        length = "to the end" if math.isinf(span[1]) else f"{span[1] - span[0]:.1f} s"
        more = f" (one of {len(spans)} places, the longest are listed)" if len(spans) > MOST_PLACES else ""
        yield judge.at(code, track[0], track[1], span, length + more)


def unused_overrides(
    findings: Iterable[Finding], overrides: Iterable[Override], policy: InspectionPolicy
) -> tuple[Finding, ...]:
    """Returns a finding for each override of what was not found."""
    found = {finding.code for finding in findings}
    return tuple(
        _finding(policy, "POL-101", "request", override.code) for override in overrides if override.code not in found
    )


def stops_of(findings: Iterable[Finding]) -> tuple[StoppingFinding, ...]:
    """Returns the codes that stop a title, each with its first place; fatal ones first."""
    stopping = [finding for finding in findings if finding.stops]
    first = {finding.code: finding for finding in reversed(stopping)}
    codes = sorted(dict.fromkeys(finding.code for finding in stopping), key=lambda code: first[code].level != "fatal")
    return tuple(
        StoppingFinding(
            code=code,
            level=first[code].level,
            message=f"{first[code].where}: {first[code].found}"[:300],
            places=sum(finding.code == code for finding in stopping),
        )
        for code in codes
    )


def write_report(
    source: SourceDescription, findings: tuple[Finding, ...], looks: ContentLooks | None, *, name: str
) -> InspectionReport:
    """Returns the report of an inspection."""
    video = source.video
    summary = (
        f"{source.container.partition(',')[0]}, {video.codec_name} {video.resolution}, {video.pixel_format},"
        f" {float(video.frame_rate):.3f} frames per second, {video.frames} frames, {video.duration_s:.1f} s,"
        f" {len(source.audio)} audio and {len(source.subtitles)} text tracks"
    )
    heard = looks.sound if looks else {}
    return InspectionReport(
        file=name,
        sha256=source.file.sha256,
        size_bytes=source.file.size_bytes,
        summary=summary,
        findings=findings,
        loudness=tuple(
            TrackLoudness(stream_index=n, integrated_lufs=sound.integrated_lufs) for n, sound in heard.items()
        ),
        checks=_CHECKS + (_CONTENT_CHECKS if looks else ()),
    )


def timecode(seconds: float, rate: Fraction) -> str:
    """Returns hours, minutes, seconds and frames: ``00:01:10:05``."""
    whole = int(seconds + 1e-6)
    frames = int((seconds - whole) * float(rate) + 1e-3)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}:{max(0, frames):02d}"
