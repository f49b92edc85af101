"""Errors of the front door.

::

    PreviewError
    ├── ReleaseKeysUnknown     PLAY-001  the keys of the release are not in this key store
    ├── FolderProtected        PLAY-002  a protected presentation was given as a folder
    └── NotAPresentation       PLAY-003  the folder holds no manifest
"""

from typing import ClassVar

from domain.errors import PertitleError


class PreviewError(PertitleError):
    """A presentation cannot be shown. Trying again gives the same answer."""

    code: ClassVar[str] = "PLAY-000"


class ReleaseKeysUnknown(PreviewError):
    """The content keys of the release are not in this key store."""

    code: ClassVar[str] = "PLAY-001"


class FolderProtected(PreviewError):
    """The folder holds a protected presentation, whose keys only its title leads to."""

    code: ClassVar[str] = "PLAY-002"


class NotAPresentation(PreviewError):
    """The folder holds no manifest of a presentation."""

    code: ClassVar[str] = "PLAY-003"
