"""What inspection finds in a source that decodes: numbered codes, each with a level, where, found, expected and fix.

What cannot be encoded at all is an error (``media.errors.SourceError``) and ends the title. A finding is a doubt about
what was delivered. An *overridable* one stops the title until a named person waves it through with a reason, in
the request or while the title waits. Codes from 101 are findings, lower ones errors; a code never changes its meaning.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.values import Sha256, StrictValue, Value


class Level(StrEnum):
    """What a finding does to its title."""

    FATAL = "fatal"
    """It ends the title."""
    OVERRIDABLE = "overridable"
    """It stops the title until a person waves it through."""
    WARNING = "warning"
    """It is reported; somebody should look."""
    INFO = "info"
    """It is reported."""


class FindingKind(Value):
    """One code of the catalogue."""

    level: Level
    """Unless the request says otherwise (``inspection.levels``)."""
    meaning: str
    expected: str
    fix: str


def _kind(level: Level, meaning: str, expected: str, fix: str) -> FindingKind:
    return FindingKind(level=level, meaning=meaning, expected=expected, fix=fix)


FAMILIES: dict[str, str] = {
    "UPL": "The upload",
    "PKG": "The delivered package",
    "CNT": "The container",
    "VID": "The pictures",
    "AUD": "The sound",
    "TXT": "Captions and subtitles",
    "SEC": "Sources that would harm us",
    "POL": "The request against what was found",
}
CATALOGUE: dict[str, FindingKind] = {
    "UPL-101": _kind(
        Level.FATAL,
        "The file is not the one that the request states by its digest.",
        "the SHA-256 of `inspection.sha256`",
        "upload the file again, or correct the digest",
    ),
    "UPL-102": _kind(
        Level.FATAL,
        "The file has not the size that the request states: an upload was cut short, or it is another file.",
        "the size of `inspection.size_bytes`",
        "upload the file again, or correct the size",
    ),
    "CNT-101": _kind(
        Level.OVERRIDABLE,
        "Sound and pictures differ much in length.",
        "sound that ends within `inspection.length_s` of the pictures",
        "deliver sound of the length of the pictures; it would be cut or filled with silence",
    ),
    "CNT-102": _kind(
        Level.INFO,
        "Sound and pictures differ in length by more than 40 ms (sound is timed to a tenth of a second).",
        "40 ms at most",
        "check that they are in sync at the end",
    ),
    "CNT-103": _kind(
        Level.INFO, "Something that was assumed, converted or left out.", "a source that says all", "see the note"
    ),
    "VID-101": _kind(
        Level.WARNING,
        "Black pictures amid the programme.",
        "black for less than `inspection.black_s`",
        "check that nothing is missing there",
    ),
    "VID-102": _kind(
        Level.OVERRIDABLE, "Nearly all pictures are black.", "a programme", "check that the right file was exported"
    ),
    "VID-103": _kind(
        Level.WARNING,
        "Pictures stand still.",
        "still for less than `inspection.freeze_s`",
        "check that the export did not hang there; titles and slides are all right",
    ),
    "VID-104": _kind(
        Level.INFO,
        "Black bars around the picture, coded with it.",
        "the active picture alone",
        "deliver it without bars if you can; bits are spent on their edges",
    ),
    "VID-105": _kind(
        Level.WARNING,
        "Samples outside the legal range of video.",
        "less than `inspection.illegal_share` of all samples (EBU R 103: 1 %)",
        "limit the levels in grading; players clip them",
    ),
    "VID-106": _kind(
        Level.WARNING,
        "Flashes that may harm photosensitive viewers: a signal, not certified.",
        "no such flashes",
        "have the title tested (ITU-R BT.1702) before it is published",
    ),
    "VID-107": _kind(
        Level.WARNING,
        "The source does not say its colors.",
        "primaries, transfer and matrix",
        "export it with color tags; those of its size are assumed",
    ),
    "VID-108": _kind(
        Level.WARNING,
        "The color tags contradict each other.",
        "primaries and matrix of one standard: both of BT.709, or both of BT.601",
        "correct the tags if they are wrong; players show what they say",
    ),
    "VID-109": _kind(
        Level.WARNING,
        "An HDR10 source does not say what it was graded on, or how bright it is.",
        "mastering display (SMPTE ST 2086) and content light level (CTA-861.3)",
        "export it with both; none is made up, players assume their own",
    ),
    "AUD-101": _kind(
        Level.WARNING,
        "Silence amid the programme.",
        "silence (below -60 dBFS) for less than `inspection.silence_s`",
        "check that nothing is missing there",
    ),
    "AUD-102": _kind(
        Level.WARNING, "The first audio track is silent.", "sound", "check the order and routing of the tracks"
    ),
    "AUD-103": _kind(Level.INFO, "There is no sound.", "an audio track", "none needed for a silent title"),
    "AUD-104": _kind(
        Level.WARNING,
        "Programme loudness is far from what the request expects (not dialogue-gated).",
        "`inspection.loudness_lufs` within `inspection.loudness_tolerance_lu`",
        "none needed: loudness is set when audio is encoded; but the mix may be another one",
    ),
    "AUD-105": _kind(
        Level.OVERRIDABLE,
        "An audio track is damaged: it does not decode to its end.",
        "every sample to decode without error",
        "export the title again; waved through, the title is made without this track",
    ),
    "TXT-101": _kind(
        Level.INFO, "There are no captions or subtitles.", "a text track", "deliver captions with the title"
    ),
    "TXT-102": _kind(
        Level.OVERRIDABLE,
        "The request requires captions, and there are none.",
        "a text track (`inspection.captions`)",
        "deliver captions with the title",
    ),
    "POL-101": _kind(
        Level.INFO,
        "The request waves through something that was not found.",
        "overrides of what was found",
        "remove the override, so that it cannot hide anything later",
    ),
}
"""Every finding. Source: operations report §3.3, §3.4; thresholds stand in ``InspectionPolicy``."""


class Override(StrictValue):
    """A named person waves a finding through."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{3}-1\d\d$")]
    """The code of the finding, ``VID-102``."""
    by: Annotated[str, Field(pattern=r"^\S.{0,79}$")]
    """Who decides."""
    reason: Annotated[str, Field(pattern=r"^\S.{2,199}$")]
    """Why, in 3 to 200 characters."""


