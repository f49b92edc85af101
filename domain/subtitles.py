"""Subtitle files beside a source: what a request says of them, and what they are."""

from typing import Annotated

from pydantic import Field

from domain.files import StoredFile
from domain.values import StrictValue, Value
from domain.video import TextRole

SIDECAR_PATTERN = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[A-Za-z0-9_][A-Za-z0-9_./ ()+@=-]{0,500}$"
"""As of a source."""
LANGUAGE_PATTERN = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"


class SubtitleRequest(StrictValue):
    """One subtitle file of a request: SRT, WebVTT, SCC or TTML."""

    source: Annotated[str, Field(pattern=SIDECAR_PATTERN)]
    """The uploaded file, ``s3://bucket/key``. ``pertitle submit FILE --subtitles en=FILE`` uploads it."""
    language: Annotated[str, Field(pattern=LANGUAGE_PATTERN)]
    """Language tag (BCP 47): ``en``, ``pt-BR``, ``zh-Hant``."""
    role: TextRole = "subtitle"
    """``subtitle`` translates speech, ``caption`` tells sounds too, ``forced-subtitle`` only what must be read."""
    name: Annotated[str, Field(max_length=64, pattern=r'^[^"\\\x00-\x1f]*$')] = ""
    """Its name in players' menus. Default: the language's."""
    offset_s: float = Field(default=0.0, ge=0.0, le=360_000.0)
    """Time in the file at which the title's first picture lies: 3600 where time codes begin at an hour."""
    is_default: bool = False
    """Whether players show it unless a person chooses otherwise."""


class Sidecar(Value):
    """A subtitle file that lies in the store."""

    file: StoredFile
    request: SubtitleRequest


class SidecarSet(Value):
    """The subtitle files of a title: a document in the store."""

    sidecars: tuple[Sidecar, ...] = ()
