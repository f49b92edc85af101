"""Which text tracks a title gets: files of the request first, then what the source carries beside them."""

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from domain.subtitles import Sidecar
from domain.video import SubtitleTrack, TextRole
from media.text.embedded import is_text
from media.track_roles import label_of

_SUFFIXES: dict[TextRole, str] = {"subtitle": "", "caption": "_cc", "forced-subtitle": "_forced"}


@dataclass(frozen=True, slots=True)
class PlannedText:
    """One text track before it exists."""

    origin: Sidecar | SubtitleTrack
    where: str
    """Its name for people."""
    language: str
    role: TextRole
    label: str
    is_default: bool = False
    name: str = ""
    """Folder in the presentation: ``text_1_eng``."""


def plan_texts(
    embedded: tuple[SubtitleTrack, ...], sidecars: tuple[Sidecar, ...]
) -> tuple[list[PlannedText], list[str]]:
    """Returns the text tracks of a title in order, and notes on tracks of the source that it does not get.

    A file of the request stands for the source's own track of the same language and role. Only the first default stays.
    """
    planned, notes = [_of_sidecar(item) for item in sidecars], []
    asked = {(_base(item.language), item.role) for item in planned}
    for track in embedded:
        where = f"subtitle track {track.stream_index} ({track.codec_name}, {track.language})"
        if not is_text(track):
            notes.append(f"{where} left out: it is not text")
        elif (_base(track.language), track.role) in asked:
            notes.append(f"{where} left out: the request brings a file in its place")
        else:
            planned.append(PlannedText(track, where, track.language, track.role, label_of(track.title)))
    first = next((n for n, item in enumerate(planned) if item.is_default), -1)
    named = [replace(item, name=_name(n + 1, item), is_default=n == first) for n, item in enumerate(planned)]
    return named, notes


def _of_sidecar(sidecar: Sidecar) -> PlannedText:
    said = sidecar.request
    where = f"subtitles {said.language} ({PurePosixPath(said.source).name})"
    return PlannedText(sidecar, where, said.language, said.role, said.name, said.is_default)


def _name(number: int, item: PlannedText) -> str:
    language = re.sub(r"[^A-Za-z0-9]", "", item.language) or "und"
    return f"text_{number}_{language}{_SUFFIXES[item.role]}"


def _base(language: str) -> str:
    """Returns what two tags of one language have in common: ``en`` and ``eng`` are the same."""
    plain = language.lower()
    return _TWO_LETTERS.get(plain, plain)


_TWO_LETTERS = {
    "eng": "en", "fra": "fr", "fre": "fr", "deu": "de", "ger": "de", "spa": "es", "ita": "it", "por": "pt",
    "nld": "nl", "dut": "nl", "swe": "sv", "dan": "da", "nor": "no", "fin": "fi", "pol": "pl", "ces": "cs",
    "cze": "cs", "rus": "ru", "jpn": "ja", "kor": "ko", "zho": "zh", "chi": "zh", "ara": "ar", "hin": "hi",
    "tur": "tr", "ell": "el", "gre": "el", "heb": "he", "hun": "hu", "ukr": "uk",
}  # fmt: skip
