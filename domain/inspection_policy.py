"""What a studio expects of its sources: thresholds and levels of inspection; it changes no coded bit."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from domain.findings import CATALOGUE, Level
from domain.values import Sha256, StrictValue


def _known(code: str) -> str:
    if code not in CATALOGUE:
        raise ValueError("no such finding; docs/error-codes.md lists them")
    return code


FindingCode = Annotated[str, AfterValidator(_known)]


class InspectionPolicy(StrictValue):
    """Thresholds of the checks. The defaults stop only what is almost certainly a mistake."""

    content: bool = True
    """Look at pictures and sound (black, still, silent, bars, levels, flashes, loudness) while they are decoded."""
    black_s: float = Field(default=2.0, gt=0)
    """Seconds of black amid the programme that are reported (``VID-101``)."""
    freeze_s: float = Field(default=4.0, gt=0)
    """Seconds of a still picture that are reported (``VID-103``)."""
    silence_s: float = Field(default=4.0, gt=0)
    """Seconds of silence amid the programme that are reported (``AUD-101``)."""
    length_s: float = Field(default=2.0, gt=0)
    """Difference in length of sound and pictures that stops a title (``CNT-101``)."""
    illegal_share: float = Field(default=0.01, ge=0, le=1)
    """Share of samples outside the legal range that is reported (``VID-105``)."""
    loudness_lufs: float | None = Field(default=None, ge=-70, le=0)
    """Expected programme loudness of each track, for example -23 (EBU R 128); not checked without it (``AUD-104``)."""
    loudness_tolerance_lu: float = Field(default=2.0, gt=0)
    """How far from it a track may be."""
    captions: Literal["optional", "required"] = "optional"
    """Whether a source without text tracks stops (``TXT-102``)."""
    sha256: Sha256 | None = None
    """Digest that the source must have (``UPL-101``)."""
    size_bytes: int | None = Field(default=None, ge=1)
    """Size that the source must have (``UPL-102``)."""
    repeats: int = Field(default=240, ge=1, le=100_000)
    """How many frames of the title a picture of the source may become in the mean, where irregular times are put on a
    constant rate; titles of 100,000 frames may always (``SEC-002``)."""
    levels: dict[FindingCode, Level] = Field(default={}, max_length=30)
    """Other levels for some codes: ``{"VID-101": "overridable"}``."""

    def level_of(self, code: str) -> Level:
        """Returns the level of a finding."""
        return self.levels.get(code, CATALOGUE[code].level)
