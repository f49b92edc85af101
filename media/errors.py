"""Errors of the media room.

::

    MediaError
    ├── SourceError            the source itself is wrong: never retry
    │   ├── UnreadableSource   CNT-002  not media, or damaged beyond opening
    │   ├── DamagedSource      CNT-003  opens, but does not decode whole
    │   ├── NoVideoTrack       VID-001
    │   ├── InterlacedSource   VID-002
    │   ├── VariableFrameRate  VID-003
    │   ├── HighDynamicRange   VID-004
    │   ├── UnsupportedPicture VID-005  size, pixel format, rotation that we cannot encode right yet
    │   └── UnsupportedAudio   AUD-001
    ├── ToolError
    │   ├── ToolMissing        TOOL-001 this worker is set up wrong
    │   ├── ToolFailed         TOOL-002 a program ended badly; carries the end of what it said
    │   ├── ToolStalled        TOOL-003 a program made no progress and was ended
    │   └── ToolOutputInvalid  TOOL-004 it ended well, but what it made is not what was asked
    └── PackagingError
        ├── PresentationInvalid  PKG-001
        └── DecryptionMismatch   PKG-002
"""

from typing import ClassVar

from domain.errors import PertitleError


class MediaError(PertitleError):
    """Any error of the media room."""


class SourceError(MediaError):
    """The source itself is wrong; trying again cannot help."""


class UnreadableSource(SourceError):
    """The file is not media that we read."""

    code: ClassVar[str] = "CNT-002"


class DamagedSource(SourceError):
    """The file opens, but not all of it decodes."""

    code: ClassVar[str] = "CNT-003"


class NoVideoTrack(SourceError):
    """There is no picture to encode."""

    code: ClassVar[str] = "VID-001"


class InterlacedSource(SourceError):
    """The picture is interlaced."""

    code: ClassVar[str] = "VID-002"


class VariableFrameRate(SourceError):
    """Frames do not come at a constant rate."""

    code: ClassVar[str] = "VID-003"


class HighDynamicRange(SourceError):
    """The picture is HDR."""

    code: ClassVar[str] = "VID-004"


class UnsupportedPicture(SourceError):
    """The picture has a size, format or orientation that we cannot encode right yet."""

    code: ClassVar[str] = "VID-005"


class UnsupportedAudio(SourceError):
    """An audio track cannot be decoded."""

    code: ClassVar[str] = "AUD-001"


class ToolError(MediaError):
    """A program failed us."""


class ToolMissing(ToolError):
    """A program, encoder or filter is not there: this worker is set up wrong."""

    code: ClassVar[str] = "TOOL-001"


class ToolFailed(ToolError):
    """A program ended badly."""

    code: ClassVar[str] = "TOOL-002"
    retryable: ClassVar[bool] = True


class ToolStalled(ToolError):
    """A program made no progress for too long and was ended."""

    code: ClassVar[str] = "TOOL-003"
    retryable: ClassVar[bool] = True


class ToolOutputInvalid(ToolError):
    """A program ended well, but what it made is not what was asked."""

    code: ClassVar[str] = "TOOL-004"
    retryable: ClassVar[bool] = True


class PackagingError(MediaError):
    """The presentation is not fit to be published."""


class PresentationInvalid(PackagingError):
    """The presentation breaks a rule."""

    code: ClassVar[str] = "PKG-001"


class DecryptionMismatch(PackagingError):
    """A decrypted track is not the clear track."""

    code: ClassVar[str] = "PKG-002"