class Finding(Value):
    """One thing that was found."""

    code: str
    level: Level
    where: str
    """For people: ``video track 0, 00:01:10:05 to 00:01:14:00``."""
    track: int | None = None
    start_s: float | None = None
    """Seconds from the first picture."""
    end_s: float | None = None
    found: str
    expected: str
    fix: str
    override: Override | None = None
    """Who waved it through."""

    @property
    def stops(self) -> bool:
        """Whether the title cannot go on as it is."""
        return self.level is Level.FATAL or (self.level is Level.OVERRIDABLE and self.override is None)


def wave_through(findings: Iterable[Finding], overrides: Iterable[Override]) -> tuple[Finding, ...]:
    """Returns the findings with those waved through that may be; a fatal one may not."""
    by_code = {override.code: override for override in overrides}
    return tuple(
        finding.model_copy(update={"override": by_code[finding.code]})
        if finding.level is Level.OVERRIDABLE and finding.code in by_code
        else finding
        for finding in findings
    )


class TrackLoudness(Value):
    """Programme loudness of one audio track as delivered; not dialogue-gated."""

    stream_index: int
    integrated_lufs: float | None
    """``None`` for silence."""


class InspectionReport(Value):
    """All that inspection found in a source: a document in the store, and what ``pertitle inspect`` prints."""

    schema_name: Literal["pertitle/inspection/v1"] = Field(default="pertitle/inspection/v1", alias="schema")
    file: str
    """Name or address."""
    sha256: Sha256
    size_bytes: int
    summary: str
    """Container, codec, size, rate, length, in one line."""
    findings: tuple[Finding, ...] = ()
    loudness: tuple[TrackLoudness, ...] = ()
    checks: tuple[str, ...] = ()
    """What was looked for, in words."""
