"""All rules on one folder."""

from pathlib import Path

from domain.checks import CheckReport
from media.rules import (
    dash_rules,
    file_rules,
    key_rules,
    mpd_schema,
    playlist_rules,
    protection_rules,
    track_rules,
    variant_rules,
)
from media.rules.model import PresentationOnDisk
from media.rules.reader import read_presentation
from media.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *file_rules.RULES,
    *track_rules.RULES,
    *protection_rules.RULES,
    *mpd_schema.RULES,
    *dash_rules.RULES,
    *playlist_rules.RULES,
    *variant_rules.RULES,
    *key_rules.RULES,
)
"""Every rule, in the order in which they are told."""


def check_folder(folder: Path) -> CheckReport:
    """Reads a presentation, whoever made it, and tells how it keeps each rule.

    Raises:
        NoPresentation: if the folder is missing or holds no manifest.
    """
    return check_model(read_presentation(folder))


def check_model(presentation: PresentationOnDisk) -> CheckReport:
    """Tells how a presentation keeps each rule."""
    return CheckReport(
        rules=tuple(rule.verdict(presentation) for rule in RULES),
        files=len(presentation.files),
        segments=sum(len(track.segments) for track in presentation.tracks),
    )
