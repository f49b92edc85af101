"""Errors that belong to no room below: a step finds that an earlier step's result is gone.

::

    StepError
    ├── BrokenPlan        PERT-002
    ├── EncodeMissing     STO-010
    ├── ScoresMissing     STO-011
    ├── RenditionMissing  STO-012
    ├── AudioMissing      STO-013
    ├── TracksMissing     STO-014
    ├── PieceMissing      STO-015
    ├── NoRoom            STO-022
    └── TriesLost         TOOL-010
"""

from typing import ClassVar

from domain.errors import PertitleError


class StepError(PertitleError):
    """A step cannot find what an earlier step has made."""


class BrokenPlan(StepError):
    """A work plan does not hold what its reference says."""

    code: ClassVar[str] = "PERT-002"


class EncodeMissing(StepError):
    """An encode that should be in the store is not there (a cleaned store?)."""

    code: ClassVar[str] = "STO-010"


class ScoresMissing(StepError):
    """Scores that should be in the store are not there (a cleaned store?)."""

    code: ClassVar[str] = "STO-011"


class RenditionMissing(StepError):
    """A rendition that should be in the store is not there (a cleaned store?)."""

    code: ClassVar[str] = "STO-012"


class AudioMissing(StepError):
    """Encoded audio that should be in the store is not there (a cleaned store?)."""

    code: ClassVar[str] = "STO-013"


class TracksMissing(StepError):
    """Subtitles or thumbnails that should be in the store are not there (a cleaned store?)."""

    code: ClassVar[str] = "STO-014"


class PieceMissing(StepError):
    """A piece of the SDR mezzanine that should be in the store is not there (a cleaned store?)."""

    code: ClassVar[str] = "STO-015"


class NoRoom(StepError):
    """A step needs more scratch space or memory than this worker has left; another one, or a later moment, may do."""

    code: ClassVar[str] = "STO-022"
    retryable: ClassVar[bool] = True
    retry_after_s: ClassVar[float | None] = 60.0


class TriesLost(StepError):
    """A step was tried ten times, and the last try ended without a word: its worker was killed, or fell silent."""

    code: ClassVar[str] = "TOOL-010"
