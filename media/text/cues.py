"""Cues: what is shown from when to when; normalized to the length of the title, and written as WebVTT.

Source: WebVTT, W3C Candidate Recommendation 2019-04-04.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from media.errors import EmptyText, TextOutOfRange, TextTooLarge

MAX_CUES = 20_000
"""A film has about 2,000; more is no subtitle track."""
_INLINE_TIME = re.compile(r"<[0-9:.]+>")


@dataclass(frozen=True, slots=True)
class Cue:
    """One text on the screen, ``[start_ms, end_ms)``."""

    start_ms: int
    end_ms: int
    text: str
    """WebVTT cue text: known tags and escapes only, no blank line."""
    settings: str = ""
    """WebVTT cue settings: ``line:0 align:left``."""
    line: int = 0
    """Line of the file where it stands, from 1."""


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A subtitle file as it was written."""

    cues: tuple[Cue, ...]
    blocks: tuple[str, ...] = ()
    """STYLE and REGION blocks of WebVTT, as they stand."""
    notes: tuple[str, ...] = ()
    """What a person should know: letters that had to be guessed, styles left out."""
    hour_ms: int = 3_600_000
    """Length of an hour of the file's own clock."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the title's time a text belongs."""

    where: str
    """The text's name for people."""
    duration_s: Fraction
    """Length of the title."""
    offset_s: Fraction = Fraction(0)
    """Time in the text at which the first picture lies."""

    @property
    def end_ms(self) -> int:
        """Length of the title; part of a millisecond is cut off, so that no cue is longer than the pictures."""
        return int(self.duration_s * 1000)


def normalize_text(text: ParsedText, place: Place) -> ParsedText:
    """Returns the text as it is published: from the first picture to the last, in order, nothing empty.

    Raises:
        TextTooLarge: if it has more than ``MAX_CUES`` cues.
        EmptyText: if no cue shows anything.
        TextOutOfRange: if none lies inside the title.
    """
    if len(text.cues) > MAX_CUES:
        raise TextTooLarge(
            f"{place.where}, line {text.cues[MAX_CUES].line}",
            found=f"{len(text.cues)} cues",
            expected=f"{MAX_CUES} at most",
            fix="deliver subtitles without effects made of cues",
        )
    shown = [cue for cue in text.cues if _is_visible(cue)]
    if not shown:
        raise EmptyText(place.where, found="no cue with a text", expected="at least one", fix="check the export")
    shifted = [_shifted(cue, round(place.offset_s * 1000)) for cue in shown]
    inside = [cue for cue in shifted if cue.start_ms < place.end_ms and cue.end_ms > 0]
    if not inside:
        raise _out_of_range(shown, place, text.hour_ms)
    clipped = [replace(cue, start_ms=max(0, cue.start_ms), end_ms=min(cue.end_ms, place.end_ms)) for cue in inside]
    ordered = sorted(clipped, key=lambda cue: (cue.start_ms, cue.end_ms))
    notes = (*text.notes, *_losses(text, shown, shifted, place))
    return replace(text, cues=tuple(ordered), notes=notes)


def write_webvtt(text: ParsedText) -> str:
    """Returns the text as a WebVTT file: LF, no identifiers, the blocks first."""
    cues = (
        f"{_clock(cue.start_ms)} --> {_clock(cue.end_ms)}{' ' if cue.settings else ''}{cue.settings}\n{cue.text}"
        for cue in text.cues
    )
    return "\n\n".join(["WEBVTT", *text.blocks, *cues]) + "\n"


def join_split_cues(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    """Joins cues of one text that touch: converters cut a cue wherever another one begins or ends."""
    joined: list[Cue] = []
    for cue in cues:
        before = next(
            (n for n, other in enumerate(joined[-4:], start=max(0, len(joined) - 4)) if _continues(other, cue)), None
        )
        if before is None:
            joined.append(cue)
        else:
            joined[before] = replace(joined[before], end_ms=cue.end_ms)
    return tuple(joined)


def _continues(before: Cue, cue: Cue) -> bool:
    return before.end_ms == cue.start_ms and (before.text, before.settings) == (cue.text, cue.settings)


def _is_visible(cue: Cue) -> bool:
    return cue.end_ms > cue.start_ms and bool(re.sub(r"<[^>]*>|&nbsp;", "", cue.text).strip())


def _shifted(cue: Cue, offset_ms: int) -> Cue:
    if offset_ms == 0:
        return cue
    # Times inside a text would point elsewhere; without them all of it shows at once.
    text = _INLINE_TIME.sub("", cue.text)
    return replace(cue, start_ms=cue.start_ms - offset_ms, end_ms=cue.end_ms - offset_ms, text=text)


def _losses(text: ParsedText, shown: list[Cue], shifted: list[Cue], place: Place) -> list[str]:
    early = sum(cue.end_ms <= 0 for cue in shifted)
    late = sum(cue.start_ms >= place.end_ms for cue in shifted)
    cut = sum(cue.end_ms > place.end_ms > cue.start_ms for cue in shifted)
    told = [
        (len(text.cues) - len(shown), "without a text left out"),
        (early, "before the first picture left out"),
        (late, "after the last picture left out"),
        (cut, "cut at the last picture"),
    ]
    return [f"{place.where}: {count} cues {words}" for count, words in told if count]


def _out_of_range(shown: list[Cue], place: Place, hour_ms: int) -> TextOutOfRange:
    first = min(shown, key=lambda cue: cue.start_ms)
    begins = first.start_ms // hour_ms * hour_ms
    fits = begins and begins <= first.start_ms < begins + place.end_ms
    fix = f"say offset_s: {begins / 1000:g}, if the title begins there" if fits else "check that it is of this title"
    return TextOutOfRange(
        f"{place.where}, line {first.line}" if first.line else place.where,
        found=f"the first cue begins at {_clock(first.start_ms)}",
        expected=f"cues in the {_clock(place.end_ms)} from {_clock(round(place.offset_s * 1000))}",
        fix=fix,
    )


def _clock(time_ms: int) -> str:
    seconds, ms = divmod(time_ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"
